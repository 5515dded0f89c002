"""Scores: reconstruction, likelihood, what a representation is good for (classes, retrieval)."""

from .likelihood import active_units as active_units
from .likelihood import bits_per_dimension as bits_per_dimension
from .likelihood import elbo as elbo
from .likelihood import negative_log_likelihood as negative_log_likelihood
from .reconstruction import mean_image_error as mean_image_error
from .reconstruction import pca as pca
from .reconstruction import psnr as psnr
from .reconstruction import squared_error as squared_error
from .representation import classification_error as classification_error
from .representation import jacobian_spectrum as jacobian_spectrum
from .representation import knn_accuracy as knn_accuracy
from .representation import linear_probe as linear_probe
from .representation import linear_separator as linear_separator
from .representation import paired_gain as paired_gain
from .representation import relative_displacement as relative_displacement
from .retrieval import lsa as lsa
from .retrieval import mean_average_precision as mean_average_precision
from .retrieval import nearest as nearest
from .retrieval import precision_at_k as precision_at_k
from .retrieval import retrieval as retrieval
from .score import cosines as cosines
from .score import mixture_score as mixture_score
