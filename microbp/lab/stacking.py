"""Arrays of several shapes as one array, in which each has a corner."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

__all__ = ["common_shape", "corners", "put", "stack"]

Array = np.ndarray[Any, Any]


def stack(parts: Sequence[Any]) -> Array:
    """Arrays on top of each other; what is missing, because one is None or shorter than others, is NaN.

    Arrays with fewer dimensions get new ones of length 1 in front: one sample is a batch of one.
    """
    known = [np.asarray(part) for part in parts if part is not None]
    first = known[0]
    if len(known) == len(parts) and all(part.shape == first.shape for part in known):
        return np.stack(known)
    shape = common_shape([part.shape for part in known])
    out = np.full((len(parts), *shape), np.nan, dtype=np.result_type(np.float16, *known))  # integers have no NaN
    for position, part in enumerate(parts):
        if part is not None:
            put(np.asarray(part), out[position, ...])
    return out


def corners(parts: Sequence[Any]) -> Array | None:
    """Which part of the array that `stack` makes of them each one has: 1, or 0 for None, and its shape; None if all."""
    shapes = [None if part is None else np.shape(part) for part in parts]
    if len(set(shapes)) == 1:
        return None
    ndim = max(len(shape) for shape in shapes if shape is not None)
    return np.array([(0,) * (ndim + 1) if s is None else (1,) * (1 + ndim - len(s)) + s for s in shapes])


def common_shape(shapes: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    """The smallest shape that arrays of all these shapes fit into."""
    ndim = max(map(len, shapes))
    return tuple(np.max([(1,) * (ndim - len(shape)) + shape for shape in shapes], axis=0).astype(int).tolist())


def put(array: Array, whole: Array) -> None:
    """Write an array into the first corner of a larger one."""
    whole[(0,) * (whole.ndim - array.ndim) + tuple(map(slice, array.shape))] = array
