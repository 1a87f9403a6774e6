"""Optimizers: what turns gradients into steps.

`Optimizer` keeps the parameters in groups, each with its own options; `SGD` is the first of
them; `layer_groups` makes groups from layer names.
"""

from microbp.optim.groups import layer_groups
from microbp.optim.optimizer import Optimizer
from microbp.optim.sgd import SGD

__all__ = ["SGD", "Optimizer", "layer_groups"]
