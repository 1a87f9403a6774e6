"""Slices written, or added, to a tensor at positions along an axis; values at any index."""

from __future__ import annotations

from typing import Any

import numpy as np

from microbp.errors import ShapeError
from microbp.functions.arithmetic import scaled
from microbp.functions.conversion import convert
from microbp.functions.dims import as_dim
from microbp.functions.gathering import positions, within
from microbp.functions.indexing import as_part
from microbp.functions.reduction import sum as total
from microbp.functions.writing import Plan, anew, in_place, nowhere, require_tensor, same_dtype
from microbp.methods import method
from microbp.ops import indexing as rows
from microbp.ops import shape as shaping
from microbp.ops.op import Op
from microbp.tensor import Tensor, apply, as_operand

__all__ = ["index_add", "index_copy", "index_fill", "index_put"]


@method("index_add")
def index_add(input: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: float = 1) -> Tensor:
    """The tensor with slices added at positions along an axis: y[index[k]] += alpha * source[k] for ``dim=0``.

    Parameters
    ----------
    input : Tensor
        Of any shape.
    dim : int
        The axis.
    index : Tensor
        The positions: integers of shape (n,) or ().
    source : Tensor
        What to add: of the shape of `input` but for the size n along the axis, and of its dtype.
    alpha : float
        Multiplies what is added.

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError
        If the shapes do not fit.
    RangeError
        If a position is out of range.
    DtypeError
        If the dtypes differ.

    Examples
    --------
    >>> import microbp
    >>> microbp.zeros(3).index_add(0, microbp.tensor([0, 2, 0]), microbp.tensor([1.0, 2.0, 3.0]))
    tensor([4., 0., 2.])
    """
    return anew(input, at_slices("index_add", rows.add_at, input, dim, index, source, alpha))


@method("index_add_")
def index_add_(self: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: float = 1) -> Tensor:
    """Add slices at positions along an axis, in place; see `microbp.index_add`."""
    return in_place(self, at_slices("index_add_", rows.add_at, self, dim, index, source, alpha))


@method("index_copy")
def index_copy(input: Tensor, dim: int, index: Tensor, source: Tensor) -> Tensor:
    """The tensor with slices replaced at positions along an axis: y[index[k]] = source[k] for ``dim=0``.

    Parameters
    ----------
    input, dim, index, source
        As for `index_add`.

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError, RangeError, DtypeError
        As for `index_add`.

    Examples
    --------
    >>> import microbp
    >>> microbp.zeros(3).index_copy(0, microbp.tensor([2, 0]), microbp.tensor([1.0, 2.0]))
    tensor([2., 0., 1.])
    """
    return anew(input, at_slices("index_copy", rows.setitem, input, dim, index, source, 1))


@method("index_copy_")
def index_copy_(self: Tensor, dim: int, index: Tensor, source: Tensor) -> Tensor:
    """Replace slices at positions along an axis, in place; see `microbp.index_copy`."""
    return in_place(self, at_slices("index_copy_", rows.setitem, self, dim, index, source, 1))


def at_slices(name: str, row: Op, input: Tensor, dim: int, index: Any, source: Any, alpha: float) -> Plan:
    """Which row writes what where, for slices at positions along one axis."""
    axis = as_dim(name, dim, input.ndim)
    places = slice_positions(name, index)
    shape, size = input.array.shape or (1,), places.size
    values = require_tensor(name, source)
    same_dtype(name, input, values)
    wanted = (*shape[:axis], size, *shape[axis + 1 :])
    if (values.array.shape or (1,)) != wanted:
        raise ShapeError(
            f"{name}: source {values.array.shape} must have shape {wanted}, for input {input.array.shape} with {size} "
            f"positions along dimension {axis}"
        )
    within(name, places, shape[axis], axis)
    values = apply(shaping.reshape, scaled(name, input, values, alpha), shape=wanted)
    if input.ndim:
        return row, values, (*(slice(None),) * axis, places)
    if not size:
        return row, 0, nowhere(input)
    return row, total(values) if row is rows.add_at else apply(rows.getitem, values, index=-1), ()


