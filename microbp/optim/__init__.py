"""Optimizers: what turns gradients into steps.

`Optimizer` keeps the parameters in groups, each with its own options, and `ElementwiseOptimizer`
is the base of those whose step is one formula for every element; `layer_groups` makes groups
from layer names.
"""

from microbp.optim import lr_scheduler
from microbp.optim.adadelta import Adadelta
from microbp.optim.adagrad import Adagrad
from microbp.optim.adam import Adam, AdamW
from microbp.optim.adamax import Adamax
from microbp.optim.asgd import ASGD
from microbp.optim.elementwise import ElementwiseOptimizer
from microbp.optim.groups import layer_groups
from microbp.optim.lbfgs import LBFGS
from microbp.optim.nadam import NAdam
from microbp.optim.optimizer import Optimizer
from microbp.optim.radam import RAdam
from microbp.optim.rmsprop import RMSprop
from microbp.optim.rprop import Rprop
from microbp.optim.sgd import SGD

__all__ = [
    "ASGD",
    "LBFGS",
    "SGD",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "ElementwiseOptimizer",
    "NAdam",
    "Optimizer",
    "RAdam",
    "RMSprop",
    "Rprop",
    "layer_groups",
    "lr_scheduler",
]
