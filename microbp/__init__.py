"""microbp: tensors that remember how they were computed, and what one can learn from that.

Reading order for the source: `microbp.ops.op` (what an operation is), `microbp.node` (what it
leaves behind), `microbp.engine` (the backward pass), `microbp.tensor` (the handle that users
hold), `microbp.nn` and `microbp.optim` (layers and how they learn), `microbp.viz` (pictures of
the graph), `microbp.lab` (what learning does to a network).
"""

from math import e as e
from math import inf as inf
from math import nan as nan
from math import pi as pi
from typing import TYPE_CHECKING

from numpy import finfo as finfo
from numpy import iinfo as iinfo

from microbp import backward as backward
from microbp import errors as errors
from microbp.device import cuda as cuda
from microbp.device import device as device
from microbp.dtypes import boolean as bool
from microbp.dtypes import float16 as float16
from microbp.dtypes import float16 as half
from microbp.dtypes import float32 as float
from microbp.dtypes import float32 as float32
from microbp.dtypes import float64 as double
from microbp.dtypes import float64 as float64
from microbp.dtypes import get_default_dtype as get_default_dtype
from microbp.dtypes import int8 as int8
from microbp.dtypes import int16 as int16
from microbp.dtypes import int16 as short
from microbp.dtypes import int32 as int
from microbp.dtypes import int32 as int32
from microbp.dtypes import int64 as int64
from microbp.dtypes import int64 as long
from microbp.dtypes import set_default_dtype as set_default_dtype
from microbp.dtypes import uint8 as uint8
from microbp.functions.creation import *
from microbp.functions.homes import FUNCTIONS
from microbp.functions.joining import *
from microbp.functions.shape import *
from microbp.lazy import loaded_when_used
from microbp.mode import enable_grad as enable_grad
from microbp.mode import inference_mode as inference_mode
from microbp.mode import is_grad_enabled as is_grad_enabled
from microbp.mode import no_grad as no_grad
from microbp.mode import set_grad_enabled as set_grad_enabled
from microbp.tensor import Tensor as Tensor

if TYPE_CHECKING:
    from microbp import autograd as autograd
    from microbp import backends as backends
    from microbp import func as func
    from microbp import lab as lab
    from microbp import linalg as linalg
    from microbp import nn as nn
    from microbp import optim as optim
    from microbp import replay as replay
    from microbp import utils as utils
    from microbp import viz as viz
    from microbp.autograd.why_no_grad import why_no_grad as why_no_grad
    from microbp.display import *
    from microbp.functions.arithmetic import *
    from microbp.functions.choice import *
    from microbp.functions.comparison import *
    from microbp.functions.contraction import *
    from microbp.functions.conversion import *
    from microbp.functions.covariance import *
    from microbp.functions.diagonal import *
    from microbp.functions.distance import *
    from microbp.functions.elementwise import *
    from microbp.functions.embedded import *
    from microbp.functions.extremes import *
    from microbp.functions.gathering import *
    from microbp.functions.generator import *
    from microbp.functions.indexing import *
    from microbp.functions.legacy import *
    from microbp.functions.like import *
    from microbp.functions.linalg import *
    from microbp.functions.linear_algebra import *
    from microbp.functions.occurrences import *
    from microbp.functions.products import *
    from microbp.functions.quantiles import *
    from microbp.functions.random import *
    from microbp.functions.rearrange import *
    from microbp.functions.reduction import *
    from microbp.functions.rows import *
    from microbp.functions.running import *
    from microbp.functions.scatter import *
    from microbp.functions.scatter_reduce import *
    from microbp.functions.searching import *
    from microbp.functions.slices import *
    from microbp.functions.softmax import *
    from microbp.functions.sorting import *
    from microbp.functions.splitting import *
    from microbp.functions.statistics import *
    from microbp.functions.windows import *
    from microbp.replay import Compiled as Compiled
    from microbp.replay import compile as compile
    from microbp.serialization import load as load
    from microbp.serialization import save as save
else:
    # What tensors do without, so that ``import microbp`` stays light.
    __getattr__, __dir__ = loaded_when_used(
        __name__,
        {
            **{name: home for home, names in FUNCTIONS.items() for name in names.split()},
            "Compiled": "replay",
            "autograd": "autograd",
            "backends": "backends",
            "compile": "replay",
            "func": "func",
            "lab": "lab",
            "linalg": "linalg",
            "load": "serialization",
            "nn": "nn",
            "optim": "optim",
            "replay": "replay",
            "save": "serialization",
            "serialization": "serialization",
            "utils": "utils",
            "viz": "viz",
            "why_no_grad": "autograd",
        },
    )

del FUNCTIONS, loaded_when_used
__version__ = "0.1.0"
