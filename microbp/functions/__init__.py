"""The functions on tensors, with PyTorch's names and arguments.

Where a row is all that is needed, the row is the function (`microbp.functions.rows`). Where
PyTorch's way of calling differs from the row's (``dim`` and ``keepdim``, tuples and several
arguments, named results), a function here turns the one into the other.
"""

from microbp.functions import (
    arithmetic,
    choice,
    comparison,
    contraction,
    conversion,
    creation,
    diagonal,
    elementwise,
    extremes,
    gathering,
    generator,
    indexing,
    inplace,
    inplace_computed,
    interop,
    interop_arranging,
    interop_mathematics,
    joining,
    like,
    linalg,
    linear_algebra,
    norms,
    products,
    random,
    rearrange,
    reduction,
    rows,
    running,
    scatter,
    searching,
    shape,
    slices,
    softmax,
    sorting,
    spectrum,
    splitting,
    statistics,
)
