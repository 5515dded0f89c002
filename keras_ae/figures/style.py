"""What all pictures share: one colour per class throughout the project, the width of a page.

Matplotlib is imported where a picture is drawn: `import keras_ae` does without it.
"""

import numpy as np

# Matplotlib's "tab10"; class i has COLOURS[i % 10], everywhere
COLOURS = tuple(
    (red / 255, green / 255, blue / 255)
    for red, green, blue in (
        (31, 119, 180),
        (255, 127, 14),
        (44, 160, 44),
        (214, 39, 40),
        (148, 103, 189),
        (140, 86, 75),
        (227, 119, 194),
        (127, 127, 127),
        (188, 189, 34),
        (23, 190, 207),
    )
)
WIDTH = 8.0  # inches, the width of a page


def new_figure(height, width=WIDTH):
    """An empty figure that arranges what is drawn in it.

    Args:
        height: float, inches.
        width: float, inches. Defaults to that of a page.

    Returns:
        `matplotlib.figure.Figure`.
    """
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


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
