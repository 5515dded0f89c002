"""Data sources, batches and their order."""

import functools
import os

import keras
import numpy as np
import pytest

from keras_ae import Batches, data
from keras_ae.data import sources


def test_digits():
    digits = data.load("digits", image_size=28)
    assert digits.x_train.shape == (1437, 28, 28, 1) and digits.x_test.shape == (360, 28, 28, 1)
    assert digits.x_train.dtype == np.float32
    assert digits.x_train.min() == 0 and digits.x_train.max() <= 1
    assert set(digits.y_train) == set(range(10))
    assert data.load("digits").x_train.shape == (1437, 8, 8, 1)


def test_npz_with_and_without_a_split(tmp_path):
    x = np.arange(20 * 4 * 4, dtype="uint8").reshape(20, 4, 4)
    np.savez(tmp_path / "a.npz", x=x, y=np.arange(20))
    loaded = data.load(tmp_path / "a.npz")
    assert loaded.x_train.shape == (18, 4, 4, 1) and loaded.x_test.shape == (2, 4, 4, 1)
    np.testing.assert_allclose(loaded.x_train[:, ..., 0] * 255, x[loaded.y_train], atol=1e-4)
    np.savez(tmp_path / "b.npz", x_train=x / 255.0, x_test=x[:3] / 255.0)
    assert data.load(tmp_path / "b.npz").y_train is None


def test_broken_files(tmp_path):
    good = tmp_path / "good.npz"
    np.savez(good, x=np.zeros((4, 2, 2), "uint8"))
    (tmp_path / "cut.npz").write_bytes(good.read_bytes()[:100])
    (tmp_path / "text.npz").write_text("no archive")
    np.savez(tmp_path / "pickle.npz", x=np.array([{}], dtype=object))
    np.savez(tmp_path / "keys.npz", pictures=np.zeros((4, 2)))
    np.savez(tmp_path / "range.npz", x=np.full((20, 2, 2), 7.0))
    zeros = np.zeros((20, 2, 2), "uint8")
    np.savez(tmp_path / "few.npz", x=zeros[:5])
    np.savez(tmp_path / "labels.npz", x=zeros, y=np.zeros(3))
    np.savez(tmp_path / "shapes.npz", x_train=zeros, x_test=zeros[:, :1])
    np.savez(tmp_path / "half.npz", x_train=zeros, x_test=zeros, y_test=np.zeros(20))
    with open(tmp_path / "not_zip.npz", "wb") as file:
        np.save(file, zeros)
    for name, message in (
        ("cut.npz", "cannot be read"),
        ("text.npz", "cannot be read"),
        ("pickle.npz", "without pickles"),
        ("keys.npz", "x_train"),
        ("range.npz", "rescale"),
        ("few.npz", "at least 10"),
        ("labels.npz", "as many"),
        ("shapes.npz", "different shapes"),
        ("half.npz", "labels that do not fit"),
        ("not_zip.npz", "cannot be read"),
        ("none.npz", "does not exist"),
        ("none/at/all", "does not exist"),
    ):
        with pytest.raises(ValueError, match=message):
            data.load(tmp_path / name)


@pytest.fixture
def folder(tmp_path):
    for label, colour in (("blue", (0, 0, 255)), ("red", (255, 0, 0))):
        for number in range(6):
            file = tmp_path / "images" / label / f"{number}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            keras.utils.array_to_img(np.full((6, 5, 3), colour), scale=False).save(file)
    return tmp_path / "images"


def test_folder_of_images(folder):
    loaded = data.load(folder)
    assert loaded.x_train.shape == (11, 6, 5, 3) and loaded.x_test.shape == (1, 6, 5, 3)
    np.testing.assert_array_equal(loaded.x_train[:, 0, 0, 0], loaded.y_train)  # red is class 1
    assert data.load(folder, image_size=4).x_train.shape == (11, 4, 4, 3)
    (folder / "red" / "0.png").write_bytes(b"no image")
    with pytest.raises(ValueError, match="cannot be read as an image"):
        data.load(folder)
    with pytest.raises(ValueError, match="holds no images"):
        data.load(make(folder.parent / "empty"))


