"""Loss terms as pure functions: one value per example, summed over everything else.

Every function computes in float32 at least, whatever the precision of the network. Terms of the
data return shape `(batch,)`, a term of the weights a scalar. They are sums over pixels, not means:
a mean over 784 pixels changes the weight of a reconstruction against any other term by 784. Terms
of segmentation are per pixel that counts, so that void pixels and image sizes do not weigh.
"""

from .adversarial import ADVERSARIAL_LOSSES as ADVERSARIAL_LOSSES
from .adversarial import hinge_discriminator as hinge_discriminator
from .adversarial import least_squares_discriminator as least_squares_discriminator
from .adversarial import least_squares_generator as least_squares_generator
from .adversarial import logistic_discriminator as logistic_discriminator
from .adversarial import logistic_generator as logistic_generator
from .adversarial import minimax_generator as minimax_generator
from .adversarial import relativistic_discriminator as relativistic_discriminator
from .adversarial import relativistic_generator as relativistic_generator
from .adversarial import wasserstein_critic as wasserstein_critic
from .adversarial import wasserstein_generator as wasserstein_generator
from .codes import gaussian_kl as gaussian_kl
from .codes import kl_sparsity as kl_sparsity
from .codes import l1 as l1
from .codes import sum_of_squares as sum_of_squares
from .penalties import drift as drift
from .penalties import gradient_penalty as gradient_penalty
from .penalties import path_lengths as path_lengths
from .penalties import zero_centered_penalty as zero_centered_penalty
from .perceptual import perceptual as perceptual
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
