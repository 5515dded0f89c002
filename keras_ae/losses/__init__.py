"""Loss terms as pure functions: one value per example, summed over everything else.

Every function computes in float32 at least, whatever the precision of the network. Terms of the
data return shape `(batch,)`, a term of the weights a scalar. They are sums over pixels, not means:
a mean over 784 pixels changes the weight of a reconstruction against any other term by 784. Terms
of segmentation are per pixel that counts, so that void pixels and image sizes do not weigh.
"""

from .adversarial import logistic_discriminator as logistic_discriminator
from .adversarial import logistic_generator as logistic_generator
from .codes import gaussian_kl as gaussian_kl
from .codes import kl_sparsity as kl_sparsity
from .codes import l1 as l1
from .codes import sum_of_squares as sum_of_squares
from .reconstruction import bernoulli as bernoulli
from .reconstruction import categorical as categorical
from .reconstruction import correntropy as correntropy
from .reconstruction import gaussian as gaussian
from .reconstruction import pixel_levels as pixel_levels
from .reconstruction import squared_error as squared_error
from .segmentation import cross_entropy as cross_entropy
from .segmentation import dice as dice
from .segmentation import focal as focal
from .segmentation import jaccard as jaccard
from .segmentation import lovasz as lovasz
from .segmentation import median_frequency_weights as median_frequency_weights
from .segmentation import tversky as tversky
