"""Noisy digits in, clean digits out: examples by the level of noise, and the gain in PSNR.

Slide:    Denoising Autoencoders; Denoising examples
Source:   Vincent et al. 2008, doi:10.1145/1390156.1390294; Vincent et al. 2010 (JMLR 11)
Expected: no published number for pictures; more than a median filter gains at the level of training
          (at weaker noise than that it may blur what was nearly clean)
Measured: gain 7.8 dB (masking half), 10.9 (salt and pepper 0.3), 13.3 (Gaussian 0.5); a median
          filter -1.5, 7.2, 6.4 (MNIST, one seed); at a tenth of the pixels masked it loses 0.9 dB
Run:      python -m recipes denoising --data mnist --epochs 15
"""

import keras
from scipy import ndimage

import keras_ae
from keras_ae import data as sources
from keras_ae import evaluation, figures
from keras_ae.layers import MaskingNoise, SaltAndPepperNoise

from . import _experiment as ex

CORRUPTIONS = {  # name: layer, level in training, levels shown, unit
    "masking": (MaskingNoise, 0.5, (0.1, 0.3, 0.5, 0.7, 0.9), "share of pixels"),
    "salt and pepper": (SaltAndPepperNoise, 0.3, (0.1, 0.2, 0.3, 0.4, 0.5), "share of pixels"),
    "Gaussian": (keras.layers.GaussianNoise, 0.5, (0.1, 0.3, 0.5, 0.7, 0.9), "standard deviation"),
}


def main(
    *,
    data: ex.Data = "pen",
    epochs: ex.Epochs = 200,
    seed: ex.Seed = 0,
    out: ex.Out = "",
    quick: ex.Quick = False,
    resume: ex.Resume = False,
    precision: ex.Precision = "float32",
    distribute: ex.Distribute = 1,
):
    """Trains one denoising autoencoder per corruption and shows it weaker and stronger noise."""
    with ex.Run("denoising", locals(), quick_epochs=6) as run:
        # 1. Data: clean digits; the noise is the model's
        images = sources.load(data, image_size=28)
        x_train, x_test = images.x_train, images.x_test
        units, code = (400, 200) if run.quick else (1000, 500)
        x_test = x_test[:1000] if run.quick else x_test
        about = f"{data}, {run.epochs} epochs, seed {seed}"
        curves, found = {}, []
        for name, (layer, trained_at, levels, _) in CORRUPTIONS.items():
            # 2. Model: 784-1000-500-1000-784 behind a corruption that is off when it is used
            model = keras_ae.DenoisingAutoencoder(
                keras_ae.dense_encoder(x_train.shape[1:], code, (units,), latent_activation="relu"),
                keras_ae.dense_decoder(x_train.shape[1:], code, (units,)),
                corruption=layer(trained_at),
                # 3. Objective: cross-entropy to the clean pixels
                loss="bernoulli",
            )
            model.compile("adam")
            # 4. Train: fresh noise for every example and step
            key = name.replace(" ", "_").lower()
            file = "model" if name == "masking" else key
            model.fit(
                x_train, batch_size=100, epochs=run.epochs, verbose=0, callbacks=run.callbacks(file)
            )
            # 5. Look: test digits at other levels, too
            rows, gains = {"clean": x_test[:10]}, {"denoising autoencoder": [], "median filter": []}
            for level in levels:
                noisy = layer(level, seed=seed, dtype="float32")(x_test, training=True)
                noisy = keras.ops.convert_to_numpy(noisy)
                restored = model.reconstruct(noisy)
                filtered = ndimage.median_filter(noisy, (1, 3, 3, 1))
                before = evaluation.psnr(x_test, noisy)
                after = evaluation.psnr(x_test, restored)
                gains["denoising autoencoder"].append(after - before)
                gains["median filter"].append(evaluation.psnr(x_test, filtered) - before)
                rows[f"{level:g}\n{before:.1f} dB"] = noisy[:10]
                rows[f"{level:g}, denoised\n{after:.1f} dB"] = restored[:10]
                if level == trained_at:
                    ours, median = (values[-1] for values in gains.values())
                    found.append(f"{name} {ours:.1f} (median filter {median:.1f})")
                    run.metric(f"{key}_psnr", after, "dB, test images at the level of training")
                    for arm, values in gains.items():
                        what = "gain" if arm != "median filter" else "median_gain"
                        run.metric(f"{key}_{what}", values[-1], "dB over the noisy picture")
            least = min(a - b for a, b in zip(*gains.values()))
            run.metric(f"{key}_least_margin", least, "dB over a median filter, at its worst level")
            curves[name] = {arm: (levels, values) for arm, values in gains.items()}
            title = f"{name}, trained at {trained_at:g}; level and PSNR at the left\n{about}"
            run.figure(f"strips_{key}", figures.strips(rows, title))
            if name == "masking":
                run.save(model)
        axes = [unit for *_, unit in CORRUPTIONS.values()]
        strengths = ", ".join(f"{name} {level:g}" for name, (_, level, *_) in CORRUPTIONS.items())
        title = f"What denoising gains over the noisy picture; trained at {strengths}\n"
        title += f"(at weaker noise than that it blurs what was nearly clean); {about}"
        run.figure("gain", figures.curve_panels(curves, title, axes, "gain in PSNR, dB"))
        run.finish(f"gain in PSNR over the noisy picture, dB: {', '.join(found)}", "gain")


if __name__ == "__main__":
    ex.command_line(main)
