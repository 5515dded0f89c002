"""Data: real digits that ship with scikit-learn, TFDS, `.npz` files, images, documents, curves."""

from ..engine.batches import Batches as Batches
from .augment import AddLabelled as AddLabelled
from .augment import RandomBinarize as RandomBinarize
from .augment import RandomMask as RandomMask
from .augment import RandomShift as RandomShift
from .curves import curve as curve
from .curves import noisy_curve as noisy_curve
from .folders import ImageFolder as ImageFolder
from .generated import Documents as Documents
from .generated import generated_documents as generated_documents
from .paired import PairedFolder as PairedFolder
from .segmentation import border_weight_map as border_weight_map
from .segmentation import scattered_digits as scattered_digits
from .sources import Dataset as Dataset
from .sources import balanced_sample as balanced_sample
from .sources import load as load
from .text import count_stems as count_stems
from .text import load_documents as load_documents
from .text import word_distribution as word_distribution
from .warp import Compose as Compose
from .warp import ElasticWarp as ElasticWarp
from .warp import KerasAugmentation as KerasAugmentation
from .warp import RandomCrop as RandomCrop
from .warp import RandomFlip as RandomFlip
from .warp import RandomRotate90 as RandomRotate90
