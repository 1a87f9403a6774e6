"""Layers, activations and losses as functions, with PyTorch's names and arguments."""

from microbp.nn.functional.activation import *
from microbp.nn.functional.adaptive_pooling import *
from microbp.nn.functional.attention import *
from microbp.nn.functional.classification import *
from microbp.nn.functional.convolution import *
from microbp.nn.functional.distance import *
from microbp.nn.functional.dropout import *
from microbp.nn.functional.embedding import *
from microbp.nn.functional.layer import *
from microbp.nn.functional.layer_normalization import *
from microbp.nn.functional.likelihood import *
from microbp.nn.functional.loss import *
from microbp.nn.functional.margin_loss import *
from microbp.nn.functional.multi_head_attention import *
from microbp.nn.functional.norm_pooling import *
from microbp.nn.functional.normalization import *
from microbp.nn.functional.padding import *
from microbp.nn.functional.pooling import *
from microbp.nn.functional.ranking_loss import *
from microbp.nn.functional.resampling import *
from microbp.nn.functional.slope import *
from microbp.nn.functional.softmax import *
from microbp.nn.functional.transposed_convolution import *
from microbp.nn.functional.unfolding import *
