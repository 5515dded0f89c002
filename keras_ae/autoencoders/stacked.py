"""Greedy pretraining: one layer after the other, then the whole network.

Source: Hinton and Salakhutdinov 2006, doi:10.1126/science.1127647 (pretrain, unroll, fine-tune);
Bengio et al. 2007, "Greedy layer-wise training of deep networks" (with autoencoders instead of
Boltzmann machines); lecture, "Autoencoders for weight initialisation".

    h_0 = x
    stage k:  encoder_k, decoder_k = argmin L(decoder_k(encoder_k(h_{k-1})), h_{k-1})
              h_k = encoder_k(h_{k-1})
    unrolled: decoder_1(... decoder_K(encoder_K(... encoder_1(x))))

With a corruption every stage is a denoising autoencoder of what it reads, the clean code of the
stage before (Vincent et al. 2010, JMLR 11, section 3.5).

A stage trains the very layers of the deep network, so nothing has to be copied to unroll it: after
the last stage the model is unrolled, and `fit` fine-tunes it.
"""

import keras

from ..engine.batches import Batches
from ..layers.tied import TiedDense
from .autoencoder import Autoencoder
from .denoising import DenoisingAutoencoder, check_corruption


@keras.saving.register_keras_serializable("keras_ae")
class StackedAutoencoder(Autoencoder):
    """An autoencoder whose layers can be trained one by one, from the outside inwards.

    `pretrain(x)`, then `compile` and `fit(x)`. Everything else is as in `Autoencoder`.

    Source: Hinton and Salakhutdinov 2006, doi:10.1126/science.1127647; Bengio et al. 2007.

    Args:
        encoder: `keras.Model` of Dense layers (a `dense_encoder`).
        decoder: `keras.Model` of Dense layers that mirror the encoder's.
        loss: as in `Autoencoder`; the first stage has it too, later stages have the squared error
            (or a function of the user's). Defaults to `"squared_error"`.
        l2: float, as in `Autoencoder`. Defaults to `0.0`.
        **kwargs: `name` and `dtype`, as in `keras.Model`.

    Raises:
        ValueError: when the decoder does not mirror the encoder, a network has layers that do not
            belong to a stage (give the activation to the Dense layer), or as `Autoencoder` says.
    """

    def __init__(self, encoder, decoder, loss="squared_error", l2=0.0, **kwargs):
        super().__init__(encoder, decoder, loss, l2, **kwargs)
        inner, outer = _widths(encoder), _widths(decoder)
        if not inner or inner != [pair[::-1] for pair in outer[::-1]]:
            raise ValueError(
                "the decoder does not mirror the encoder: from the input inwards the encoder's "
                f"Dense layers are {inner}, the decoder's, from the output inwards, {outer[::-1]}. "
                "Pass dense networks with the same widths in reverse order."
            )

    def stages(self, corruption=None):
        """The shallow autoencoders of the stages, which share their layers with this model.

        Args:
            corruption: layer as in `DenoisingAutoencoder`, of which each stage gets its own, or
                `None`. Defaults to `None`.

        Returns:
            list of `Autoencoder`, the outermost first. The first maps images, the others codes.
        """
        if corruption is not None:
            check_corruption(corruption, self.encoder)
        pairs = list(zip(_dense(self.encoder), _dense(self.decoder)[::-1]))
        stages = []
        for number, (inwards, outwards) in enumerate(pairs):
            first = number == 0
            shape = self.encoder.input_shape[1:] if first else (inwards.kernel.shape[0],)
            x = keras.Input(shape)
            flat = keras.layers.Flatten()(x) if len(shape) > 1 else x  # (batch, features)
            encoder = keras.Model(x, inwards(flat))  # (batch, units)
            z = keras.Input((inwards.units,))
            y = outwards(z)  # (batch, features)
            decoder = keras.Model(z, keras.layers.Reshape(shape)(y) if len(shape) > 1 else y)
            loss = self.loss if first or callable(self.loss) else "squared_error"
            if corruption is None:
                stages.append(Autoencoder(encoder, decoder, loss, self.l2))
                continue
            own = _own(corruption, number)
            stages.append(DenoisingAutoencoder(encoder, decoder, own, loss, l2=self.l2))
        return stages

    def pretrain(
        self,
        x,
        epochs=10,
        batch_size=128,
        optimizer="adam",
        corruption=None,
        augment=None,
        seed=0,
        callbacks=None,
        verbose=0,
    ):
        """Trains every layer to reproduce what the layers before it make of the data.

        Args:
            x: array, shape `(examples, *image_shape)`; labels are not needed.
            epochs: int, of each stage. Defaults to `10`.
            batch_size: int. Defaults to `128`.
            optimizer: name, or Keras optimizer of which each stage gets a fresh copy. Defaults to
                `"adam"`.
            corruption: layer as in `DenoisingAutoencoder`, for a stack of denoising autoencoders:
                every stage corrupts what it reads, by noise of its own. Defaults to `None`.
            augment: callable `(arrays, rng) -> arrays` on the batches of every stage, as in
                `Batches`. Defaults to `None`.
            seed: int, of the order of the batches. Defaults to `0`.
            callbacks: callable from the number of a stage, 1 for the outermost, to its list of
                callbacks, or `None`. Defaults to `None`.
            verbose: as in `fit`. Defaults to `0`.

        Returns:
            list with one Keras `History` per stage.

        Raises:
            ValueError: when the data do not fit the model.
        """
        histories, h, stages = [], x, self.stages(corruption)
        for number, stage in enumerate(stages, 1):
            chosen = keras.optimizers.get(optimizer)
            stage.compile(type(chosen).from_config(chosen.get_config()))
            batches = Batches(h, batch_size=batch_size, seed=seed, augment=augment)
            called = callbacks(number) if callbacks else None
            try:
                histories.append(
                    stage.fit(batches, epochs=epochs, callbacks=called, verbose=verbose)
                )
            except ValueError as error:
                hint = " The decoder's activations must be able to give what the layer below gives."
                hint = hint if number > 1 and stage.trainable_variables else ""
                raise ValueError(f"stage {number} of {len(stages)}: {error}{hint}") from error
            h = stage.encode(h)  # (examples, units), what the next stage reproduces
        return histories


def _own(corruption, number):
    """A corruption of the same kind with noise of its own, for inputs of any shape."""
    if isinstance(corruption, keras.Sequential):
        return keras.Sequential([_own(layer, number) for layer in corruption.layers])
    config = {key: v for key, v in corruption.get_config().items() if key != "build_config"}
    if config.get("seed") is not None:
        config["seed"] += number
    return type(corruption).from_config(config)


def _dense(network):
    """The Dense layers, after a look that nothing else computes anything between them."""
    layers = keras.layers
    silent = (layers.InputLayer, layers.Flatten, layers.Reshape, layers.Dropout)
    dense = (layers.Dense, TiedDense)
    for layer in network.layers:
        if not isinstance(layer, (*silent, *dense)):
            raise ValueError(
                f"{network.name} has the layer {layer.name} ({type(layer).__name__}), which "
                "belongs to no stage. Pass dense networks: Dense layers with their activations, "
                "Flatten, Reshape and Dropout."
            )
    return [layer for layer in network.layers if isinstance(layer, dense)]


def _widths(network):
    """Inputs and outputs of each layer."""
    tied = lambda layer: isinstance(layer, TiedDense)
    return [x.kernel.shape[::-1] if tied(x) else tuple(x.kernel.shape) for x in _dense(network)]
