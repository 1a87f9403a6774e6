"""Where elements are, which of them are different, and how often they occur."""

from __future__ import annotations

from typing import Any

import numpy as np

from microbp.errors import DtypeError, OptionError, RangeError, ShapeError
from microbp.functions.conversion import convert
from microbp.functions.dims import as_dim
from microbp.methods import method
from microbp.mode import look_at_values
from microbp.ops import indexing
from microbp.ops import shape as shaping
from microbp.tensor import Tensor, apply, as_operand, wrap

__all__ = ["argwhere", "bincount", "bucketize", "nonzero", "searchsorted", "unique"]


@method("nonzero")
def nonzero(input: Tensor, *, as_tuple: bool = False) -> Any:
    """Where the elements are that are not zero.

    Parameters
    ----------
    input : Tensor
        Of any shape.
    as_tuple : bool
        Give a tensor of positions for each axis, ready to be used as an index.

    Returns
    -------
    Tensor or tuple of Tensor
        Of int64: of shape (n, ndim) for n elements, or for each axis of shape (n,).

    Examples
    --------
    >>> import microbp
    >>> t = microbp.tensor([[0, 5], [6, 0]])
    >>> microbp.nonzero(t)
    tensor([[0, 1],
            [1, 0]])
    >>> t[t.nonzero(as_tuple=True)]
    tensor([5, 6])
    """
    if as_tuple:
        look_at_values()
        return tuple(wrap(places) for places in np.nonzero(np.atleast_1d(input.array)))
    return wrap(np.argwhere(input.array))


@method("argwhere")
def argwhere(input: Tensor) -> Tensor:
    """Where the elements are that are not zero: their positions, one a row.

    Parameters
    ----------
    input : Tensor
        Of any shape.

    Returns
    -------
    Tensor
        Of int64 and shape (n, dimensions).

    Examples
    --------
    >>> import microbp
    >>> microbp.argwhere(microbp.tensor([0, 5, 6]))
    tensor([[1],
            [2]])
    """
    return wrap(np.argwhere(input.array))


@method("unique")
def unique(
    input: Tensor,
    sorted: bool = True,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: int | None = None,
) -> Any:
    """The different elements, or the different slices along an axis, in ascending order.

    Parameters
    ----------
    input : Tensor
        Of any shape; no NaN equals another.
    sorted : bool
        Accepted; they always come in order.
    return_inverse : bool
        Give also, for each element, where it is in the result.
    return_counts : bool
        Give also how often each occurs.
    dim : int, optional
        The axis; without it, the elements of the flattened tensor are compared.

    Returns
    -------
    Tensor or tuple of Tensor
        The gradient of a value goes to the first element that has it.

    Examples
    --------
    >>> import microbp
    >>> microbp.unique(microbp.tensor([3, 1, 3]))
    tensor([1, 3])
    >>> values, counts = microbp.tensor([3, 1, 3]).unique(return_counts=True)
    >>> counts
    tensor([1, 2])
    """
    axis = None if dim is None else as_dim("unique", dim, input.ndim)
    if axis is None or not input.ndim:
        source, index = apply(shaping.reshape, input, shape=(input.array.size,)), 0
    else:
        source, index = input, axis
    _, first, inverse, counts = np.unique(
        source.array,
        return_index=True,
        return_inverse=True,
        return_counts=True,
        axis=None if source.ndim == 1 else axis,
        equal_nan=False,
    )
    values = apply(indexing.getitem, source, index=(*(slice(None),) * index, first))
    if not (return_inverse or return_counts):
        return values
    found = [values]
    if return_inverse:
        found.append(wrap(inverse.reshape(input.array.shape if axis is None else -1)))
    if return_counts:
        found.append(wrap(counts))
    return tuple(found)


@method("bincount")
def bincount(input: Tensor, weights: Tensor | None = None, minlength: int = 0) -> Tensor:
    """How often each of the numbers 0, 1, 2, ... occurs.

    Parameters
    ----------
    input : Tensor
        Integers from 0 on, of shape (n,).
    weights : Tensor, optional
        Of shape (n,): count each element as much as this.
    minlength : int
        The least size of the result.

    Returns
    -------
    Tensor
        Of int64; with weights, of their dtype if that is float32, else of float64, and with a gradient.

    Raises
    ------
    DtypeError
        If the elements are no integers.
    ShapeError
        If the shapes do not fit.
    RangeError
        If an element is negative.
    OptionError
        If `minlength` is negative.

    Examples
    --------
    >>> import microbp
    >>> microbp.bincount(microbp.tensor([0, 2, 2]), minlength=4)
    tensor([1, 0, 2, 0])
    """
    places = np.array(input.array)
    if places.dtype.kind not in "iu":
        raise DtypeError(f"bincount counts integers, got {places.dtype}")
    if places.ndim != 1:
        raise ShapeError(f"bincount takes a tensor of 1 dimension, got shape {places.shape}")
    if minlength < 0:
        raise OptionError(f"bincount: minlength must not be negative, got {minlength}")
    look_at_values()
    if places.size and places.min() < 0:
        raise RangeError(f"bincount counts integers from 0 on, got {places.min()} at position {places.argmin()}")
    if weights is not None and weights.array.shape != places.shape:
        raise ShapeError(f"bincount: weights {weights.array.shape} must have the shape of input {places.shape}")
    if weights is None or not places.size:
        return wrap(np.bincount(places, minlength=minlength))
    if weights.dtype != np.float32:
        weights = convert(weights, np.dtype(np.float64))
    size = max(minlength, int(places.max()) + 1)
    return apply(indexing.put_add, weights, shape=(size,), index=places.astype(np.int64))


