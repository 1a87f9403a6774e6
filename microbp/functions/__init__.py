"""The functions on tensors, with PyTorch's names and arguments.

Where a row is all that is needed, the row is the function (`microbp.functions.rows`). Where
PyTorch's way of calling differs from the row's (``dim`` and ``keepdim``, tuples and several
arguments, named results), a function here turns the one into the other.
"""

from microbp.functions import (
    arithmetic,
    comparison,
    conversion,
    creation,
    extremes,
    generator,
    indexing,
    inplace,
    interop,
    joining,
    like,
    linalg,
    random,
    reduction,
    rows,
    shape,
    softmax,
)
