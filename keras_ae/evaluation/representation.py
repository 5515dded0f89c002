"""What an embedding is good for: classifiers on frozen codes; and how it moves with its input."""

import math

import keras
import numpy as np
from keras import ops

from ..engine import autodiff
from ..engine.batches import Batches


def linear_probe(codes_train, labels_train, codes_test, labels_test, seed=0):
    """Test accuracy of logistic regression on frozen codes.

    Source: scikit-learn's `LogisticRegression` on standardised codes; Alain and Bengio 2016,
    arXiv:1610.01644 (linear classifier probes).

    Args:
        codes_train: array, shape `(examples, latent_dim)`.
        labels_train: int array, shape `(examples,)`.
        codes_test: array, shape `(examples, latent_dim)`.
        labels_test: int array, shape `(examples,)`.
        seed: int. Defaults to `0`.

    Returns:
        float in [0, 1].

    Raises:
        ValueError: when codes and labels do not fit.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000, random_state=seed))
    return _accuracy(probe, codes_train, labels_train, codes_test, labels_test)


def knn_accuracy(codes_train, labels_train, codes_test, labels_test, num_neighbors=5):
    """Test accuracy of a vote among the nearest training codes (Euclidean).

    Source: scikit-learn's `KNeighborsClassifier`.

    Args:
        codes_train: array, shape `(examples, latent_dim)`.
        labels_train: int array, shape `(examples,)`.
        codes_test: array, shape `(examples, latent_dim)`.
        labels_test: int array, shape `(examples,)`.
        num_neighbors: int. Defaults to `5`.

    Returns:
        float in [0, 1].

    Raises:
        ValueError: when codes and labels do not fit.
    """
    from sklearn.neighbors import KNeighborsClassifier

    return _accuracy(
        KNeighborsClassifier(num_neighbors), codes_train, labels_train, codes_test, labels_test
    )


def classification_error(model, train, test, epochs, learning_rate=1e-3, batch_size=100, seed=0):
    """Test error of a classifier after training with labels: cross-entropy, Adam, cosine decay.

    Source: lecture, "Autoencoders for weight initialisation"; Loshchilov and Hutter 2016,
    arXiv:1608.03983 (cosine decay).

    Args:
        model: `keras.Model` from examples to logits, `keras_ae.classifier` say; it is trained.
        train: pair `(x, y)` of arrays, shapes `(examples, ...)` and `(examples,)`.
        test: pair of arrays like `train`.
        epochs: int; the test error is that after the last one.
        learning_rate: float, at the start. Defaults to `1e-3`.
        batch_size: int. Defaults to `100`.
        seed: int, of the order of the batches. Defaults to `0`.

    Returns:
        float, % of the test examples.
    """
    batches = Batches(*train, batch_size=batch_size, seed=seed)
    rate = keras.optimizers.schedules.CosineDecay(learning_rate, epochs * batches.num_batches)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(rate), loss, metrics=["accuracy"])
    # Keras would shuffle the batches once more, by a state that the seed has no part in
    model.fit(batches, epochs=epochs, verbose=0, shuffle=False)
    _, accuracy = model.evaluate(*test, batch_size=1000, verbose=0)
    return 100 * (1 - accuracy)


def paired_gain(errors, errors_other, confidence=0.95):
    """How much smaller the second errors are, measured in pairs, and how sure that is.

    Source: the paired t-interval (`scipy.stats.t`).

    Args:
        errors: array, shape `(pairs,)`.
        errors_other: array of the same shape, on the same draws.
        confidence: float in (0, 1), of the two-sided interval. Defaults to `0.95`.

    Returns:
        `(gain, low)`: mean of `errors - errors_other`, and the lower end of its interval.

    Raises:
        ValueError: when there are fewer than two pairs, or their numbers differ.
    """
    from scipy import stats

    errors, errors_other = np.asarray(errors), np.asarray(errors_other)
    if errors.ndim != 1 or errors.shape != errors_other.shape or len(errors) < 2:
        raise ValueError(
            f"errors of shapes {errors.shape} and {errors_other.shape}: pass two or more pairs."
        )
    gain = errors - errors_other
    half = stats.t.ppf((1 + confidence) / 2, len(gain) - 1) * stats.sem(gain)
    return float(gain.mean()), float(gain.mean() - half)


def relative_displacement(codes, moved):
    """How far codes move, relative to how far they lie apart, so that scaling them gains nothing.

    Mean distance of a code to where it moved, over the root mean square distance of the codes to
    their mean.

    Source: this library; Rifai et al. 2011, section 5.3, measure contraction without the scale.

    Args:
        codes: array, shape `(examples, ...)`.
        moved: array of the same shape, codes of the same examples after a change of the input.

    Returns:
        float, 1 where a code moves as far as codes lie from their mean.

    Raises:
        ValueError: when the shapes differ.
    """
    codes, moved = np.asarray(codes, "float64"), np.asarray(moved, "float64")
    if codes.shape != moved.shape:
        raise ValueError(f"codes of shapes {codes.shape} and {moved.shape}: pass equal ones.")
    flat, moved = codes.reshape(len(codes), -1), moved.reshape(len(codes), -1)
    spread = np.sqrt(np.mean(np.sum(np.square(flat - flat.mean(axis=0)), axis=1)))
    return float(np.mean(np.linalg.norm(moved - flat, axis=1)) / spread)


def jacobian_spectrum(encoder, x, batch_size=10):
    """Singular values of an encoder's Jacobian: along how many directions the code follows.

    Source: Rifai et al. 2011, section 5.3 and figure 3; NumPy's SVD.

    Args:
        encoder: `keras.Model` with one input and one code.
        x: array, shape `(examples, *image_shape)`.
        batch_size: int, examples whose Jacobians are held at once. Defaults to `10`.

    Returns:
        Array, shape `(examples, min(code, pixels))`, in decreasing order.
    """
    pixels, codes = (math.prod(shape[1:]) for shape in (encoder.input_shape, encoder.output_shape))
    flat = lambda x: ops.reshape(encoder(x, training=False), (-1, codes))
    spectra = []
    for start in range(0, len(x), batch_size):
        rows = autodiff.jacobian(flat, x[start : start + batch_size], forward=pixels < codes)
        spectra.append(np.linalg.svd(ops.convert_to_numpy(rows), compute_uv=False))
    return np.concatenate(spectra)


def linear_separator(x, labels, num_directions=360):
    """The best line (plane, hyperplane) between two classes.

    In two dimensions it is found by trying every threshold along `num_directions` directions, so
    that no line of those directions makes fewer mistakes; in more, by logistic regression.

    Source: lecture, "Drawing lines in space", y = sgn(w.x + b).

    Args:
        x: array, shape `(examples, dimensions)`.
        labels: int array of 0 and 1, shape `(examples,)`.
        num_directions: int. Defaults to `360`.

    Returns:
        `(w, b)`, shapes `(dimensions,)` and `()`; the class is 1 where w.x + b > 0.

    Raises:
        ValueError: when there are not two classes 0 and 1.
    """
    if not np.array_equal(np.unique(labels), [0, 1]):
        raise ValueError(f"labels are {np.unique(labels)}: pass two classes, 0 and 1.")
    if x.shape[1] != 2:
        from sklearn.linear_model import LogisticRegression

        line = LogisticRegression(C=100.0, max_iter=5000).fit(x, labels)
        return line.coef_[0], line.intercept_[0]
    angles = np.linspace(0, 2 * np.pi, num_directions, endpoint=False)
    directions = np.stack([np.cos(angles), np.sin(angles)])
    along = x @ directions  # (examples, directions)
    order = np.argsort(along, axis=0)
    # mistakes with the threshold just above the i-th point: ones below it, and zeros above
    ones = np.cumsum(np.asarray(labels)[order], axis=0)
    zeros = np.arange(1, len(x) + 1)[:, None] - ones
    mistakes = ones + (np.sum(np.asarray(labels) == 0) - zeros)
    point, best = np.unravel_index(np.argmin(mistakes), mistakes.shape)
    sorted_along = np.sort(along[:, best])
    return directions[:, best], -float(sorted_along[point : point + 2].mean())


def _accuracy(classifier, codes_train, labels_train, codes_test, labels_test):
    for codes, labels in ((codes_train, labels_train), (codes_test, labels_test)):
        if labels is None or np.ndim(codes) != 2 or len(codes) != len(labels):
            raise ValueError(
                f"codes of shape {np.shape(codes)} with {np.shape(labels)} labels: pass codes of "
                "shape (examples, latent_dim) and one label per example."
            )
    return float(classifier.fit(codes_train, labels_train).score(codes_test, labels_test))
