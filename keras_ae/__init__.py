"""keras_ae: the autoencoders of a university lecture as Keras 3 models."""

from . import callbacks as callbacks
from . import data as data
from . import evaluation as evaluation
from . import losses as losses
from .autoencoders.autoencoder import Autoencoder as Autoencoder
from .engine.batches import Batches as Batches
from .networks.dense import dense_decoder as dense_decoder
from .networks.dense import dense_encoder as dense_encoder
