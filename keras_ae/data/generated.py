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


def generated_documents(num_documents=1200, seed=0, subjects=1):
    """A corpus that is made up: every document mixes the words of one topic with common ones.

    With more than one subject, each topic's words are split among its subjects, and a document is
    about one of them: 24 subjects (of 4 each) are more than a linear map to ten numbers keeps
    apart.

    Source: this library; the mixture of Blei, Ng and Jordan 2003 (latent Dirichlet allocation) with
    one topic per document.

    Args:
        num_documents: int. Defaults to `1200`.
        seed: int. Defaults to `0`.
        subjects: int, subjects per topic, 1 to 10. Defaults to `1`.

    Returns:
        `Documents` with six classes per subject, one per document. A class has the name of its
        topic, or with several subjects that of the subject's first word.

    Raises:
        ValueError: when `num_documents` or `subjects` is not a positive integer, or `subjects` is
            above 10.
    """
    check_positive_int("num_documents", num_documents)
    check_positive_int("subjects", subjects)
    if subjects > 10:
        raise ValueError(f"subjects={subjects}: pass at most 10, a topic has about 20 words.")
    rng = np.random.default_rng(seed)
    vocabulary = np.array(" ".join([_COMMON, *_TOPICS.values()]).split())
    rest = np.isin(vocabulary, _COMMON.split())
    # shares of words of the topic, of the subject, of common ones, and of any
    of_topic, of_subject, common, any_word = (
        (0.32, 0.0, 0.5, 0.18) if subjects == 1 else (0.08, 0.3, 0.47, 0.15)
    )
    names, shares = [], []
    for topic, words in _TOPICS.items():
        own = np.isin(vocabulary, words.split())
        for part in np.array_split(words.split(), subjects):
            names.append(topic if subjects == 1 else str(part[0]))
            parts = np.isin(vocabulary, part)
            share = own * of_topic / own.sum() + parts * of_subject / parts.sum()
            shares.append((share + rest * common / rest.sum()) + any_word / len(vocabulary))
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
