"""Random moves of images together with their label maps and pixel weights, for `augment=`.

Each is a callable `(arrays, rng) -> arrays` that draws anew for every image. An array of a batch is
`(batch, height, width, channels)`, an image, or `(batch, height, width)`, a map that belongs to it
(labels, weights), whose numbers are moved but never averaged. Where the images of a batch differ in
size, a list takes the place of an array.

These are NumPy, because Keras' layers (3.15) draw other numbers on every backend, move no weights
beside the masks, crop a whole batch at one place and warp masks otherwise than images. Those that
move images and masks alike can be used through `KerasAugmentation`.
"""

import threading

import keras
import numpy as np
from keras import ops, tree

from ..engine import seeds
from ..engine.checks import check_positive, check_positive_int

LOCK = threading.Lock()  # a layer has one state, whatever thread prefetches


class Compose:
    """Several changes of a batch, one after the other.

    Source: definition.

    Args:
        *changes: callables `(arrays, rng) -> arrays`.

    Raises:
        ValueError: when one is not callable.
    """

    def __init__(self, *changes):
        for change in changes:
            if not callable(change):
                raise ValueError(f"{change!r} is not callable: pass changes such as RandomFlip().")
        self.changes = changes

    def __call__(self, arrays, rng):
        """Applies the changes.

        Args:
            arrays: tuple of arrays or of lists of arrays.
            rng: `numpy.random.Generator`.

        Returns:
            Tuple of the same form.
        """
        for change in self.changes:
            arrays = change(arrays, rng)
        return arrays


class RandomCrop:
    """Cuts a window out of every image, at a place of its own.

    Source: Jégou et al. 2017, arXiv:1611.09326, section 4.1 (crops of 224 x 224).

    Args:
        size: int or `(height, width)`, of the window in pixels.
        void: int, label of the pixels that an image smaller than the window lacks, or `None` to
            refuse such images. The image is mirrored there, weights are zero. Defaults to `None`.

    Raises:
        ValueError: when `size` is not positive.
    """

    def __init__(self, size, void=None):
        self.size = (size, size) if np.ndim(size) == 0 else tuple(size)
        if len(self.size) != 2:
            raise ValueError(f"size={size!r}: pass an int or (height, width).")
        for side in self.size:
            check_positive_int("size", side)
        self.void = void

    def __call__(self, arrays, rng):
        """Crops a batch.

        Args:
            arrays: tuple of arrays or of lists of arrays, images first.
            rng: `numpy.random.Generator`.

        Returns:
            Tuple of arrays, of which each image has `size`.

        Raises:
            ValueError: when an image is smaller and there is no `void`.
        """
        return _moved(arrays, rng, self._draw)

    def _draw(self, shape, rng):
        missing = [max(0, wanted - side) for wanted, side in zip(self.size, shape)]
        if any(missing) and self.void is None:
            raise ValueError(
                f"an image has {shape[0]} x {shape[1]} pixels, fewer than the crop of "
                f"{self.size[0]} x {self.size[1]}: pass a smaller size, or void= to pad it."
            )
        before = [int(rng.integers(0, each + 1)) for each in missing]
        pad = [(each, total - each) for each, total in zip(before, missing)]
        top, left = (
            int(rng.integers(0, max(0, side - wanted) + 1))
            for wanted, side in zip(self.size, shape)
        )

        def move(array):
            if any(missing) and array.ndim == 3:
                array = np.pad(array, (*pad, (0, 0)), mode="reflect")
            elif any(missing):
                fill = self.void if array.dtype.kind in "iu" else 0
                array = np.pad(array, pad, constant_values=fill)
            return array[top : top + self.size[0], left : left + self.size[1]]

        return move


