"""How far samples are from data: distances between sets of features, of patches, of codes.

None of these is the FID, which is the Fréchet distance in the features of one certain network: here
features come from a small classifier of the same data (`feature_extractor`). No number says much
alone: put beside it what two halves of the data score (`two_halves`).
"""

import math

import numpy as np


def frechet_distance(features, other):
    """Fréchet distance between Gaussians that are fitted to two sets of features.

    |m - m'|^2 + tr(C + C' - 2 (C C')^(1/2)).

    Source: Dowson and Landau 1982, doi:10.1016/0047-259X(82)90077-X; Heusel et al. 2017,
    arXiv:1706.08500 (in the features of another network than here).

    Args:
        features: array, shape `(examples, features)`.
        other: array, shape `(other examples, features)`.

    Returns:
        float >= 0, squared units of the features; it falls with the number of examples.

    Raises:
        ValueError: when shapes do not fit.
    """
    features, other = _pair(features, other)
    means = [each.mean(axis=0) for each in (features, other)]
    first, second = (np.atleast_2d(np.cov(each, rowvar=False)) for each in (features, other))
    values, vectors = np.linalg.eigh(first)
    root = vectors * np.sqrt(values.clip(0)) @ vectors.T
    both = np.linalg.eigvalsh(root @ second @ root)  # those of first @ second, and symmetric
    cross = np.sum(np.sqrt(both.clip(0)))
    between = np.sum((means[0] - means[1]) ** 2)
    return float(max(between + np.trace(first) + np.trace(second) - 2.0 * cross, 0.0))


def kernel_distance(features, other, num_subsets=100, subset_size=1000, seed=0):
    """Squared maximum mean discrepancy with a cubic kernel, unbiased, mean over subsets.

    Kernel (x.y / d + 1)^3 with d the number of features.

    Source: Bińkowski et al. 2018, arXiv:1801.01401, section 4 (in the features of another network
    than here).

    Args:
        features: array, shape `(examples, features)`.
        other: array, shape `(other examples, features)`.
        num_subsets: int. Defaults to `100`.
        subset_size: int, examples of each set in a subset (all where there are fewer). Defaults to
            `1000`.
        seed: int, of the subsets. Defaults to `0`.

    Returns:
        float, around zero for samples of one distribution (it may be negative).

    Raises:
        ValueError: when shapes do not fit.
    """
    features, other = _pair(features, other)
    rng, size = np.random.default_rng(seed), min(len(features), len(other), subset_size)

    def kernel(x, y):
        linear = x @ y.T / x.shape[1] + 1.0
        return linear * linear * linear  # a power takes 1.5 times as long

    draws = []
    for _ in range(num_subsets):
        x, y = (each[rng.choice(len(each), size, replace=False)] for each in (features, other))
        draws.append(_unbiased(kernel(x, x), kernel(y, y), kernel(x, y)))
    return float(np.mean(draws))


def precision_recall(features, other, k=5):
    """What share of samples is like data, and what share of data is covered by samples.

    A set's manifold are the balls round its points that reach to their k-th neighbours. Precision:
    samples inside the data's; recall: data inside the samples'. Density counts in how many of the
    data's balls a sample lies (over k, so it may exceed 1), coverage the data that have a sample in
    their ball; these two do not suffer from outliers among the samples.

    Source: Kynkäänniemi et al. 2019, arXiv:1904.06991 (precision, recall); Naeem et al. 2020,
    arXiv:2002.09797 (density, coverage).

    Args:
        features: array of samples, shape `(examples, features)`.
        other: array of data, shape `(other examples, features)`.
        k: int, neighbours. Defaults to `5`.

    Returns:
        dict with "precision", "recall", "density" and "coverage".

    Raises:
        ValueError: when shapes do not fit, or a set has no more than `k` examples.
    """
    samples, data = _pair(features, other)
    if not 1 <= k < min(len(samples), len(data)):
        raise ValueError(f"k={k}: pass 1 to {min(len(samples), len(data)) - 1}, below both sets.")
    centre = data.mean(axis=0)  # or float32 would lose the distances of far sets
    samples, data = (samples - centre).astype("float32"), (data - centre).astype("float32")
    own_samples, own_data = _radii(samples, k), _radii(data, k)
    inside, reached, count = [], np.zeros(len(data), bool), np.zeros(len(data), bool)
    for start in range(0, len(samples), CHUNK):
        squares = _squares(samples[start : start + CHUNK], data)
        within = squares <= own_data  # (samples, data)
        inside.append(within.sum(axis=1))
        count |= within.any(axis=0)
        reached |= (squares <= own_samples[start : start + CHUNK, None]).any(axis=0)
    inside = np.concatenate(inside)
    return {
        "precision": float(np.mean(inside > 0)),
        "recall": float(np.mean(reached)),
        "density": float(np.mean(inside) / k),
        "coverage": float(np.mean(count)),
    }