@method("index_fill")
def index_fill(input: Tensor, dim: int, index: Tensor, value: Any) -> Tensor:
    """The tensor with one value in all slices at positions along an axis.

    Parameters
    ----------
    input : Tensor
        Of any shape.
    dim : int
        The axis.
    index : Tensor
        The positions: integers of shape (n,) or (), counted from the end if negative.
    value : number or 0-d Tensor
        The value.

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError
        If `value` has dimensions.
    RangeError
        If a position is out of range.

    Examples
    --------
    >>> import microbp
    >>> microbp.index_fill(microbp.zeros(2, 3), 1, microbp.tensor([0, 2]), 5)
    tensor([[5., 0., 5.],
            [5., 0., 5.]])
    """
    return anew(input, filled("index_fill", input, dim, index, value))


@method("index_fill_")
def index_fill_(self: Tensor, dim: int, index: Tensor, value: Any) -> Tensor:
    """Write one value to all slices at positions along an axis, in place; see `microbp.index_fill`."""
    return in_place(self, filled("index_fill_", self, dim, index, value))


def filled(name: str, input: Tensor, dim: int, index: Any, value: Any) -> Plan:
    """Which row writes what where, for one value in several slices."""
    axis = as_dim(name, dim, input.ndim)
    places = slice_positions(name, index)
    size = input.array.shape[axis] if input.ndim else 1
    within(name, places, size, axis, negative=True)
    places = np.unique(places % size if size else places)  # a slice that is named twice is filled once
    value = as_operand(value)
    if isinstance(value, Tensor):
        if value.ndim:
            raise ShapeError(f"{name}: value must be a number or a 0-d tensor, got shape {tuple(value.shape)}")
        value = convert(value, input.dtype)
    else:
        value = input.dtype.type(value).item()
    if not places.size:
        return rows.setitem, value, nowhere(input)
    return rows.setitem, value, (*(slice(None),) * axis, places) if input.ndim else ()


@method("index_put")
def index_put(input: Tensor, indices: Any, values: Tensor, accumulate: bool = False) -> Tensor:
    """The tensor with values written, or added, at an index: y[indices] = values.

    Parameters
    ----------
    input : Tensor
        Of any shape.
    indices : tuple of Tensor
        The index, of integers or truth values; None stands for a whole axis.
    values : Tensor
        What to write: of the dtype of `input`, and of a shape that broadcasts to that of ``input[indices]``.
    accumulate : bool
        Add the values, as often as an index occurs.

    Returns
    -------
    Tensor

    Raises
    ------
    IndexError
        If an index is out of range.
    ShapeError
        If the values do not fit.
    DtypeError
        If the dtypes differ.

    Examples
    --------
    >>> import microbp
    >>> places = (microbp.tensor([0, 1, 1]), microbp.tensor([1, 0, 0]))
    >>> microbp.index_put(microbp.zeros(2, 2), places, microbp.tensor(1.0), accumulate=True)
    tensor([[0., 1.],
            [2., 0.]])
    """
    return anew(input, put("index_put", input, indices, values, accumulate))


@method("index_put_")
def index_put_(self: Tensor, indices: Any, values: Tensor, accumulate: bool = False) -> Tensor:
    """Write, or add, values at an index, in place; see `microbp.index_put`."""
    return in_place(self, put("index_put_", self, indices, values, accumulate))


def put(name: str, input: Tensor, indices: Any, values: Any, accumulate: bool) -> Plan:
    """Which row writes what where, for any index."""
    if not isinstance(indices, tuple | list):
        raise TypeError(f"{name}() takes a tuple of index tensors, got {type(indices).__name__}")
    values = require_tensor(name, values)
    same_dtype(name, input, values)
    index = tuple(slice(None) if part is None else as_part(part) for part in indices)
    return rows.add_at if accumulate else rows.setitem, values, index


def slice_positions(name: str, index: Any) -> Any:
    """Positions along an axis as an array of one dimension."""
    places = positions(name, index)
    if places.ndim > 1:
        raise ShapeError(f"{name}: index must have at most 1 dimension, got shape {places.shape}")
    return places.reshape(-1)