class RandomFlip:
    """Mirrors every other image.

    Source: Jégou et al. 2017, arXiv:1611.09326, section 4.1 (vertical axis: left becomes right).

    Args:
        horizontal: bool, whether left and right may be exchanged. Defaults to `True`.
        vertical: bool, whether top and bottom may be. Defaults to `False`.
    """

    def __init__(self, horizontal=True, vertical=False):
        self.horizontal, self.vertical = horizontal, vertical

    def __call__(self, arrays, rng):
        """Flips the images of a batch.

        Args:
            arrays: tuple of arrays or of lists of arrays, images first.
            rng: `numpy.random.Generator`.

        Returns:
            Tuple of the same form.
        """

        def draw(_, rng):
            down, right = rng.random(2) < 0.5
            rows = slice(None, None, -1 if self.vertical and down else 1)
            columns = slice(None, None, -1 if self.horizontal and right else 1)
            return lambda array: array[rows, columns]

        return _moved(arrays, rng, draw)


class RandomRotate90:
    """Turns every image by 0, 90, 180 or 270 degrees; those that are not square by 0 or 180.

    Source: Ronneberger et al. 2015, arXiv:1505.04597, section 3.1 (rotations).
    """

    def __call__(self, arrays, rng):
        """Turns the images of a batch.

        Args:
            arrays: tuple of arrays or of lists of arrays, images first.
            rng: `numpy.random.Generator`.

        Returns:
            Tuple of the same form.
        """

        def draw(shape, rng):
            turns = int(rng.integers(0, 4))
            turns = turns if shape[0] == shape[1] else 2 * (turns % 2)
            return lambda array: np.rot90(array, turns)

        return _moved(arrays, rng, draw)


class ElasticWarp:
    """Bends every image smoothly, its labels and weights alike; mirrored beyond its borders.

    Displacements are drawn at the nodes of a coarse grid from corner to corner. Those of the pixels
    between are cubic splines through them, in both directions.

    Source: Ronneberger et al. 2015, arXiv:1505.04597, section 3.1 (3 x 3 grid, 10 pixels, bicubic).

    Args:
        std: float, standard deviation of the displacements, in pixels. Defaults to `10.0`.
        grid: int, nodes in each direction, at least 2. Defaults to `3`.
        order: int, 1 or 3: images are interpolated linearly or by cubic splines (maps take the
            nearest pixel). Defaults to `1`.

    Raises:
        ValueError: when an argument is out of range.
    """

    def __init__(self, std=10.0, grid=3, order=1):
        check_positive("std", std)
        check_positive_int("grid", grid)
        if grid < 2 or order not in (1, 3):
            raise ValueError(f"grid={grid}, order={order}: pass a grid of 2 or more, order 1 or 3.")
        self.std, self.grid, self.order = std, grid, order

    def __call__(self, arrays, rng):
        """Bends the images of a batch.

        Args:
            arrays: tuple of arrays or of lists of arrays, images first.
            rng: `numpy.random.Generator`.

        Returns:
            Tuple of the same form.
        """
        return _moved(arrays, rng, self._draw)

    def displacements(self, shape, rng):
        """How far each pixel is taken from, in pixels, shape `(2, height, width)`: rows, columns.

        Args:
            shape: `(height, width)`.
            rng: `numpy.random.Generator`.
        """
        from scipy import interpolate

        nodes = rng.normal(0.0, self.std, (2, self.grid, self.grid))
        places = np.arange(self.grid)
        spline = interpolate.CubicSpline(places, np.eye(self.grid), bc_type="natural")
        rows, columns = (spline(np.linspace(0, self.grid - 1, side)) for side in shape)
        return rows @ nodes @ columns.T  # (2, height, width)

    def _draw(self, shape, rng):
        from scipy import ndimage

        places = np.indices(shape) + self.displacements(shape, rng)

        def move(array):
            sample = lambda each, order: ndimage.map_coordinates(
                each, places, order=order, mode="mirror"
            )
            if array.ndim == 2:
                return sample(array, 0)
            channels = [sample(array[..., c], self.order) for c in range(array.shape[-1])]
            return np.clip(np.stack(channels, axis=-1), array.min(), array.max())

        return move


