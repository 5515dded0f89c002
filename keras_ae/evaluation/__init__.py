"""Scores: reconstruction, and what a representation is good for."""

from .reconstruction import mean_image_error as mean_image_error
from .reconstruction import pca as pca
from .reconstruction import squared_error as squared_error
from .representation import knn_accuracy as knn_accuracy
from .representation import linear_probe as linear_probe
from .representation import linear_separator as linear_separator
