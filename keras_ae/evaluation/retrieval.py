"""What codes are good for as an index: like finds like."""

import dataclasses

import numpy as np


@dataclasses.dataclass
class Retrieval:
    """How many of the neighbours of a query are about the same thing, averaged over queries.

    Source: Hinton and Salakhutdinov 2006, doi:10.1126/science.1127647, figure 4.

    Args:
        num_retrieved: int array, how many neighbours are looked at.
        precision: float array of the same shape, share of them that are relevant.
        recall: float array of the same shape, share of all relevant ones that are among them.
        mean_average_precision: float, mean over queries of the precision at each relevant one.
    """

    num_retrieved: np.ndarray
    precision: np.ndarray
    recall: np.ndarray
    mean_average_precision: float

    def area(self):
        """Mean of the precision over the curve, with the number retrieved on a logarithmic axis.

        Returns:
            float in [0, 1].

        Raises:
            ValueError: when there is but one point.
        """
        if len(self.num_retrieved) < 2:
            raise ValueError("a curve needs two numbers of neighbours at least.")
        x = np.log(self.num_retrieved)
        return float(np.trapezoid(self.precision, x) / (x[-1] - x[0]))


def retrieval(codes, labels, num_retrieved=(1, 3, 7, 15, 31, 63), metric="cosine", block=512):
    """Every example asks for its neighbours among all others.

    Source: Hinton and Salakhutdinov 2006, doi:10.1126/science.1127647, figure 4 (the share of
    documents of the query's class among the 1, 3, 7, ... nearest, each test document as a query
    against the other test documents); Manning, Raghavan and Schuetze 2008, chapter 8.

    Args:
        codes: array, shape `(examples, latent_dim)`.
        labels: int array of shape `(examples,)`, relevant is what has the same; or bool array of
            shape `(examples, classes)`, relevant is what shares a class.
        num_retrieved: ints, numbers of neighbours, below the number of examples. Defaults to `(1,
            3, 7, 15, 31, 63)`.
        metric: "cosine" or "euclidean". Defaults to `"cosine"`.
        block: int, queries computed at once. Defaults to `512`.

    Returns:
        `Retrieval`. Queries to which nothing else is relevant count for the precision, and are left
        out of recall and average precision.

    Raises:
        ValueError: when codes and labels do not fit, or more neighbours are asked for than there
            are.
    """
    codes, relevant_to = np.asarray(codes, "float32"), _relevance(labels)
    counts = np.asarray(sorted(num_retrieved))
    if codes.ndim != 2 or len(codes) != len(labels) or not np.isfinite(codes).all():
        raise ValueError(
            f"codes of shape {codes.shape} with {np.shape(labels)} labels: pass finite codes of "
            "shape (examples, latent_dim) and one label (or row of labels) per example."
        )
    if not len(counts) or counts[0] < 1 or counts[-1] >= len(codes):
        raise ValueError(
            f"num_retrieved={tuple(counts)}: pass 1 to {len(codes) - 1}, the other examples."
        )
    precision, recall, average, answered = 0.0, 0.0, 0.0, 0
    for start in range(0, len(codes), block):
        chosen = np.arange(start, min(start + block, len(codes)))
        order = _neighbours(codes, chosen, metric)  # (queries, examples - 1)
        relevant = np.take_along_axis(relevant_to(chosen), order, axis=1)
        found = np.cumsum(relevant, axis=1)
        total = found[:, -1:]
        here = total[:, 0] > 0
        precision = precision + (found[:, counts - 1] / counts).sum(axis=0)
        recall = recall + (found[:, counts - 1] / np.maximum(total, 1))[here].sum(axis=0)
        ranked = found / np.arange(1, len(codes))
        average += ((ranked * relevant).sum(axis=1) / np.maximum(total[:, 0], 1))[here].sum()
        answered += here.sum()
    if not answered:
        raise ValueError("no two examples share a label: nothing can be retrieved.")
    return Retrieval(counts, precision / len(codes), recall / answered, float(average / answered))


def precision_at_k(codes, labels, k, metric="cosine"):
    """Share of the k nearest other examples that are relevant, averaged over all examples.

    Source: Manning, Raghavan and Schuetze 2008, chapter 8.

    Args:
        codes: array, shape `(examples, latent_dim)`.
        labels: as in `retrieval`.
        k: int.
        metric: "cosine" or "euclidean". Defaults to `"cosine"`.

    Returns:
        float in [0, 1].

    Raises:
        ValueError: as in `retrieval`.
    """
    return float(retrieval(codes, labels, (k,), metric).precision[0])


