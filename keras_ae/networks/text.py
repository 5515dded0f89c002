"""What a denoiser is told: the tokens of a class, or those of words.

Source: Rombach et al. 2022, arXiv:2112.10752, section 3.3 and appendix E.2.1 (a transformer over
the words of a prompt, trained with the denoiser).
"""

import math
import random

import keras
from keras import layers

from ..engine.checks import check_positive_int
from ..layers.attention import PositionEmbedding
from .blocks import Blocks


def text_encoder(num_words, length, channels=64, num_blocks=2, num_heads=4, name="text_encoder"):
    """Words to tokens, each of which knows the others: a small transformer without a mask.

    Zeros, behind the last word, are a word of their own, as in the text encoder of Stable
    Diffusion; zeros alone are no prompt.

    Source: Rombach et al. 2022, arXiv:2112.10752, appendix E.2.1; layers normalised before each
    part, as in Radford et al. 2021, arXiv:2103.00020, section 2.4.

    Args:
        num_words: int, words that are known, with the zero.
        length: int, words of a prompt, zeros included.
        channels: int, of a token, a multiple of `num_heads`. Defaults to `64`.
        num_blocks: int, blocks of attention and two dense layers. Defaults to `2`.
        num_heads: int. Defaults to `4`.
        name: str. Defaults to `"text_encoder"`.

    Returns:
        `keras.Model` from whole numbers `(batch, length)` to tokens `(batch, length, channels)`:
        the `conditioner` of `DDPM` and `LatentDiffusion`.

    Raises:
        ValueError: when a size is not a positive integer, or the heads do not divide the channels.
    """
    for size in (num_words, length, channels, num_blocks, num_heads):
        check_positive_int("a size", size)
    parts = Blocks(num_heads=num_heads)
    words = keras.Input((length,), dtype="int32", name="words")
    start = keras.initializers.RandomNormal(stddev=0.02, seed=random.randrange(2**31))
    x = layers.Embedding(num_words, channels, embeddings_initializer=start, name="word")(words)
    x = PositionEmbedding(name="place")(x)  # (batch, length, channels)
    for block in range(num_blocks):
        y = layers.LayerNormalization(epsilon=1e-5, name=f"norm_{block}_1")(x)
        x = layers.Add()([x, parts.attend(y, y, f"attention_{block}")])
        y = layers.LayerNormalization(epsilon=1e-5, name=f"norm_{block}_2")(x)
        y = parts.dense(4 * channels, activation="gelu", name=f"wide_{block}")(y)
        x = layers.Add()([x, parts.dense(channels, name=f"narrow_{block}")(y)])
    x = layers.LayerNormalization(epsilon=1e-5, name="last_norm")(x)
    return keras.Model(words, x, name=name)


def class_tokens(num_classes, token_shape):
    """Learned tokens of each class, and of none: the class after the last.

    Source: Rombach et al. 2022, arXiv:2112.10752, appendix E.2.1 (class-conditional models).

    Args:
        num_classes: int.
        token_shape: tuple `(tokens, channels)`.

    Returns:
        `keras.Model` from whole numbers `(batch, 1)` to `(batch, *token_shape)`.
    """
    label = keras.Input((1,), dtype="int32", name="label")
    size = math.prod(token_shape)
    start = keras.initializers.RandomNormal(seed=random.randrange(2**31))
    x = layers.Embedding(num_classes + 1, size, embeddings_initializer=start)(label)
    return keras.Model(label, layers.Reshape(token_shape)(x), name="class_tokens")
