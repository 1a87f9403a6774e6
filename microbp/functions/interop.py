"""NumPy's functions on tensors: ``np.sum(t, axis=0)`` and ``np.concatenate([t, u])`` are recorded.

NumPy hands a call with a tensor among its arguments on to `Tensor.__array_function__`, which
looks the function up in `numpy_rows`. Rows name their NumPy counterpart themselves; the
functions that need their arguments put in another form are here, with NumPy's names and
defaults.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from microbp.functions import (
    extremes,
    gathering,
    joining,
    linalg,
    reduction,
    running,
    shape,
    statistics,
)
from microbp.functions.dims import as_dims
from microbp.label import numpy_name
from microbp.ops.op import numpy_rows
from microbp.tensor import Tensor, as_operand, wrap

__all__ = ["implements"]

F = TypeVar("F", bound=Callable[..., Any])


def implements(*numpy_functions: Any) -> Callable[[F], F]:
    """Make a function what NumPy's functions, or ufuncs' methods as ``(np.add, "reduce")``, mean for tensors."""

    def enter(function: F) -> F:
        for counterpart in numpy_functions:
            numpy_rows[counterpart] = function  # type: ignore[assignment]
        if function.__module__.startswith(__name__):  # and not one of ours that does double duty
            function.__qualname__ = numpy_name(numpy_functions[0])  # what Python's errors call it
        return function

    return enter


def reduces(ours: Callable[..., Tensor], *counterparts: Callable[..., Any]) -> None:
    """Enter a reduction, which has the arguments `axis` and `keepdims` and perhaps `dtype`."""

    def reduce(a: Tensor, axis: Any = None, dtype: Any = None, *, keepdims: bool = False) -> Tensor:
        named = {} if dtype is None else {"dtype": dtype}
        return ours(a, axis, keepdim=keepdims, **named)

    implements(*counterparts)(reduce)


reduces(reduction.sum, np.sum)
reduces(reduction.mean, np.mean)


@implements(np.prod)
def prod(a: Tensor, axis: Any = None, dtype: Any = None, *, keepdims: bool = False) -> Tensor:
    """Product of the elements, over one axis or several."""
    if not isinstance(axis, tuple):
        return reduction.prod(a, axis, keepdims, dtype=dtype)
    for one in sorted(as_dims("np.prod", axis, a.ndim) or (), reverse=True):
        a = reduction.prod(a, one, keepdims, dtype=dtype)
    return a


reduces(extremes.amax, np.max, np.amax)
reduces(extremes.amin, np.min, np.amin)
reduces(reduction.any, np.any)
reduces(reduction.all, np.all)
reduces(extremes.argmax, np.argmax)
reduces(extremes.argmin, np.argmin)


@implements(np.var)
def var(a: Tensor, axis: Any = None, *, ddof: float = 0, correction: float = 0, keepdims: bool = False) -> Tensor:
    """Variance, with NumPy's default: divided by n."""
    return statistics.var(a, axis, keepdim=keepdims, correction=ddof or correction)


@implements(np.std)
def std(a: Tensor, axis: Any = None, *, ddof: float = 0, correction: float = 0, keepdims: bool = False) -> Tensor:
    """Standard deviation, with NumPy's default: divided by n."""
    return statistics.std(a, axis, keepdim=keepdims, correction=ddof or correction)


@implements(np.cumsum)
def cumsum(a: Tensor, axis: int | None = None, dtype: Any = None) -> Tensor:
    """Sums up to each element; of the flattened tensor if there is no axis."""
    return running.cumsum(shape.ravel(a) if axis is None else a, 0 if axis is None else axis, dtype=dtype)


@implements(np.count_nonzero)
def count_nonzero(a: Tensor, axis: Any = None) -> Tensor:
    """The number of elements that are not zero."""
    return reduction.count_nonzero(a, axis)


@implements(np.reshape)
def reshape(a: Tensor, shape: Any) -> Tensor:
    """The same elements in another shape."""
    return a.reshape(shape)


