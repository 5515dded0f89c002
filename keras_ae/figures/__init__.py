"""Every picture a recipe draws. Functions return a `matplotlib.figure.Figure`."""

from .codes import activations as activations
from .codes import codes as codes
from .codes import edge_on as edge_on
from .codes import paths as paths
from .codes import spaces as spaces
from .convolution import matrices as matrices
from .convolution import side_lengths as side_lengths
from .curves import curve_panels as curve_panels
from .curves import curves as curves
from .curves import histograms as histograms
from .documents import neighbours as neighbours
from .fields import fields as fields
from .images import bitmaps as bitmaps
from .images import moving_picture as moving_picture
from .images import strips as strips
from .images import tiles as tiles
from .processes import best_discriminator as best_discriminator
from .processes import gan_animation as gan_animation
from .processes import gan_process as gan_process
from .segmentation import class_bars as class_bars
from .segmentation import heat_grid as heat_grid
from .segmentation import overlays as overlays
from .segmentation import weight_maps as weight_maps
from .style import COLOURS as COLOURS
from .tables import table as table
