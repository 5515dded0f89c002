"""keras_ae: the autoencoders of a university lecture as Keras 3 models."""

from . import callbacks as callbacks
from . import data as data
from . import evaluation as evaluation
from . import layers as layers
from . import losses as losses
from .autoencoders.autoencoder import Autoencoder as Autoencoder
from .autoencoders.autoencoder import dense_autoencoder as dense_autoencoder
from .autoencoders.contractive import ContractiveAutoencoder as ContractiveAutoencoder
from .autoencoders.denoising import DenoisingAutoencoder as DenoisingAutoencoder
from .autoencoders.robust import RobustAutoencoder as RobustAutoencoder
from .autoencoders.sparse import SparseAutoencoder as SparseAutoencoder
from .autoencoders.sparse import k_sparse_autoencoder as k_sparse_autoencoder
from .autoencoders.stacked import StackedAutoencoder as StackedAutoencoder
from .engine.batches import Batches as Batches
from .networks.classifier import classifier as classifier
from .networks.convolutional import conv_decoder as conv_decoder
from .networks.convolutional import conv_encoder as conv_encoder
from .networks.convolutional import unpool_decoder as unpool_decoder
from .networks.dense import dense_decoder as dense_decoder
from .networks.dense import dense_encoder as dense_encoder
from .networks.features import feature_network as feature_network
from .segmentation.tiles import predict_tiles as predict_tiles
from .variational.adversarial import AdversarialAutoencoder as AdversarialAutoencoder
from .variational.semi_supervised import SemiSupervisedAAE as SemiSupervisedAAE
from .variational.vae import VAE as VAE
