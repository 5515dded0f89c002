"""How many modes of the data a generator draws: classes, and a thousand stacked digits."""

import numpy as np


def modes_hit(shares, data_shares, least=0.1):
    """Number of classes that samples have at least a tenth as often as the data.

    Source: this library (a class that a classifier sees now and then is not yet drawn).

    Args:
        shares: array, shape `(classes,)`, how often each class occurs among samples.
        data_shares: the same of the data.
        least: float, part of the data's share from which a class counts. Defaults to `0.1`.

    Returns:
        int; classes that the data lack do not count.

    Raises:
        ValueError: when the shapes differ.
    """
    shares, data_shares = np.asarray(shares), np.asarray(data_shares)
    if shares.shape != data_shares.shape or shares.ndim != 1:
        raise ValueError(f"shapes {shares.shape} and {data_shares.shape}: pass (classes,) twice.")
    return int(np.sum((data_shares > 0) & (shares >= least * data_shares)))


def stacked_modes(extractor, samples):
    """Modes among samples of a generator of stacked digits (`keras_ae.data.stacked`).

    Source: Metz et al. 2016, arXiv:1611.02163, section 3.3.1; Srivastava et al. 2017,
    arXiv:1705.07761, section 4.2 (number of modes, and divergence to equal shares).

    Args:
        extractor: `FeatureExtractor` of single digits, one channel, 10 classes.
        samples: array of images in [0, 1], shape `(examples, height, width, 3)`.

    Returns:
        dict with "modes" (classes of three digits that occur, of 1000) and "divergence" (KL of
        the samples' shares to equal ones, nats).

    Raises:
        ValueError: when the images do not have three channels.
    """
    samples = np.asarray(samples)
    if samples.ndim != 4 or samples.shape[-1] != 3:
        raise ValueError(f"samples of shape {samples.shape}: pass (examples, height, width, 3).")
    digits = [extractor.classify(samples[..., channel : channel + 1]) for channel in range(3)]
    counts = np.bincount(digits[0] * 100 + digits[1] * 10 + digits[2], minlength=1000)
    shares = counts[counts > 0] / len(samples)
    return {
        "modes": int(np.sum(counts > 0)),
        "divergence": float(np.sum(shares * np.log(shares * 1000))),
    }