class KerasAugmentation:
    """A Keras preprocessing layer as a change of a batch, images and labels alike.

    Its noise is drawn from `rng`, so that a batch is a function of seed, epoch and batch number
    (equal again on the same backend). Give layers that change colours `value_range=(0, 1)`.

    Source: `keras.layers` (RandomFlip, RandomRotation, RandomZoom, RandomBrightness, ...) and their
    `transform_segmentation_masks`.

    Args:
        layer: Keras layer. Use `Compose` for several.
        void: int, label of the pixels that the layer fills with a constant, or `None` to refuse
            that. Weights are zero there. Defaults to `None`.

    Raises:
        ValueError: when `layer` moves no labels, or moves them otherwise than images.
    """

    def __init__(self, layer, void=None):
        if not hasattr(layer, "transform_segmentation_masks"):
            raise ValueError(
                f"{layer!r} moves no labels: pass a layer such as keras.layers.RandomRotation, and "
                "several in a Compose."
            )
        layers = keras.layers
        if isinstance(layer, (layers.RandomElasticTransform, layers.MixUp, layers.CutMix)):
            raise ValueError(
                f"{layer.name} cannot move labels as it moves images: pass another (ElasticWarp "
                "bends both alike)."
            )
        self.layer, self.void = layer, void

    def __call__(self, arrays, rng):
        """Applies the layer.

        Args:
            arrays: tuple of arrays, images first, shape `(batch, height, width, channels)`.
            rng: `numpy.random.Generator`.

        Returns:
            Tuple of arrays.

        Raises:
            ValueError: when the images differ in size, arrays are no maps, or labels would be
                filled with a class or averaged.
        """
        images, *maps = arrays
        if isinstance(images, list):
            raise ValueError("Images of different sizes: put a RandomCrop before Keras layers.")
        if any(np.shape(each) != images.shape[:3] for each in maps):
            shapes = [np.shape(each) for each in maps]
            raise ValueError(f"maps have shapes {shapes}: needed is {images.shape[:3]}.")
        fill = float(getattr(self.layer, "fill_value", 0.0))
        outside = np.full(images.shape[:3], fill + 1.0)  # what is filled has `fill` here instead
        masks = np.stack([*maps, outside], axis=-1).astype("float32")
        data = [ops.convert_to_tensor(each) for each in (images, masks)]  # (..., maps + 1)
        with LOCK, seeds.fixed(self.layer, int(rng.integers(0, 2**31))):
            drawn = self.layer.get_random_transformation({"images": data[0]}, training=True)
            # what the layer's own call does, but that each transform has a copy of what was drawn:
            # Keras 3.15 changes it in place on PyTorch, and masks then moved otherwise than images
            copies = [tree.map_structure(_copy, drawn) for _ in range(2)]
            data = [
                self.layer.transform_images(data[0], copies[0], training=True),
                self.layer.transform_segmentation_masks(data[1], copies[1], training=True),
            ]
        images, masks = (np.array(ops.convert_to_numpy(each)) for each in data)
        filled = masks[..., -1] == fill
        if filled.any() and maps and self.void is None:
            raise ValueError(
                f"{self.layer.name} fills pixels with {fill:g}, which is no label: pass void=, or "
                'fill_mode="reflect" to the layer.'
            )
        moved = [masks[..., i].astype(each.dtype) for i, each in enumerate(maps)]
        for i, each in enumerate(moved):
            if each.dtype.kind in "iu" and np.any(each != masks[..., i]):
                raise ValueError(f"{self.layer.name} averages labels: give it images of its size.")
            each[filled] = self.void if each.dtype.kind in "iu" and filled.any() else 0
        return (images.astype("float32"), *moved)


def _copy(value):
    return ops.copy(value) if ops.is_tensor(value) else value


def _moved(arrays, rng, draw):
    """Moves the images of a batch, each with all that belongs to it.

    `draw(shape, rng)` returns a callable of one array of that height and width.
    """
    sizes = [{each.shape[:2] for each in example} for example in zip(*arrays)]
    if any(len(size) > 1 for size in sizes) or len({len(array) for array in arrays}) > 1:
        shapes = [[each.shape for each in array[:2]] for array in arrays]
        raise ValueError(f"arrays do not belong together, shapes {shapes}: pass equal sizes.")
    moves = [draw(size.pop(), rng) for size in sizes]
    columns = ([move(each) for move, each in zip(moves, array)] for array in arrays)
    return tuple(
        np.stack(column) if len({each.shape for each in column}) == 1 else column
        for column in columns
    )