def mean_average_precision(codes, labels, metric="cosine"):
    """Mean over queries of the average precision: the area under its precision-recall curve.

    Source: Manning, Raghavan and Schuetze 2008, chapter 8 (equation 8.8).

    Args:
        codes: array, shape `(examples, latent_dim)`.
        labels: as in `retrieval`.
        metric: "cosine" or "euclidean". Defaults to `"cosine"`.

    Returns:
        float in [0, 1].

    Raises:
        ValueError: as in `retrieval`.
    """
    return retrieval(codes, labels, (1,), metric).mean_average_precision


def lsa(counts_train, counts_test, num_components, weighting="tf-idf"):
    """Latent semantic analysis: a truncated SVD of weighted word counts, to compare with.

    Source: Deerwester et al. 1990; scikit-learn's `TfidfTransformer` and `TruncatedSVD`.

    Args:
        counts_train: array or sparse matrix, shape `(documents, words)`.
        counts_test: the same for other documents.
        num_components: int, size of the code.
        weighting: "tf-idf" (with 1 + log of the counts, documents of length 1) or "log", log(1 +
            count). Defaults to `"tf-idf"`.

    Returns:
        Codes of the test documents, shape `(documents, num_components)`.

    Raises:
        ValueError: when the weighting is not known, or there are not more words and training
            documents than components.
    """
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfTransformer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer

    weights = {
        "tf-idf": TfidfTransformer(sublinear_tf=True),
        "log": FunctionTransformer(np.log1p, accept_sparse=True),
    }
    if weighting not in weights:
        raise ValueError(f"weighting={weighting!r} is not known: pass 'tf-idf' or 'log'.")
    most = min(counts_train.shape) - 1
    if not 1 <= num_components <= most:
        raise ValueError(
            f"num_components={num_components}: pass 1 to {most}, less than the numbers of words "
            "and of training documents."
        )
    svd = TruncatedSVD(num_components, random_state=0)
    return make_pipeline(weights[weighting], svd).fit(counts_train).transform(counts_test)


def nearest(codes, query, num_retrieved, metric="cosine"):
    """The nearest other examples of one.

    Source: this library.

    Args:
        codes: array, shape `(examples, latent_dim)`.
        query: int, number of the example that asks.
        num_retrieved: int.
        metric: "cosine" or "euclidean". Defaults to `"cosine"`.

    Returns:
        int array, shape `(num_retrieved,)`, the nearest first.

    Raises:
        ValueError: when there is no such example, or not so many others.
    """
    if not 0 <= query < len(codes) or not 1 <= num_retrieved < len(codes):
        raise ValueError(
            f"query={query}, num_retrieved={num_retrieved}: there are {len(codes)} examples."
        )
    order = _neighbours(np.asarray(codes, "float32"), np.array([query]), metric)
    return order[0, :num_retrieved]


def _relevance(labels):
    """Function from the numbers of some queries to `(queries, examples)`: is it relevant?"""
    labels = np.asarray(labels)
    if labels.ndim == 1:
        return lambda chosen: labels[chosen, None] == labels[None]
    shares = labels.astype("float32")
    return lambda chosen: shares[chosen] @ shares.T > 0


def _neighbours(codes, chosen, metric):
    """Numbers of all other examples, the nearest first, shape `(queries, examples - 1)`."""
    if metric == "cosine":
        unit = codes / np.maximum(np.linalg.norm(codes, axis=1, keepdims=True), 1e-12)
        distance = -unit[chosen] @ unit.T
    elif metric == "euclidean":
        codes = codes.astype("float64") - codes.mean(axis=0, dtype="float64")
        squares = np.square(codes).sum(axis=1)
        distance = squares[None] - 2 * codes[chosen] @ codes.T  # up to the query's own square
    else:
        raise ValueError(f"metric={metric!r} is not known: pass 'cosine' or 'euclidean'.")
    distance[np.arange(len(chosen)), chosen] = -np.inf  # itself first, and left out
    return np.argsort(distance, axis=1, kind="stable")[:, 1:]
