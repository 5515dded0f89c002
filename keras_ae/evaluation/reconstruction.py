"""How well data come back: the published reconstruction error, and PCA to compare with."""

import numpy as np
from keras import ops


def squared_error(x, reconstruction):
    """Squared error summed over pixels, averaged over images: the number papers report.

    Source: Hinton and Salakhutdinov 2006, doi:10.1126/science.1127647 (3.00 on MNIST).

    Args:
        x: array in [0, 1], shape `(examples, ...)`.
        reconstruction: array of the same shape.

    Returns:
        float, squared pixel values per image.

    Raises:
        ValueError: when the shapes differ.
    """
    x, reconstruction = np.asarray(x, "float64"), np.asarray(reconstruction, "float64")
    if x.shape != reconstruction.shape:
        raise ValueError(f"x has shape {x.shape}, its reconstruction {reconstruction.shape}.")
    return float(np.mean(np.sum(np.square(x - reconstruction).reshape(len(x), -1), axis=1)))


def psnr(x, reconstruction):
    """Peak signal-to-noise ratio over all pixels of all images.

    Source: `keras.ops.psnr`, 10 log10(1 / mean squared error).

    Args:
        x: array in [0, 1], shape `(examples, ...)`.
        reconstruction: array of the same shape.

    Returns:
        float, decibel.
    """
    return float(ops.psnr(ops.convert_to_tensor(x), ops.convert_to_tensor(reconstruction), 1.0))


def pca(x_train, x_test, num_components):
    """Principal components as an autoencoder: codes and reconstructions.

    Source: scikit-learn's `PCA` (full SVD); lecture, "Comparison with PCA".

    Args:
        x_train: array, shape `(examples, ...)`.
        x_test: array of the same shape but for the number of examples.
        num_components: int, size of the code.

    Returns:
        `(codes, reconstruction)` of `x_test`, shapes `(examples, num_components)` and that of
        `x_test`.

    Raises:
        ValueError: when there are fewer examples or pixels than components.
    """
    from sklearn.decomposition import PCA

    flat_train, flat_test = (x.reshape(len(x), -1) for x in (x_train, x_test))
    if not 1 <= num_components <= min(flat_train.shape):
        raise ValueError(
            f"num_components={num_components}: pass 1 to {min(flat_train.shape)}, the smaller of "
            "the numbers of training examples and pixels."
        )
    model = PCA(num_components, svd_solver="full").fit(flat_train)
    codes = model.transform(flat_test)
    return codes, model.inverse_transform(codes).reshape(x_test.shape).astype("float32")


def mean_image_error(x_train, x_test):
    """Error of the trivial reconstruction, the mean training image for every input.

    Source: the variance of the data, this library's trivial baseline.

    Args:
        x_train: array, shape `(examples, ...)`.
        x_test: array of the same shape but for the number of examples.

    Returns:
        float, squared pixel values per image.
    """
    return squared_error(x_test, np.broadcast_to(x_train.mean(axis=0), x_test.shape))
