"""Images with label maps: folders, scattered digits, weights of pixels."""

import os
import pathlib
import pickle

import keras
import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from keras_ae import data


def write(file, array, **options):
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(file, **options)


@pytest.fixture
def folder(tmp_path):
    """Seven images of 12 x 10 pixels, red where the class is 1; class 2 and void without a mark."""
    rng = np.random.default_rng(0)
    for n in range(7):
        label = rng.integers(0, 3, (12, 10)).astype("uint8")
        label[0, 0] = 11
        image = np.zeros((12, 10, 3), "uint8")
        image[..., 0] = 255 * (label == 1)
        write(tmp_path / "x" / f"{n}.png", image)
        write(tmp_path / "y" / f"{n}.png", label)
    return tmp_path


def paired(folder, **options):
    return data.PairedFolder(folder / "x", folder / "y", **{"void": 11, "batch_size": 3, **options})


def test_a_folder_and_a_model_that_do_not_fit(folder):
    import keras_ae

    model = keras_ae.FCDenseNet((None, None, 3), 2, 2, (1, 1, 1), 4, void=11)
    model.compile("sgd")
    with pytest.raises(ValueError, match="has 3 classes, the model knows 2"):
        model.fit(paired(folder), verbose=0)
    model = keras_ae.FCDenseNet((None, None, 3), 3, 2, (1, 1, 1), 4)
    model.compile("sgd")
    with pytest.raises(ValueError, match="void=11, the model void=None"):
        model.fit(paired(folder), verbose=0)


def test_pairs_in_an_order_of_seed_and_epoch(folder):
    pairs = paired(folder, seed=4)
    assert len(pairs.files) == 7 and pairs.num_batches == 3 and pairs.num_classes == 3
    x, y = pairs[0]
    assert x.shape == (3, 12, 10, 3) and x.dtype == np.float32
    assert y.shape == (3, 12, 10) and y.dtype == np.int32
    np.testing.assert_array_equal(x[..., 0], y == 1)
    assert (y[:, 0, 0] == 11).all()
    everything = [np.concatenate([pairs[i][1] for i in range(3)]) for _ in range(2)]
    np.testing.assert_array_equal(*everything)
    pairs.epoch = 1
    assert not np.array_equal(everything[0], np.concatenate([pairs[i][1] for i in range(3)]))
    x, y = pairs.load_all()
    expected = np.stack([np.array(Image.open(file)) for _, file in pairs.files])
    np.testing.assert_array_equal(y, expected)
    np.testing.assert_array_equal(pairs.image(2), x[2])
    assert pairs.for_backend() is pairs
    again = pickle.loads(pickle.dumps(pairs))  # for use_multiprocessing
    np.testing.assert_array_equal(again[0][1], pairs[0][1])


def test_augmentation_is_a_function_of_seed_and_epoch(folder):
    moves = (data.RandomCrop((6, 8)), data.RandomFlip(), data.ElasticWarp(2.0))
    pairs = paired(folder, augment=moves, weight_map=lambda label: (label == 1) + 0.5)
    x, y, w = pairs[1]
    assert x.shape == (3, 6, 8, 3) and y.shape == w.shape == (3, 6, 8)
    np.testing.assert_array_equal(w, (y == 1) + 0.5)
    assert w.dtype == np.float32 and x.dtype == np.float32 and y.dtype == np.int32
    np.testing.assert_array_equal(pairs[1][0], x)
    pairs.epoch = 1
    assert not np.array_equal(pairs[1][0], x)


def test_fit_takes_them_with_weights(folder):
    """Weights of 0 where the class is not 1 leave nothing to learn but class 1."""
    pairs = paired(folder, num_classes=12, void=None, weight_map=lambda label: label == 1)
    inputs = keras.Input((None, None, 3))
    model = keras.Model(inputs, keras.layers.Conv2D(12, 1)(inputs))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(5.0), loss)
    model.fit(pairs, epochs=3, verbose=0)
    predicted = model.predict(pairs.load_all()[0][:1], verbose=0)
    assert (predicted.argmax(axis=-1) == 1).all()