def mmd(codes, other, bandwidth=None):
    """Squared maximum mean discrepancy of codes with a Gaussian kernel, unbiased.

    Source: Gretton et al. 2012 (JMLR 13), equation 3 and section 8 (median distance).

    Args:
        codes: array, shape `(examples, latent_dim)`.
        other: array, shape `(other examples, latent_dim)`, samples of a prior say.
        bandwidth: float, standard deviation of the kernel, or `None` for the median distance within
            `other`. Defaults to `None`.

    Returns:
        float, around zero for samples of one distribution (it may be negative).

    Raises:
        ValueError: when shapes do not fit, or the bandwidth is not positive.
    """
    from scipy.spatial import distance

    codes, other = _pair(codes, other)
    if bandwidth is None:
        bandwidth = np.median(distance.pdist(other[:2000]))
    if not bandwidth > 0:
        raise ValueError(f"bandwidth={bandwidth}: most codes are equal, pass a positive bandwidth.")

    def mean(x, y, own):  # of the kernel over all pairs; of a set with itself over pairs of two
        rows = (x[start : start + CHUNK] for start in range(0, len(x), CHUNK))
        squares = (distance.cdist(row, y, "sqeuclidean") for row in rows)
        total = sum(np.exp(-square / (2.0 * bandwidth**2)).sum() for square in squares)
        return (total - len(x)) / (len(x) * (len(x) - 1)) if own else total / (len(x) * len(y))

    between = mean(codes, other, False)
    return float(mean(codes, codes, True) + mean(other, other, True) - 2.0 * between)


def mmd_quantile(draw, number, quantile=0.95, repeats=100, bandwidth=None):
    """The discrepancy that two samples of one distribution stay below.

    Source: Gretton et al. 2012 (JMLR 13), section 5 (the test's threshold, here by simulation).

    Args:
        draw: callable from a seed to codes of the prior, shape `(number, latent_dim)`.
        number: int, codes in each sample, as many as are to be tested.
        quantile: float in (0, 1). Defaults to `0.95`.
        repeats: int, pairs of samples. Defaults to `100`.
        bandwidth: as in `mmd`; of the first sample where it is `None`. Defaults to `None`.

    Returns:
        `(threshold, bandwidth)`: the quantile, and the bandwidth to call `mmd` with.
    """
    from scipy.spatial import distance

    if bandwidth is None:
        bandwidth = float(np.median(distance.pdist(np.asarray(draw(0))[:2000])))
    pairs = ((draw(2 * n + 1)[:number], draw(2 * n + 2)[:number]) for n in range(repeats))
    return float(np.quantile([mmd(x, y, bandwidth) for x, y in pairs], quantile)), bandwidth


