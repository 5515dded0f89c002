"""The table of results: `results.json`, its text forms, and how runs become an entry."""

import importlib
import inspect
import json
import pathlib
import re
import statistics

FILE = pathlib.Path(__file__).parent / "results.json"


def load():
    """All entries, as a dict by recipe."""
    return json.loads(FILE.read_text(encoding="utf-8"))


def shown(metric):
    """A measured number as text, with the spread over seeds where there is one."""
    seeds = len(metric["seeds"])
    spread = f" ± {metric['std']:.2g}" if seeds > 1 else ""
    return f"{metric['mean']:.4g}{spread} ({seeds} seed{'s' if seeds > 1 else ''})"


GANS = "floor_frechet " + " ".join(
    f"{model}_{what}"
    for model in (
        "independent_pixels",
        *(f"{name}{kind}" for name in ("gan", "dcgan", "cogan") for kind in ("", "_raw", "_best")),
    )
    for what in ("ratio_to_floor", "class_distance", "classes_hit")
)
FIRST_GAN = (
    "floor_frechet gan_ratio_to_floor gan_class_distance gan_classes_hit "
    "gan_raw_ratio_to_floor gan_best_ratio_to_floor gan_best_classes_hit"
)
# the main numbers of recipes that measure many
HEADLINES = {
    "adversarial_autoencoder": "gaussian_mmd gaussian_prior_mmd gaussian_in_8_d_mmd "
    "gaussian_in_8_d_prior_mmd error_100_labels error_1000_labels",
    "contractive": "test_error denoising_test_error plain_test_error weight_decay_test_error "
    "contractive_contraction plain_contraction contractive_noisy plain_noisy",
    "denoising": " ".join(
        f"{noise}_{what}"
        for noise in ("masking", "salt_and_pepper", "gaussian")
        for what in ("gain", "median_gain")
    ),
    "fcn_skips": "fcn32s_mean_iou fcn16s_mean_iou fcn8s_mean_iou trivial_mean_iou "
    "fcn32s_boundary fcn8s_boundary",
    "four_constraints": " ".join(
        f"{arm}_{what}"
        for arm in ("none", "small_code", "sparse", "denoising", "prior")
        for what in ("speaking", "probe", "digits_lost", "noise_lost", "frechet")
    ),
    "cogan": "shared_pixel_agreement shared_edge_iou unshared_pixel_agreement unshared_edge_iou "
    "shared_chance_pixel_agreement shared_chance_edge_iou",
    "dcgan": "frechet floor_frechet class_distance coverage nearest",
    "gan": "parzen independent_pixels_parzen training_images_parzen process_before_distance "
    "process_after_distance process_after_gap",
    "gan_progress": GANS,
    "gan_progress/fashion_mnist": GANS,
    "gan_progress/gan_seeds": FIRST_GAN,
    "gan_progress/gan_seeds_fashion_mnist": FIRST_GAN,
    **{
        f"gan_progress/{name}": f"floor_frechet {name}_frechet {name}_ratio_to_floor "
        f"{name}_classes_hit {name}_class_distance {name}_raw_ratio_to_floor "
        f"{name}_best_ratio_to_floor"
        for name in ("dcgan", "progan", "stylegan", "stylegan2")
    },
    **{
        name: "frechet floor_frechet independent_pixels_frechet class_distance classes_hit "
        "coverage raw_frechet nearest"
        for name in ("progan", "stylegan", "stylegan2")
    },
    "generation": "floor_frechet halves_frechet "
    + " ".join(
        f"{arm}_{what}"
        for arm in (
            "independent_pixels",
            "standard",
            "standard_fitted",
            "variational",
            "adversarial",
        )
        for what in ("frechet", "recall", "patches")
    ),
    "iwae": "nll nll_iwae_50 gain gain_error independent_pixels active_units active_units_iwae_50",
    "iwae/fixed_binarization": "nll nll_iwae_5 gain",
    "latent_space": "beta_1_mmd standard_mmd beta_1_knn_accuracy",
    "latent_diffusion": "floor_frechet independent_pixels_frechet reconstruction_frechet "
    "guidance_1_frechet pixels_frechet ratio_to_pixels time_ratio class_accuracy frechet "
    "guidance_1_class_accuracy inpainted_own_class_accuracy inpainted_next_class_accuracy",
    "manifold": "denoising_cosine denoising_length_ratio plain_length_ratio",
    "reparametrisation": "before_training_score_ratio before_training_baseline_ratio "
    "after_training_score_ratio after_training_baseline_ratio after_training_score_difference",
    "robust": "squared_error_20_percent_outliers correntropy_20_percent_outliers ratio_20_percent",
    "sparse": "k_10_probe_error k_25_probe_error k_40_probe_error k_100_probe_error "
    "L1_probe_error KL_probe_error dense_probe_error",
    "stacked_denoising": " ".join(
        f"{arm}_{depth}_layers"
        for arm in ("random_weights", "stacked_plain", "stacked_denoising")
        for depth in (1, 3)
    ),
    "convolutional_autoencoder": "convolutional_squared_error dense_32_squared_error "
    "dense_3_squared_error",
    "documents": "autoencoder_10_area lsa_10_area lsa_50_area lsa_50_log_counts_area "
    "autoencoder_2_precision_at_7 lsa_2_precision_at_7",
    "diffusion": "floor_frechet independent_pixels_frechet "
    + " ".join(f"eta_{eta}_steps_{steps}_frechet" for eta in (0, 1) for steps in (10, 20, 50, 100))
    + " raw_frechet round_trip bits_per_dimension",
    "drawing_lines": "raw_features with_labels_layer_3 without_labels",
    "pretraining": " ".join(
        f"{arm}error_{count}_labels"
        for count in (100, 600, 1000, 3000, "all")
        for arm in ("", "random_")
    ),
    "pretraining/reuse": "random_error_100_labels reused_error_100_labels "
    "other_random_error_100_labels other_reused_error_100_labels",
    "taxonomy": " ".join(
        f"{depth}_{width}complete_{what}"
        for depth in ("shallow", "deep")
        for width in ("under", "over")
        for what in ("squared_error", "noise_lost")
    ),
    "text_to_digit": " ".join(
        f"{guidance}{what}_accuracy"
        for guidance in ("", "guidance_1_")
        for what in ("class", "thickness", "slant")
    )
    + " thickness_range slant_range",
    "tied_weights": "free_squared_error l2_squared_error tied_squared_error free_parameters "
    "tied_parameters",
    "transposed_convolution": "adjoint_squared_error learned_squared_error",
    "tiramisu": "mean_iou global_accuracy mean_iou_batch_statistics "
    "global_accuracy_batch_statistics parameters trivial_mean_iou",
    "mix_and_match": "trivial_mean_iou "
    + " ".join(
        f"{encoder}_{decoder}_mean_iou"
        for encoder in ("own", "MobileNetV2")
        for decoder in ("fcn", "segnet", "unet", "fpn", "linknet", "psp")
    ),
    "unet_membranes": " ".join(
        f"{arm}_{what}"
        for arm in ("weight_map", "plain")
        for what in ("rand", "best_rand", "pixel_error", "iou")
    ),
    "unpooling_segnet": " ".join(
        f"{way}_{what}"
        for way in ("switches", "add", "bilinear")
        for what in ("mean_iou", "boundary", "bits")
    )
    + " trivial_mean_iou",
    "unpooling": "switches_squared_error transposed_squared_error nearest_squared_error "
    "bed_of_nails_squared_error switches_bits code_bits",
}