def test_palettes_and_masks_of_one_bit_give_their_numbers(tmp_path):
    label = np.arange(6, dtype="uint8").reshape(2, 3)
    write(tmp_path / "x" / "a.jpg", np.zeros((2, 3), "uint8"))
    palette = Image.fromarray(label, mode="L").convert("L")
    palette.putpalette([200, 3, 7] * 256)  # every class has the same colour
    assert palette.mode == "P"
    (tmp_path / "y").mkdir()
    palette.save(tmp_path / "y" / "a.png")
    pairs = paired(tmp_path, void=None, grayscale=True)
    np.testing.assert_array_equal(pairs.label(0), label)
    assert pairs.image(0).shape == (2, 3, 1) and pairs.num_classes == 6
    write(tmp_path / "y" / "a.png", label % 2 == 1)
    np.testing.assert_array_equal(paired(tmp_path, void=None).label(0), label % 2)


def test_values_are_mapped_to_classes(tmp_path):
    label = np.array([[0, 255, 128], [255, 0, 0]], "uint8")
    write(tmp_path / "x" / "a.png", np.full((2, 3), 51, "uint8"))
    write(tmp_path / "y" / "a.png", label)
    pairs = paired(tmp_path, label_values={0: 1, 255: 0, 128: 255}, void=255)
    np.testing.assert_array_equal(pairs.label(0), [[1, 0, 255], [0, 1, 1]])
    np.testing.assert_allclose(pairs.image(0), 0.2)
    assert pairs.num_classes == 2
    with pytest.raises(ValueError, match=r"a.png has the values 128"):
        paired(tmp_path, label_values={0: 1, 255: 0}, void=None)
    deep = np.array([[0, 65535, 13107]] * 2, "uint16")
    write(tmp_path / "x" / "a.png", deep)
    pairs = paired(tmp_path, grayscale=True, void=None, num_classes=256)
    np.testing.assert_allclose(pairs.image(0)[0, :, 0], [0.0, 1.0, 0.2], rtol=1e-6)
    with pytest.raises(ValueError, match="16 bits"):
        paired(tmp_path, void=None, num_classes=256)


def test_lists_of_names_and_of_paths(folder):
    lines = folder / "list.txt"
    lines.write_text("3\n\n/SegNet/CamVid/x/1.jpg /SegNet/CamVid/y/4.png\n5.png\n")
    pairs = paired(folder, split=lines)
    names = [(image.stem, label.stem) for image, label in pairs.files]
    assert names == [("3", "3"), ("1", "4"), ("5", "5")]
    lines.write_text("3\n9\n")
    with pytest.raises(ValueError, match="no image with a label map, 9"):
        paired(folder, split=lines)
    lines.write_text("")
    with pytest.raises(ValueError, match="names 0 pairs"):
        paired(folder, split=lines)
    with pytest.raises(ValueError, match="cannot be read as text"):
        paired(folder, split=folder / "none.txt")


def test_sub_folders_are_part_of_the_name(tmp_path):
    for city in ("a", "b"):
        for side, value in (("x", 255), ("y", 1)):
            write(tmp_path / side / city / "0.png", np.full((2, 2), value * (city == "b"), "uint8"))
    pairs = paired(tmp_path, void=None)
    assert [pairs.label(i)[0, 0] for i in range(2)] == [0, 1]
    assert [pairs.image(i)[0, 0, 0] for i in range(2)] == [0, 1]


def test_sizes_and_resizing(folder):
    small = paired(folder, image_size=(6, 5), void=11)
    x, y = small.load_all()
    assert x.shape == (7, 6, 5, 3) and y.shape == (7, 6, 5) and set(np.unique(y)) <= {0, 1, 2, 11}
    write(folder / "x" / "8.png", np.zeros((9, 14, 3), "uint8"))
    write(folder / "y" / "8.png", np.zeros((9, 14), "uint8"))
    for augment in (None, data.RandomFlip()):
        with pytest.raises(ValueError, match="2 sizes"):
            paired(folder, augment=augment)
    with pytest.raises(ValueError, match="fewer than the crop"):
        paired(folder, augment=data.RandomCrop(10))
    pairs = paired(folder, augment=(data.RandomFlip(), data.RandomCrop(8)))
    assert [pairs[i][0].shape[1:] for i in range(3)] == [(8, 8, 3)] * 3
    with pytest.raises(ValueError, match="image_size"):
        pairs.load_all()
    assert paired(folder, image_size=8).load_all()[1].shape == (8, 8, 8)


