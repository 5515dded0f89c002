"""The slide's variational autoencoder, its two loss terms, and the standard one beside it.

Slide:    Variational Autoencoders (VAE); Autoencoders: standard; Autoencoders: code - VAE
Source:   the lecture's own code, 784-400-20-400-784, ReLU, Bernoulli pixels; Kingma and Welling
          2013, arXiv:1312.6114
Expected: no published number for this network on grey MNIST; for a 784-400-40 VAE on fixed binary
          MNIST a library reports 89.78 nats
Measured: 102.0 nats a test image (76.4 + 25.6; independent pixels 206.0), all 20 latents in use,
          squared error 6.5 against 5.3 of the standard one (MNIST, one seed)
Run:      python -m recipes vae --data mnist --epochs 50
"""

import numpy as np

import keras_ae
from keras_ae import callbacks, evaluation, figures
from keras_ae import data as sources

from . import _experiment as ex


def main(
    *,
    data: ex.Data = "pen",
    epochs: ex.Epochs = 100,
    seed: ex.Seed = 0,
    out: ex.Out = "",
    quick: ex.Quick = False,
    resume: ex.Resume = False,
    precision: ex.Precision = "float32",
    distribute: ex.Distribute = 1,
    latent_dim: int = 20,
    beta: float = 1.0,
):
    """Trains both networks of the slides; decodes codes of test images and codes of N(0, 1).

    Args:
        latent_dim: size of the code.
        beta: weight of the KL.
    """
    with ex.Run("vae", locals(), quick_epochs=12) as run:
        # 1. Data: grey pixels, read as the probability to be white
        images = sources.load(data, image_size=28)
        x_train, x_test = images.x_train, images.x_test
        shape, heads = x_train.shape[1:], ("mean", "log_variance")

        # 2. Model: 784-400-20-400-784, once with two heads
        # 3. Objective: cross-entropy of the pixels, for the VAE plus the KL to N(0, 1)
        arms = {
            "standard": keras_ae.dense_autoencoder(shape, latent_dim, (400,), loss="bernoulli"),
            "model": keras_ae.VAE(
                keras_ae.dense_encoder(shape, latent_dim, (400,), heads=heads),
                keras_ae.dense_decoder(shape, latent_dim, (400,)),
                beta=beta,
            ),
        }
        # 4. Train
        for name, model in arms.items():
            model.compile("adam")
            model.fit(
                x_train,
                batch_size=128,
                epochs=run.epochs,
                validation_data=x_test,
                verbose=0,
                callbacks=run.callbacks(name),
            )
        vae, standard = arms["model"], arms["standard"]

        # 5. Look: both terms, the likelihood, reconstructions, and what random codes become
        terms = vae.evaluate(x_test, verbose=0, return_dict=True)
        run.metric("test_loss", terms["loss"], "nats per test image, negative bound")
        run.metric("test_reconstruction", terms["reconstruction"], "nats per test image")
        run.metric("test_kl", terms["kl"], "nats per test image")
        rates = x_train.mean(axis=0).clip(1e-3, 1 - 1e-3)
        logits = np.broadcast_to(np.log(rates / (1 - rates)), x_test.shape)
        trivial = np.mean(keras_ae.losses.bernoulli(x_test, logits))
        run.metric("independent_pixels", trivial, "nats per test image, the trivial answer")
        active = evaluation.active_units(vae, x_test)
        run.metric("active_units", active, f"latents whose mean varies, of {latent_dim}")
        about = f"{data}, {run.epochs} epochs, seed {seed}"
        rows = {"input": x_test[:12]}
        for name, model in (("standard", standard), ("VAE", vae)):
            rows[name] = model.reconstruct(x_test[:12])
            lost = evaluation.squared_error(x_test, model.reconstruct(x_test))
            run.metric(f"{name.lower()}_squared_error", lost, "squared error summed over pixels")
            rows[f"{name}\n{lost:.1f}"] = rows.pop(name)
        title = f"Through {latent_dim} numbers and back, squared error at the left\n{about}"
        run.figure("reconstructions", figures.strips(rows, title))
        codes = np.random.default_rng(seed).normal(size=(100, latent_dim)).astype("float32")
        panels = {"standard autoencoder": standard.decode(codes), "VAE": vae.decode(codes)}
        run.figure("samples", figures.tiles(panels, f"What codes of N(0, 1) decode to\n{about}"))
        rows = callbacks.read_log(run.folder / "log.csv")
        lines = {}
        for term in ("reconstruction", "kl"):
            for prefix, split in (("", "training"), ("val_", "test")):
                values = [float(row[prefix + term]) for row in rows]
                lines[f"{term}, {split}"] = (range(1, len(values) + 1), values)
        title = f"The two terms of the loss; the bound on test images is {terms['loss']:.1f} nats"
        figure = figures.curves(lines, f"{title}\n{about}", "epoch", "nats per image", log_y=True)
        run.figure("terms", figure)
        run.save(vae)
        outcome = f"bound on test images {terms['loss']:.1f} nats ({terms['reconstruction']:.1f} + "
        outcome += f"{terms['kl']:.1f}); independent pixels: {trivial:.1f}"
        run.finish(outcome, "samples")


if __name__ == "__main__":
    ex.command_line(main)