def sliced_wasserstein(images, other, patches=128, directions=512, seed=0):
    """Sliced Wasserstein distance of patches of a Laplacian pyramid; it needs no network.

    At each level 7x7 patches, scaled to mean 0 and deviation 1 of each set and channel, are
    projected on random directions, where the distance is that of the sorted numbers. Levels are
    halved down to 16 pixels (or the image itself, where it is smaller than 32). Patches are held in
    memory, 25 kB times channels for an image of either set.

    Source: Karras et al. 2017, arXiv:1710.10196, section 5.

    Args:
        images: array, shape `(examples, height, width, channels)`.
        other: array of the same shape; the shorter one sets the number of images.
        patches: int, of each image. Defaults to `128`.
        directions: int. Defaults to `512`.
        seed: int, of patches and directions. Defaults to `0`.

    Returns:
        dict, side of a level to its distance times 1000, and "mean".

    Raises:
        ValueError: when shapes differ, the images are smaller than a patch, or a value is NaN or
            infinite.
    """
    images, other = np.asarray(images, "float32"), np.asarray(other, "float32")
    if images.ndim != 4 or images.shape[1:] != other.shape[1:] or min(images.shape[1:3]) < 7:
        raise ValueError(
            f"images of shapes {images.shape} and {other.shape}: pass (examples, height, width, "
            "channels), equal but for the number, sides of 7 or more."
        )
    if not (np.isfinite(images).all() and np.isfinite(other).all()):
        raise ValueError("images hold NaN or infinities: remove them.")
    number, values = min(len(images), len(other)), {}
    for level in zip(_pyramid(images[:number]), _pyramid(other[:number])):
        rng = np.random.default_rng([seed, level[0].shape[1]])
        rows = rng.integers(0, level[0].shape[1] - 6, (number, patches))
        columns = rng.integers(0, level[0].shape[2] - 6, (number, patches))
        first, second = (_patches(each, rows, columns) for each in level)
        axes = rng.normal(size=(first.shape[1], directions)).astype("float32")
        axes /= np.linalg.norm(axes, axis=0)
        total = 0.0
        for start in range(0, directions, 16):  # memory of 16 directions at once
            some = axes[:, start : start + 16]
            apart = np.sort(first @ some, axis=0) - np.sort(second @ some, axis=0)
            total += np.abs(apart).mean(axis=0).sum()
        values[level[0].shape[1]] = float(1000.0 * total / directions)
    return values | {"mean": float(np.mean(list(values.values())))}


def parzen_log_likelihood(samples, x, x_valid, deviations=None):
    """Log-likelihood of data under Gaussians round samples, for tables of 2014 and 2015 only.

    It says little in many dimensions (Theis et al. 2015, arXiv:1511.01844, section 3.2).

    Source: Breuleux et al. 2011, doi:10.1162/NECO_a_00311; Goodfellow et al. 2014, arXiv:1406.2661,
    section 5 (10,000 samples, deviation chosen on validation data).

    Args:
        samples: array, shape `(number, ...)`, samples of the model.
        x: array, shape `(examples, ...)`, test data.
        x_valid: array, shape `(examples, ...)`, on which the deviation is chosen.
        deviations: sequence of floats to choose from, or `None` for 10 from 0.1 to 1. Defaults to
            `None`.

    Returns:
        `(mean, error, deviation)`: nats per image, their standard error, and the chosen deviation.

    Raises:
        ValueError: when shapes do not fit.
    """
    flat = [np.asarray(each, "float32").reshape(len(each), -1) for each in (samples, x, x_valid)]
    if len({each.shape[1] for each in flat}) != 1:
        raise ValueError(f"shapes {[np.shape(each) for each in (samples, x, x_valid)]} do not fit.")
    samples, x, x_valid = flat
    deviations = np.logspace(-1, 0, 10) if deviations is None else deviations
    best = max(deviations, key=lambda s: np.mean(_parzen(samples, x_valid, s)))
    values = _parzen(samples, x, best)
    return float(values.mean()), float(values.std() / math.sqrt(len(x))), float(best)


def nearest_images(images, x_train):
    """The training image that each sample is nearest to: a copy would show here.

    Source: Goodfellow et al. 2014, arXiv:1406.2661, figure 2 (Euclidean distance of pixels).

    Args:
        images: array, shape `(number, ...)`.
        x_train: array, shape `(examples, ...)`.

    Returns:
        `(nearest, distances)`: training images, shape of `images`, and how far they are, shape
        `(number,)`.

    Raises:
        ValueError: when shapes do not fit.
    """
    flat, training = (np.asarray(x, "float32").reshape(len(x), -1) for x in (images, x_train))
    if flat.shape[1] != training.shape[1]:
        raise ValueError(f"shapes {np.shape(images)} and {np.shape(x_train)} do not fit.")
    starts = range(0, len(flat), CHUNK)
    squares = [_squares(flat[start : start + CHUNK], training) for start in starts]
    chosen = np.concatenate([each.argmin(axis=1) for each in squares])
    distances = np.linalg.norm(flat - training[chosen], axis=1)
    return np.asarray(x_train)[chosen], distances


