"""Documents, and a corpus that is made up, for runs without a download."""

import dataclasses

import numpy as np

from ..engine.checks import check_positive_int


@dataclasses.dataclass
class Documents:
    """Texts and what they are about.

    Args:
        name: str, where they come from.
        texts: list of str.
        labels: bool array, shape `(documents, classes)`; a document has any number of classes.
        class_names: list of str.

    Raises:
        ValueError: when there are no documents, or labels do not fit.
    """

    name: str
    texts: list
    labels: np.ndarray
    class_names: list

    def __post_init__(self):
        if not self.texts or self.labels.shape != (len(self.texts), len(self.class_names)):
            raise ValueError(
                f"{self.name} has {len(self.texts)} documents, labels of shape "
                f"{self.labels.shape} and {len(self.class_names)} classes: pass one row of labels "
                "per document and one column per class."
            )


def generated_documents(num_documents=1200, seed=0):
    """A corpus that is made up: every document mixes the words of one topic with common ones.

    Source: this library; the mixture of Blei, Ng and Jordan 2003 (latent Dirichlet allocation) with
    one topic per document.

    Args:
        num_documents: int. Defaults to `1200`.
        seed: int. Defaults to `0`.

    Returns:
        `Documents` with six classes, one per document.

    Raises:
        ValueError: when `num_documents` is not a positive integer.
    """
    check_positive_int("num_documents", num_documents)
    rng = np.random.default_rng(seed)
    names = list(_TOPICS)
    vocabulary = np.array(" ".join([_COMMON, *_TOPICS.values()]).split())
    common = _COMMON.split()
    shares = []
    for topic in names:
        own = np.isin(vocabulary, _TOPICS[topic].split())
        rest = np.isin(vocabulary, common)
        shares.append((own * 0.32 / own.sum() + rest * 0.5 / rest.sum()) + 0.18 / len(vocabulary))
    labels = rng.integers(0, len(names), num_documents)
    texts = []
    for label in labels:
        share = rng.dirichlet(60 * shares[label] / shares[label].sum())
        length = rng.integers(20, 80)
        texts.append(" ".join(rng.choice(vocabulary, length, p=share)))
    return Documents("generated", texts, np.eye(len(names), dtype=bool)[labels], names)


_COMMON = """market company report increase decline government official agreement expected statement
country results board average record national public plan growth session change industry support
quarter analyst figure private member effort issue value program interest control policy future"""

_TOPICS = {
    "grain": """wheat corn harvest crop tonnes soybean barley farmer export maize bushel drought
        planting seed silo rice oats acreage fertilizer milling yield season""",
    "crude oil": """barrel oil crude petroleum refinery drilling opec pipeline gasoline tanker well
        offshore rig energy output quota fuel reserves exploration kerosene""",
    "shipping": """port vessel cargo ship freight strike docker container harbour crew canal sailing
        tonnage seamen hull voyage ferry anchor stevedore route""",
    "money": """dollar yen currency bank rate mark intervention central exchange deposit treasury
        reserve dealer sterling franc monetary liquidity discount lending inflation""",
    "earnings": """profit dividend share loss revenue earnings net shareholder payout split sales
        gain income operating tax stock cents preferred fiscal year""",
    "space": """orbit shuttle satellite rocket launch moon telescope astronaut mission lunar planet
        mars probe payload gravity comet solar spacecraft booster nasa""",
}
