"""Layers that use a weight of another network find it again when both are read from a config."""

import contextlib
import contextvars

_known = contextvars.ContextVar("networks that have been read", default=())


@contextlib.contextmanager
def known_networks():
    """While a model's parts are read one after the other: those read so far.

    Yields:
        Function that adds a part (anything that is not a network is passed over).
    """
    token = _known.set(())
    try:
        yield lambda part: _known.set((*_known.get(), part))
    finally:
        _known.reset(token)


def find_layer(name):
    """The layer of that name among the networks known so far.

    Args:
        name: str, name of the layer.

    Returns:
        The layer, or `None` where there is none.

    Raises:
        ValueError: when two layers have that name.
    """
    networks = [network for network in _known.get() if hasattr(network, "_flatten_layers")]
    layers = {id(y): y for x in networks for y in x._flatten_layers() if y.name == name}
    if len(layers) > 1:
        raise ValueError(
            f"{len(layers)} layers are named {name!r}, so that it cannot be told which one shares "
            "its weights: give the layers of nested networks different names."
        )
    return next(iter(layers.values()), None)
