"""Data: real digits that ship with scikit-learn, TFDS, `.npz` files, folders of images."""

from ..engine.batches import Batches as Batches
from .augment import RandomShift as RandomShift
from .folders import ImageFolder as ImageFolder
from .sources import Dataset as Dataset
from .sources import load as load