@implements(np.ravel)
def ravel(a: Tensor) -> Tensor:
    """All elements along one axis."""
    return shape.ravel(a)


@implements(np.transpose, np.permute_dims)
def transpose(a: Tensor, axes: Any = None) -> Tensor:
    """The axes in another order; reversed if none is given."""
    return shape.permute(a, tuple(range(a.ndim))[::-1] if axes is None else tuple(axes))


@implements(np.matrix_transpose)
def matrix_transpose(x: Tensor) -> Tensor:
    """The last two axes exchanged."""
    return x.mT


@implements(np.swapaxes)
def swapaxes(a: Tensor, axis1: int, axis2: int) -> Tensor:
    """Two axes exchanged."""
    return shape.transpose(a, axis1, axis2)


@implements(np.squeeze)
def squeeze(a: Tensor, axis: Any = None) -> Tensor:
    """Without the axes of size 1."""
    return shape.squeeze(a, axis)


@implements(np.expand_dims)
def expand_dims(a: Tensor, axis: int) -> Tensor:
    """With an axis of size 1 put in."""
    return shape.unsqueeze(a, axis)


@implements(np.broadcast_to)
def broadcast_to(array: Tensor, shape: Any) -> Tensor:
    """Repeated to a shape."""
    return array.expand((shape,) if isinstance(shape, int) else tuple(shape))


@implements(np.concatenate)
def concatenate(arrays: Any, axis: int | None = 0) -> Tensor:
    """The arrays one after the other; flattened first if `axis` is None."""
    tensors = [as_operand(array) for array in arrays]
    return joining.cat([shape.ravel(t) for t in tensors], 0) if axis is None else joining.cat(tensors, axis)


@implements(np.stack)
def stack(arrays: Any, axis: int = 0) -> Tensor:
    """The arrays side by side along a new axis."""
    return joining.stack([as_operand(array) for array in arrays], axis)


@implements(np.matmul)
def matmul(a: Any, b: Any) -> Tensor:
    """Product of matrices and vectors."""
    return linalg.matmul(a, b)


@implements(np.dot)
def dot(a: Any, b: Any) -> Any:
    """Product with a number, or of vectors and matrices of at most two dimensions."""
    a, b = as_operand(a), as_operand(b)
    dimensions = (np.ndim(a), np.ndim(b))
    if 0 in dimensions:
        return a * b
    if max(dimensions) > 2:
        raise NotImplementedError("np.dot of tensors has no more than 2 dimensions; use a @ b")
    return linalg.matmul(a, b)


@implements(np.outer)
def outer(a: Any, b: Any) -> Tensor:
    """Outer product of all elements of one with all elements of the other."""
    return linalg.outer(shape.ravel(as_operand(a)), shape.ravel(as_operand(b)))


@implements(np.take)
def take(a: Tensor, indices: Any, axis: int | None = None) -> Tensor:
    """The elements at positions along an axis, or in the flattened tensor."""
    places = indices if isinstance(indices, Tensor) else wrap(np.asarray(indices))
    if axis is None:
        return gathering.take(a, places)
    return a[(*(slice(None),) * (axis % a.ndim), places)]


@implements(np.shape)
def shape_of(a: Tensor) -> tuple[int, ...]:
    """The shape."""
    return a.shape


@implements(np.ndim)
def ndim(a: Tensor) -> int:
    """The number of dimensions."""
    return a.ndim


@implements(np.size)
def size(a: Tensor, axis: Any = None) -> int:
    """The number of elements, in all or along an axis."""
    axes = range(a.ndim) if axis is None else (axis,) if isinstance(axis, int) else axis
    return math.prod(a.shape[k] for k in axes)


def like(counterpart: Callable[..., Any]) -> None:
    """Enter a function that makes a constant tensor of the shape of another."""

    def make(a: Tensor, *arguments: Any, **options: Any) -> Tensor:
        return as_operand(counterpart(a.array, *arguments, **options))  # type: ignore[no-any-return]

    implements(counterpart)(make)


like(np.zeros_like)
like(np.ones_like)
like(np.full_like)
like(np.empty_like)
