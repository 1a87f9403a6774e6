"""Sums, products, means and norms along axes.

`dim` is an axis, or a tuple of axes where PyTorch takes one; negative axes count from the
end. Without it all axes are reduced. `keepdim` leaves the reduced axes with size 1. NumPy's
names `axis` and `keepdims` are understood as well.
"""

from __future__ import annotations

import math
from typing import Any

from microbp.dtypes import as_dtype
from microbp.errors import DtypeError, RangeError
from microbp.functions.dims import as_dim, as_dims, either
from microbp.methods import method
from microbp.ops import comparison, elementwise
from microbp.ops import reduction as rows
from microbp.ops import shape as shaping
from microbp.tensor import Tensor, apply, as_operand

__all__ = ["all", "any", "count_nonzero", "mean", "nanmean", "nansum", "norm", "prod", "sum"]


@method("sum")
def sum(
    input: Tensor,
    dim: Any = None,
    keepdim: bool = False,
    *,
    dtype: Any = None,
    axis: Any = None,
    keepdims: bool = False,
) -> Tensor:
    """Sum of the elements, y = sum_k a_k.

    Parameters
    ----------
    input : Tensor
        Integers and truth values are summed as int64, float16 in float32.
    dim : int or tuple of int, optional
        The axes to sum over; all by default.
    keepdim : bool
        Leave the reduced axes with size 1.
    dtype : dtype, optional
        Convert the elements to this dtype first.
    axis, keepdims
        NumPy's names for `dim` and `keepdim`.

    Returns
    -------
    Tensor

    Raises
    ------
    IndexError
        If there is no such axis.

    Examples
    --------
    >>> import microbp
    >>> t = microbp.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> microbp.sum(t)
    tensor(10.)
    >>> t.sum(dim=0, keepdim=True)
    tensor([[4., 6.]])
    """
    input, dims, keepdim = prepared("sum", input, dim, axis, keepdim, keepdims, dtype)
    return in_dtype(apply(rows.sum, input, dim=dims, keepdim=keepdim), dtype)


@method("mean")
def mean(
    input: Tensor,
    dim: Any = None,
    keepdim: bool = False,
    *,
    dtype: Any = None,
    axis: Any = None,
    keepdims: bool = False,
) -> Tensor:
    """Mean of the elements, y = sum_k a_k / n.

    Parameters
    ----------
    input : Tensor
        Of a floating-point dtype, unless `dtype` makes it one.
    dim, keepdim, dtype
        As for `sum`.
    axis, keepdims
        NumPy's names for `dim` and `keepdim`.

    Returns
    -------
    Tensor
        NaN where there is nothing to take the mean of.

    Raises
    ------
    DtypeError
        For integers: their mean is seldom one.

    Examples
    --------
    >>> import microbp
    >>> microbp.tensor([1.0, 2.0, 6.0]).mean()
    tensor(3.)
    """
    input, dims, keepdim = prepared("mean", input, dim, axis, keepdim, keepdims, dtype)
    require_floating("mean", input)
    return apply(rows.mean, input, dim=dims, keepdim=keepdim, count=count(input, dims))


