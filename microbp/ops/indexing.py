"""Rows that pick elements out by index, and put others in their place."""

from __future__ import annotations

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


@op("add_at(zeros(shape), index, a)")
def put_add(a: Any, *, shape: tuple[int, ...], index: Any) -> Any:
    """Zeros, with the values added at an index; where an index occurs twice, both are added."""
    y = np.zeros(shape, a.dtype)
    if is_basic(index) or is_mask(index):
        y[index] = a  # no element is named twice
    else:
        np.add.at(y, index, a)
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


@op("take_along_axis(a, places, axis=dim)")
def gather(a: Any, *, dim: int, places: Any) -> Any:
    """Along an axis, the element that `places` names for each position of the others."""
    return a[grid(places, dim)]


gather.grad("a", "gather_transposed(g, shape=a_shape, dim=dim, places=places)")


@op("add_at(zeros(shape), grid(places, dim), a)")
def gather_transposed(a: Any, *, shape: tuple[int, ...], dim: int, places: Any) -> Any:
    """Zeros, with each value added where `gather` would have taken it from."""
    y = np.zeros(shape, a.dtype)
    np.add.at(y, grid(places, dim), a)
    return y


gather_transposed.grad("a", "gather(g, dim=dim, places=places)")


def grid(places: Any, dim: int) -> tuple[Any, ...]:
    """The index arrays of all axes: the positions themselves, but `places` along `dim`."""
    shape, last = places.shape, places.ndim - 1
    return tuple(
        places if axis == dim else np.arange(size).reshape((-1,) + (1,) * (last - axis))
        for axis, size in enumerate(shape)
    )


def is_basic(index: Any) -> bool:
    """Whether an index consists of integers, slices, None and Ellipsis only, and so gives a view."""
    if not isinstance(index, tuple):
        return isinstance(index, int | slice) or index is None or index is Ellipsis
    return all(part is None or part is Ellipsis or isinstance(part, int | slice) for part in index)


def is_mask(index: Any) -> bool:
    """Whether an index is one array of truth values."""
    return isinstance(index, np.ndarray) and index.dtype.kind == "b"
