"""Sums, means, extremes and norms along axes.

`dim` is an axis, or a tuple of axes where PyTorch takes one; negative axes count from the
end. Without it all axes are reduced. `keepdim` leaves the reduced axes with size 1. NumPy's
names `axis` and `keepdims` are understood as well.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from microbp.dtypes import as_dtype
from microbp.errors import DtypeError, ShapeError
from microbp.functions.dims import as_dim, as_dims, either
from microbp.methods import method
from microbp.ops import elementwise, indexing
from microbp.ops import reduction as rows
from microbp.ops import shape as shaping
from microbp.ops.op import registry
from microbp.tensor import Tensor, apply, as_operand

__all__ = [
    "all",
    "amax",
    "amin",
    "any",
    "argmax",
    "argmin",
    "count_nonzero",
    "cumsum",
    "log_softmax",
    "logsumexp",
    "max",
    "mean",
    "min",
    "norm",
    "prod",
    "softmax",
    "std",
    "sum",
    "var",
]


class Extremes(NamedTuple):
    """What `max` and `min` along an axis return."""

    values: Tensor
    indices: Tensor


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
    return apply(rows.sum, input, dim=dims, keepdim=keepdim)


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


@method("var")
def var(
    input: Tensor,
    dim: Any = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
    axis: Any = None,
    keepdims: bool = False,
) -> Tensor:
    """Variance of the elements, y = sum_k (a_k - mean(a))^2 / (n - correction).

    Parameters
    ----------
    input : Tensor
        Of a floating-point dtype.
    dim : int or tuple of int, optional
        The axes to take together; all by default. ``var(False)`` means ``var(unbiased=False)``.
    unbiased : bool, optional
        True for the correction 1, False for 0.
    keepdim : bool
        Leave the reduced axes with size 1.
    correction : number, optional
        What to take off n; 1 by default.

    Returns
    -------
    Tensor
        NaN or infinite where n - correction is not positive.

    Raises
    ------
    DtypeError
        For integers.

    Examples
    --------
    >>> import microbp
    >>> t = microbp.tensor([1.0, 2.0, 6.0])
    >>> t.var(), t.var(correction=0)
    (tensor(7.), tensor(4.6667))
    """
    return spread_out(rows.var, input, dim, unbiased, keepdim, correction, axis, keepdims)


@method("std")
def std(
    input: Tensor,
    dim: Any = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
    axis: Any = None,
    keepdims: bool = False,
) -> Tensor:
    """Standard deviation of the elements: the square root of `var`, with gradient 0 where it is 0.

    Parameters
    ----------
    input, dim, unbiased, keepdim, correction
        As for `var`.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import microbp
    >>> microbp.tensor([1.0, 5.0]).std(correction=0)
    tensor(2.)
    """
    return spread_out(rows.std, input, dim, unbiased, keepdim, correction, axis, keepdims)


def spread_out(
    row: Any, input: Any, dim: Any, unbiased: Any, keepdim: Any, correction: Any, axis: Any, keepdims: Any
) -> Tensor:
    """`var` and `std`, which take the same arguments."""
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    if unbiased is not None and correction is not None:
        raise TypeError(f"{row.name}() got both unbiased and correction, which mean the same")
    if correction is None:
        correction = 0 if unbiased is False else 1
    input, dims, keepdim = prepared(row.name, input, dim, axis, keepdim, keepdims, None)
    require_floating(row.name, input)
    n = count(input, dims)
    freedom = n - correction if n > correction else 0
    return apply(row, input, dim=dims, keepdim=keepdim, count=n, freedom=freedom)


@method("max")
def max(
    input: Tensor,
    dim: Any = None,
    keepdim: bool = False,
    *,
    axis: Any = None,
    keepdims: bool = False,
    other: Any = None,
) -> Any:
    """Maximum of all elements, or along an axis, or of two tensors element by element.

    Parameters
    ----------
    input : Tensor
        A NaN in it wins.
    dim : int or Tensor, optional
        Without it, the result is one number, and elements that share the maximum share its gradient evenly. With an
        axis, it is a named tuple, and the gradient goes to the index that is returned. With a tensor, it is
        ``maximum(input, dim)``.
    keepdim : bool
        Leave the reduced axis with size 1.

    Returns
    -------
    Tensor, or named tuple (values, indices) of Tensor

    Raises
    ------
    ShapeError
        If there is nothing to take the maximum of.

    Examples
    --------
    >>> import microbp
    >>> t = microbp.tensor([[1.0, 9.0], [7.0, 3.0]])
    >>> t.max()
    tensor(9.)
    >>> values, indices = t.max(dim=1)
    >>> values, indices
    (tensor([9., 7.]), tensor([1, 0]))
    """
    return extreme("max", input, dim, keepdim, axis, keepdims, other)


@method("min")
def min(
    input: Tensor,
    dim: Any = None,
    keepdim: bool = False,
    *,
    axis: Any = None,
    keepdims: bool = False,
    other: Any = None,
) -> Any:
    """Minimum of all elements, or along an axis, or of two tensors element by element.

    Parameters
    ----------
    input, dim, keepdim
        As for `max`.

    Returns
    -------
    Tensor, or named tuple (values, indices) of Tensor

    Raises
    ------
    ShapeError
        If there is nothing to take the minimum of.

    Examples
    --------
    >>> import microbp
    >>> microbp.tensor([[1.0, 9.0], [7.0, 3.0]]).min(dim=0).indices
    tensor([0, 1])
    """
    return extreme("min", input, dim, keepdim, axis, keepdims, other)


def extreme(name: str, input: Any, dim: Any, keepdim: Any, axis: Any, keepdims: Any, other: Any) -> Any:
    """`max` and `min` in all their forms."""
    if other is not None or isinstance(dim, Tensor):
        return apply(registry[f"{name}imum"], input, dim if other is None else other)
    dim, keepdim = either(name, dim, axis, keepdim, keepdims)
    input = as_operand(input)
    require_elements(name, input, None if dim is None else (as_dim(name, dim, input.ndim),))
    if dim is None:
        return apply(rows.amax if name == "max" else rows.amin, input, dim=None, keepdim=keepdim)
    if input.ndim == 0:
        return Extremes(input[...], apply(rows.argmax, input, dim=None, keepdim=False))
    dim = as_dim(name, dim, input.ndim)
    places = apply(rows.argmax if name == "max" else rows.argmin, input, dim=dim, keepdim=True)
    values = apply(indexing.gather, input, dim=dim, places=places.array)
    if keepdim:
        return Extremes(values, places)
    shape = (*input.shape[:dim], *input.shape[dim + 1 :])
    return Extremes(apply(shaping.reshape, values, shape=shape), apply(shaping.reshape, places, shape=shape))


@method("amax")
def amax(input: Tensor, dim: Any = None, keepdim: bool = False, *, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Maximum over some axes; elements that share it share its gradient evenly.

    Parameters
    ----------
    input, dim, keepdim
        As for `sum`.

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError
        If there is nothing to take the maximum of.

    Examples
    --------
    >>> import microbp
    >>> t = microbp.tensor([3.0, 1.0, 3.0], requires_grad=True)
    >>> t.amax().backward()
    >>> t.grad
    tensor([0.5000, 0.0000, 0.5000])
    """
    input, dims, keepdim = prepared("amax", input, dim, axis, keepdim, keepdims, None)
    require_elements("amax", input, dims)
    return apply(rows.amax, input, dim=dims, keepdim=keepdim)


