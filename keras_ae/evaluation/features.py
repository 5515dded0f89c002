"""Features to score samples in: a small classifier of the same data, seeded and then frozen."""

import dataclasses
import hashlib

import keras
import numpy as np

from ..networks.features import feature_network
from .modes import modes_hit
from .representation import classification_error
from .samples import frechet_distance, kernel_distance, precision_recall, quantize

EPOCHS = 4  # with more, a little noise on test images scores below the floor


@dataclasses.dataclass
class FeatureExtractor:
    """A classifier that is not trained any more, whose last hidden layer gives the features.

    Source: this library; features of a classifier as in Heusel et al. 2017, arXiv:1706.08500.

    Args:
        network: `keras.Model` from images to a dict with "features" and "logits".
        test_error: float, % of the test images that it misclassifies.
    """

    network: keras.Model
    test_error: float

    def __call__(self, images):
        """Features of images, shape `(examples, features)`."""
        return self.network.predict(images, batch_size=500, verbose=0)["features"]

    def classify(self, images):
        """Classes of images, int array of shape `(examples,)`."""
        return self.network.predict(images, batch_size=500, verbose=0)["logits"].argmax(axis=1)

    def class_shares(self, images):
        """How often each class occurs, shape `(classes,)`, sum 1; pixels of 8 bits."""
        classes = self.network.output["logits"].shape[1]
        return np.bincount(self.classify(quantize(images)), minlength=classes) / len(images)

    def scores(self, samples, data, kernel=True):
        """All scores of samples that are computed in features, of 8-bit pixels.

        Put beside them what a second sample of the data scores, with as many images.

        Source: see `frechet_distance`, `kernel_distance` and `precision_recall`; total variation
        between the shares of classes.

        Args:
            samples: array of images in [0, 1], shape `(examples, height, width, channels)`.
            data: array of such images, as many if scores are to be compared with others'.
            kernel: bool, whether "kernel" is among them, which takes longest. Defaults to `True`.

        Returns:
            dict with "frechet", "kernel", "precision", "recall", "density", "coverage",
            "class_distance" (0: classes as often as in the data, 1: none of them) and
            "classes_hit" (as `modes_hit` counts them).

        Raises:
            ValueError: when there are too few images.
        """
        outputs = [
            self.network.predict(quantize(images), batch_size=500, verbose=0)
            for images in (samples, data)
        ]
        features = [output["features"] for output in outputs]
        classes = outputs[0]["logits"].shape[1]
        shares = [
            np.bincount(output["logits"].argmax(axis=1), minlength=classes) / len(output["logits"])
            for output in outputs
        ]
        return {
            "frechet": frechet_distance(*features),
            **({"kernel": kernel_distance(*features)} if kernel else {}),
            **precision_recall(*features),
            "class_distance": float(np.abs(shares[0] - shares[1]).sum() / 2.0),
            "classes_hit": modes_hit(*shares),
        }

    @property
    def fingerprint(self):
        """First 12 digits of the SHA-256 of all weights: numbers are comparable where it is equal.

        (Weights are rounded to 4 digits first, yet two machines or backends give two of them.)
        """
        digest = hashlib.sha256()
        for weight in self.network.get_weights():
            digest.update(np.round(weight.astype("float64"), 4).astype("float32").tobytes())
        return digest.hexdigest()[:12]


def feature_extractor(dataset, num_features=64, epochs=EPOCHS, seed=0):
    """Trains the classifier that samples of a data set are scored with.

    It is fixed before anything is scored; scores of two of them cannot be compared.

    Source: this library.

    Args:
        dataset: `keras_ae.data.Dataset` of images in [0, 1], with labels.
        num_features: int. Defaults to `64`.
        epochs: int. Defaults to `4`.
        seed: int. Defaults to `0`.

    Returns:
        `FeatureExtractor`.

    Raises:
        ValueError: when the data set has no labels or no images.
    """
    if dataset.y_train is None:
        raise ValueError(f"{dataset.name} has no labels: a classifier cannot be trained on it.")
    network = feature_network(
        dataset.x_train.shape[1:], int(dataset.y_train.max()) + 1, num_features
    )
    rng = np.random.default_rng(seed)
    for layer in network.layers:  # weights of the seed, and of no state outside
        if layer.get_weights():
            kernel, bias = layer.get_weights()
            deviation = np.sqrt(2.0 / np.prod(kernel.shape[:-1]))
            layer.set_weights([rng.normal(0.0, deviation, kernel.shape), bias])
    classifier = keras.Model(network.input, network.output["logits"])
    train, test = (dataset.x_train, dataset.y_train), (dataset.x_test, dataset.y_test)
    error = classification_error(classifier, train, test, epochs, seed=seed)
    network.trainable = False
    return FeatureExtractor(network, error)
