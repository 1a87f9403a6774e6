"""Layers, activations and losses: parameters and a forward, nothing else.

`Module` says how to write one's own; `microbp.nn.functional` has the same computations as
functions, `microbp.nn.init` the initial values, `microbp.nn.utils` limits for gradients and padding.
"""

from microbp.nn import functional, init, utils
from microbp.nn.activation import *
from microbp.nn.attention import *
from microbp.nn.batchnorm import *
from microbp.nn.container import *
from microbp.nn.conv import *
from microbp.nn.distance import *
from microbp.nn.dropout import *
from microbp.nn.embedding import *
from microbp.nn.fold import *
from microbp.nn.likelihood import *
from microbp.nn.linear import *
from microbp.nn.loss import *
from microbp.nn.margin_loss import *
from microbp.nn.module import *
from microbp.nn.normalization import *
from microbp.nn.padding import *
from microbp.nn.parameter import *
from microbp.nn.pooling import *
from microbp.nn.ranking_loss import *
from microbp.nn.recurrent import *
from microbp.nn.shape import *
from microbp.nn.shuffle import *
from microbp.nn.transformer import *
from microbp.nn.transformer_layer import *
from microbp.nn.upsampling import *
