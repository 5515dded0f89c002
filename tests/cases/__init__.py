"""One `Case` per model and variant: what the contract (tests/test_contract.py) is run on.

A file per family of keras_ae, tiny in width and depth. Constructor arguments stand off their
defaults, so that a lost one shows. `refusals.py` has what models refuse.
"""

from . import autoencoders, diffusion, gans, segmentation, variational

CASES = [
    case
    for family in (autoencoders, variational, segmentation, gans, diffusion)
    for case in family.CASES
]
