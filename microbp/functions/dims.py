"""Axes and shapes as PyTorch's functions take them, in the one form that rows take."""

from __future__ import annotations

import math
from operator import index
from typing import Any

from microbp.errors import ShapeError

__all__ = ["as_dim", "as_dims", "as_shape", "either", "fill_in"]


def as_dim(name: str, dim: Any, ndim: int) -> int:
    """A non-negative axis; a 0-d tensor is taken to have one.

    Raises
    ------
    IndexError
        If there is no such axis.
    """
    try:
        found = index(dim)
    except TypeError:
        raise TypeError(f"{name}: dim must be an integer, got {dim!r}") from None
    size = max(ndim, 1)
    if not -size <= found < size:
        raise IndexError(
            f"{name}: Dimension out of range (expected to be in range of [{-size}, {size - 1}], but got {found})"
        )
    return found % size


def as_dims(name: str, dim: Any, ndim: int) -> tuple[int, ...] | None:
    """Axes as a tuple in the order given; None, for all, stays None, and so does the empty tuple.

    Raises
    ------
    IndexError
        If there is no such axis.
    ShapeError
        If an axis is given twice.
    """
    if dim is None:
        return None
    if not isinstance(dim, tuple | list):
        axis = as_dim(name, dim, ndim)
        return (axis,) if ndim else None
    axes = tuple(as_dim(name, one, ndim) for one in dim)
    if len(set(axes)) < len(axes):
        raise ShapeError(f"{name}: a dimension appears twice in dim={tuple(dim)}")
    return axes if axes and ndim else None


def either(name: str, dim: Any, axis: Any, keepdim: Any, keepdims: Any) -> tuple[Any, bool]:
    """`dim` and `keepdim`, given under PyTorch's names or NumPy's.

    Raises
    ------
    TypeError
        If both are given, or `keepdim` is not a bool.
    """
    if axis is not None:
        if dim is not None:
            raise TypeError(f"{name}() got both dim and axis, which mean the same")
        dim = axis
    keepdim = keepdim or keepdims
    if not isinstance(keepdim, bool):
        raise TypeError(f"{name}(): keepdim must be a bool, got {keepdim!r}")
    return dim, keepdim


def as_shape(name: str, sizes: tuple[Any, ...], named: Any = None) -> tuple[int, ...]:
    """Sizes given one by one, or as one tuple, list or shape, or as that by name.

    Raises
    ------
    TypeError
        If they are not integers, or there are none: a shape without sizes is ``()``.
    """
    if named is not None:
        if sizes:
            raise TypeError(f"{name}() got its sizes twice: {sizes} and {named!r}")
        sizes = (named,)
    if not sizes:
        raise TypeError(f"{name}() misses its sizes; for a tensor without dimensions give them as ()")
    if len(sizes) == 1 and isinstance(sizes[0], tuple | list):
        sizes = tuple(sizes[0])
    try:
        return tuple(map(index, sizes))
    except TypeError:
        raise TypeError(f"{name}: sizes must be integers, got {sizes!r}") from None


def fill_in(name: str, shape: tuple[int, ...], size: int) -> tuple[int, ...]:
    """A shape with its -1 replaced by what `size` elements leave for it.

    Raises
    ------
    ShapeError
        If the shape cannot hold that number of elements.
    """
    if -1 not in shape:
        if math.prod(shape) != size or min(shape, default=0) < 0:
            raise ShapeError(f"{name}: shape {shape} is invalid for input of size {size}")
        return shape
    place = shape.index(-1)
    rest = (*shape[:place], *shape[place + 1 :])
    known = math.prod(rest)
    if min(rest, default=0) < 0:
        raise ShapeError(f"{name}: shape {shape} may have one -1 and no other negative size")
    if known == 0:
        raise ShapeError(f"{name}: the -1 in shape {shape} can be any number, as the tensor has {size} elements")
    if size % known:
        raise ShapeError(f"{name}: shape {shape} is invalid for input of size {size}")
    return (*shape[:place], size // known, *shape[place + 1 :])