def test_classes_of_a_folder_are_those_of_its_training_part(folder, tmp_path):
    root = make(tmp_path / "split")
    folder.rename(root / "train")
    red = make(root / "test") / "red"
    red.mkdir()
    (red / "0.png").write_bytes((root / "train" / "red" / "0.png").read_bytes())
    loaded = data.load(root)
    assert loaded.y_test.tolist() == [1] and sorted(set(loaded.y_train)) == [0, 1]
    red.rename(root / "test" / "green")
    with pytest.raises(ValueError, match="green"):
        data.load(root)


def test_vectors_where_images_are_needed(tmp_path):
    np.savez(tmp_path / "v.npz", x=np.zeros((20, 7)))
    assert data.load(tmp_path / "v.npz").x_train.shape == (18, 7)
    with pytest.raises(ValueError, match="holds vectors"):
        data.load(tmp_path / "v.npz", image_size=28)


def make(folder):
    folder.mkdir()
    return folder


def test_image_folder_streams_in_an_order_of_its_own(folder):
    stream = data.ImageFolder(folder, image_size=4, batch_size=5, seed=1)
    assert stream.num_batches == 3
    first = np.concatenate([stream[i][0] for i in range(3)])
    assert first.shape == (12, 4, 4, 3)
    again = np.concatenate([stream[i][0] for i in range(3)])
    np.testing.assert_array_equal(first, again)
    stream.epoch = 1
    assert not np.array_equal(first, np.concatenate([stream[i][0] for i in range(3)]))
    with pytest.raises(ValueError, match="not a folder"):
        data.ImageFolder(folder / "none", 4)


def test_unknown_names_are_refused_at_once(monkeypatch, tmp_path):
    pytest.importorskip("tensorflow_datasets")
    with pytest.raises(ValueError, match="did you mean mnist"):
        data.load("mnistt")
    monkeypatch.setenv("KERAS_AE_DATA", str(tmp_path))
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "prepared"))
    if sources._other_backend():
        pytest.importorskip("tensorflow", reason="TFDS needs TensorFlow to look for a data set")
    for name in ("oxford_iiit_pet", "emnist/letters", "cifar10:3.0.2"):
        with pytest.raises(ValueError, match="KERAS_AE_DATA"):
            data.load(name)


@functools.cache
def mnist():
    pytest.importorskip("tensorflow", reason="TFDS needs TensorFlow")
    root = os.environ.get("KERAS_AE_DATA", "")
    if not os.path.isdir(os.path.join(root, "mnist")):
        pytest.skip("set KERAS_AE_DATA to a folder with mnist/ (the four original files)")
    return data.load("mnist")


def test_mnist_through_tfds_and_pca_of_the_paper():
    from keras_ae import evaluation

    images = mnist()
    assert images.x_train.shape == (60000, 28, 28, 1) and images.x_test.shape == (10000, 28, 28, 1)
    assert np.bincount(images.y_test).tolist()[:2] == [980, 1135]
    _, restored = evaluation.pca(images.x_train, images.x_test, 30)
    assert round(evaluation.squared_error(images.x_test, restored), 2) == 13.87


def test_data_sets_whose_files_have_the_same_names():
    """Fashion-MNIST's files are called as MNIST's are; the means are those of the pixels."""
    mnist()
    root = os.environ.get("KERAS_AE_DATA")
    if root and not os.path.isdir(os.path.join(root, "fashion_mnist")):
        pytest.skip("KERAS_AE_DATA has no fashion_mnist")
    clothes = data.load("fashion_mnist")
    assert round(float(clothes.x_train.mean()), 4) == 0.2860
    assert round(float(mnist().x_train.mean()), 4) == 0.1307


