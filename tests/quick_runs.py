"""What each quick run must leave: its figures, its slide's point, and the numbers that carry it.

A recipe has one entry here; test_recipes.py runs them.
"""

import collections.abc
import dataclasses

import pytest


@dataclasses.dataclass(frozen=True)
class Quick:
    """What a quick run leaves.

    Args:
        figures: set of str, its pictures.
        point: str, what its slide says, in a sentence.
        shows: function of the run's numbers by name, whether they show that point.
    """

    figures: set
    point: str
    shows: collections.abc.Callable


CONSTRAINTS = ("small_code", "sparse", "denoising", "prior")
QUICK = {
    "autoencoder": Quick(
        figures={"pairs", "codes"},
        point="784 numbers pass through 3 and come back as digits",
        shows=lambda n: (
            n["test_squared_error"] < 0.55 * n["mean_image_squared_error"]
            and n["knn_accuracy"] > 0.8
        ),
    ),
    "drawing_lines": Quick(
        figures={"spaces"},
        point="a line separates the two classes after an embedding, not before",
        shows=lambda n: n["with_labels_layer_3"] > 0.95 > 0.8 > n["raw_features"],
    ),
    "deep_autoencoder": Quick(
        figures={"strips", "bitmaps", "codes", "curve"},
        point="a deep autoencoder loses less than PCA with a code of the same size",
        shows=lambda n: (
            n["test_squared_error"] < 0.95 * n["pca_squared_error"]
            and n["test_squared_error"] < 0.95 * n["logistic_pca_squared_error"]
            and n["knn_accuracy_2d"] > 1.2 * n["pca_knn_accuracy_2d"]
        ),
    ),
    "transposed_convolution": Quick(
        figures={"stride_1", "stride_2", "adjoint"},
        point="three ways to compute it agree, and it does not undo the convolution",
        shows=lambda n: (
            n["stride_1_difference"] == n["stride_2_difference"] == 0
            and n["adjoint_identity"] < 1e-3
            and n["learned_squared_error"] < 0.6 * n["adjoint_squared_error"]
        ),
    ),
    "tied_weights": Quick(
        figures={"filters", "strips"},
        point="tying halves the parameters and costs little error",
        shows=lambda n: (
            n["tied_squared_error"] < 0.4 * n["mean_image_squared_error"]
            and n["tied_squared_error"] < 1.1 * n["free_squared_error"]
            and n["free_parameters"] - n["tied_parameters"] == 64 * 784
            and n["free_cosine"] < 0.999 < n["tied_cosine"]
        ),
    ),
    "taxonomy": Quick(
        figures={"off_data"},
        point="a wide code without a constraint copies noise as well as digits",
        shows=lambda n: (
            n["deep_undercomplete_squared_error"] < 0.3 * n["mean_image_squared_error"]
            and max(n["shallow_overcomplete_noise_lost"], n["deep_overcomplete_noise_lost"]) < 0.2
            and n["shallow_undercomplete_noise_lost"] > 0.6 < n["deep_undercomplete_noise_lost"]
        ),
    ),
    "convolutional_autoencoder": Quick(
        figures={"sides", "pairs"},
        point="5,729 numbers suffice to bring digits back from a code of 32",
        shows=lambda n: (
            n["convolutional_squared_error"] < 0.5 * n["mean_image_squared_error"]
            and n["dense_32_squared_error"] < 0.5 * n["convolutional_squared_error"]
            and n["convolutional_parameters"] == 5_729 < n["dense_32_parameters"] / 30
        ),
    ),
    "unpooling": Quick(
        figures={"strips", "maps", "checkerboard"},
        point="switches bring pictures back best, because they carry bits past the code",
        shows=lambda n: (
            n["switches_squared_error"] < 0.3 * n["mean_image_squared_error"]
            and n["switches_squared_error"] < 0.7 * n["transposed_squared_error"]
            and n["switches_squared_error"] < 0.5 * n["nearest_squared_error"]
            and n["switches_bits"] == 2 * (14 * 14 * 16 + 7 * 7 * 8 + 3 * 3 * 4)
        ),
    ),
    "documents": Quick(
        figures={"curve", "precision_recall", "neighbours", "codes"},
        point="documents whose codes are near are on the same topic",
        shows=lambda n: (
            n["autoencoder_10_precision_at_7"] > n["lsa_10_precision_at_7"] + 0.05
            and n["autoencoder_10_area"] > n["lsa_10_area"] + 0.03
            and n["autoencoder_2_precision_at_7"] > 2 * n["lsa_2_precision_at_7"]
        ),
    ),
    "sparse": Quick(
        figures={"filters", "activations", "probe"},
        point="few units speak for a digit, and a classifier still reads them",
        shows=lambda n: (
            n["L1_speaking"] < 0.5 * n["dense_speaking"]
            and n["KL_speaking"] < 0.75 * n["dense_speaking"]
            and n["k_5_speaking"] < 0.2 * n["dense_speaking"]
            and max(n["L1_probe_error"], n["k_5_probe_error"], n["k_15_probe_error"]) < 3
        ),
    ),
    "contractive": Quick(
        figures={"spectrum", "robustness", "paths"},
        point="the code hardly moves when its input leaves the data",
        shows=lambda n: (
            n["test_error"] < 10
            and n["contractive_contraction"] < 0.5 * n["plain_contraction"]
            and n["contractive_noisy"] < 0.75 * n["plain_noisy"]
        ),
    ),
    "denoising": Quick(
        figures={"strips_masking", "strips_salt_and_pepper", "strips_gaussian", "gain"},
        point="noisy digits come back clean, cleaner than a median filter makes them",
        shows=lambda n: all(
            n[f"{name}_gain"] > max(5, n[f"{name}_median_gain"] + 1.5)
            for name in ("masking", "salt_and_pepper", "gaussian")
        ),
    ),
    "manifold": Quick(
        figures={"field"},
        point="the arrows of a denoising autoencoder point to where the data are",
        shows=lambda n: (
            n["denoising_cosine"] > 0.95
            and abs(n["denoising_length_ratio"] - 1) < 0.1
            and n["plain_length_ratio"] < 0.1
        ),
    ),
    "robust": Quick(
        figures={"curve", "strips"},
        point="outliers in the training data do not rule a robust autoencoder",
        shows=lambda n: (
            n["ratio_20_percent"] < 0.5
            and n["correntropy_20_percent_outliers"] < 0.5 * n["mean_image_squared_error"]
        ),
    ),
    "stacked_denoising": Quick(
        figures={"depth"},
        point="denoising stacks classify better the deeper they are, and better than plain ones",
        shows=lambda n: (  # random weights do best after so short a pretraining, the title says
            n["stacked_denoising_3_layers"] < 0.85 * n["stacked_denoising_1_layers"]
            and n["stacked_denoising_3_layers"] < n["stacked_plain_3_layers"] < 15
        ),
    ),
    "vae": Quick(
        figures={"reconstructions", "samples", "terms"},
        point="two loss terms, and random codes become digits",
        shows=lambda n: (
            n["test_loss"] < 0.65 * n["independent_pixels"]
            and n["active_units"] > 10
            and n["test_loss"] == pytest.approx(n["test_reconstruction"] + n["test_kl"])
        ),
    ),
    "iwae": Quick(
        figures={"bounds"},
        point="more samples make the bound tighter",
        shows=lambda n: (
            n["nll"] < 0.75 * n["independent_pixels"]
            and n["nll_iwae_20"] < n["bound_iwae_20"] < n["bound_iwae_5"] < n["bound"]
            and n["gain"] > n["gain_error"]
        ),
    ),
    "adversarial_autoencoder": Quick(
        figures={"codes", "samples", "styles"},
        point="any distribution can be forced on the codes",
        shows=lambda n: (
            max(n["gaussian_mmd"], n["mixture_with_labels_mmd"]) < 0.02  # untrained: above 0.5
            and n["gaussian_in_8_d_squared_error"] < 28
            and n["error_100_labels"] < 25
        ),
    ),
    "generation": Quick(
        figures={"samples", "nearest"},
        point="independent pixels make no digits, codes drawn as the data's do",
        shows=lambda n: (
            n["floor_frechet"] < 4 < n["standard_fitted_frechet"] + n["variational_frechet"]
            and 0 < n["halves_frechet"] < 8
            and all(
                3 * n[f"{name}_frechet"]
                < min(n["standard_frechet"], n["independent_pixels_frechet"])
                for name in ("standard_fitted", "variational", "adversarial")
            )
            and n["variational_nearest"] > 0.5 * n["test_nearest"]  # no copies
        ),
    ),
    "four_constraints": Quick(
        figures={"table", "pictures", "codes"},
        point="each of four constraints keeps an autoencoder from copying everything",
        shows=lambda n: (
            n["none_noise_lost"] < 0.5 * min(n[f"{name}_noise_lost"] for name in CONSTRAINTS)
            and n["sparse_speaking"] < 0.4 * n["none_speaking"]
            and n["small_code_numbers"] == 16
            and n["small_code_frechet"] < min(n["none_frechet"], n["sparse_frechet"])
        ),
    ),
    "gan": Quick(
        figures={"process", "samples"},
        point="the generated density moves onto the density of the data",
        shows=lambda n: (
            n["process_after_distance"] < 0.3 * n["process_before_distance"]
            and n["process_after_gap"] < 0.15 < n["process_before_gap"]
            and n["independent_pixels_parzen"] + 40 < n["parzen"] < n["training_images_parzen"]
        ),
    ),
    "reparametrisation": Quick(
        figures={"variance", "draws"},
        point="gradients through a sample vary far less than the score function's",
        shows=lambda n: (
            1 < n["after_training_baseline_ratio"] < 0.1 * n["after_training_score_ratio"]
            and n["before_training_baseline_ratio"] > 1
            and max(n["after_training_score_difference"], n["before_training_score_difference"]) < 2
        ),
    ),
    "latent_space": Quick(
        figures={"codes", "betas", "grid", "interpolations"},
        point="the codes of a VAE fill the unit Gaussian, those of a plain autoencoder do not",
        shows=lambda n: (
            10 * n["beta_1_mmd"] < n["standard_mmd"]
            and n["beta_5_mmd"] < n["beta_1_mmd"] < n["beta_0_1_mmd"]
            and n["beta_1_knn_accuracy"] > 0.6
        ),
    ),
    "pretraining": Quick(
        figures={"curve"},
        point="unlabelled images help where labels are scarce: not within a minute, as it says",
        shows=lambda n: (
            n["error_30_labels"] < n["random_error_30_labels"] + 0.06
            and n["error_100_labels"] < 0.2 > n["random_error_100_labels"]
            and n["error_100_labels"] < 0.8 * n["error_30_labels"]
        ),
    ),
}
QUICK |= {
    "denoising_to_diffusion": Quick(
        figures={"field", "samples"},
        point="both have the same arrows; from noise only diffusion spreads as the data do",
        shows=lambda n: (
            min(n["autoencoder_cosine"], n["diffusion_cosine"]) > 0.95
            and abs(n["diffusion_length_ratio"] - 1) < 0.15
            and n["diffusion_mmd"] < 0.2 * n["autoencoder_mmd"]
            and n["diffusion_distance"] < 0.1 * n["noise_distance"]
        ),
    ),
}
QUICK |= {  # small networks with many operations, which JAX fuses
    "stylegan": Quick(
        figures={"samples", "training", "mixing", "truncation", "noise"},
        point="coarse and middle styles set the digit, fine ones its strokes, noise very little",
        shows=lambda n: (
            max(n["coarse_sets_class"], n["middle_sets_class"]) > n["fine_sets_class"]
            and n["noise_changes"] < 0.03
            and n["classes_hit"] > 4
        ),
    ),
    "stylegan2": Quick(
        figures={"samples", "training", "mixing", "truncation", "noise"},
        point="the same of styles that scale kernels",
        shows=lambda n: (
            max(n["coarse_sets_class"], n["middle_sets_class"]) > n["fine_sets_class"]
            and n["noise_changes"] < 0.03
            and n["classes_hit"] > 4
        ),
    ),
}
# these are made of convolutions, which TensorFlow computes fastest on a CPU
CONVOLUTIONAL = {
    "fcn_skips": Quick(
        figures={"overlays"},
        point="skip connections add the details",
        shows=lambda n: (
            n["trivial_mean_iou"] < n["fcn32s_mean_iou"] < n["fcn8s_mean_iou"] - 0.05
            and 1.4 * n["fcn32s_boundary"] < n["fcn8s_boundary"] < n["unet_boundary"]
            and n["unet_mean_iou"] > n["trivial_mean_iou"] + 0.1
        ),
    ),
    "unpooling_segnet": Quick(
        figures={"overlays", "classes"},
        point="switches keep outlines that interpolation loses, whole maps keep more",
        shows=lambda n: (
            n["trivial_mean_iou"] + 0.1 < n["add_mean_iou"]
            and n["bilinear_ink_iou"] + 0.05 < n["switches_ink_iou"] < n["add_ink_iou"]
            and n["bilinear_bits"] == 0 < n["switches_bits"] < n["add_bits"]
        ),
    ),
    "unet_membranes": Quick(
        figures={"overlays", "weight_map"},
        point="weights for the gaps keep cells apart",
        shows=lambda n: (
            n["weight_map_iou"] > 2 * n["trivial_iou"]
            and n["weight_map_pixel_error"] < 0.6 * n["trivial_pixel_error"]
            and n["weight_map_rand"] > n["plain_rand"] + 0.1
        ),
    ),
    "tiramisu": Quick(
        figures={"overlays", "classes"},
        point="dense blocks, all joined by skip connections, bring back fine outlines",
        shows=lambda n: (
            min(n["mean_iou"], n["mean_iou_batch_statistics"]) > n["trivial_mean_iou"] + 0.08
            and min(n["boundary"], n["boundary_batch_statistics"]) > 0.5
        ),
    ),
    "mix_and_match": Quick(
        figures={"overlays", "grid"},
        point="decoders that are handed fine maps are ahead of those that are not",
        shows=lambda n: (
            n["own_unet_mean_iou"] > n["own_segnet_mean_iou"] + 0.1
            and min(n["own_unet_mean_iou"], n["own_fpn_mean_iou"]) > 1.5 * n["trivial_mean_iou"]
        ),
    ),
    "dcgan": Quick(
        figures={"samples", "walks", "discriminator"},
        point="convolutions draw digits, and a walk between two noises changes them smoothly",
        shows=lambda n: n["frechet"] < 0.25 * n["independent_pixels_frechet"] and n["nearest"] > 2,
    ),
    "cogan": Quick(
        figures={"pairs", "walk"},
        point="one noise gives a digit and its edges",
        shows=lambda n: (
            n["shared_edge_iou"] > n["shared_chance_edge_iou"] + 0.08
            and n["unshared_edge_iou"] < n["unshared_chance_edge_iou"] + 0.03
            and n["shared_parameters"] < 0.6 * n["unshared_parameters"]
        ),
    ),
    "progan": Quick(
        figures={"samples", "growth", "fade"},
        point="digits of few pixels first, then of twice the side, which is faded in",
        shows=lambda n: (
            n["frechet"] < 0.5 * n["independent_pixels_frechet"] and n["classes_hit"] == 10
        ),
    ),
    "diffusion": Quick(
        figures={"process", "samples", "steps"},
        point="noise goes in, a little is taken away many times, a digit comes out",
        shows=lambda n: (
            n["eta_0_steps_50_frechet"] < 0.5 * n["independent_pixels_frechet"]
            and n["eta_0_steps_10_frechet"] < 0.6 * n["independent_pixels_frechet"]
            and n["eta_0_steps_10_frechet"] < n["eta_1_steps_10_frechet"]
            and n["round_trip"] < 0.05
            and n["bits_per_dimension"] < 4  # 8 without a model
        ),
    ),
    "latent_diffusion": Quick(
        figures={"reconstructions", "guidance", "steps", "inpainting"},
        point="an autoencoder and a U-Net in its codes draw the digit that is asked for",
        shows=lambda n: (
            n["reconstruction_frechet"] < 0.1 * n["independent_pixels_frechet"]
            and n["guidance_1_frechet"] < 0.4 * n["independent_pixels_frechet"]
            and n["class_accuracy"] >= max(0.75, n["guidance_1_class_accuracy"])
        ),
    ),
    "text_to_digit": Quick(
        figures={"prompts", "thickness", "slant"},
        point="digit, slant and (a little) thickness follow the words of the prompt",
        shows=lambda n: (
            n["class_accuracy"] >= max(0.6, n["guidance_1_class_accuracy"])
            and min(n["thickness_accuracy"], n["slant_accuracy"]) > 0.42  # by chance a third
            and n["thickness_range"] > 0.1
            and n["slant_range"] > 6
        ),
    ),
    "gan_progress": Quick(
        figures={"samples", "nearest", "training"},
        point="a later GAN draws better digits from as many images",
        shows=lambda n: (
            n["dcgan_ratio_to_floor"] < 6 < n["independent_pixels_ratio_to_floor"]
            and n["dcgan_frechet"] < n["gan_frechet"]
            and n["dcgan_classes_hit"] == 10
        ),
    ),
}
