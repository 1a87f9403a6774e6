"""Learning rates that change as training goes on: call ``scheduler.step()`` after each epoch, or each step.

All work on every group of an optimizer, from the rate that the group began with.
"""

from microbp.optim.lr_scheduler.composed import ChainedScheduler, SequentialLR
from microbp.optim.lr_scheduler.cosine import CosineAnnealingLR, CosineAnnealingWarmRestarts
from microbp.optim.lr_scheduler.cyclic import CyclicLR, OneCycleLR
from microbp.optim.lr_scheduler.factors import (
    ConstantLR,
    ExponentialLR,
    LambdaLR,
    LinearLR,
    MultiplicativeLR,
    MultiStepLR,
    PolynomialLR,
    StepLR,
)
from microbp.optim.lr_scheduler.plateau import ReduceLROnPlateau
from microbp.optim.lr_scheduler.scheduler import LRScheduler

__all__ = [
    "ChainedScheduler",
    "ConstantLR",
    "CosineAnnealingLR",
    "CosineAnnealingWarmRestarts",
    "CyclicLR",
    "ExponentialLR",
    "LRScheduler",
    "LambdaLR",
    "LinearLR",
    "MultiStepLR",
    "MultiplicativeLR",
    "OneCycleLR",
    "PolynomialLR",
    "ReduceLROnPlateau",
    "SequentialLR",
    "StepLR",
]
