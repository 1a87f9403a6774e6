"""The largest and the smallest elements, and where they are.

`dim`, `keepdim` and their other names are as for the sums and means of `microbp.functions.reduction`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from microbp.errors import RangeError
from microbp.functions.dims import as_dim, either
from microbp.functions.reduction import prepared, require_elements
from microbp.functions.sorting import leading
from microbp.methods import method
from microbp.ops import indexing
from microbp.ops import reduction as rows
from microbp.ops import shape as shaping
from microbp.ops.op import registry
from microbp.tensor import Tensor, apply, as_operand, wrap

__all__ = ["amax", "amin", "aminmax", "argmax", "argmin", "max", "min", "topk"]


class Extremes(NamedTuple):
    """What `max` and `min` along an axis return."""

    values: Tensor
    indices: Tensor


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
    axis, keepdims
        NumPy's names for `dim` and `keepdim`.
    other : Tensor, optional
        The second tensor, by name: ``microbp.max(a, other=b)``.

    Returns
    -------
    Tensor, or named tuple (values, indices) of Tensor

    Raises
    ------
    RangeError
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
    axis, keepdims
        NumPy's names for `dim` and `keepdim`.
    other
        As for `max`.

    Returns
    -------
    Tensor, or named tuple (values, indices) of Tensor

    Raises
    ------
    RangeError
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
        return apply(rows.max if name == "max" else rows.min, input, keepdim=keepdim)
    if input.ndim == 0:
        return Extremes(input[...], apply(rows.argmax, input, dim=None, keepdim=False))
    dim = as_dim(name, dim, input.ndim)
    places = apply(rows.argmax if name == "max" else rows.argmin, input, dim=dim, keepdim=True)
    values = apply(indexing.gather, input, dim=dim, places=places.array.copy())
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
    axis, keepdims
        NumPy's names for `dim` and `keepdim`.

    Returns
    -------
    Tensor

    Raises
    ------
    RangeError
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
    axis, keepdims
        NumPy's names for `dim` and `keepdim`.

    Returns
    -------
    Tensor

    Raises
    ------
    RangeError
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


class Range(NamedTuple):
    """What `aminmax` returns."""

    min: Tensor
    max: Tensor


@method("aminmax")
def aminmax(input: Tensor, *, dim: int | None = None, keepdim: bool = False) -> Range:
    """Minimum and maximum of all elements, or along an axis; elements that share one share its gradient evenly.

    Parameters
    ----------
    input : Tensor
        A NaN in it wins.
    dim : int, optional
        The axis; all by default.
    keepdim : bool
        Leave the reduced axis with size 1.

    Returns
    -------
    named tuple (min, max) of Tensor

    Raises
    ------
    RangeError
        If there is nothing to choose from.

    Examples
    --------
    >>> import microbp
    >>> low, high = microbp.aminmax(microbp.tensor([3.0, 1.0, 2.0]))
    >>> low, high
    (tensor(1.), tensor(3.))
    """
    return Range(amin(input, dim, keepdim), amax(input, dim, keepdim))


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
    axis, keepdims
        NumPy's names for `dim` and `keepdim`.

    Returns
    -------
    Tensor
        Of int64; it has no gradient.

    Raises
    ------
    RangeError
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
    axis, keepdims
        NumPy's names for `dim` and `keepdim`.

    Returns
    -------
    Tensor
        Of int64; it has no gradient.

    Raises
    ------
    RangeError
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


@method("topk")
def topk(input: Tensor, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> Extremes:
    """The k largest elements along an axis, the largest first, and their indices.

    Parameters
    ----------
    input : Tensor
        The elements; NaN counts as larger than all others.
    k : int
        How many.
    dim : int
        The axis.
    largest : bool
        False for the k smallest, the smallest first.
    sorted : bool
        Accepted; they always come in order.

    Returns
    -------
    named tuple (values, indices) of Tensor
        With size k along the axis; the values have a gradient.

    Raises
    ------
    RangeError
        If there are fewer than k elements.

    Examples
    --------
    >>> import microbp
    >>> values, indices = microbp.topk(microbp.tensor([1.0, 9.0, 4.0]), 2)
    >>> values, indices
    (tensor([9., 4.]), tensor([1, 2]))
    """
    axis = as_dim("topk", dim, input.ndim)
    size = input.shape[axis] if input.ndim else 1
    if not 0 <= k <= size:
        raise RangeError(f"topk: k={k} is not from 0 to {size}, the size of dimension {axis}")
    if input.ndim == 0:
        flat = topk(apply(shaping.reshape, input, shape=(1,)), k, 0, largest)
        return Extremes(*(apply(shaping.reshape, part, shape=()) for part in flat)) if k else flat
    places = leading(input.array, axis, k, largest)
    return Extremes(apply(indexing.gather, input, dim=axis, places=places.copy()), wrap(places.copy()))
