"""NumPy's linear algebra, contractions and running sums on tensors: ``np.linalg.inv(t)``, ``np.einsum("ij->j", t)``.

Continues `microbp.functions.interop`, with NumPy's names and defaults.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from microbp.errors import ShapeError
from microbp.functions import (
    contraction,
    diagonal,
    elementwise,
    joining,
    linalg,
    linear_algebra,
    norms,
    products,
    reduction,
    running,
    shape,
    spectrum,
)
from microbp.functions.interop import cumsum, implements
from microbp.ops import trigonometry
from microbp.ops.op import numpy_rows
from microbp.tensor import Tensor, as_operand

__all__: list[str] = []

implements(np.linalg.inv)(linear_algebra.inv)
implements(np.linalg.det)(linear_algebra.det)
implements(np.linalg.slogdet)(linear_algebra.slogdet)
implements(np.linalg.matrix_power)(linear_algebra.matrix_power)
implements(np.linalg.multi_dot)(products.multi_dot)
implements(np.linalg.eigh)(spectrum.eigh)
implements(np.linalg.eigvalsh)(spectrum.eigvalsh)
implements(np.linalg.svdvals)(spectrum.svdvals)
implements(np.kron)(contraction.kron)
implements(np.inner)(products.inner)
implements(np.linalg.matmul)(linalg.matmul)
implements(np.linalg.outer)(linalg.outer)
numpy_rows[np.radians] = trigonometry.deg2rad
numpy_rows[np.degrees] = trigonometry.rad2deg


@implements(np.linalg.norm)
def norm(x: Tensor, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Norm of a vector or a matrix, or of all elements."""
    return norms.norm(x, ord, axis, keepdims)


@implements(np.linalg.vector_norm)
def vector_norm(x: Tensor, /, *, axis: Any = None, keepdims: bool = False, ord: float = 2) -> Tensor:
    """Norm of vectors."""
    return norms.vector_norm(x, ord, axis, keepdims)


@implements(np.linalg.matrix_norm)
def matrix_norm(x: Tensor, /, *, keepdims: bool = False, ord: Any = "fro") -> Tensor:
    """Norm of matrices."""
    return norms.matrix_norm(x, ord, keepdim=keepdims)


@implements(np.linalg.solve)
def solve(a: Any, b: Any) -> Tensor:
    """Solution of a linear system; as in NumPy, `b` is a vector only if it has one dimension."""
    a, b = as_operand(a), as_operand(b)
    if b.ndim == a.ndim - 1 and b.ndim > 1:
        b = shape.unsqueeze(b, 0)
    return linear_algebra.solve(a, b)


@implements(np.linalg.cholesky)
def cholesky(a: Tensor, /, *, upper: bool = False) -> Tensor:
    """Cholesky's factor."""
    return linear_algebra.cholesky(a, upper)


@implements(np.linalg.svd)
def svd(a: Tensor, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False) -> Any:
    """Singular value decomposition."""
    if hermitian:
        raise NotImplementedError("np.linalg.svd of a tensor has no hermitian=True")
    return spectrum.svd(a, full_matrices) if compute_uv else spectrum.svdvals(a)


@implements(np.einsum)
def einsum(*operands: Any, optimize: Any = False) -> Tensor:
    """Sum of products in the notation of Einstein; the order of the products is always chosen."""
    return contraction.einsum(*operands)


@implements(np.tensordot, np.linalg.tensordot)
def tensordot(a: Any, b: Any, axes: Any = 2) -> Tensor:
    """Sum of products over several axes."""
    return contraction.tensordot(a, b, axes)


@implements(np.cross)
def cross(a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None) -> Tensor:
    """Cross products of vectors of three elements along one axis."""
    if axis is None and not axisa == axisb == axisc:
        raise NotImplementedError("np.cross of tensors takes one axis for all, axis=")
    a, b = as_operand(a), as_operand(b)
    while a.ndim != b.ndim:
        a, b = (shape.unsqueeze(a, 0), b) if a.ndim < b.ndim else (a, shape.unsqueeze(b, 0))
    return contraction.linalg_cross(a, b, dim=axisa if axis is None else axis)


@implements(np.cumprod)
def cumprod(a: Tensor, axis: int | None = None, dtype: Any = None) -> Tensor:
    """Products up to each element; of the flattened tensor if there is no axis."""
    return running.cumprod(shape.ravel(a) if axis is None else a, 0 if axis is None else axis, dtype=dtype)


