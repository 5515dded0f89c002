"""Blocks that two or more models use."""

from .convolution import Conv2D as Conv2D
from .convolution import Conv2DTranspose as Conv2DTranspose
from .convolution import conv_size as conv_size
from .convolution import conv_transpose_size as conv_transpose_size
from .pooling import BedOfNails2D as BedOfNails2D
from .pooling import MaxPool2DWithSwitches as MaxPool2DWithSwitches
from .pooling import MaxUnpool2D as MaxUnpool2D
from .pooling import NearestUnpool2D as NearestUnpool2D
from .tied import TiedConv2DTranspose as TiedConv2DTranspose
from .tied import TiedDense as TiedDense
