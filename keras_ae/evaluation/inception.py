"""Features of Inception v3, for users who have its weights: what the papers' FID is computed in."""

import pathlib

import keras
import numpy as np

from .samples import quantize

SIDE = 299


def inception_features(weights):
    """A function from images to Inception's 2048 features, for `frechet_distance`.

    The papers' numbers come from one conversion of the 2015 TensorFlow graph; Keras' ImageNet
    weights give another scale. Say which weights a number comes from, compare no others with it,
    and expect little of it for digits.

    Source: Heusel et al. 2017, arXiv:1706.08500, section 4 (FID); Szegedy et al. 2015,
    arXiv:1512.00567.

    Args:
        weights: path of weights of `keras.applications.InceptionV3`, with or without its top, or
            such a `keras.Model` that ends in 2048 features.

    Returns:
        function from images in [0, 1], shape `(examples, height, width, channels)`, one or three
        channels, to an array of shape `(examples, 2048)`. It holds as few images at 299 x 299 as
        a batch has.

    Raises:
        ValueError: when the weights cannot be read, or the model gives something else.
    """
    network = weights if isinstance(weights, keras.Model) else _load(pathlib.Path(weights))
    if network.output_shape != (None, 2048):
        raise ValueError(
            f"{network.name} gives {network.output_shape}: needed are 2048 features, as "
            "keras.applications.InceptionV3(include_top=False, pooling='avg') has them."
        )
    resize = keras.layers.Resizing(SIDE, SIDE, interpolation="bilinear")

    def features(images, batch_size=50):
        images = np.asarray(images, "float32")
        if images.ndim != 4 or images.shape[-1] not in (1, 3):
            raise ValueError(
                f"images of shape {images.shape}: pass (examples, height, width, 1 or 3)."
            )
        found = []
        for start in range(0, len(images), batch_size):
            few = quantize(images[start : start + batch_size])
            few = np.broadcast_to(few, (*few.shape[:-1], 3))
            few = keras.ops.convert_to_numpy(resize(2.0 * few - 1.0))
            found.append(network.predict(few, verbose=0))
        return np.concatenate(found)

    return features


def _load(file):
    build = keras.applications.InceptionV3
    network = build(include_top=False, pooling="avg", weights=None)
    if not file.is_file():
        raise ValueError(f"{file} is no file: pass weights of keras.applications.InceptionV3.")
    try:
        network.load_weights(file)
    except Exception as error:  # h5py and Keras raise what they raise
        whole = build(include_top=True, weights=None, classifier_activation=None)
        try:
            whole.load_weights(file)
        except Exception:
            raise ValueError(
                f"{file} does not hold weights of keras.applications.InceptionV3 "
                f"({str(error)[:200]})."
            ) from error
        network = keras.Model(whole.input, whole.layers[-2].output)
    return network
