"""Cells with membranes, as in a microscope, without a download."""

import numpy as np

from ..engine.checks import check_positive_int


def generated_cells(num_images, image_size=256, cell_size=40, seed=0):
    """Grey pictures of cells that fill the plane, and where their membranes are.

    Cells are the regions nearest to points at random places, their borders bent; a membrane is
    dark, of a width of its own from 3 to 5 pixels, and in places pale. Dark specks lie inside
    cells: who takes all that is dark for membrane is wrong.

    Source: this library (Voronoi cells).

    Args:
        num_images: int.
        image_size: int, side in pixels. Defaults to `256`.
        cell_size: int, mean distance of neighbouring cells in pixels, at least 16. Defaults to
            `40`.
        seed: int. Defaults to `0`.

    Returns:
        `(x, y)`: float32 in [0, 1], shape `(images, image_size, image_size, 1)`, and int32, shape
        `(images, image_size, image_size)`, 1 for membrane and 0 for the inside of cells.

    Raises:
        ValueError: when a number is not positive, or cells are too small.
    """
    for name, number in (("num_images", num_images), ("image_size", image_size)):
        check_positive_int(name, number)
    check_positive_int("cell_size", cell_size)
    if cell_size < 16:
        raise ValueError(f"cell_size={cell_size}: pass 16 or more.")
    x = np.empty((num_images, image_size, image_size, 1), "float32")
    y = np.empty((num_images, image_size, image_size), "int32")
    for n in range(num_images):
        x[n, ..., 0], y[n] = _picture(np.random.default_rng([seed, n]), image_size, cell_size)
    return x, y


def _picture(rng, side, cell_size):
    from scipy import ndimage, spatial

    noise = lambda width: _smooth(rng, side, width)
    bent = np.indices((side, side)) + 0.1 * cell_size * np.stack([noise(8.0), noise(8.0)])
    points = rng.uniform(-cell_size, side + cell_size, (int((side / cell_size + 2) ** 2), 2))
    tree = spatial.cKDTree(points)
    distances, nearest = tree.query(np.moveaxis(bent, 0, -1), k=2)
    # how far the border is: half the difference of squared distances over that of the two points
    apart = np.linalg.norm(points[nearest[..., 0]] - points[nearest[..., 1]], axis=-1)
    border = (distances[..., 1] ** 2 - distances[..., 0] ** 2) / (2.0 * apart)
    width = 2.0 + 0.5 * noise(20.0).clip(-1.0, 1.0)  # half that of the membrane
    membrane = border <= width
    pale = ndimage.gaussian_filter(0.35 + 0.12 * noise(10.0).clip(-1.5, 1.5), 1.0)
    dark = ndimage.gaussian_filter(membrane * 1.0, 1.0) * (0.75 - pale)
    shade = 0.05 * rng.normal(size=len(points))[nearest[..., 0]]
    specks = ndimage.gaussian_filter((rng.uniform(size=(side, side)) < 0.0015) * 1.0, 2.0)
    specks = 0.35 * np.minimum(specks * 25.0, 1.0) * ~membrane
    image = 0.7 + shade + 0.03 * noise(3.0) - dark - specks + 0.05 * rng.normal(size=(side, side))
    return np.clip(image, 0.0, 1.0), membrane.astype("int32")


def _smooth(rng, side, width):
    """Smooth noise of unit variance."""
    from scipy import ndimage

    noise = ndimage.gaussian_filter(rng.normal(size=(side, side)), width, mode="wrap")
    return noise / noise.std()
