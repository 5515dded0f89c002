"""Documents: Reuters' markup, folders, stems, distributions; and retrieval by their codes."""

import hashlib
import os
import pathlib
import shutil

import numpy as np
import pytest
from sklearn.metrics import average_precision_score
from sklearn.metrics.pairwise import cosine_similarity

import keras_ae
from keras_ae import data, evaluation

STORY = """<REUTERS TOPICS="YES" NEWID="{n}">
<DATE>26-FEB-1987</DATE>
<TOPICS>{topics}</TOPICS>
<PLACES><D>usa</D></PLACES>
<TEXT{kind}>&#2;
<TITLE>PRICES &lt;OF> {title}</TITLE>
<DATELINE>    PARIS, Feb 26 - </DATELINE><BODY>Markets rose &amp; fell in {title}.
 Reuter &#3;</BODY></TEXT>
</REUTERS>
"""


def write_reuters(folder):
    stories = [
        STORY.format(n=1, topics="<D>grain</D><D>wheat</D>", kind="", title="wheat"),
        STORY.format(n=2, topics="", kind="", title="nothing"),
        STORY.format(n=3, topics="<D>ship</D>", kind=' TYPE="BRIEF"', title="ships"),
        STORY.format(n=4, topics="<D>ship</D>", kind="", title="caf\xe9s"),
    ]
    text = '<!DOCTYPE lewis SYSTEM "lewis.dtd">\n' + "".join(stories)
    (folder / "reut2-000.sgm").write_text(text, encoding="latin-1")


def test_reuters_markup(tmp_path):
    write_reuters(tmp_path)
    documents = data.load_documents(tmp_path)
    assert documents.class_names == ["grain", "ship", "wheat"]
    np.testing.assert_array_equal(documents.labels, [[1, 0, 1], [0, 0, 0], [0, 1, 0]])
    assert documents.texts[0].startswith("PRICES <OF> wheat\nMarkets rose & fell in wheat.")
    assert "caf\xe9s" in documents.texts[2] and "usa" not in "".join(documents.texts)


def test_folders_of_texts(tmp_path):
    for group, text in (("a", "From: x\nNewsgroups: a\n\nwheat prices"), ("b", "Not a\n\nmessage")):
        (tmp_path / group).mkdir()
        (tmp_path / group / "1").write_text(text)
    documents = data.load_documents(tmp_path)
    assert documents.texts == ["wheat prices", "Not a\n\nmessage"]
    assert documents.class_names == ["a", "b"] and documents.labels.tolist() == [[1, 0], [0, 1]]


def test_real_documents(tmp_path):
    root = pathlib.Path(os.environ.get("KERAS_AE_DATA", "none"))
    packed = root / "reuters21578" / "reuters21578.tar.xz"
    if not packed.exists():
        pytest.skip("KERAS_AE_DATA has no reuters21578: the real stories cannot be read")
    shutil.unpack_archive(packed, tmp_path)
    folder = next(tmp_path.rglob("reut2-000.sgm")).parent
    documents = data.load_documents(folder)
    # 21,578 stories, of which 1,798 are BRIEF and 737 UNPROC
    assert len(documents.texts) == 21_578 - 1_798 - 737
    assert {"earn", "acq", "crude"} <= set(documents.class_names)
    commonest = documents.class_names[documents.labels.sum(axis=0).argmax()]
    assert commonest == "earn" and documents.labels.any(axis=1).sum() > 10_000


def test_stems_and_distributions():
    texts = ["The prices were falling, falling", "price falls 7 of 12", "oil"]
    vectorizer = data.count_stems(texts, 3)
    assert sorted(vectorizer.vocabulary_) == ["fall", "oil", "price"]
    words = data.word_distribution(vectorizer.transform(texts))
    np.testing.assert_allclose(words, [[2 / 3, 0, 1 / 3], [0.5, 0, 0.5], [0, 1, 0]])
    assert words.dtype == np.float32
    for message, call in (
        ("1 documents are empty", lambda: data.word_distribution(vectorizer.transform(["xyz"]))),
        ("have 3 different word stems", lambda: data.count_stems(texts, 4)),
        ("have 0 different word stems", lambda: data.count_stems(["the 1", "of 2"], 4)),
        ("num_words=0", lambda: data.count_stems(texts, 0)),
        ("is no folder", lambda: data.load_documents("no/such/folder")),
        ("one row of labels", lambda: data.Documents("none", [], np.zeros((0, 0), bool), [])),
    ):
        with pytest.raises(ValueError, match=message):
            call()


def test_documents_without_words_are_refused():
    model = keras_ae.dense_autoencoder((3,), 2, loss="categorical")
    model.compile()
    with pytest.raises(ValueError, match=r"x has 1 rows of zeros .* number 1"):
        model.fit(np.array([[0.5, 0.5, 0.0], [0.0, 0.0, 0.0]], "float32"), verbose=0)


def test_folders_within_folders_are_refused(tmp_path):
    (tmp_path / "train" / "sci.space").mkdir(parents=True)
    with pytest.raises(ValueError, match="folders within its folders"):
        data.load_documents(tmp_path)