@implements(np.diff)
def diff(a: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Tensor:
    """Differences of neighbours."""
    return running.diff(a, n, axis, prepend, append)


@implements(np.nan_to_num)
def nan_to_num(
    x: Tensor, copy: bool = True, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None
) -> Tensor:
    """Numbers in place of NaN and infinities, in a new tensor."""
    if not copy:
        raise NotImplementedError("np.nan_to_num of a tensor makes a new one: copy=True")
    return elementwise.nan_to_num(x, nan, posinf, neginf)


@implements(np.nansum)
def nansum(a: Tensor, axis: Any = None, dtype: Any = None, *, keepdims: bool = False) -> Tensor:
    """Sum of the elements that are not NaN."""
    return reduction.nansum(a, axis, keepdims, dtype=dtype)


@implements(np.nanmean)
def nanmean(a: Tensor, axis: Any = None, dtype: Any = None, *, keepdims: bool = False) -> Tensor:
    """Mean of the elements that are not NaN."""
    return reduction.nanmean(a, axis, keepdims, dtype=dtype)


@implements(np.linalg.matrix_transpose)
def matrix_transpose(x: Tensor, /) -> Tensor:
    """The last two axes exchanged."""
    return x.mT


@implements(np.linalg.diagonal)
def matrix_diagonal(x: Tensor, /, *, offset: int = 0) -> Tensor:
    """The diagonals of the planes of the last two axes."""
    return diagonal.diagonal(x, offset, -2, -1)


@implements(np.linalg.trace)
def matrix_trace(x: Tensor, /, *, offset: int = 0) -> Tensor:
    """The sums of the diagonals of the planes of the last two axes."""
    return reduction.sum(diagonal.diagonal(x, offset, -2, -1), -1)


@implements(np.linalg.cross)
def vector_cross(x1: Any, x2: Any, /, *, axis: int = -1) -> Tensor:
    """Cross products of vectors of three elements."""
    return contraction.linalg_cross(as_operand(x1), as_operand(x2), dim=axis)


@implements(np.vdot)
def vdot(a: Any, b: Any, /) -> Tensor:
    """Inner product of all elements."""
    return products.vdot(shape.ravel(as_operand(a)), shape.ravel(as_operand(b)))


@implements(np.nancumsum)
def nancumsum(a: Tensor, axis: int | None = None, dtype: Any = None) -> Tensor:
    """Sums up to each element, where NaN counts as 0."""
    return cumsum(without_nan(a, 0), axis, dtype)


@implements(np.nancumprod)
def nancumprod(a: Tensor, axis: int | None = None, dtype: Any = None) -> Tensor:
    """Products up to each element, where NaN counts as 1."""
    return cumprod(without_nan(a, 1), axis, dtype)


@implements(np.nanprod)
def nanprod(a: Tensor, axis: int | None = None, dtype: Any = None, *, keepdims: bool = False) -> Tensor:
    """Product of the elements that are not NaN."""
    return reduction.prod(without_nan(a, 1), axis, keepdims, dtype=dtype)


def without_nan(a: Any, value: float) -> Tensor:
    """The elements, with a number in place of NaN."""
    return a.masked_fill(a.isnan(), value)  # type: ignore[no-any-return]


@implements(np.cumulative_sum)
def cumulative_sum(
    x: Tensor, /, *, axis: int | None = None, dtype: Any = None, include_initial: bool = False
) -> Tensor:
    """Sums up to each element, along an axis that need not be named if it is the only one."""
    return started(running.cumsum(x, only_axis(x, axis), dtype=dtype), only_axis(x, axis), 0, include_initial)


@implements(np.cumulative_prod)
def cumulative_prod(
    x: Tensor, /, *, axis: int | None = None, dtype: Any = None, include_initial: bool = False
) -> Tensor:
    """Products up to each element, along an axis that need not be named if it is the only one."""
    return started(running.cumprod(x, only_axis(x, axis), dtype=dtype), only_axis(x, axis), 1, include_initial)


def only_axis(x: Tensor, axis: int | None) -> int:
    """The axis, which must be named if there are several."""
    if axis is None and x.ndim != 1:
        raise ShapeError(f"a running sum or product of a tensor of shape {x.shape} needs an axis=")
    return 0 if axis is None else axis


def started(found: Any, axis: int, value: float, include_initial: bool) -> Tensor:
    """A running sum or product, with what it starts from in front if that is wanted."""
    if not include_initial:
        return found  # type: ignore[no-any-return]
    size = list(found.shape)
    size[axis] = 1
    return joining.cat([found.new_full(tuple(size), value), found], axis)


@implements(np.trapezoid)
def trapezoid(y: Any, x: Any = None, dx: float = 1.0, axis: int = -1) -> Tensor:
    """The area under a line through points, by the trapezoidal rule."""
    heights: Any = as_operand(y).movedim(axis, -1)
    widths: Any = dx
    if x is not None:
        places: Any = as_operand(x)
        widths = running.diff(places if places.ndim == 1 else places.movedim(axis, -1))
    return reduction.sum((heights[..., 1:] + heights[..., :-1]) * widths / 2, -1)


@implements(np.polyval)
def polyval(p: Any, x: Any) -> Tensor:
    """The value of a polynomial, its coefficients from the highest power down, by Horner's rule."""
    coefficients: Any = as_operand(np.asarray(p) if isinstance(p, list | tuple) else p)
    point: Any = as_operand(x)
    value: Any = point * 0
    for k in range(coefficients.shape[0]):
        value = value * point + coefficients[k]
    return value  # type: ignore[no-any-return]
