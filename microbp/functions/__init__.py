"""The functions on tensors, with PyTorch's names and arguments.

Where a row is all that is needed, the row is the function. Where PyTorch's way of calling
differs from the row's (``dim`` and ``keepdim``, tuples and several arguments, named results),
a function here turns the one into the other.
"""

from microbp.functions import (
    arithmetic,
    comparison,
    conversion,
    creation,
    indexing,
    inplace,
    interop,
    linalg,
    random,
    reduction,
    shape,
)
from microbp.functions.arithmetic import *
from microbp.functions.comparison import *
from microbp.functions.conversion import *
from microbp.functions.creation import *
from microbp.functions.indexing import *
from microbp.functions.linalg import *
from microbp.functions.random import *
from microbp.functions.reduction import *
from microbp.functions.shape import *
from microbp.methods import method
from microbp.ops import arithmetic as arithmetic_rows
from microbp.ops import comparison as comparison_rows
from microbp.ops import elementwise as elementwise_rows
from microbp.ops.arithmetic import *
from microbp.ops.comparison import *
from microbp.ops.elementwise import *

__all__: list[str] = []
__all__ += arithmetic.__all__
__all__ += comparison.__all__
__all__ += conversion.__all__
__all__ += creation.__all__
__all__ += indexing.__all__
__all__ += linalg.__all__
__all__ += random.__all__
__all__ += reduction.__all__
__all__ += shape.__all__
__all__ += arithmetic_rows.__all__
__all__ += comparison_rows.__all__
__all__ += elementwise_rows.__all__

for family in (arithmetic_rows, comparison_rows, elementwise_rows):
    for name in family.__all__:
        method(name)(getattr(family, name))