def two_halves(score, x, seed=0):
    """What a score gives between two halves of the data: the floor to hold numbers against.

    Source: this library.

    Args:
        score: callable of two arrays.
        x: array, shape `(examples, ...)`.
        seed: int, of the split. Defaults to `0`.

    Returns:
        What `score` returns.
    """
    order, half = np.random.default_rng(seed).permutation(len(x)), len(x) // 2
    return score(x[order[:half]], x[order[half : 2 * half]])


def quantize(images):
    """Pixels of 8 bits, as images are before they are scored.

    Source: definition.

    Args:
        images: array, pixels meant to be in [0, 1].

    Returns:
        float32 array of the same shape, values k / 255.
    """
    return (np.round(255.0 * np.clip(images, 0.0, 1.0)) / 255.0).astype("float32")


CHUNK = 1000  # rows of a table of distances that are held at once


def _pair(features, other):
    features, other = np.asarray(features, "float64"), np.asarray(other, "float64")
    if features.ndim != 2 or other.ndim != 2 or features.shape[1] != other.shape[1]:
        raise ValueError(
            f"shapes {features.shape} and {other.shape}: pass (examples, features), with as many "
            "features in both."
        )
    for each in (features, other):
        if len(each) < 2 or not np.isfinite(each).all():
            raise ValueError(
                f"a set of shape {each.shape} has fewer than two examples, or NaN or infinities."
            )
    return features, other


def _unbiased(within, within_other, between):
    """Squared discrepancy from kernel matrices, the pairs of an example with itself left out."""
    n, m = between.shape
    own = (within.sum() - np.trace(within)) / (n * (n - 1))
    others = (within_other.sum() - np.trace(within_other)) / (m * (m - 1))
    return float(own + others - 2.0 * between.mean())


def _squares(x, y):
    """Squared distances, shape `(len(x), len(y))`."""
    squares = np.sum(x**2, axis=1)[:, None] + np.sum(y**2, axis=1) - 2.0 * x @ y.T
    return squares.clip(0.0)


def _radii(x, k):
    """Squared distance of each example to its k-th neighbour."""
    radii = [
        np.partition(_squares(x[start : start + CHUNK], x), k, axis=1)[:, k]  # itself is the 0-th
        for start in range(0, len(x), CHUNK)
    ]
    return np.concatenate(radii)


def _pyramid(images):
    """Levels of a Laplacian pyramid, the finest first, the last one the small image itself."""
    from scipy import ndimage

    kernel = np.array([1.0, 4.0, 6.0, 4.0, 1.0], "float32") / 16.0
    blur = lambda x, k: ndimage.convolve1d(
        ndimage.convolve1d(x, k, axis=1, mode="mirror"), k, axis=2, mode="mirror"
    )
    while min(images.shape[1:3]) >= 32 and not any(side % 2 for side in images.shape[1:3]):
        small = blur(images, kernel)[:, ::2, ::2]
        large = np.zeros_like(images)
        large[:, ::2, ::2] = small
        yield images - blur(large, 2.0 * kernel)
        images = small
    yield images


def _patches(images, rows, columns):
    """7x7 patches as rows, scaled to mean 0 and deviation 1 of each channel."""
    windows = np.lib.stride_tricks.sliding_window_view(images, (7, 7), axis=(1, 2))
    chosen = windows[np.arange(len(images))[:, None], rows, columns]  # (n, patches, channels, 7, 7)
    chosen = chosen.reshape(-1, *chosen.shape[2:])  # a copy, so that the rest can be in place
    chosen -= chosen.mean(axis=(0, 2, 3), keepdims=True)
    squares = [np.vdot(chosen[:, c], chosen[:, c]) for c in range(chosen.shape[1])]
    deviation = np.sqrt(np.divide(squares, chosen[:, 0].size, dtype="float32"))
    chosen /= np.maximum(deviation, 1e-8)[:, None, None]
    return chosen.reshape(len(chosen), -1)


def _parzen(samples, x, deviation):
    """Log density of each row of `x`."""
    from scipy.special import logsumexp

    pixels = x.shape[1]
    constant = math.log(len(samples)) + 0.5 * pixels * math.log(2.0 * math.pi * deviation**2)
    values = [
        logsumexp(-_squares(x[start : start + 100], samples) / (2.0 * deviation**2), axis=1)
        for start in range(0, len(x), 100)
    ]
    return np.concatenate(values).astype("float64") - constant
