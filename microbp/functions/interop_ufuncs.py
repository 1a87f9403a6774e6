"""NumPy's universal functions on tensors that are no rows, and their methods: ``np.add.reduce``, ``np.multiply.outer``.

Continues `microbp.functions.interop`, with NumPy's names and defaults.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from microbp.errors import DtypeError
from microbp.functions import conversion, elementwise, extremes, linalg, reduction, running, shape, softmax, sorting
from microbp.functions.dims import as_dim
from microbp.functions.interop import implements
from microbp.ops import arithmetic
from microbp.ops import elementwise as rows
from microbp.ops.op import Op, numpy_rows
from microbp.tensor import Tensor, apply, as_operand

__all__: list[str] = []


def reduces(ufunc: np.ufunc, ours: Callable[..., Tensor]) -> None:
    """Enter ``ufunc.reduce``, which takes the first axis if it is told none."""

    def reduce(array: Any, axis: Any = 0, dtype: Any = None, *, keepdims: bool = False) -> Tensor:
        given: Any = as_operand(array)
        given = given if dtype is None else conversion.convert(given, np.dtype(dtype))
        axes = tuple(range(given.ndim)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
        for one in sorted((as_dim("reduce", k, given.ndim) for k in axes), reverse=True):
            given = ours(given, one, keepdim=keepdims)
        return given  # type: ignore[no-any-return]

    implements((ufunc, "reduce"))(reduce)


def accumulates(ufunc: np.ufunc, ours: Callable[..., Tensor]) -> None:
    """Enter ``ufunc.accumulate``."""

    def accumulate(array: Any, axis: int = 0, dtype: Any = None) -> Tensor:
        given: Any = as_operand(array)
        return ours(given if dtype is None else conversion.convert(given, np.dtype(dtype)), axis)

    implements((ufunc, "accumulate"))(accumulate)


def has_outer(ufunc: np.ufunc, row: Op) -> None:
    """Enter ``ufunc.outer``: the function of all pairs of elements."""

    def outer(A: Any, B: Any, /) -> Tensor:
        a, b = as_operand(A), as_operand(B)
        if isinstance(a, Tensor) and isinstance(b, Tensor):
            a = shape.reshape(a, (*a.shape, *(1,) * b.ndim))
        return apply(row, a, b)

    implements((ufunc, "outer"))(outer)


reduces(np.add, reduction.sum)
reduces(np.multiply, reduction.prod)
reduces(np.maximum, extremes.amax)
reduces(np.minimum, extremes.amin)
reduces(np.logical_and, reduction.all)
reduces(np.logical_or, reduction.any)
reduces(np.logaddexp, softmax.logsumexp)
accumulates(np.add, running.cumsum)
accumulates(np.multiply, running.cumprod)
accumulates(np.maximum, lambda a, dim: sorting.cummax(a, dim).values)
accumulates(np.minimum, lambda a, dim: sorting.cummin(a, dim).values)
for _ufunc, _row in list(numpy_rows.items()):
    if isinstance(_ufunc, np.ufunc) and _ufunc.nin == 2 and isinstance(_row, Op):
        has_outer(_ufunc, _row)

numpy_rows[np.rint] = rows.round
numpy_rows[np.around] = rows.round
numpy_rows[np.fix] = rows.trunc
implements(np.positive)(elementwise.positive)
implements(np.float_power)(elementwise.float_power)


@implements(np.conjugate, np.real)
def conjugate(x: Tensor) -> Tensor:
    """The tensor itself, as its numbers are real."""
    return x


@implements(np.fabs)
def fabs(x: Tensor) -> Tensor:
    """The moduli, for floating-point numbers."""
    if x.dtype.kind != "f":
        raise DtypeError(f"np.fabs of a tensor needs floating-point numbers, got {x.dtype}; use np.abs")
    return apply(rows.abs, x)


@implements(np.divmod)
def divmod_(x1: Any, x2: Any) -> tuple[Tensor, Tensor]:
    """Quotients rounded down, and remainders."""
    return apply(arithmetic.floor_divide, x1, x2), apply(arithmetic.remainder, x1, x2)


@implements(np.modf)
def modf(x: Tensor) -> tuple[Tensor, Tensor]:
    """What stands behind the point, and before it."""
    return apply(rows.frac, x), apply(rows.trunc, x)


@implements(np.vecdot, np.linalg.vecdot)
def vecdot(x1: Any, x2: Any, /, *, axis: int = -1) -> Tensor:
    """Inner products of the vectors along an axis."""
    return reduction.sum(apply(arithmetic.mul, x1, x2), axis)


if hasattr(np, "matvec"):  # since NumPy 2.2

    @implements(np.matvec)
    def matvec(x1: Any, x2: Any, /) -> Tensor:
        """Products of matrices with vectors."""
        return shape.squeeze(linalg.matmul(as_operand(x1), shape.unsqueeze(as_operand(x2), -1)), -1)

    @implements(np.vecmat)
    def vecmat(x1: Any, x2: Any, /) -> Tensor:
        """Products of vectors with matrices."""
        return shape.squeeze(linalg.matmul(shape.unsqueeze(as_operand(x1), -2), as_operand(x2)), -2)
