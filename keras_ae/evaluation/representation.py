"""What an embedding is good for: classifiers on frozen codes."""

import numpy as np


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


def _accuracy(classifier, codes_train, labels_train, codes_test, labels_test):
    for codes, labels in ((codes_train, labels_train), (codes_test, labels_test)):
        if labels is None or np.ndim(codes) != 2 or len(codes) != len(labels):
            raise ValueError(
                f"codes of shape {np.shape(codes)} with {np.shape(labels)} labels: pass codes of "
                "shape (examples, latent_dim) and one label per example."
            )
    return float(classifier.fit(codes_train, labels_train).score(codes_test, labels_test))
