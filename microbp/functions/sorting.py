"""Elements in order of size, and the elements of a given rank.

The order of equal elements is kept: of two, the one that comes first in the tensor comes
first in the result, ``descending`` or not. NaN counts as larger than all numbers.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from microbp.errors import RangeError
from microbp.functions.dims import as_dim, either
from microbp.methods import method
from microbp.ops import indexing, sorting
from microbp.ops import shape as shaping
from microbp.tensor import Tensor, apply, wrap

__all__ = ["argsort", "cummax", "cummin", "kthvalue", "median", "msort", "sort"]


class Ranked(NamedTuple):
    """Elements of a tensor along an axis, and where they are in it."""

    values: Tensor
    indices: Tensor


@method("sort")
def sort(
    input: Tensor, dim: int = -1, descending: bool = False, stable: bool = False, *, axis: int | None = None
) -> Ranked:
    """The elements in order along an axis, and where they were.

    Parameters
    ----------
    input : Tensor
        Of any shape; NaN counts as larger than all numbers.
    dim : int
        The axis.
    descending : bool
        The largest first.
    stable : bool
        Accepted; equal elements always keep their order.
    axis
        NumPy's name for `dim`.

    Returns
    -------
    named tuple (values, indices) of Tensor
        The values have a gradient.

    Examples
    --------
    >>> import microbp
    >>> values, indices = microbp.sort(microbp.tensor([3.0, 1.0, 2.0]))
    >>> values, indices
    (tensor([1., 2., 3.]), tensor([1, 2, 0]))
    """
    place = as_dim("sort", dim if axis is None else axis, input.ndim)
    return picked(input, place, order(input.array, place, descending))


@method("argsort")
def argsort(
    input: Tensor, dim: int = -1, descending: bool = False, stable: bool = False, *, axis: int | None = None
) -> Tensor:
    """Where the elements in order along an axis were; see `sort`.

    Returns
    -------
    Tensor
        Of int64; it has no gradient.

    Examples
    --------
    >>> import microbp
    >>> microbp.argsort(microbp.tensor([3.0, 1.0, 2.0]), descending=True)
    tensor([0, 2, 1])
    """
    place = as_dim("argsort", dim if axis is None else axis, input.ndim)
    return wrap(order(input.array, place, descending))


@method("msort")
def msort(input: Tensor) -> Tensor:
    """The elements in order along the first axis.

    Parameters
    ----------
    input : Tensor
        Of any shape.

    Returns
    -------
    Tensor
        Of the shape of `input`.

    Examples
    --------
    >>> import microbp
    >>> microbp.msort(microbp.tensor([[3, 1], [2, 4]]))
    tensor([[2, 1],
            [3, 4]])
    """
    return sort(input, 0).values


@method("kthvalue")
def kthvalue(
    input: Tensor,
    k: int,
    dim: int = -1,
    keepdim: bool = False,
    *,
    axis: int | None = None,
    keepdims: bool = False,
) -> Ranked:
    """The k-th smallest element along an axis, counted from 1, and where it is.

    Parameters
    ----------
    input : Tensor
        Of any shape; NaN counts as larger than all numbers.
    k : int
        The rank.
    dim : int
        The axis.
    keepdim : bool
        Leave the reduced axis with size 1.
    axis, keepdims
        NumPy's names for `dim` and `keepdim`.

    Returns
    -------
    named tuple (values, indices) of Tensor
        The gradient of a value goes to its index.

    Raises
    ------
    RangeError
        If there are fewer than k elements.

    Examples
    --------
    >>> import microbp
    >>> values, indices = microbp.kthvalue(microbp.tensor([3.0, 1.0, 2.0]), 2)
    >>> values, indices
    (tensor(2.), tensor(2))
    """
    place = as_dim("kthvalue", dim if axis is None else axis, input.ndim)
    size = input.array.shape[place] if input.ndim else 1
    if not 1 <= k <= size:
        raise RangeError(f"kthvalue: k={k} is not from 1 to {size}, the size of dimension {place}")
    return reduced(of_rank(input, place, k - 1), place, either("kthvalue", None, None, keepdim, keepdims)[1])


@method("median")
def median(
    input: Tensor, dim: int | None = None, keepdim: bool = False, *, axis: int | None = None, keepdims: bool = False
) -> Any:
    """The element in the middle of the order, of all elements or along an axis; of two, the smaller one.

    Parameters
    ----------
    input : Tensor
        A NaN in it wins.
    dim : int, optional
        Without it, the result is one number, and elements that equal it share its gradient evenly. With an axis, it
        is a named tuple, and the gradient goes to the index that is returned.
    keepdim : bool
        Leave the reduced axis with size 1.
    axis, keepdims
        NumPy's names for `dim` and `keepdim`.

    Returns
    -------
    Tensor, or named tuple (values, indices) of Tensor
        NaN for all of no floating-point numbers.

    Raises
    ------
    RangeError
        If there is nothing to choose from along the axis, or among integers.

    Examples
    --------
    >>> import microbp
    >>> t = microbp.tensor([[1.0, 9.0, 5.0], [2.0, 4.0, 8.0]])
    >>> t.median()
    tensor(4.)
    >>> values, indices = t.median(dim=1)
    >>> values, indices
    (tensor([5., 4.]), tensor([2, 1]))
    """
    dim, keepdim = either("median", dim, axis, keepdim, keepdims)
    if dim is None:
        if not input.array.size and input.dtype.kind != "f":
            raise RangeError(f"median: a tensor of shape {tuple(input.shape)} has no elements to choose from")
        return apply(sorting.median, input)
    place = as_dim("median", dim, input.ndim)
    size = input.array.shape[place] if input.ndim else 1
    if not size:
        raise RangeError(f"median: a tensor of shape {tuple(input.shape)} has no elements along dimension {place}")
    return reduced(of_rank(input, place, (size - 1) // 2, nan_wins=True), place, keepdim)


@method("cummax")
def cummax(input: Tensor, dim: int) -> Ranked:
    """The largest element up to each along an axis, and where it is: the last place, where there are several.

    Parameters
    ----------
    input : Tensor
        A NaN in it wins.
    dim : int
        The axis.

    Returns
    -------
    named tuple (values, indices) of Tensor
        The gradient of a value goes to its index.

    Examples
    --------
    >>> import microbp
    >>> values, indices = microbp.cummax(microbp.tensor([1.0, 3.0, 2.0, 3.0]), dim=0)
    >>> values, indices
    (tensor([1., 3., 3., 3.]), tensor([0, 1, 1, 3]))
    """
    return running("cummax", np.maximum, input, dim)


@method("cummin")
def cummin(input: Tensor, dim: int) -> Ranked:
    """The smallest element up to each along an axis, and where it is; see `cummax`.

    Examples
    --------
    >>> import microbp
    >>> microbp.cummin(microbp.tensor([3.0, 1.0, 2.0]), dim=0).values
    tensor([3., 1., 1.])
    """
    return running("cummin", np.minimum, input, dim)


def running(name: str, extreme: np.ufunc, input: Tensor, dim: int) -> Ranked:
    """The extreme elements up to each along an axis."""
    axis = as_dim(name, dim, input.ndim)
    array = input.array
    if not input.ndim:
        return picked(input, axis, np.zeros((), np.int64))
    reached = (array == extreme.accumulate(array, axis)) | (array != array)
    numbers = np.arange(array.shape[axis]).reshape((-1,) + (1,) * (array.ndim - 1 - axis))
    return picked(input, axis, np.maximum.accumulate(np.where(reached, numbers, 0), axis))


def order(array: Any, axis: int, descending: bool) -> Any:
    """The positions that put an array in order along an axis; equal elements keep theirs."""
    if not array.ndim:
        return np.zeros((), np.int64)
    if not descending:
        return np.argsort(array, axis, kind="stable")
    # A stable sort from the other end: of equal elements, the first one comes first.
    return array.shape[axis] - 1 - np.flip(np.argsort(np.flip(array, axis), axis, kind="stable"), axis)


def leading(array: Any, axis: int, k: int, largest: bool) -> Any:
    """The positions of the k largest or smallest elements along an axis, in order; of equal ones, the first."""
    size = array.shape[axis]
    if not 0 < k < size or size < 64 or (array != array).any():  # a long axis need not be sorted as a whole
        return order(array, axis, largest)[(*(slice(None),) * axis, slice(0, k))]
    last = at_rank(array, axis, size - k if largest else k - 1)
    beyond, level = (array > last if largest else array < last), array == last
    chosen = beyond | (level & (level.cumsum(axis) <= k - beyond.sum(axis, keepdims=True)))
    lines = np.moveaxis(chosen, axis, -1)
    places = np.moveaxis(np.nonzero(lines)[-1].reshape(*lines.shape[:-1], k), -1, axis)
    ranked = order(np.take_along_axis(array, places, axis), axis, largest)
    return np.take_along_axis(places, ranked, axis)


def at_rank(array: Any, axis: int, rank: int) -> Any:
    """The elements of a rank, counted from 0, along an axis, which stays with size 1."""
    return np.partition(array, rank, axis)[(*(slice(None),) * axis, slice(rank, rank + 1))]


def of_rank(input: Tensor, axis: int, rank: int, nan_wins: bool = False) -> Ranked:
    """The elements of a rank, counted from 0, along an axis, which stays with size 1; of equal ones, the first."""
    array = input.array
    if not input.ndim:
        return picked(input, axis, np.zeros((), np.int64))
    found = at_rank(array, axis, rank)
    nan = array != array
    sought = (array == found) | (nan & (found != found))
    if nan_wins:
        sought = np.where(nan.any(axis, keepdims=True), nan, sought)
    return picked(input, axis, sought.argmax(axis, keepdims=True))


def reduced(found: Ranked, axis: int, keepdim: bool) -> Ranked:
    """Values and indices with an axis of size 1, without that axis unless it is to be kept."""
    if keepdim or not found.values.ndim:
        return found
    shape = found.values.array.shape
    rest = (*shape[:axis], *shape[axis + 1 :])
    return Ranked(*(apply(shaping.reshape, part, shape=rest) for part in found))


def picked(input: Tensor, axis: int, places: Any) -> Ranked:
    """The elements at positions along an axis, with the positions, which the graph keeps a copy of."""
    return Ranked(apply(indexing.gather, input, dim=axis, places=places.copy()), wrap(places))
