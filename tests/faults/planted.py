"""The faults: each is one exact text of the library and what stands there instead.

A fault is wrong in a way that a user would meet, runs without an error of its own, and was chosen
without a look at what the tests find.
"""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Fault:
    """One wrong line.

    Args:
        name: str, how results speak of it.
        kind: str, in which way it is wrong.
        family: str, part of the library.
        backend: str, on which it is tried.
        file: str, path from the root of the checkout.
        old: str, text that stands in the file exactly once.
        new: str, what is put there.
        breaks: str, what a user would see.
    """

    name: str
    kind: str
    family: str
    backend: str
    file: str
    old: str
    new: str
    breaks: str


FAULTS = [
    # engine --------------------------------------------------------------------------------------
    Fault(
        "order_of_every_epoch",
        "dropped term",
        "engine",
        "tensorflow",
        "keras_ae/engine/batches.py",
        "np.random.default_rng([self.seed, epoch]).shuffle(order)",
        "np.random.default_rng([self.seed]).shuffle(order)",
        "every epoch has the batches of the first one",
    ),
    Fault(
        "infinity_is_let_in",
        "broken refusal",
        "engine",
        "tensorflow",
        "keras_ae/engine/checks.py",
        "if not (np.isfinite(smallest) and np.isfinite(largest)):",
        "if not (np.isfinite(smallest) or np.isfinite(largest)):",
        "images with one infinity are trained on",
    ),
    Fault(
        "one_seed_in_the_file",
        "seed not in the file",
        "engine",
        "torch",
        "keras_ae/engine/seeds.py",
        "    for index, state in enumerate(states(model)):\n"
        '        store[f"seed_{index}"] = ops.convert_to_numpy(state)',
        "    for index, state in enumerate(states(model)[:1]):\n"
        '        store[f"seed_{index}"] = ops.convert_to_numpy(state)',
        "a model with two sources of noise goes on with other noise after a stop",
    ),
    Fault(
        "average_swapped",
        "swapped decay",
        "engine",
        "torch",
        "keras_ae/engine/adversarial.py",
        "value = decay * mean.value + (1.0 - decay) * ops.stop_gradient(value)",
        "value = (1.0 - decay) * mean.value + decay * ops.stop_gradient(value)",
        "the averaged generator is nearly the last one",
    ),
    Fault(
        "jax_forgets_what_a_step_changed",
        "dropped term",
        "engine",
        "jax",
        "keras_ae/engine/autodiff.py",
        "gradients = jax.value_and_grad(pure, has_aux=True)(values)\n        write_back(updates)\n",
        "gradients = jax.value_and_grad(pure, has_aux=True)(values)\n",
        "on JAX every phase of an adversarial model draws the same noise, moving means stand still",
    ),
    Fault(
        "torch_keeps_no_graph",
        "missing gradient",
        "engine",
        "torch",
        "keras_ae/engine/autodiff.py",
        "return _torch_gradients(y, [x], v, create_graph=True)[0]",
        "return _torch_gradients(y, [x], v, retain_graph=True)[0]",
        "on PyTorch penalties of gradients are logged and teach nothing",
    ),
    # autoencoders --------------------------------------------------------------------------------
    Fault(
        "contraction_summed",
        "wrong reduction",
        "autoencoders",
        "jax",
        "keras_ae/autoencoders/contractive.py",
        "return total / self.num_projections",
        "return total",
        "the estimated contraction grows with the number of projections",
    ),
    Fault(
        "sparsity_of_silence",
        "dropped term",
        "autoencoders",
        "torch",
        "keras_ae/losses/codes.py",
        "return ops.sum(on + off)",
        "return ops.sum(on)",
        "the divergence rewards units that are always on",
    ),
    Fault(
        "frozen_tie_learns",
        "wrong flag",
        "autoencoders",
        "jax",
        "keras_ae/layers/tied.py",
        "            self.bias.trainable = self._trainable\n",
        "            self.bias.trainable = True\n",
        "the bias of a frozen tied layer is trained",
    ),
    # variational ---------------------------------------------------------------------------------
    Fault(
        "kl_of_the_variance",
        "sign",
        "variational",
        "tensorflow",
        "keras_ae/losses/codes.py",
        "(ops.expm1(log_variance) - log_variance)",
        "(ops.expm1(log_variance) + log_variance)",
        "a VAE's posterior shrinks to a point, and its bound is wrong",
    ),
    Fault(
        "no_label_is_a_class",
        "wrong index",
        "variational",
        "torch",
        "keras_ae/variational/adversarial.py",
        "place = ops.where(labels < 0, self.num_classes, labels)",
        "place = ops.maximum(labels, 0)",
        "images without a label are pushed into the region of class 0",
    ),
    Fault(
        "few_labels_count_little",
        "wrong reduction",
        "variational",
        "tensorflow",
        "keras_ae/variational/semi_supervised.py",
        "return mean / ops.maximum(share, 1e-6), terms",
        "return mean, terms",
        "the classification of a few labelled images is a mean over all images",
    ),
    # gans ----------------------------------------------------------------------------------------
    Fault(
        "critic_one_step_less",
        "off by one",
        "gans",
        "jax",
        "keras_ae/gans/gan.py",
        "self.every(self.critic_steps, generators_turn)",
        "self.every(max(self.critic_steps - 1, 1), generators_turn)",
        "critic_steps=5 gives the critic four steps",
    ),
    Fault(
        "r1_without_its_interval",
        "dropped factor",
        "gans",
        "tensorflow",
        "keras_ae/gans/stylegan2.py",
        "return self.r1_every * self.total(terms, sample_weight), terms",
        "return self.total(terms, sample_weight), terms",
        "StyleGAN2's R1, computed in every 16th step, weighs a sixteenth",
    ),
    Fault(
        "mean_length_pulls",
        "missing stop_gradient",
        "gans",
        "jax",
        "keras_ae/gans/stylegan2.py",
        "seen = ops.stop_gradient(ops.mean(lengths))",
        "seen = ops.mean(lengths)",
        "the gradient of StyleGAN2's path length goes through its moving mean",
    ),
    Fault(
        "level_one_epoch_late",
        "off by one",
        "gans",
        "torch",
        "keras_ae/gans/schedule.py",
        "if seen - start < self.stable_images + (self.fade_images if level else 0):",
        "if seen - start <= self.stable_images + (self.fade_images if level else 0):",
        "a ProGAN whose level ends with an epoch grows an epoch late",
    ),
    # segmentation --------------------------------------------------------------------------------
    Fault(
        "weights_divided_away",
        "wrong reduction",
        "segmentation",
        "torch",
        "keras_ae/losses/segmentation.py",
        "return sum_pixels(values, weights) / ops.maximum(sum_pixels(counts), 1.0)",
        "return sum_pixels(values, weights) / ops.maximum(sum_pixels(weights), TINY)",
        "an image of one class is weighed as any other, whatever class_weights say",
    ),
    Fault(
        "union_counts_twice",
        "dropped term",
        "segmentation",
        "tensorflow",
        "keras_ae/metrics.py",
        "return hits, ops.sum(matrix, axis=0) + ops.sum(matrix, axis=1) - hits",
        "return hits, ops.sum(matrix, axis=0) + ops.sum(matrix, axis=1)",
        "a perfect segmentation has a mean IoU of one half",
    ),
    # diffusion -----------------------------------------------------------------------------------
    Fault(
        "noisiest_step_left_out",
        "off by one",
        "diffusion",
        "jax",
        "keras_ae/diffusion/schedule.py",
        "return num_steps * index // steps - 1",
        "return num_steps * (index - 1) // steps",
        "samplers with few steps start below the noise that they are given",
    ),
    Fault(
        "posterior_mean_too_small",
        "missing sqrt",
        "diffusion",
        "tensorflow",
        "keras_ae/diffusion/schedule.py",
        "of_state = np.sqrt(1.0 - beta) * (1.0 - before) / (1.0 - signal)",
        "of_state = (1.0 - beta) * (1.0 - before) / (1.0 - signal)",
        "the bits per dimension of a diffusion model are too many",
    ),
    # layers, data, evaluation, export ------------------------------------------------------------
    Fault(
        "codebook_stops_the_encoder",
        "missing gradient",
        "layers",
        "jax",
        "keras_ae/layers/quantization.py",
        "return x + ops.stop_gradient(self.entries(self.indices(x)) - x)",
        "return self.entries(self.indices(x))",
        "the encoder before a codebook learns nothing of the reconstruction",
    ),
    Fault(
        "second_border_is_the_first",
        "dropped term",
        "data",
        "tensorflow",
        "keras_ae/data/segmentation.py",
        "np.minimum(second[window], np.maximum(nearest[window], distance))",
        "np.minimum(second[window], distance)",
        "U-Net's weights are high around a single cell, not in gaps between two",
    ),
    Fault(
        "radius_of_one_neighbour_less",
        "off by one",
        "evaluation",
        "tensorflow",
        "keras_ae/evaluation/samples.py",
        "np.partition(_squares(x[start : start + CHUNK], x), k, axis=1)[:, k]",
        "np.partition(_squares(x[start : start + CHUNK], x), k - 1, axis=1)[:, k - 1]",
        "precision and recall with k neighbours are those of k - 1",
    ),
    Fault(
        "signature_of_decode",
        "wrong name",
        "export",
        "tensorflow",
        "keras_ae/engine/coder.py",
        '"decode": (lambda z: self.decode(z), [input_spec(self.decoder, "z")]),',
        '"decode": (lambda z: self.decode(z), [input_spec(self.decoder, "x")]),',
        "signatures['decode'](z=codes) of a SavedModel is refused",
    ),
]
