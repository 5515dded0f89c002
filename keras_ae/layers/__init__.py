"""Blocks that two or more models use."""

from .convolution import Conv2D as Conv2D
from .convolution import Conv2DTranspose as Conv2DTranspose
from .convolution import conv_size as conv_size
from .convolution import conv_transpose_size as conv_transpose_size
from .corruption import MaskingNoise as MaskingNoise
from .corruption import SaltAndPepperNoise as SaltAndPepperNoise
from .normalization import BatchNormalization as BatchNormalization
from .pooling import MaxPool2DWithSwitches as MaxPool2DWithSwitches
from .priors import GaussianMixturePrior as GaussianMixturePrior
from .priors import GaussianPrior as GaussianPrior
from .priors import SwissRollPrior as SwissRollPrior
from .sparse import KSparse as KSparse
from .tied import TiedConv2DTranspose as TiedConv2DTranspose
from .tied import TiedDense as TiedDense
from .unpooling import BedOfNails2D as BedOfNails2D
from .unpooling import MaxUnpool2D as MaxUnpool2D
from .unpooling import NearestUnpool2D as NearestUnpool2D
from .upsampling import BilinearInitializer as BilinearInitializer
from .upsampling import BilinearResizing2D as BilinearResizing2D
from .upsampling import BilinearUpsampling2D as BilinearUpsampling2D
from .upsampling import CropLike as CropLike
from .upsampling import PadToMultiple as PadToMultiple
from .upsampling import RegionMeans2D as RegionMeans2D