def searchsorted(
    sorted_sequence: Tensor,
    input: Any,
    *,
    out_int32: bool = False,
    right: bool = False,
    side: str | None = None,
    sorter: Tensor | None = None,
) -> Tensor:
    """Where values would have to be put into an ordered sequence to leave it in order.

    Parameters
    ----------
    sorted_sequence : Tensor
        In ascending order along the last axis: of shape (n,), or (..., n) for a sequence for each row of values.
    input : Tensor or number
        The values: of any shape, or (..., m).
    out_int32 : bool
        Give int32 instead of int64.
    right : bool
        Behind equal elements instead of before them; ``side="right"`` means the same.
    side : {"left", "right"}, optional
        Which side of equal elements.
    sorter : Tensor, optional
        The positions that put `sorted_sequence` in order, if it is not, as `argsort` gives them.

    Returns
    -------
    Tensor
        Positions from 0 to n, of the shape of `input`.

    Raises
    ------
    ShapeError
        If the shapes do not fit.
    OptionError
        If `right` and `side` contradict each other.

    Examples
    --------
    >>> import microbp
    >>> edges = microbp.tensor([1.0, 3.0, 5.0])
    >>> microbp.searchsorted(edges, microbp.tensor([0.0, 3.0, 9.0]))
    tensor([0, 1, 3])
    >>> microbp.searchsorted(edges, 3.0, right=True)
    tensor(2)
    """
    if side not in (None, "left", "right"):
        raise OptionError(f"searchsorted: side must be 'left' or 'right', got {side!r}")
    if side == "left" and right:
        raise OptionError("searchsorted: side='left' and right=True contradict each other")
    edges, values = sorted_sequence.array, bare(input, sorted_sequence)
    if sorter is not None:
        if sorter.array.shape != edges.shape:
            raise ShapeError(f"searchsorted: sorter {sorter.array.shape} must have the shape {edges.shape}")
        edges = np.take_along_axis(edges, sorter.array, -1)
    where: Any = "right" if right or side == "right" else "left"
    if edges.ndim == 1:
        found = np.asarray(np.searchsorted(edges, values, where))
    elif edges.ndim and edges.shape[:-1] == values.shape[:-1] and values.ndim:
        found = np.empty(values.shape, np.int64)
        for row in np.ndindex(edges.shape[:-1]):
            found[row] = np.searchsorted(edges[row], values[row], where)
    else:
        raise ShapeError(
            f"searchsorted: sorted_sequence {edges.shape} must have 1 dimension, or agree with input {values.shape} "
            "in all but the last"
        )
    return wrap(found.astype(np.int32 if out_int32 else np.int64))


def bucketize(input: Any, boundaries: Tensor, *, out_int32: bool = False, right: bool = False) -> Tensor:
    """In which of the intervals between boundaries the values are.

    Parameters
    ----------
    input : Tensor or number
        The values.
    boundaries : Tensor
        In ascending order, of shape (n,).
    out_int32 : bool
        Give int32 instead of int64.
    right : bool
        An interval has its lower boundary instead of its upper one.

    Returns
    -------
    Tensor
        Numbers from 0 to n, of the shape of `input`.

    Raises
    ------
    ShapeError
        If the boundaries do not have one dimension.

    Examples
    --------
    >>> import microbp
    >>> microbp.bucketize(microbp.tensor([0.0, 1.0, 2.5]), microbp.tensor([1.0, 2.0]))
    tensor([0, 0, 2])
    """
    if boundaries.ndim != 1:
        raise ShapeError(f"bucketize: boundaries must have 1 dimension, got shape {tuple(boundaries.shape)}")
    return searchsorted(boundaries, input, out_int32=out_int32, right=right)


def bare(value: Any, like: Tensor) -> Any:
    """A value as an array; a number in the dtype of a tensor."""
    operand = as_operand(value)
    if isinstance(operand, Tensor):
        return operand.array
    return np.asarray(operand, like.dtype if like.dtype.kind == "f" else None)
