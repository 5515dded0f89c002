"""What each quick run must leave: its pictures, and what its numbers must show.

A recipe has one entry here; test_recipes.py runs them.
"""

import pytest

CONSTRAINTS = ("small_code", "sparse", "denoising", "prior")
# pictures of each recipe, and what its numbers must show after a quick run
QUICK = {
    "drawing_lines": (
        {"spaces"},
        lambda n: n["with_labels_layer_3"] > 0.95 > 0.8 > n["raw_features"],
    ),
    "deep_autoencoder": (
        {"strips", "bitmaps", "codes", "curve"},
        lambda n: n["test_squared_error"] < 0.5 * n["mean_image_squared_error"],
    ),
    "transposed_convolution": (
        {"stride_1", "stride_2", "adjoint"},
        lambda n: (
            n["stride_1_difference"] == n["stride_2_difference"] == 0
            and n["adjoint_identity"] < 1e-3
            and n["learned_squared_error"] < 0.8 * n["mean_image_squared_error"]
        ),
    ),
    "tied_weights": (
        {"filters", "strips"},
        lambda n: (
            n["tied_squared_error"] < 0.5 * n["mean_image_squared_error"]
            and n["free_parameters"] - n["tied_parameters"] == 64 * 64
            and n["free_cosine"] < 0.999 < n["tied_cosine"]
        ),
    ),
    "taxonomy": (
        {"off_data"},
        lambda n: (
            n["deep_undercomplete_squared_error"] < 0.8 * n["mean_image_squared_error"]
            and n["shallow_overcomplete_noise_lost"] < 0.5 * n["shallow_undercomplete_noise_lost"]
        ),
    ),
    "convolutional_autoencoder": (
        {"sides", "pairs"},
        lambda n: (
            n["convolutional_squared_error"] < 0.5 * n["mean_image_squared_error"]
            and n["convolutional_parameters"] == 5_729
        ),
    ),
    "unpooling": (
        {"strips", "maps", "checkerboard"},
        lambda n: (
            n["switches_squared_error"] < 0.8 * n["mean_image_squared_error"]
            and n["switches_squared_error"] < n["nearest_squared_error"]
            and n["switches_bits"] == 2 * (14 * 14 * 16 + 7 * 7 * 8 + 3 * 3 * 4)
        ),
    ),
    "documents": (
        {"curve", "precision_recall", "neighbours", "codes"},
        lambda n: (
            n["autoencoder_10_precision_at_7"] > 3 * n["chance"]
            and n["autoencoder_2_precision_at_7"] > n["lsa_2_precision_at_7"]
        ),
    ),
    "sparse": (
        {"filters", "activations", "probe"},
        lambda n: (
            n["L1_speaking"] < 0.5 * n["dense_speaking"]
            and n["k_10_probe_error"] < 15
            and n["k_10_squared_error"] < n["k_3_squared_error"] < 4
        ),
    ),
    "contractive": (
        {"spectrum", "robustness", "paths"},
        lambda n: (
            n["test_error"] < 10
            and n["contractive_contraction"] < 0.7 * n["plain_contraction"]
            and n["contractive_noisy"] < 0.9 * n["plain_noisy"]
        ),
    ),
    "denoising": (
        {"strips_masking", "strips_salt_and_pepper", "strips_gaussian", "gain"},
        lambda n: all(
            n[f"{name}_least_margin"] > 2 for name in ("masking", "salt_and_pepper", "gaussian")
        ),
    ),
    "manifold": (
        {"field"},
        lambda n: n["denoising_cosine"] > 0.95 and abs(n["denoising_length_ratio"] - 1) < 0.1,
    ),
    "robust": ({"curve", "strips"}, lambda n: n["ratio_20_percent"] < 0.5),
    "stacked_denoising": (
        {"depth"},
        lambda n: (
            all(n[f"stacked_denoising_{depth}_layers"] < 8 for depth in (1, 2, 3))
            and n["stacked_denoising_unrolled"] < 3
        ),
    ),
    "vae": (
        {"reconstructions", "samples", "terms"},
        lambda n: (
            n["test_loss"] < 0.9 * n["independent_pixels"]
            and n["active_units"] > 5
            and n["test_loss"] == pytest.approx(n["test_reconstruction"] + n["test_kl"])
        ),
    ),
    "iwae": (
        {"bounds"},
        lambda n: (
            n["nll"] < 0.95 * n["independent_pixels"]
            and n["nll"] < n["bound"]
            and n["nll_iwae_5"] < n["bound_iwae_5"] < n["bound"]
            and n["gain"] > 0
        ),
    ),
    "adversarial_autoencoder": (
        {"codes", "samples", "styles"},
        lambda n: (
            n["gaussian_mmd"] < 0.02  # an untrained encoder's is above 0.5
            and n["gaussian_in_8_d_squared_error"] < 3
            and n["error_100_labels"] < 25
        ),
    ),
    "generation": (
        {"samples", "nearest"},
        lambda n: (
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
    "four_constraints": (
        {"table", "pictures", "codes"},
        lambda n: (
            n["none_noise_lost"] < 0.6 * min(n[f"{name}_noise_lost"] for name in CONSTRAINTS)
            and n["sparse_speaking"] < 0.4 * n["none_speaking"]
            and n["small_code_numbers"] == 16
            and n["small_code_frechet"] < min(n["none_frechet"], n["sparse_frechet"])
        ),
    ),
    "gan": (
        {"process", "samples"},
        lambda n: (
            n["process_after_distance"] < 0.3 * n["process_before_distance"]
            and n["process_after_gap"] < 0.15 < n["process_before_gap"]
            and n["independent_pixels_parzen"] < 0 < n["parzen"] < n["training_images_parzen"]
        ),
    ),
    "reparametrisation": (
        {"variance", "draws"},
        lambda n: (
            1 < n["after_training_baseline_ratio"] < 0.1 * n["after_training_score_ratio"]
            and n["before_training_baseline_ratio"] > 1
            and max(n["after_training_score_difference"], n["before_training_score_difference"]) < 2
        ),
    ),
    "latent_space": (
        {"codes", "betas", "grid", "interpolations"},
        lambda n: (
            10 * n["beta_1_mmd"] < n["standard_mmd"]
            and n["beta_5_mmd"] < n["beta_1_mmd"] < n["beta_0_1_mmd"]
            and n["beta_1_knn_accuracy"] > 0.6
        ),
    ),
    "pretraining": (
        {"curve", "curve_other"},
        lambda n: (
            n["error_100_labels"] < 0.3
            and n["random_error_100_labels"] < 0.3
            and n["error_all_labels"] < n["error_30_labels"] < 0.7
        ),
    ),
}
QUICK |= {
    "denoising_to_diffusion": (
        {"field", "samples"},
        lambda n: (
            min(n["autoencoder_cosine"], n["diffusion_cosine"]) > 0.95
            and abs(n["diffusion_length_ratio"] - 1) < 0.15
            and n["diffusion_mmd"] < 0.2 * n["autoencoder_mmd"]
            and n["diffusion_distance"] < 0.1 * n["noise_distance"]
        ),
    ),
}
QUICK |= {  # small networks with many operations, which JAX fuses
    "stylegan": (
        {"samples", "training", "mixing", "truncation", "noise"},
        lambda n: n["frechet"] < 0.7 * n["independent_pixels_frechet"] and n["classes_hit"] > 7,
    ),
    "stylegan2": (
        {"samples", "training", "mixing", "truncation", "noise"},
        lambda n: n["frechet"] < 0.6 * n["independent_pixels_frechet"] and n["classes_hit"] > 7,
    ),
}
# these are made of convolutions, which TensorFlow computes fastest on a CPU
CONVOLUTIONAL = {
    "fcn_skips": (
        {"overlays"},
        lambda n: (
            n["fcn32s_mean_iou"] <= n["fcn16s_mean_iou"] + 0.01
            and n["trivial_mean_iou"] < n["fcn8s_mean_iou"]
            and n["fcn32s_boundary"] < n["fcn16s_boundary"] < n["fcn8s_boundary"]
        ),
    ),
    "unpooling_segnet": (
        {"overlays", "classes"},
        lambda n: (
            n["trivial_mean_iou"] + 0.05 < n["add_mean_iou"]
            and 0.15 < n["switches_boundary"] < n["add_boundary"]
            and 0.15 < n["bilinear_boundary"] < n["add_boundary"]
            and n["bilinear_bits"] == 0 < n["switches_bits"] < n["add_bits"]
        ),
    ),
    "unet_membranes": (
        {"overlays", "weight_map"},
        lambda n: (
            n["weight_map_iou"] > 2 * n["trivial_iou"]
            and n["weight_map_pixel_error"] < 0.6 * n["trivial_pixel_error"]
            and n["weight_map_rand"] > n["plain_rand"]
        ),
    ),
    "tiramisu": (
        {"overlays", "classes"},
        lambda n: (
            n["mean_iou"] > n["trivial_mean_iou"] + 0.01
            and n["mean_iou_batch_statistics"] > n["trivial_mean_iou"] + 0.01
        ),
    ),
    "mix_and_match": (
        {"overlays", "grid"},
        lambda n: min(n["own_unet_mean_iou"], n["own_fpn_mean_iou"]) > 1.5 * n["trivial_mean_iou"],
    ),
    "dcgan": (
        {"samples", "walks", "discriminator"},
        lambda n: n["frechet"] < 5 * n["floor_frechet"] and n["nearest"] > 1,
    ),
    "cogan": (
        {"pairs", "walk"},
        lambda n: (
            # in a minute both learn digits; that edges belong to them takes longer
            n["shared_patches"] < 0.6 * n["independent_pixels_patches"]
            and n["unshared_edge_iou"] < n["unshared_chance_edge_iou"] + 0.02
            and n["shared_parameters"] < 0.6 * n["unshared_parameters"]
        ),
    ),
    "progan": (
        {"samples", "growth", "fade"},
        lambda n: n["frechet"] < 0.25 * n["independent_pixels_frechet"] and n["classes_hit"] == 10,
    ),
    "diffusion": (
        {"process", "samples"},
        lambda n: (
            n["eta_0_steps_10_frechet"] < 0.6 * n["independent_pixels_frechet"]
            and n["eta_0_steps_10_frechet"] < min(n["eta_1_steps_10_frechet"], n["raw_frechet"])
            and n["round_trip"] < 0.05
            and n["bits_per_dimension"] < 4  # 8 without a model
        ),
    ),
    "latent_diffusion": (
        {"reconstructions", "guidance", "steps", "inpainting"},
        lambda n: (
            n["reconstruction_frechet"] < 0.2 * n["independent_pixels_frechet"]
            and n["guidance_1_frechet"] < 0.4 * n["independent_pixels_frechet"]
            and n["class_accuracy"] >= max(0.5, n["guidance_1_class_accuracy"])
        ),
    ),
    "text_to_digit": (
        {"prompts", "thickness", "slant"},
        lambda n: (
            n["class_accuracy"] >= max(0.5, n["guidance_1_class_accuracy"])
            and min(n["thickness_accuracy"], n["slant_accuracy"]) > 0.42  # by chance a third
            and n["thickness_range"] > 0.1
            and n["slant_range"] > 4
        ),
    ),
    "gan_progress": (
        {"samples", "nearest", "training"},
        lambda n: (
            n["dcgan_ratio_to_floor"] < 5 < n["independent_pixels_ratio_to_floor"]
            and n["dcgan_frechet"] < n["gan_frechet"]
            and n["dcgan_classes_hit"] == 10
        ),
    ),
}
# JAX compiles fastest; on the others a few keep the whole test within its ten minutes
EVERYWHERE = ("transposed_convolution",)
# a few; the others take minutes each, and run with KERAS_AE_LONG_TESTS=all
IN_CI = (
    *EVERYWHERE,
    "vae",
    "gan",
    "dcgan",
    "progan",
)