def test_order_is_a_function_of_seed_and_epoch():
    x = np.arange(10)
    batches = Batches(x, batch_size=4, seed=3)
    first = np.concatenate([batches[i][0] for i in range(batches.num_batches)])
    assert sorted(first) == list(x) and not np.array_equal(first, x)
    batches.epoch = 1
    second = np.concatenate([batches[i][0] for i in range(3)])
    assert not np.array_equal(first, second)
    batches.epoch = 0
    np.testing.assert_array_equal(np.concatenate([batches[i][0] for i in range(3)]), first)


def test_order_is_the_same_on_the_fast_path():
    x = np.arange(10, dtype="float32")
    batches = Batches(x, x * 2, batch_size=4, seed=3)
    data_set = batches.for_backend()
    for epoch in (0, 5):
        batches.epoch = epoch
        for (a, b), (c, d) in zip(data_set, (batches[i] for i in range(3)), strict=True):
            np.testing.assert_array_equal(keras.ops.convert_to_numpy(a), c)
            np.testing.assert_array_equal(keras.ops.convert_to_numpy(b), d)


def test_batches_refuse_what_does_not_fit():
    for arguments, message in (
        ({"x": np.zeros(3), "y": np.zeros(4)}, "same number"),
        ({"x": np.zeros(0)}, "at least one"),
        ({"x": np.zeros(3), "batch_size": 0}, "positive integer"),
    ):
        with pytest.raises(ValueError, match=message):
            Batches(**arguments)


def test_random_shift():
    x = np.zeros((50, 5, 4, 1), "float32")
    x[:, 2, 2] = 1.0
    rng = np.random.default_rng(0)
    moved, target, labels = data.RandomShift(1)((x, x, np.arange(50)), rng)
    np.testing.assert_array_equal(moved, target)
    np.testing.assert_array_equal(labels, np.arange(50))
    assert (moved.sum(axis=(1, 2, 3)) == 1).all()
    where = {tuple(np.argwhere(image)[0][:2]) for image in moved}
    assert where == {(i, j) for i in (1, 2, 3) for j in (1, 2, 3)}
    with pytest.raises(ValueError, match="positive integer"):
        data.RandomShift(0)


def test_balanced_sample():
    labels = np.repeat([0, 1, 2], [5, 6, 9])
    chosen = sources.balanced_sample(labels, 6, seed=3)
    assert np.bincount(labels[chosen]).tolist() == [2, 2, 2] and len(set(chosen)) == 6
    np.testing.assert_array_equal(chosen, sources.balanced_sample(labels, 6, seed=3))
    assert sorted(sources.balanced_sample(labels, 20)) == list(range(20))
    for number in (0, 4, 18, 21):
        with pytest.raises(ValueError, match="multiple of 3"):
            sources.balanced_sample(labels, number)


def test_random_mask():
    x = np.ones((50, 40), "float32")
    masked, target = data.RandomMask(0.25)((x,), np.random.default_rng(0))
    assert target is x and masked.dtype == np.float32
    assert set(np.unique(masked)) == {0.0, 1.0} and abs(masked.mean() - 0.75) < 0.05
    rescaled, y = data.RandomMask(0.25, rescale=True)((x, 2 * x), np.random.default_rng(0))
    np.testing.assert_allclose(rescaled, masked / 0.75)
    np.testing.assert_array_equal(y, 2 * x)
    with pytest.raises(ValueError, match="less than 1"):
        data.RandomMask(1.0)


def test_binarisation_keeps_the_mean_and_is_fresh_for_every_batch():
    grey = np.tile(np.linspace(0, 1, 11, dtype="float32"), (4000, 1))
    binarize = data.RandomBinarize()
    (first,), (second,) = (binarize((grey,), np.random.default_rng(seed)) for seed in (0, 1))
    assert set(np.unique(first)) == {0.0, 1.0} and first.dtype == np.float32
    np.testing.assert_allclose(first.mean(axis=0), grey[0], atol=0.03)
    assert (first[:, 0] == 0).all() and (first[:, -1] == 1).all()
    assert (first != second).any()
    (again,) = binarize((first,), np.random.default_rng(2))
    np.testing.assert_array_equal(again, first)  # black and white stay as they are
