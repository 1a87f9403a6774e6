"""Layers, activations and losses as functions, with PyTorch's names and arguments."""

from microbp.nn.functional.activation import *
from microbp.nn.functional.classification import *
from microbp.nn.functional.layer import *
from microbp.nn.functional.loss import *