@method("amin")
def amin(input: Tensor, dim: Any = None, keepdim: bool = False, *, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Minimum over some axes; elements that share it share its gradient evenly.

    Parameters
    ----------
    input, dim, keepdim
        As for `sum`.

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError
        If there is nothing to take the minimum of.

    Examples
    --------
    >>> import microbp
    >>> microbp.tensor([[3.0, 1.0], [2.0, 5.0]]).amin(dim=(0, 1))
    tensor(1.)
    """
    input, dims, keepdim = prepared("amin", input, dim, axis, keepdim, keepdims, None)
    require_elements("amin", input, dims)
    return apply(rows.amin, input, dim=dims, keepdim=keepdim)


@method("argmax")
def argmax(
    input: Tensor, dim: int | None = None, keepdim: bool = False, *, axis: Any = None, keepdims: bool = False
) -> Tensor:
    """Index of the maximum along an axis, the first where there are several.

    Parameters
    ----------
    input : Tensor
        The values.
    dim : int, optional
        The axis; without it, the index into the flattened tensor.
    keepdim : bool
        Leave the reduced axis with size 1.

    Returns
    -------
    Tensor
        Of int64; it has no gradient.

    Raises
    ------
    ShapeError
        If there is nothing to take the maximum of.

    Examples
    --------
    >>> import microbp
    >>> microbp.tensor([[1.0, 9.0], [7.0, 3.0]]).argmax(dim=1)
    tensor([1, 0])
    """
    return place_of(rows.argmax, input, dim, keepdim, axis, keepdims)


@method("argmin")
def argmin(
    input: Tensor, dim: int | None = None, keepdim: bool = False, *, axis: Any = None, keepdims: bool = False
) -> Tensor:
    """Index of the minimum along an axis, the first where there are several.

    Parameters
    ----------
    input, dim, keepdim
        As for `argmax`.

    Returns
    -------
    Tensor
        Of int64; it has no gradient.

    Raises
    ------
    ShapeError
        If there is nothing to take the minimum of.

    Examples
    --------
    >>> import microbp
    >>> microbp.tensor([4.0, 2.0, 3.0]).argmin()
    tensor(1)
    """
    return place_of(rows.argmin, input, dim, keepdim, axis, keepdims)


def place_of(row: Any, input: Any, dim: Any, keepdim: Any, axis: Any, keepdims: Any) -> Tensor:
    """`argmax` and `argmin`, which take the same arguments."""
    dim, keepdim = either(row.name, dim, axis, keepdim, keepdims)
    input = as_operand(input)
    one = None if dim is None else as_dim(row.name, dim, input.ndim)
    require_elements(row.name, input, None if one is None else (one,))
    return apply(row, input, dim=one if input.ndim else None, keepdim=keepdim)


@method("any")
def any(input: Tensor, dim: Any = None, keepdim: bool = False, *, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Whether any element is true, that is, not zero.

    Parameters
    ----------
    input, dim, keepdim
        As for `sum`.

    Returns
    -------
    Tensor
        Of truth values.

    Examples
    --------
    >>> import microbp
    >>> microbp.tensor([[0, 0], [0, 1]]).any(dim=1)
    tensor([False,  True])
    """
    input, dims, keepdim = prepared("any", input, dim, axis, keepdim, keepdims, None)
    return apply(rows.any, input, dim=dims, keepdim=keepdim)


@method("all")
def all(input: Tensor, dim: Any = None, keepdim: bool = False, *, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Whether all elements are true, that is, none is zero.

    Parameters
    ----------
    input, dim, keepdim
        As for `sum`.

    Returns
    -------
    Tensor
        Of truth values.

    Examples
    --------
    >>> import microbp
    >>> microbp.tensor([[1, 2], [0, 1]]).all(dim=1)
    tensor([ True, False])
    """
    input, dims, keepdim = prepared("all", input, dim, axis, keepdim, keepdims, None)
    return apply(rows.all, input, dim=dims, keepdim=keepdim)


@method("count_nonzero")
def count_nonzero(input: Tensor, dim: Any = None, *, axis: Any = None) -> Tensor:
    """The number of elements that are not zero.

    Parameters
    ----------
    input, dim
        As for `sum`.

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
        return apply(rows.prod, flat, dim=0, keepdim=False)
    return apply(rows.prod, input, dim=as_dim("prod", dim, input.ndim), keepdim=keepdim)


@method("norm")
def norm(input: Tensor, p: Any = "fro", dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Tensor:
    """The p-norm of the elements, y = (sum_k |a_k|^p)^(1/p).

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


@method("logsumexp")
def logsumexp(input: Tensor, dim: Any, keepdim: bool = False) -> Tensor:
    """Logarithm of the sum of exponentials, y = log(sum_k exp(a_k)), for values of any size.

    Parameters
    ----------
    input : Tensor
        Integers become the default dtype.
    dim : int or tuple of int
        The axes to sum over.
    keepdim : bool
        Leave the reduced axes with size 1.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import microbp
    >>> microbp.logsumexp(microbp.tensor([1000.0, 1000.0]), dim=0)
    tensor(1000.6932)
    """
    input, dims, keepdim = prepared("logsumexp", input, dim, None, keepdim, False, None)
    return apply(rows.logsumexp, input, dim=dims, keepdim=keepdim)


@method("softmax")
def softmax(input: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """Softmax along an axis, y_i = exp(a_i) / sum_k exp(a_k), for values of any size.

    Parameters
    ----------
    input : Tensor
        The logits.
    dim : int
        The axis along which the results sum to 1.
    dtype : dtype, optional
        Convert the input to this dtype first.

    Returns
    -------
    Tensor
        Of the shape of `input`.

    Examples
    --------
    >>> import microbp
    >>> microbp.softmax(microbp.tensor([1000.0, 1000.0]), dim=0)
    tensor([0.5000, 0.5000])
    """
    return normalised(rows.softmax, input, dim, dtype)


@method("log_softmax")
def log_softmax(input: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """Logarithm of the softmax along an axis, y_i = a_i - log(sum_k exp(a_k)), for values of any size.

    Parameters
    ----------
    input, dim, dtype
        As for `softmax`.

    Returns
    -------
    Tensor
        Of the shape of `input`.

    Examples
    --------
    >>> import microbp
    >>> microbp.log_softmax(microbp.tensor([0.0, 1000.0]), dim=0)
    tensor([-1000.,     0.])
    """
    return normalised(rows.log_softmax, input, dim, dtype)


def normalised(row: Any, input: Any, dim: Any, dtype: Any) -> Tensor:
    """`softmax` and `log_softmax`, which take the same arguments."""
    input = converted(input, dtype)
    if input.array.dtype.kind != "f":
        raise DtypeError(f"{row.name} needs a floating-point tensor, got {input.dtype}; convert it first: t.float()")
    axis = as_dim(row.name, dim, input.ndim)
    if input.ndim:
        return apply(row, input, dim=axis)
    flat = apply(shaping.reshape, input, shape=(1,))
    return apply(shaping.reshape, apply(row, flat, dim=0), shape=())


@method("cumsum")
def cumsum(input: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """Sums of all elements up to each along an axis, y_i = sum_{k <= i} a_k.

    Parameters
    ----------
    input : Tensor
        Integers and truth values are summed as int64.
    dim : int
        The axis to sum along.
    dtype : dtype, optional
        Convert the elements to this dtype first.

    Returns
    -------
    Tensor
        Of the shape of `input`.

    Examples
    --------
    >>> import microbp
    >>> microbp.tensor([1, 2, 3]).cumsum(dim=0)
    tensor([1, 3, 6])
    """
    input = converted(input, dtype)
    axis = as_dim("cumsum", dim, input.ndim)
    if input.ndim:
        return apply(rows.cumsum, input, dim=axis, reverse=False)
    return sum(input)


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
        raise ShapeError(f"{name}: a tensor of shape {input.shape} has no elements to choose from")
