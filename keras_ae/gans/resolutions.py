"""Sides and channels of networks whose maps double their sides, from 4 pixels on."""

from ..engine.checks import check_positive_int

START = 4  # pixels; every network of this family begins, or ends, with maps of this side


def channels_by_side(image_shape, width, most):
    """Channels of the maps by their side, from 4 outwards: 2 width / side, `most` at most.

    Source: Karras et al. 2017, arXiv:1710.10196, table 2 (width 8192, at most 512).

    Args:
        image_shape: tuple `(side, side, channels)`, the side a power of two from 8 on.
        width: int.
        most: int.

    Returns:
        dict, side to number of channels.

    Raises:
        ValueError: when a number is not positive, or the side is none that can be (the message
            names the nearest ones).
    """
    check_positive_int("width", width)
    check_positive_int("most", most)
    if len(image_shape) != 3 or image_shape[0] != image_shape[1]:
        raise ValueError(f"image_shape={tuple(image_shape)}: pass (side, side, channels).")
    side = image_shape[0]
    check_positive_int(f"a side in image_shape={tuple(image_shape)}", side)
    if side < 2 * START or side & (side - 1):
        below = max(2 * START, 2 ** (side.bit_length() - 1))
        raise ValueError(
            f"image_shape={tuple(image_shape)}: sides are powers of two from {2 * START} on; the "
            f"nearest are {below} and {2 * below}."
        )
    sides = [2**n for n in range(START.bit_length() - 1, side.bit_length())]
    return {n: max(1, min(2 * width // n, most)) for n in sides}