@method("nansum")
def nansum(input: Tensor, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """Sum of the elements that are not NaN.

    Parameters
    ----------
    input, dim, keepdim, dtype
        As for `sum`.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import microbp
    >>> microbp.tensor([1.0, float("nan"), 2.0]).nansum()
    tensor(3.)
    """
    input, dims, keepdim = prepared("nansum", input, dim, None, keepdim, False, dtype)
    row = rows.nansum if input.array.dtype.kind == "f" else rows.sum
    return in_dtype(apply(row, input, dim=dims, keepdim=keepdim), dtype)


@method("nanmean")
def nanmean(input: Tensor, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """Mean of the elements that are not NaN; NaN where there are none.

    Parameters
    ----------
    input, dim, keepdim, dtype
        As for `mean`.

    Returns
    -------
    Tensor

    Raises
    ------
    DtypeError
        For integers.

    Examples
    --------
    >>> import microbp
    >>> microbp.tensor([1.0, float("nan"), 2.0]).nanmean()
    tensor(1.5000)
    """
    input, dims, keepdim = prepared("nanmean", input, dim, None, keepdim, False, dtype)
    require_floating("nanmean", input)
    known = apply(comparison.logical_not, apply(comparison.isnan, input))
    total = apply(rows.nansum, input, dim=dims, keepdim=keepdim)
    return total / apply(rows.sum, known, dim=dims, keepdim=keepdim)


@method("any")
def any(input: Tensor, dim: Any = None, keepdim: bool = False, *, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Whether any element is true, that is, not zero.

    Parameters
    ----------
    input, dim, keepdim
        As for `sum`.
    axis, keepdims
        NumPy's names for `dim` and `keepdim`.

    Returns
    -------
    Tensor
        Of truth values; for one of uint8, of zeros and ones.

    Examples
    --------
    >>> import microbp
    >>> microbp.tensor([[0, 0], [0, 1]]).any(dim=1)
    tensor([False,  True])
    """
    return question(rows.any, input, dim, axis, keepdim, keepdims)


@method("all")
def all(input: Tensor, dim: Any = None, keepdim: bool = False, *, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Whether all elements are true, that is, none is zero.

    Parameters
    ----------
    input, dim, keepdim
        As for `sum`.
    axis, keepdims
        NumPy's names for `dim` and `keepdim`.

    Returns
    -------
    Tensor
        Of truth values; for one of uint8, of zeros and ones.

    Examples
    --------
    >>> import microbp
    >>> microbp.tensor([[1, 2], [0, 1]]).all(dim=1)
    tensor([ True, False])
    """
    return question(rows.all, input, dim, axis, keepdim, keepdims)


def question(row: Any, input: Any, dim: Any, axis: Any, keepdim: Any, keepdims: Any) -> Tensor:
    """`any` and `all`, which take the same arguments; an empty tuple of axes asks about each element."""
    input, dims, keepdim = prepared(row.name, input, dim, axis, keepdim, keepdims, None)
    if dims is None and (dim in ((), []) or axis in ((), [])):
        dims = ()
    return apply(row, input, dim=dims, keepdim=keepdim)


@method("count_nonzero")
def count_nonzero(input: Tensor, dim: Any = None, *, axis: Any = None) -> Tensor:
    """The number of elements that are not zero.

    Parameters
    ----------
    input, dim
        As for `sum`.
    axis
        NumPy's name for `dim`.

    Returns
    -------
    Tensor
        Of int64; it has no gradient.

    Examples
    --------
    >>> import microbp
    >>> microbp.tensor([0.0, 2.0, 3.0]).count_nonzero()
    tensor(2)
    """
    input, dims, _ = prepared("count_nonzero", input, dim, axis, False, False, None)
    return apply(rows.count_nonzero, input, dim=dims)


@method("prod")
def prod(
    input: Tensor,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    dtype: Any = None,
    axis: Any = None,
    keepdims: bool = False,
) -> Tensor:
    """Product of the elements; its gradient is exact also where some of them are zero.

    Parameters
    ----------
    input : Tensor
        Integers and truth values are multiplied as int64.
    dim : int, optional
        One axis; all by default.
    keepdim, dtype
        As for `sum`.
    axis, keepdims
        NumPy's names for `dim` and `keepdim`.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import microbp
    >>> t = microbp.tensor([2.0, 0.0, 3.0], requires_grad=True)
    >>> t.prod().backward()
    >>> t.grad
    tensor([0., 6., 0.])
    """
    dim, keepdim = either("prod", dim, axis, keepdim, keepdims)
    input = converted(input, dtype)
    if dim is None or input.ndim == 0:
        if dim is not None:
            as_dim("prod", dim, 0)
        flat = apply(shaping.reshape, input, shape=(input.array.size,))
        return in_dtype(apply(rows.prod, flat, dim=0, keepdim=False), dtype)
    return in_dtype(apply(rows.prod, input, dim=as_dim("prod", dim, input.ndim), keepdim=keepdim), dtype)


@method("norm")
def norm(input: Tensor, p: Any = "fro", dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Tensor:
    """The p-norm of the elements, ``y = (sum_k |a_k|^p)^(1/p)``.

    Parameters
    ----------
    input : Tensor
        Of a floating-point dtype.
    p : number, inf, -inf or "fro"
        2 by default, which ``"fro"`` means too; inf is the largest modulus, -inf the smallest, 0 counts what is not 0.
    dim, keepdim, dtype
        As for `sum`.

    Returns
    -------
    Tensor
        Where the norm is 0 its gradient is taken to be 0.

    Raises
    ------
    DtypeError
        For integers.
    RangeError
        If there is nothing to take a negative or infinite norm of.

    Examples
    --------
    >>> import microbp
    >>> t = microbp.tensor([3.0, -4.0])
    >>> t.norm(), t.norm(1), t.norm(float("inf"))
    (tensor(5.), tensor(7.), tensor(4.))
    """
    input, dims, keepdim = prepared("norm", input, dim, None, keepdim, False, dtype)
    require_floating("norm", input)
    if p is None or p == "fro":
        p = 2
    if isinstance(p, str):
        raise NotImplementedError(f"norm() has no p={p!r}; it has numbers, inf, -inf and 'fro'")
    p = float(p)
    if p == 2:
        return apply(rows.norm, input, dim=dims, keepdim=keepdim)
    size = apply(elementwise.abs, input)
    if p == 0:
        size = apply(elementwise.sign, size)
    if p in (0, 1):
        return apply(rows.sum, size, dim=dims, keepdim=keepdim)
    if math.isinf(p):
        require_elements("norm", input, dims)
        return apply(rows.amax if p > 0 else rows.amin, size, dim=dims, keepdim=keepdim)
    return apply(rows.p_norm, input, p=p, dim=dims, keepdim=keepdim)


def prepared(
    name: str, input: Any, dim: Any, axis: Any, keepdim: Any, keepdims: Any, dtype: Any
) -> tuple[Any, tuple[int, ...] | None, bool]:
    """The input as a tensor of the dtype asked for, and `dim` and `keepdim` as rows take them."""
    if not isinstance(input, Tensor) or dtype is not None:
        input = converted(input, dtype)
    if dim is None and axis is None and keepdim is False and keepdims is False:
        return input, None, False
    dim, keepdim = either(name, dim, axis, keepdim, keepdims)
    return input, as_dims(name, dim, input.array.ndim), keepdim


def converted(input: Any, dtype: Any) -> Any:
    """The input as a tensor, of the dtype asked for if there is one."""
    input = as_operand(input)
    if not isinstance(input, Tensor):
        raise TypeError(f"expected a tensor, got {input!r}")
    if dtype is None or input.array.dtype == as_dtype(dtype):
        return input
    return apply(shaping.cast, input, dtype=as_dtype(dtype), source=input.array.dtype)


def in_dtype(result: Tensor, dtype: Any) -> Tensor:
    """A sum or product in the dtype asked for: those of small integers come as int64."""
    if dtype is None:
        return result
    out: Tensor = converted(result, dtype)
    return out


def count(input: Any, dims: tuple[int, ...] | None) -> int:
    """How many elements a reduction over these axes takes together."""
    if dims is None:
        return int(input.array.size)
    return math.prod([input.array.shape[axis] for axis in dims])


def require_floating(name: str, input: Any) -> None:
    """Refuse integers where the result would seldom be one."""
    if input.array.dtype.kind != "f":
        raise DtypeError(f"{name} needs a floating-point tensor, got {input.dtype}; convert it first: t.float()")


def require_elements(name: str, input: Any, dims: tuple[int, ...] | None) -> None:
    """Refuse to look for the largest of no elements."""
    if input.array.size == 0 and count(input, dims) == 0:
        raise RangeError(f"{name}: a tensor of shape {input.shape} has no elements to choose from")
