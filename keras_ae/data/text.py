"""Documents and their bags of word stems: Reuters-21578, a folder per class, a generated corpus.

The words are counted by scikit-learn's `CountVectorizer`, the stems are those of the Snowball
project's `snowballstemmer` (English, "Porter2").
"""

import functools
import html.parser
import os
import pathlib

import numpy as np

from ..engine.checks import check_positive_int
from . import generated
from .generated import Documents


def load_documents(source):
    """Reads documents.

    Source: Lewis, Reuters-21578 distribution 1.0; Lang 1995, 20 Newsgroups.

    Args:
        source: path of a folder that holds `reut2-000.sgm` and so on (Reuters-21578 as
            distributed: stories of type NORM with a body, topics as classes), or one subfolder of
            text files per class (20 Newsgroups, say; the headers of messages, which name the
            group, are left out), or "generated" (1,200 documents that this library makes up).

    Returns:
        `Documents`.

    Raises:
        ValueError: when there is no such folder, or it holds neither.
    """
    path = pathlib.Path(os.fspath(source))
    if str(source) == "generated":
        return generated.generated_documents()
    if not path.is_dir():
        raise ValueError(
            f"{path} is no folder: pass 'generated', a folder with Reuters-21578's .sgm files, or "
            "one with a subfolder of texts per class."
        )
    stories = sorted(path.glob("reut2-*.sgm"))
    return _reuters(path, stories) if stories else _folders(path)


def count_stems(texts, num_words=2000):
    """A vocabulary of the commonest word stems.

    Source: Hinton and Salakhutdinov 2006, doi:10.1126/science.1127647 ("the 2000 commonest word
    stems"); scikit-learn's `CountVectorizer`, `snowballstemmer`.

    Args:
        texts: list of str, the training documents.
        num_words: int, size of the vocabulary. English stop words, numbers and single letters are
            not counted. Defaults to `2000`.

    Returns:
        Fitted `CountVectorizer`; its `transform(texts)` gives the counts, a sparse matrix of shape
        `(documents, num_words)`.

    Raises:
        ValueError: when the texts have fewer than `num_words` stems.
    """
    from sklearn.feature_extraction.text import CountVectorizer

    check_positive_int("num_words", num_words)
    vectorizer = CountVectorizer(analyzer=_stems, max_features=num_words)
    try:
        vectorizer.fit(texts)
        found = len(vectorizer.vocabulary_)
    except ValueError:  # scikit-learn's "empty vocabulary"
        found = 0
    if found < num_words:
        raise ValueError(
            f"the texts have {found} different word stems, num_words={num_words} are asked for: "
            "pass more texts or a smaller number."
        )
    return vectorizer


def word_distribution(counts):
    """Counts as probabilities: the share that each word has in its document.

    Source: Hinton and Salakhutdinov 2006, doi:10.1126/science.1127647.

    Args:
        counts: array or sparse matrix, shape `(documents, num_words)`, values >= 0.

    Returns:
        float32 array of the same shape; every row sums to 1.

    Raises:
        ValueError: when a document has none of the words.
    """
    counts = np.asarray(counts.todense() if hasattr(counts, "todense") else counts, "float32")
    totals = counts.sum(axis=1, keepdims=True)
    empty = np.flatnonzero(totals[:, 0] <= 0)
    if len(empty):
        raise ValueError(
            f"{len(empty)} documents are empty: they hold none of the words counted (the first is "
            f"number {empty[0]}): leave them out (counts.sum(axis=1) > 0 keeps the others)."
        )
    return counts / totals


class _Stories(html.parser.HTMLParser):
    """Collects `(topics, title, body)` of the stories in one file of Reuters-21578."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.stories, self._tag = [], None

    def handle_starttag(self, tag, attributes):
        if tag == "reuters":
            self._topics, self._title, self._body, self._normal = [], "", "", True
        elif tag == "text":
            self._normal = dict(attributes).get("type", "NORM") == "NORM"
        elif tag == "d" and self._tag == "topics":
            self._topics.append("")
            tag = "topic"
        self._tag = tag

    def handle_endtag(self, tag):
        if tag == "reuters" and self._normal and self._body.strip():
            self.stories.append((self._topics, self._title, self._body))
        self._tag = "topics" if tag == "d" and self._tag == "topic" else None

    def handle_data(self, data):
        if self._tag == "topic":
            self._topics[-1] += data
        elif self._tag == "title":
            self._title += data
        elif self._tag == "body":
            self._body += data


def _reuters(path, files):
    stories = []
    for file in files:
        parser = _Stories()
        parser.feed(file.read_text(encoding="latin-1"))
        parser.close()
        stories += parser.stories
    names = sorted({topic for topics, _, _ in stories for topic in topics})
    labels = np.array([[name in topics for name in names] for topics, _, _ in stories], bool)
    texts = [f"{title}\n{body}" for _, title, body in stories]
    return Documents(path.name, texts, labels.reshape(len(texts), len(names)), names)


def _folders(path):
    from sklearn.datasets import load_files

    if not any(folder.is_dir() and any(folder.iterdir()) for folder in path.iterdir()):
        raise ValueError(
            f"{path} holds neither .sgm files of Reuters-21578 nor subfolders with texts: pass the "
            "folder that does."
        )
    try:
        read = load_files(path, encoding="latin-1", shuffle=False)
    except IsADirectoryError as error:
        raise ValueError(
            f"{path} has folders within its folders ({error.filename}): pass the one whose "
            "subfolders hold nothing but texts."
        ) from error
    texts = [_without_header(text) for text in read.data]
    return Documents(
        path.name, texts, np.eye(len(read.target_names), dtype=bool)[read.target], read.target_names
    )


def _without_header(text):
    """The body of a news message; any other text as it is."""
    head, _, body = text.partition("\n\n")
    return body if "Newsgroups:" in head else text


@functools.cache
def _analysis():
    """scikit-learn's words without its stop words, and Snowball's stems of them."""
    import snowballstemmer
    from sklearn.feature_extraction.text import CountVectorizer

    words = CountVectorizer(stop_words="english", token_pattern=r"[a-z]{2,}").build_analyzer()
    return words, functools.cache(snowballstemmer.stemmer("english").stemWord)


def _stems(text):
    words, stem = _analysis()
    return [stem(word) for word in words(text)]