def table(whole=False):
    """The table of main numbers, or of all, in Markdown."""
    lines = ["| recipe | number | paper | ours | unit | budget |", "|---|---|---|---|---|---|"]
    for recipe, entry in load().items():
        protocol = entry["protocol"]
        budget = f"{protocol['data']}, {protocol['budget']}, {protocol['backend']}"
        words = protocol["command"].partition(f" {recipe.split('/')[0]} ")[2]
        more = re.sub(r"--(data|epochs|seed) \S+ ?", "", words).strip()  # said already
        budget += f", `{more}`" if more else ""
        shown_here = HEADLINES.get(recipe, "").split() or entry["metrics"]
        for name in entry["metrics"] if whole else shown_here:
            metric = entry["metrics"][name]
            paper = entry["paper"].get(name)
            theirs = f"{paper['value']:g}" if paper else "-"
            cells = (recipe, name, theirs, shown(metric), metric["unit"].split(" (std")[0], budget)
            lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def collect(folders, variant=""):
    """Writes an entry from finished runs of a recipe that differ in nothing but the seed.

    `variant` tells apart several entries of one recipe that was run with other flags, `pretraining`
    and `pretraining/reuse` say.
    """
    files = [pathlib.Path(folder) / "metrics.json" for folder in folders]
    runs = [json.loads(file.read_text(encoding="utf-8")) for file in files]
    if not runs:
        raise SystemExit("error: name the folders of finished runs.")
    first, seeds = runs[0], [run["settings"]["seed"] for run in runs]
    for run in runs:
        differ = [k for k in ("recipe", "backend", "device", "commit") if run[k] != first[k]]
        if differ or flags(run) != flags(first) or len(set(seeds)) < len(seeds):
            what = ", ".join(differ) or "their flags, or share a seed"
            raise SystemExit(
                f"error: the runs differ in {what}: collect runs equal but for the seed."
            )
    metrics = {}
    for name in first["metrics"]:
        values = [run["metrics"][name]["value"] for run in runs]
        metrics[name] = {
            "mean": statistics.fmean(values),
            "std": statistics.stdev(values) if len(values) > 1 else 0.0,
            "seeds": seeds,
            "unit": first["metrics"][name]["unit"],
        }
    command = f"KERAS_BACKEND={first['backend']} python -m recipes {first['recipe']}"
    results, name = load(), "/".join([first["recipe"], *([variant] if variant else [])])
    results[name] = {
        "metrics": metrics,
        "paper": results.get(name, {}).get("paper", {}),
        "protocol": {
            "command": " ".join([command, *flags(first), "--seed SEED"]),
            "data": pathlib.Path(first["settings"]["data"]).name,
            "budget": f"{first['epochs']} epochs",
            "backend": first["backend"],
            "device": first["device"],
            "commit": first["commit"],
            "date": first["date"],
            "seconds": round(statistics.fmean(run["seconds"] for run in runs), 1),
        },
    }
    unfinished = FILE.with_suffix(".unfinished")
    text = json.dumps(dict(sorted(results.items())), indent=2, ensure_ascii=False)
    unfinished.write_text(text + "\n", encoding="utf-8")
    unfinished.replace(FILE)


def flags(run):
    """The flags of a run that are off their defaults, seed and folder aside."""
    main = importlib.import_module(f"{__package__}.{run['recipe']}").main
    words = []
    for name, parameter in inspect.signature(main).parameters.items():
        value = run["settings"][name]
        value = tuple(value) if isinstance(value, list) else value
        if name in ("seed", "out", "resume") or value == parameter.default:
            continue
        flag = f"--{name.replace('_', '-')}"
        values = value if isinstance(value, tuple) else () if value is True else (value,)
        words.append(" ".join([flag, *map(str, values)]))
    return words