def test_a_folder_without_texts(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="holds neither"):
        data.load_documents(tmp_path)


def test_generated_documents():
    documents, again = data.generated_documents(50, seed=1), data.generated_documents(50, seed=1)
    assert documents.texts == again.texts and (documents.labels.sum(axis=1) == 1).all()
    assert documents.texts != data.generated_documents(50, seed=2).texts
    text = "\n".join(data.generated_documents().texts).encode()
    assert hashlib.sha256(text).hexdigest().startswith("7f431c75aa9517eb")  # as ever


def test_generated_subjects_have_words_of_their_own():
    documents = data.generated_documents(2000, subjects=4)
    assert len(set(documents.class_names)) == documents.labels.shape[1] == 24
    words = [text.split() for text in documents.texts]
    for subject, name in enumerate(documents.class_names):  # a class has the name of its first word
        about = documents.labels[:, subject]
        share = [
            np.mean([w.count(name) / len(w) for w in np.array(words, object)[rows]])
            for rows in (about, ~about)
        ]
        assert share[0] > 5 * share[1]
    with pytest.raises(ValueError, match="subjects=11: pass at most 10"):
        data.generated_documents(subjects=11)


def test_retrieval_is_scikit_learns():
    rng = np.random.default_rng(0)
    codes, labels = rng.normal(size=(40, 3)), rng.random((40, 5)) < 0.2
    found = evaluation.retrieval(codes, labels, (1, 5, 39), block=7)
    scores, shares = cosine_similarity(codes), labels.astype(int) @ labels.T > 0
    precisions, recalls, averages = [], [], []
    for query in range(40):
        others = np.arange(40) != query
        relevant, score = shares[query, others], scores[query, others]
        order = np.argsort(-score)
        precisions.append([relevant[order][:n].mean() for n in (1, 5, 39)])
        if relevant.any():
            recalls.append([relevant[order][:n].sum() / relevant.sum() for n in (1, 5, 39)])
            averages.append(average_precision_score(relevant, score))
    assert 0 < len(averages) < 40  # one query at least has no answer
    np.testing.assert_allclose(found.precision, np.mean(precisions, axis=0), rtol=1e-6)
    np.testing.assert_allclose(found.recall, np.mean(recalls, axis=0), rtol=1e-6)
    np.testing.assert_allclose(found.mean_average_precision, np.mean(averages), rtol=1e-6)
    x = np.log([1, 5, 39])
    area = sum((x[i + 1] - x[i]) * found.precision[i : i + 2].mean() for i in range(2)) / x[-1]
    np.testing.assert_allclose(found.area(), area)


def test_retrieval_by_class_and_distance():
    codes = np.array([[0.0], [1.0], [10.0], [11.0], [13.0]])
    labels = np.array([0, 0, 1, 1, 0])
    assert evaluation.precision_at_k(codes, labels, 1, "euclidean") == 4 / 5
    assert evaluation.nearest(codes, 3, 3, "euclidean").tolist() == [2, 4, 1]
    for offset in (0.0, 1e4):  # far from the origin
        found = evaluation.precision_at_k(100 * codes + offset, labels, 1, "euclidean")
        assert found == 4 / 5
    perfect = evaluation.mean_average_precision(np.eye(2)[labels], labels)
    assert perfect == 1.0
    for message, call in (
        ("one label", lambda: evaluation.precision_at_k(codes, labels[:3], 1)),
        ("pass 1 to 4", lambda: evaluation.precision_at_k(codes, labels, 5)),
        ("not known", lambda: evaluation.precision_at_k(codes, labels, 1, "manhattan")),
        ("finite", lambda: evaluation.precision_at_k(codes * np.nan, labels, 1)),
        ("pass 1 to 4", lambda: evaluation.retrieval(codes, labels, ())),
        ("two numbers", lambda: evaluation.retrieval(codes, labels, (1,)).area()),
        ("there are 5 examples", lambda: evaluation.nearest(codes, 9, 1)),
        ("there are 5 examples", lambda: evaluation.nearest(codes, 0, 5)),
        ("no two examples", lambda: evaluation.mean_average_precision(codes, np.arange(5))),
    ):
        with pytest.raises(ValueError, match=message):
            call()


def test_lsa_finds_the_two_topics():
    documents = data.generated_documents(300)
    counts = data.count_stems(documents.texts, 120).transform(documents.texts)
    codes = evaluation.lsa(counts[:150], counts[150:], 6)
    labels = documents.labels[150:]
    chance = (labels.astype(float) @ labels.T).mean()
    for weighting in ("tf-idf", "log"):
        codes = evaluation.lsa(counts[:150], counts[150:], 6, weighting)
        assert codes.shape == (150, 6)
        assert evaluation.precision_at_k(codes, labels, 5) > 3 * chance
    with pytest.raises(ValueError, match="weighting='idf'"):
        evaluation.lsa(counts, counts, 2, "idf")
    with pytest.raises(ValueError, match="num_components=120"):
        evaluation.lsa(counts, counts, 120)
