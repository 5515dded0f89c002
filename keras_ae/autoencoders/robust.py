"""The robust autoencoder: gross outliers among the training data do not rule.

Source: Charte et al. 2018, arXiv:1801.01586 (robust autoencoders); Qi et al. 2014, "Robust feature
learning by stacked autoencoder with maximum correntropy criterion" (ICASSP),
doi:10.1109/ICASSP.2014.6854900.

    J(w) = 1/m sum_i sum_j 2 s^2 [1 - exp(-(x_ij - y_ij)^2 / (2 s^2))], y = decoder(encoder(x))
"""

import keras

from .. import losses
from .autoencoder import Autoencoder


@keras.saving.register_keras_serializable("keras_ae")
class RobustAutoencoder(Autoencoder):
    """An autoencoder that maximises correntropy: what is far off counts no more than others.

    With a large `bandwidth` it is an `Autoencoder` with the squared error. Start with errors within
    the bandwidth (a decoder near the data): the slope of an error far beyond it vanishes.

    Source: Charte et al. 2018, arXiv:1801.01586; Qi et al. 2014, doi:10.1109/ICASSP.2014.6854900.

    Args:
        encoder: `keras.Model`, as in `Autoencoder`.
        decoder: `keras.Model`, as in `Autoencoder`.
        bandwidth: float, error of one pixel from which on it counts as an outlier, in the unit of
            the pixels. Defaults to `0.5`.
        l2: float, as in `Autoencoder`. Defaults to `0.0`.
        **kwargs: `name` and `dtype`, as in `keras.Model`.

    Raises:
        ValueError: when the bandwidth is not positive, or as `Autoencoder` says.
    """

    def __init__(self, encoder, decoder, bandwidth=0.5, l2=0.0, **kwargs):
        if not isinstance(bandwidth, (int, float)) or not 0 < bandwidth < float("inf"):
            raise ValueError(f"bandwidth={bandwidth!r}: pass a positive number, in pixel values.")
        if "loss" in kwargs:
            raise ValueError("RobustAutoencoder has its loss, correntropy: leave loss out.")
        super().__init__(encoder, decoder, l2=l2, **kwargs)
        self.bandwidth = bandwidth

    def distance(self, target, output, **weights):
        return losses.correntropy(target, output, self.bandwidth, **weights)
