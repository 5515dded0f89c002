"""How like handwriting are digits as `load("pen")` draws them: who learns from one reads the other.

The small classifier that samples are scored with (`keras_ae.evaluation.feature_extractor`) is
trained on pen digits and reads MNIST's test digits, then the other way round; both without
augmentation. What each reads of its own test digits is the ceiling. Needs MNIST (TFDS, or
`KERAS_AE_DATA`).
"""

import dataclasses
import statistics

from keras_ae import data
from keras_ae.evaluation import feature_extractor


def main(*, seeds: tuple[int, ...] = (0, 1, 2), epochs: int = 4, num_images: int = 20000):
    """Prints the percentage of test digits that are read right, for each seed and together.

    Args:
        seeds: of the classifiers; the pen digits are those of `load`.
        epochs: how often a classifier sees its training set.
        num_images: images to train on, the first ones.
    """
    sets = {name: data.load(name, 28) for name in ("pen", "mnist")}
    shares = {(name, other): [] for name in sets for other in sets}
    for seed in seeds:
        for name, own in sets.items():
            part = dataclasses.replace(
                own, x_train=own.x_train[:num_images], y_train=own.y_train[:num_images]
            )
            reader = feature_extractor(part, epochs=epochs, seed=seed)
            for other, test in sets.items():
                right = 100.0 * (reader.classify(test.x_test) == test.y_test).mean()
                shares[name, other].append(float(right))
                print(f"seed {seed}  trained on {name:6} reads of {other:6} {right:6.2f} %")
    for (name, other), each in shares.items():
        spread = f" ± {statistics.stdev(each):.2f}" if len(each) > 1 else ""
        print(f"trained on {name:6} reads of {other:6} {statistics.mean(each):6.2f}{spread} %")
