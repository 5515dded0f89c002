"""Decoders that take a map for each stride, up to logits of every pixel.

A decoder is a Functional model from the dict that an encoder of `networks/pyramid.py` gives to
logits of the size of the image, whose sides are multiples of the greatest stride.

Source: lecture, "Mixing and matching encoders and decoders"; the papers named in `pyramid_decoder`.
"""

import keras
from keras import layers

from ..engine.checks import check_positive_int
from ..layers.normalization import BatchNormalization
from ..layers.upsampling import BilinearResizing2D, BilinearUpsampling2D, RegionMeans2D
from .pyramid import conv_unit, strides

DECODERS = ("fcn", "segnet", "unet", "fpn", "linknet", "psp")


def pyramid_decoder(kind, maps, num_classes, width=64, batch_norm=True, name="decoder"):
    """A decoder for the maps of an encoder, up to logits of every pixel.

    Source: "fcn": Long et al. 2015, arXiv:1411.4038 (scores of three maps, added, bilinear).
    "segnet": Badrinarayanan et al. 2015, arXiv:1511.00561 (convolutions between upsamplings, no
    maps across; bilinear, as other encoders have no switches). "unet": Ronneberger et al. 2015,
    arXiv:1505.04597. "fpn": Lin et al. 2017, arXiv:1612.03144, and Kirillov et al. 2019,
    arXiv:1901.02446. "linknet": Chaurasia and Culurciello 2017, arXiv:1707.03718. "psp": Zhao et
    al. 2017, arXiv:1612.01105 (the map of stride 8; known sides).

    Args:
        kind: one of `DECODERS`.
        maps: dict of what an encoder gives: Keras tensors "stride_1", "stride_2", ..., whose shapes
            are read.
        num_classes: int.
        width: int, channels of the finest level; each coarser one has twice as many, up to eight
            times ("fpn" and "psp" have `width` everywhere). Defaults to `64`.
        batch_norm: bool. Defaults to `True`.
        name: str. Defaults to `"decoder"`.

    Returns:
        `keras.Model` from the encoder's dict to logits `(batch, height, width, num_classes)`.

    Raises:
        ValueError: when the kind is unknown, or a number is not a positive integer.
    """
    if kind not in DECODERS:
        raise ValueError(f"decoder={kind!r} is not known: pass one of {', '.join(DECODERS)}.")
    check_positive_int("num_classes", num_classes)
    check_positive_int("width", width)
    inputs = {
        n: keras.Input(maps[f"stride_{n}"].shape[1:], name=f"stride_{n}") for n in strides(maps)
    }
    build = {"fcn": _fcn, "segnet": _segnet, "unet": _unet, "fpn": _fpn, "linknet": _linknet}
    x, stride = build.get(kind, _psp)(inputs, num_classes, width, batch_norm)
    if kind != "fcn":  # whose maps are scores
        x = layers.Conv2D(num_classes, 1, name="logits")(x)
    x = _up(x, stride)  # to the size of the image
    return keras.Model({f"stride_{n}": x for n, x in inputs.items()}, x, name=name)


def _fcn(maps, num_classes, width, batch_norm):
    """Scores of the three coarsest maps, from the coarsest on."""
    *_, stride = steps = sorted(maps)
    score = lambda n: layers.Conv2D(num_classes, 1, name=f"score_{n}")(maps[n])
    x = score(stride)
    for finer in steps[-2::-1][:2]:
        x = layers.Add()([_up(x, stride // finer), score(finer)])
        stride = finer
    return x, stride


def _segnet(maps, num_classes, width, batch_norm):
    """Convolutions between upsamplings, from the coarsest map alone."""
    stride = max(maps)
    x = maps[stride]
    while stride > min(maps):
        stride //= 2
        x = conv_unit(_up(x, 2), _width(width, stride, maps), batch_norm=batch_norm)
        x = conv_unit(x, x.shape[-1], batch_norm=batch_norm)
    return x, stride


def _unet(maps, num_classes, width, batch_norm):
    """The map across is concatenated after each upsampling."""
    *_, stride = steps = sorted(maps)
    x = maps[stride]
    for finer in steps[-2::-1]:
        x = layers.Concatenate()([_up(x, stride // finer, bilinear=False), maps[finer]])
        stride = finer
        for _ in range(2):
            x = conv_unit(x, _width(width, stride, maps), batch_norm=batch_norm)
    return x, stride


def _fpn(maps, num_classes, width, batch_norm):
    """A top-down path of equal width, and the sum of all its levels, upsampled (stride 4 on)."""
    steps = [n for n in sorted(maps) if n >= 4] or sorted(maps)
    levels, above = {}, None
    for n in steps[::-1]:
        x = layers.Conv2D(width, 1)(maps[n])  # (batch, h / n, w / n, width)
        if above is not None:
            x = layers.Add()([x, _up(levels[above], above // n, bilinear=False)])
        levels[n], above = x, n
    finest = steps[0]
    parts = []
    for n in steps:
        x = conv_unit(levels[n], width, batch_norm=batch_norm)
        while n > finest:
            x, n = _up(x, 2), n // 2
            if n > finest:
                x = conv_unit(x, width, batch_norm=batch_norm)
        parts.append(x)
    return layers.Add()(parts) if len(parts) > 1 else parts[0], finest


def _linknet(maps, num_classes, width, batch_norm):
    """Narrow blocks, to whose outputs the maps across are added."""
    *_, stride = steps = sorted(maps)
    x = maps[stride]
    for finer in steps[-2::-1]:
        narrow = max(1, x.shape[-1] // 4)
        x = conv_unit(x, narrow, 1, batch_norm)
        for _ in range((stride // finer).bit_length() - 1):
            x = layers.Conv2DTranspose(narrow, 3, 2, padding="same")(x)
            x = layers.ReLU()(BatchNormalization()(x) if batch_norm else x)
        x = conv_unit(x, maps[finer].shape[-1], 1, batch_norm)
        x, stride = layers.Add()([x, maps[finer]]), finer
    return conv_unit(x, width, batch_norm=batch_norm), stride


def _psp(maps, num_classes, width, batch_norm):
    """Means over 1, 4, 9 and 36 regions beside the map itself."""
    stride = max(n for n in maps if n <= 8) if min(maps) <= 8 else min(maps)
    x = maps[stride]
    if None in x.shape[1:3]:
        raise ValueError("decoder='psp' needs known sides: pass image_shape= with them.")
    parts = [x]
    for bins in (1, 2, 3, 6):
        sides = [min(bins, n) for n in x.shape[1:3]]
        pooled = RegionMeans2D(sides)(x)  # (batch, bins, bins, channels)
        pooled = conv_unit(pooled, max(1, width // 4), 1, batch_norm)
        parts.append(BilinearResizing2D(x.shape[1:3])(pooled))
    return conv_unit(layers.Concatenate()(parts), width, batch_norm=batch_norm), stride


def _up(x, factor, bilinear=True):
    if factor == 1:
        return x
    return BilinearUpsampling2D(factor, "same")(x) if bilinear else layers.UpSampling2D(factor)(x)


def _width(width, stride, maps):
    """Channels of a level: twice as many for each coarser one."""
    return width * min(8, stride // min(maps))