def test_faults_are_found_before_training(folder):
    x, y = folder / "x", folder / "y"
    with pytest.raises(ValueError, match="not a folder"):
        data.PairedFolder(folder / "none", y)
    (folder / "empty").mkdir()
    with pytest.raises(ValueError, match="holds no images"):
        data.PairedFolder(x, folder / "empty")
    with pytest.raises(ValueError, match=r"hold 0, 1, 2, 11, .* void="):
        paired(folder, void=None)
    with pytest.raises(ValueError, match=r"\d.png has the labels 2, 11, outside 0 to 1.*void="):
        paired(folder, void=None, num_classes=2)
    kept = (y / "6.png").read_bytes()
    (y / "6.png").unlink()
    with pytest.raises(ValueError, match=r"1 files of .*x have no partner .*, 6: add"):
        paired(folder)
    (y / "other.png").write_bytes(kept)
    (x / "6.png").rename(folder / "6.png")
    with pytest.raises(ValueError, match=r"1 files of .*y have no partner .*, other: add"):
        paired(folder)
    (y / "other.png").rename(y / "6.png")
    write(x / "6.png", np.zeros((12, 9, 3), "uint8"))
    with pytest.raises(ValueError, match=r"x/6.png has 12 x 9 pixels .*y/6.png 12 x 10"):
        paired(folder)
    (x / "6.png").write_bytes((folder / "6.png").read_bytes())
    write(x / "6.jpg", np.zeros((12, 10, 3), "uint8"))
    with pytest.raises(ValueError, match=r"6.jpg and 6.png"):
        paired(folder)
    (x / "6.png").unlink()
    noise = np.random.default_rng(0).integers(0, 256, (12, 10, 3)).astype("uint8")
    for name in ("6.png", "6.jpg"):
        (x / "6.jpg").unlink(missing_ok=True)
        write(x / name, noise)
        whole = (x / name).read_bytes()
        for broken in (b"no image", whole[: 2 * len(whole) // 3]):
            (x / name).write_bytes(broken)
            with pytest.raises(ValueError, match=rf"{name} cannot be read"):
                paired(folder)
        (x / name).unlink()
    write(x / "6.png", noise)
    write(y / "6.png", noise)
    with pytest.raises(ValueError, match=r"y/6.png is a picture of mode RGB"):
        paired(folder)
    (y / "6.png").write_bytes(kept[:60])
    with pytest.raises(ValueError, match=r"y/6.png cannot be read"):
        paired(folder)
    (y / "6.png").write_bytes(kept)
    with pytest.raises(ValueError, match="one weight per pixel"):
        paired(folder, weight_map=lambda label: label[1:])[0]


def test_cache_reads_a_file_once(folder, tmp_path):
    calls = []
    pairs = paired(folder, cache=True, weight_map=lambda label: calls.append(1) or label * 0.0)
    first = pairs.load_all()
    for file in (*(folder / "x").iterdir(), *(folder / "y").iterdir()):
        file.unlink()
    for one, other in zip(first, pairs.load_all(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert len(calls) == 7


@pytest.mark.parametrize("name", ["camvid", "isbi2012_em"])
def test_real_folders(name):
    root = pathlib.Path(os.environ.get("KERAS_AE_DATA", "")) / name
    if not os.environ.get("KERAS_AE_DATA") or not root.is_dir():
        pytest.skip(f"set KERAS_AE_DATA to a folder with {name}/")
    if name == "camvid":
        pairs = data.PairedFolder(root / "val", root / "valannot", void=11, batch_size=2)
        assert len(pairs.files) == 101 and pairs.num_classes == 11
        assert pairs[0][0].shape == (2, 360, 480, 3)
    else:
        pairs = data.PairedFolder(
            root / "train/image", root / "train/label", grayscale=True, label_values={0: 1, 255: 0}
        )
        assert len(pairs.files) == 30 and pairs.num_classes == 2
        assert pairs.image(0).shape == (512, 512, 1) and 0.1 < pairs.label(0).mean() < 0.3


def test_scattered_digits():
    x, y = data.scattered_digits(30)
    assert x.shape == (30, 64, 64, 1) and x.dtype == np.float32 and y.dtype == np.int32
    assert x.min() >= 0 and x.max() <= 1 and set(np.unique(y)) == set(range(11))
    assert 0.82 < (y == 0).mean() < 0.9
    assert x[..., 0][y > 0].mean() > 2 * x[..., 0][y == 0].mean()
    again = data.scattered_digits(4)
    np.testing.assert_array_equal(again[0], x[:4])  # an image depends on its number only
    np.testing.assert_array_equal(again[1], y[:4])
    for options in ({"seed": 1}, {"part": "test"}):
        assert not np.array_equal(data.scattered_digits(4, **options)[0], x[:4])
    colour, _ = data.scattered_digits(2, channels=3, image_size=48)
    assert colour.shape == (2, 48, 48, 3) and np.ptp(colour, axis=-1).max() > 0.1
    empty = data.scattered_digits(2, num_digits=(0, 0))[1]
    assert (empty == 0).all()


def test_size_of_digits():
    _, y = data.scattered_digits(20, 96, (1, 1), digit_size=(64, 64))
    rows = [np.flatnonzero((each > 0).any(axis=1)) for each in y]
    heights = np.array([r[-1] - r[0] + 1 for r in rows])  # but for blank rows of the original
    assert heights.min() > 32 and heights.max() <= 64
    for wrong in ((7, 20), (30, 20), (20, 97)):
        with pytest.raises(ValueError, match="digit_size"):
            data.scattered_digits(1, 96, digit_size=wrong)


def test_generated_cells():
    x, y = data.generated_cells(3, 96, 24, seed=1)
    assert x.shape == (3, 96, 96, 1) and y.shape == (3, 96, 96)
    assert x.dtype == "float32" and 0 <= x.min() < x.max() <= 1
    again, _ = data.generated_cells(2, 96, 24, seed=1)
    np.testing.assert_array_equal(x[:2], again)
    assert not np.array_equal(x[0], data.generated_cells(1, 96, 24, seed=2)[0][0])
    for image, membrane in zip(x[..., 0], y):
        assert image[membrane == 1].mean() < image[membrane == 0].mean() - 0.1
        _, number = ndimage.label(membrane == 0)
        assert number >= 8  # of some 16 cells, in parts
    for wrong in ({"num_images": 0}, {"image_size": -1}, {"cell_size": 15}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            data.generated_cells(**{"num_images": 1, **wrong})


def test_pairs_of_scattered_digits_and_of_a_folder(tmp_path):
    pairs = data.load_pairs("scattered_digits", 8, (64, 96), seed=3)
    assert pairs.x_train.shape == (8, 64, 64, 1) and pairs.y_test.shape == (60, 64, 64)
    assert len(pairs.class_names) == 11 and pairs.void is None
    assert not pairs.commonest_class().any()  # background
    ink = [
        np.mean(data.load_pairs("scattered_pen", 4, 64, digit_size=heights).y_train > 0)
        for heights in (None, (12, 28), (40, 48))
    ]
    assert ink[0] == ink[1] < 0.5 * ink[2]
    rng = np.random.default_rng(0)
    for part in ("train", "test"):
        for name in ("a", "b"):
            for kind, shape in ((part, (12, 16, 3)), (f"{part}annot", (12, 16))):
                pixels = rng.integers(0, 12, shape).astype("uint8")
                (tmp_path / kind).mkdir(exist_ok=True)
                Image.fromarray(pixels).save(tmp_path / kind / f"{name}.png")
    pairs = data.load_pairs(str(tmp_path), 1, (6, 8))
    assert pairs.x_train.shape == (2, 6, 8, 3) and pairs.y_test.shape == (2, 6, 8)
    assert pairs.class_names[8] == "car" and pairs.void == 11
    counts = np.bincount(pairs.y_train.ravel(), minlength=12)[:11]  # void is no class
    assert np.unique(pairs.commonest_class()) == [np.argmax(counts)]
    with pytest.raises(ValueError, match="train"):
        data.load_pairs(str(tmp_path / "a"), 1, 8)


def test_digits_are_covered_by_half_at_most():
    """An image of k digits is that of k - 1 with one more, so that each can be followed."""
    for n in range(8):
        steps = [data.scattered_digits(1, 48, (k, k), seed=n)[1][0] for k in range(7)]
        owner, areas = np.zeros((48, 48), int), []
        for k in range(1, 7):
            new = steps[k] != steps[k - 1]
            owner[new] = k
            areas.append(new.sum())
        seen = np.bincount(owner.ravel(), minlength=7)[1:]
        assert min(areas) > 10 and (2 * seen >= areas).all()
        assert (seen < areas).any() or n  # one covers another, at least in the first image


def test_void_border_of_digits():
    x, plain = data.scattered_digits(5, num_digits=(1, 1))
    other, y = data.scattered_digits(5, num_digits=(1, 1), void_width=2)
    np.testing.assert_array_equal(x, other)
    np.testing.assert_array_equal(y == plain, y != 255)
    for each, label in zip(y, plain):
        distance = ndimage.distance_transform_cdt(label == 0, "chessboard")
        np.testing.assert_array_equal(each == 255, (distance > 0) & (distance <= 2))


def test_scattered_digits_refuse():
    for options in (
        {"num_images": 0},
        {"part": "val"},
        {"channels": 2},
        {"image_size": 20},
        {"num_digits": (3, 2)},
        {"void_width": -1},
    ):
        with pytest.raises(ValueError, match="pass"):
            data.scattered_digits(**{"num_images": 1, **options})


def brute_force(labels, background, w0, sigma, structure=None):
    """Equation 2 with a loop over pixels and over all border pixels of all cells."""
    cells = []
    for label in set(labels.ravel()) - {background}:
        numbers, count = ndimage.label(labels == label, structure)
        cells += [numbers == n for n in range(1, count + 1)]
    borders = []
    for cell in cells:
        padded = np.pad(cell, 1, mode="edge")  # beyond the picture the cell goes on
        inner = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
        borders.append(np.argwhere(cell & ~inner))
    values, counts = np.unique(labels, return_counts=True)
    weights = np.zeros(labels.shape)
    for pixel in np.ndindex(labels.shape):
        share = counts[values == labels[pixel]][0] / labels.size
        weights[pixel] = 1 / (len(values) * share)
        distances = sorted(np.sqrt(((b - pixel) ** 2).sum(axis=1)).min() for b in borders if len(b))
        if len(distances) > 1:
            weights[pixel] += w0 * np.exp(-(sum(distances[:2]) ** 2) / (2 * sigma**2))
    return weights


@pytest.mark.parametrize("sigma", [1.0, 5.0])
def test_border_weights_are_those_of_the_equation(sigma):
    rng = np.random.default_rng(0)
    blobs = ndimage.gaussian_filter(rng.normal(size=(40, 33)), 2.0)
    for labels in ((blobs > 0.03).astype("int32"), np.digitize(blobs, [0.02, 0.08])):
        weights = data.border_weight_map(labels, background=0, w0=7.0, sigma=sigma)
        assert weights.dtype == np.float32
        np.testing.assert_allclose(weights, brute_force(labels, 0, 7.0, sigma), rtol=1e-5)
    touching = np.eye(8, dtype=int)
    structure = np.ones((3, 3))
    np.testing.assert_allclose(
        data.border_weight_map(touching, 0, connectivity=2),
        brute_force(touching, 0, 10.0, 5.0, structure),
        rtol=1e-6,
    )


def test_border_weights_of_a_gap():
    labels = np.ones((9, 20), int)
    labels[:, 9:11] = 0  # a gap two pixels wide: distances 1 and 2
    weights = data.border_weight_map(labels, 0, class_balance=False)
    np.testing.assert_allclose(weights[:, 9:11], 1 + 10 * np.exp(-9 / 50), rtol=1e-6)
    balanced = data.border_weight_map(labels, 0, w0=0.0)
    np.testing.assert_allclose(balanced[0, [0, 9]], [10 / 18, 5.0], rtol=1e-6)
    np.testing.assert_allclose(balanced.mean(), 1.0, rtol=1e-6)
    given = data.border_weight_map(labels, 0, w0=0.0, class_balance=[3.0, 0.5])
    np.testing.assert_allclose(given[0, [0, 9]], [0.5, 3.0])
    one_cell = np.zeros((6, 6), int)
    one_cell[2:4, 2:4] = 1
    for labels in (one_cell, one_cell * 0, one_cell * 0 + 1):
        np.testing.assert_array_equal(data.border_weight_map(labels, 0, class_balance=False), 1.0)


def test_border_weights_of_batches_and_void():
    labels = np.ones((2, 9, 20), "int32")
    labels[:, :, 9:11] = 0
    labels[1, :4] = 255
    weights = data.border_weight_map(labels, 0, void=255)
    np.testing.assert_array_equal(weights[0], data.border_weight_map(labels[0], 0))
    assert (weights[1, :4] == 0).all()
    np.testing.assert_allclose(weights[1, 6, 9:11], 5 + 10 * np.exp(-9 / 50), rtol=1e-6)
    for arguments in (
        {"labels": np.zeros(3, int)},
        {"labels": np.zeros((3, 3))},
        {"sigma": 0.0},
        {"w0": -1.0},
        {"class_balance": [1.0]},
    ):
        with pytest.raises(ValueError, match="pass"):
            data.border_weight_map(**{"labels": labels[0], "background": 0, **arguments})
