"""Layers, activations and losses: parameters and a forward, nothing else.

`Module` says how to write one's own; `microbp.nn.functional` has the same computations as
functions, `microbp.nn.init` the initial values, `microbp.nn.utils` limits for gradients.
"""

from microbp.nn import functional, init, utils
from microbp.nn.activation import *
from microbp.nn.container import *
from microbp.nn.dropout import *
from microbp.nn.linear import *
from microbp.nn.loss import *
from microbp.nn.module import *
from microbp.nn.parameter import *
from microbp.nn.recurrent import *
from microbp.nn.shape import *
