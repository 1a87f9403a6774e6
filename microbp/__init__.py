"""microbp: tensors that remember how they were computed, and what one can learn from that.

Reading order for the source: `microbp.ops.op` (what an operation is), `microbp.engine` (the
graph and the backward pass), `microbp.tensor` (the handle that users hold), `microbp.nn` and
`microbp.optim` (layers and how they learn), `microbp.viz` (pictures of the graph).
"""

from microbp import autograd, display, errors, functions, nn, optim, utils, viz
from microbp.device import cuda, device
from microbp.display import *
from microbp.dtypes import boolean as bool
from microbp.dtypes import (
    float16,
    float32,
    float64,
    get_default_dtype,
    int8,
    int16,
    int32,
    int64,
    set_default_dtype,
    uint8,
)
from microbp.dtypes import float16 as half
from microbp.dtypes import float32 as float
from microbp.dtypes import float64 as double
from microbp.dtypes import int16 as short
from microbp.dtypes import int32 as int
from microbp.dtypes import int64 as long
from microbp.functions import *
from microbp.mode import enable_grad, inference_mode, is_grad_enabled, no_grad, set_grad_enabled
from microbp.tensor import Tensor

__version__ = "0.1.0"

__all__ = [
    "Tensor",
    "autograd",
    "bool",
    "cuda",
    "device",
    "double",
    "enable_grad",
    "errors",
    "float",
    "float16",
    "float32",
    "float64",
    "get_default_dtype",
    "half",
    "inference_mode",
    "int",
    "int8",
    "int16",
    "int32",
    "int64",
    "is_grad_enabled",
    "long",
    "nn",
    "no_grad",
    "optim",
    "set_default_dtype",
    "set_grad_enabled",
    "short",
    "uint8",
    "utils",
    "viz",
]
__all__ += display.__all__
__all__ += functions.__all__
