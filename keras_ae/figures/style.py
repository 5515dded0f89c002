"""What all pictures share: one colour per class throughout the project, the width of a page."""

import matplotlib
import numpy as np

COLOURS = matplotlib.colormaps["tab10"].colors  # class i has COLOURS[i % 10], everywhere
WIDTH = 8.0  # inches, the width of a page


def draw_image(axis, image, low=0.0, high=1.0):
    """One image on an axis without ticks: grey, dark background as in MNIST.

    Args:
        axis: `matplotlib.axes.Axes`.
        image: array, shape `(height, width)` or `(height, width, channels)`.
        low: float, value drawn black. Defaults to `0.0`.
        high: float, value drawn white. Defaults to `1.0`.
    """
    image = np.asarray(image, "float32")
    image = np.clip((image - low) / (high - low), 0.0, 1.0)
    image = image[..., 0] if image.ndim == 3 and image.shape[-1] == 1 else image
    axis.imshow(image, cmap="gray", vmin=0.0, vmax=1.0, interpolation="nearest")
    axis.set_xticks([])
    axis.set_yticks([])
    for spine in axis.spines.values():
        spine.set_visible(False)
