"""What a contractive penalty costs, against the same autoencoder without one, in one run.

Contenders are processes of their own that are asked in turn; a round is one call of `fit`. Reported
is the ratio of seconds to the plain autoencoder's within a round (median, least and most).

"penalty": one sigmoid layer, tied, as in Rifai et al. 2011: the closed form, the random projection.
"jacobian": a gelu encoder 784-200-CODE, exact form in `fit` against a penalty by the backend's own
batch Jacobian (`tf.GradientTape.batch_jacobian`, `jax.vmap(jax.jacrev)`, `torch.func.jacrev`); on
TensorFlow ours is `batch_jacobian` too.
"""

import statistics
import sys

import numpy as np

from benchmarks._workers import Worker, answer

CONTENDERS = {
    "penalty": ("plain", "closed_form", "projection"),
    "jacobian": ("plain", "exact", "backend's own"),
}


def main(
    *,
    backends: tuple[str, ...] = ("tensorflow", "jax", "torch"),
    parts: tuple[str, ...] = ("penalty", "jacobian"),
    rounds: int = 7,
    batch_size: int = 100,
    steps: int = 100,
    units: int = 1000,
    code: int = 20,
):
    """Times training steps with and without a contraction.

    Args:
        backends: Keras backends.
        parts: penalty (one layer) and jacobian (a deep encoder).
        rounds: rounds per contender, in turn.
        batch_size: images per step.
        steps: steps per round of the one layer; a fifth of them for the deep encoder.
        units: units of the one layer.
        code: units of the deep encoder's code.
    """
    for backend in backends:
        for part in parts:
            size, number = (units, steps) if part == "penalty" else (code, max(1, steps // 5))
            workers = {
                name: Worker("contractive", f"ours {backend}", part, name, size, batch_size, number)
                for name in CONTENDERS[part]
            }
            broken = [worker for worker in workers.values() if not worker.ready]
            if broken:
                print(f"{backend}: not available here ({broken[0].why})")
                for worker in workers.values():
                    worker.process.kill()
                continue
            seconds = {name: [] for name in workers}
            for _ in range(rounds):
                for name, worker in workers.items():
                    seconds[name].append(worker.round()["seconds"] / number)
            for name, worker in workers.items():
                memory = worker.stop()
                pairs = zip(seconds[name], seconds["plain"])
                ratios = sorted(mine / plain for mine, plain in pairs)
                print(
                    f"{backend:11}{part:9}{name:14}{1e3 * statistics.median(seconds[name]):8.2f} ms"
                    f"{statistics.median(ratios):7.2f} ({ratios[0]:.2f}-{ratios[-1]:.2f})"
                    f"{memory:8,.0f}MB",
                    flush=True,
                )


def work(backend, part, name, size, batch_size, steps):
    """The contender's side."""
    import keras
    from keras import ops

    import keras_ae

    x = np.random.default_rng(0).uniform(size=(batch_size * steps, 784)).astype("float32")
    if part == "penalty":
        encoder = keras_ae.dense_encoder((784,), size, latent_activation="sigmoid")
        decoder = keras_ae.dense_decoder((784,), size, tied_to=encoder)
    else:
        encoder = keras_ae.dense_encoder((784,), size, (200,), "gelu")
        decoder = keras_ae.dense_decoder((784,), size, (200,), "gelu")

    class Own(keras_ae.ContractiveAutoencoder):
        """The same penalty, as users of a backend write it."""

        def loss_terms(self, x, target, outputs, training):
            rows = own_jacobian(backend, encoder, x)
            reconstruction = self.distance(target, outputs["output"])
            return {
                "reconstruction": reconstruction,
                "contraction": ops.sum(ops.square(rows), axis=(1, 2)),
            }

    if name == "plain":
        model = keras_ae.Autoencoder(encoder, decoder, "bernoulli")
    elif name == "backend's own":
        model = Own(encoder, decoder, loss="bernoulli")
    else:
        model = keras_ae.ContractiveAutoencoder(encoder, decoder, method=name, loss="bernoulli")
    model.compile(keras.optimizers.Adam(1e-3))
    answer(lambda: model.fit(x, batch_size=batch_size, verbose=0))


def own_jacobian(backend, encoder, x):
    """The batch Jacobian as users of a backend write it, shape `(batch, code, pixels)`."""
    if backend == "ours tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            tape.watch(x)
            z = encoder(x, training=False)
        return tape.batch_jacobian(z, x)
    one = lambda x: encoder(x[None], training=False)[0]
    if backend == "ours jax":
        import jax

        return jax.vmap(jax.jacrev(one))(x)
    import torch

    with torch.enable_grad():
        return torch.func.vmap(torch.func.jacrev(one))(x)


if __name__ == "__main__":
    work(*sys.argv[1:4], *map(int, sys.argv[4:]))
