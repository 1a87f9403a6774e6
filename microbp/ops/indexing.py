"""Rows that pick elements out by index, and put others in their place."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from microbp.ops.op import op

__all__: list[str] = []


@op("a[index]", view=True)
def getitem(a: Any, *, index: Any) -> Any:
    """The elements at an index, in all of NumPy's ways of indexing; with a basic index, a view."""
    y = a[index]
    if type(y) is np.ndarray or not is_basic(index):
        return y
    return a[(*index, ...) if isinstance(index, tuple) else (index, ...)]  # a 0-d view, no copy of the element


getitem.grad("a", "put_add(g, shape=a_shape, index=index)")


@getitem.adding
def _(total: Any, g: Any, *, index: Any) -> Any:
    if type(total) is np.ndarray and total.dtype == g.dtype:
        part = getitem.forward(total, index=index)
        if part.base is total:  # no copy: the index is a basic one
            np.add(part, g, out=part)
            return total
    return total + put_add(g, shape=total.shape, index=index)


@op("add_at(zeros(shape), index, a)")
def put_add(a: Any, *, shape: tuple[int, ...], index: Any) -> Any:
    """Zeros, with the values added at an index; where an index occurs twice, both are added."""
    y = np.zeros(shape, a.dtype)
    if is_basic(index) or is_mask(index):
        y[index] = a  # no element is named twice
    else:
        add_into(y, index, a)
    return y


put_add.grad("a", "getitem(g, index=index)")


@op("put(a.copy(), index, b)", broadcasts=False)
def setitem(a: Any, b: Any, *, index: Any) -> Any:
    """The tensor with the elements at an index replaced by the values `b`."""
    y = a.copy()
    y[index] = b
    return y


setitem.grad("a", "setitem(g, 0, index=index)")
setitem.grad("b", "sum_to(getitem(g, index=index), b_shape)")


@op("add_at(a.copy(), index, b)", broadcasts=False)
def add_at(a: Any, b: Any, *, index: Any) -> Any:
    """The tensor with the values `b` added to the elements at an index; where one occurs twice, both are added."""
    y = a.copy()
    add_into(y, index, b)
    return y


add_at.grad("a", "g")
add_at.grad("b", "sum_to(getitem(g, index=index), b_shape)")


@op("multiply_at(a.copy(), index, b)", broadcasts=False)
def multiply_at(a: Any, b: Any, *, index: Any) -> Any:
    """The tensor with the elements at an index multiplied by the values `b`, as often as they occur; no gradient."""
    y = a.copy()
    np.multiply.at(y, index, b)
    return y


@op("take_along_axis(a, places, axis=dim)")
def gather(a: Any, *, dim: int, places: Any) -> Any:
    """Along an axis, the element that `places` names for each position of the others."""
    return a[grid(places, dim)]


gather.grad("a", "gather_transposed(g, shape=a_shape, dim=dim, places=places)")


@op("add_at(zeros(shape), grid(places, dim), a)")
def gather_transposed(a: Any, *, shape: tuple[int, ...], dim: int, places: Any) -> Any:
    """Zeros, with each value added where `gather` would have taken it from."""
    y = np.zeros(shape, a.dtype)
    add_into(y, grid(places, dim), a)
    return y


gather_transposed.grad("a", "gather(g, dim=dim, places=places)")


def grid(places: Any, dim: int) -> tuple[Any, ...]:
    """The index arrays of all axes: the positions themselves, but `places` along `dim`."""
    shape, last = places.shape, places.ndim - 1
    return tuple(
        places if axis == dim else np.arange(size).reshape((-1,) + (1,) * (last - axis))
        for axis, size in enumerate(shape)
    )


def add_into(y: Any, index: Any, values: Any) -> None:
    """Add values to the elements of a contiguous array at an index, as often as they occur in it.

    NumPy adds several times faster at positions in a flat array than at an index of rows, or of several parts.
    """
    places = flattened(index, y.shape)
    if places is None:
        np.add.at(y, index, values)
    else:
        np.add.at(y.reshape(-1), places.reshape(-1), np.broadcast_to(values, places.shape).reshape(-1))


def flattened(index: Any, shape: tuple[int, ...]) -> Any:
    """The positions in the flattened array that an index names; None if they are not easily told.

    They are for one array of integers beside full slices, and for arrays of integers for all axes.
    """
    parts = index if isinstance(index, tuple) else (index,)
    arrays = [axis for axis, part in enumerate(parts) if isinstance(part, np.ndarray) and part.dtype.kind == "i"]
    full = all(axis in arrays or (isinstance(part, slice) and part == slice(None)) for axis, part in enumerate(parts))
    if not full or not arrays or len(arrays) not in (1, len(shape)) or len(parts) > len(shape):
        return None
    strides = [math.prod(shape[axis + 1 :]) for axis in range(len(shape))]
    places: Any = 0
    for axis in arrays:
        part, size = parts[axis].astype(np.int64, copy=False), shape[axis]
        if part.size and not -size <= part.min() <= part.max() < size:
            return None  # NumPy says what is wrong
        places = places + np.where(part < 0, part + size, part) * strides[axis]
    if len(arrays) == 1:
        axis = arrays[0]
        before = np.arange(math.prod(shape[:axis])) * (strides[axis] * shape[axis])
        places = np.add.outer(np.add.outer(before, places), np.arange(strides[axis]))
        places = places.reshape((*shape[:axis], *parts[axis].shape, *shape[axis + 1 :]))
    return places


def is_basic(index: Any) -> bool:
    """Whether an index consists of integers, slices, None and Ellipsis only, and so gives a view."""
    if not isinstance(index, tuple):
        return isinstance(index, int | slice) or index is None or index is Ellipsis
    return all(part is None or part is Ellipsis or isinstance(part, int | slice) for part in index)


def is_mask(index: Any) -> bool:
    """Whether an index is one array of truth values."""
    return isinstance(index, np.ndarray) and index.dtype.kind == "b"
