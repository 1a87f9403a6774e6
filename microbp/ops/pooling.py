"""Rows for pooling: the maximum, or the mean, of each window of the last axes.

Windows come as arrays of positions, one for each pooled axis, of shape (size of a window,
number of windows). Regular windows and the uneven ones of adaptive pooling are then the same,
in any number of dimensions. A mean is a linear map along axes, so its windows are `Taps`.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np

from microbp.errors import ShapeError
from microbp.ops.op import op
from microbp.ops.resampling import Grid, Taps, resample

__all__: list[str] = []

Windows = tuple[Any, ...]

FEW = 64
"""Windows of up to so many elements are gone through element by element, all windows at a time."""


@op("take_places(a, p)", hands_on=("p",))
def max_pool(a: Any, *, windows: Windows) -> Any:
    """The maximum of each window of the last axes, and its place `p` in the flattened array.

    Of equal elements the first is the maximum, and NaN is larger than any number.
    """
    return search(a, windows)


max_pool.letter("p", "max_places(a, windows=windows)")
max_pool.grad("a", "put_places(g, p, shape=a_shape)")


@op("argmax(a) of each window")
def max_places(a: Any, *, windows: Windows) -> Any:
    """Where each window of the last axes has its maximum: an index into the flattened array."""
    return search(a, windows)[1]


@op("a.reshape(-1)[p]", promotes=False, broadcasts=False)
def take_places(a: Any, p: Any) -> Any:
    """The elements at the places `p` of the flattened array."""
    return a.reshape(-1).take(p)


take_places.grad("a", "put_places(g, p, shape=a_shape)")


@op("add_at(zeros(shape).reshape(-1), p, a).reshape(shape)", promotes=False, broadcasts=False)
def put_places(a: Any, p: Any, *, shape: tuple[int, ...]) -> Any:
    """Zeros of some shape, with each value added to the element at its place `p` in the flattened array."""
    y = np.zeros(math.prod(shape), a.dtype)
    np.add.at(y, p.reshape(-1), a.reshape(-1))  # in one dimension NumPy has a fast way to do this
    return y.reshape(shape)


put_places.grad("a", "take_places(g, p)")


@op("resample(a, grid=grid) / count")
def avg_pool(a: Any, *, grid: Grid, count: float) -> Any:
    """The sum of each window of the last axes over a number, or with weights in the grid the weighted sum."""
    wide = a.astype(np.float32) if a.dtype.itemsize == 2 else a  # a sum in float16 overflows
    y = resample.forward(wide, grid=grid)
    if count != 1:
        y /= count
    return y.astype(a.dtype, copy=False)


avg_pool.grad("a", "resample(g / count, grid=grid.transposed)")


def search(a: Any, windows: Windows) -> tuple[Any, Any]:
    """The maximum of each window, and its index into the flattened array."""
    pooled = a.shape[a.ndim - len(windows) :]
    shape = (*a.shape[: a.ndim - len(windows)], *(positions.shape[1] for positions in windows))
    area = math.prod(pooled)
    planes = a.reshape(-1, area)
    places = in_plane(windows, pooled)
    elements, count = places.shape
    # all elements of all windows at once need memory: that is for windows that hardly overlap
    large = (elements > FEW or count == 1) and places.size <= 2 * area
    y, number = (all_at_once if large else one_by_one)(planes, places)
    p = number.astype(np.intp)
    p *= count
    p += np.arange(count)
    p = places.reshape(-1).take(p)
    p += np.arange(0, planes.size, area)[:, None]
    return y.reshape(shape), p.reshape(shape)


def in_plane(windows: Windows, pooled: tuple[int, ...]) -> Any:
    """The positions in the flattened plane of the pooled axes: (elements of a window, windows)."""
    places: Any = np.zeros((1, 1), np.intp)
    for positions, size in zip(windows, pooled, strict=True):
        elements, count = len(places) * len(positions), places.shape[1] * positions.shape[1]
        places = (places[:, None, :, None] * size + positions[None, :, None, :]).reshape(elements, count)
    return places


def one_by_one(planes: Any, places: Any) -> tuple[Any, Any]:
    """The maximum of each window, and which of its elements that is: first elements first, then second ones..."""
    y = planes.take(places[0], axis=1)
    number = np.zeros(y.shape, np.min_scalar_type(len(places)))
    value = np.empty_like(y)
    for k in range(1, len(places)):
        planes.take(places[k], axis=1, out=value, mode="clip")  # without "clip", NumPy goes through a buffer
        larger = value > y
        larger |= value != value
        # k grows, so the last one that was larger stands in the end; a masked assignment takes far longer
        np.maximum(number, np.multiply(larger, k, dtype=number.dtype), out=number)
        np.maximum(y, value, out=y)
    return y, number


def all_at_once(planes: Any, places: Any) -> tuple[Any, Any]:
    """The same as `one_by_one`, faster for large windows."""
    whole = places.shape == (planes.shape[1], 1) and (places[:, 0] == np.arange(len(places))).all()
    values = planes[:, None] if whole else planes.take(places.T, axis=1)
    number = values.argmax(axis=-1)
    y = np.take_along_axis(values, number[..., None], axis=-1)[..., 0]
    if (y != y).any():  # of several NaN the last one is the maximum, as in `one_by_one`
        last = len(places) - 1 - (values != values)[..., ::-1].argmax(axis=-1)
        number = np.where(y != y, last, number)
    return y, number


@lru_cache(maxsize=512)
def positions_of(kernel: int, stride: int, padding: int, dilation: int, count: int) -> Any:
    """Where the elements of regular windows are along an axis: (elements, windows); in the margin, outside of it."""
    return constant(np.arange(kernel)[:, None] * dilation + np.arange(count) * stride - padding)


@lru_cache(maxsize=512)
def max_windows(size: int, kernel: int, stride: int, padding: int, dilation: int, count: int) -> Any:
    """The positions of regular windows along an axis, for a maximum.

    An element in the margin gives way to the nearest one of its window that is not: seen twice,
    an element changes no maximum, nor which element comes first.
    """
    positions = positions_of(kernel, stride, padding, dilation, count)
    before, after = np.maximum(-positions, 0), np.maximum(positions - (size - 1), 0)
    positions = positions + -(-before // dilation) * dilation - -(-after // dilation) * dilation
    if positions.size and (positions.min() < 0 or positions.max() >= size):
        raise ShapeError(
            f"max_pool: a window of {kernel} elements with dilation {dilation} steps over all {size} elements of its "
            "axis; use a smaller dilation"
        )
    return constant(positions)


@lru_cache(maxsize=512)
def mean_windows(
    size: int, kernel: int, stride: int, padding: int, count: int, include_pad: bool, divides: bool
) -> tuple[Taps, int]:
    """Regular windows along an axis, for a mean, and the number to divide by.

    If not all windows have the same number of elements, their mean is taken by weights, and the number is 1.
    """
    positions = positions_of(kernel, stride, padding, 1, count)
    inside = (positions >= 0) & (positions < size)
    places = constant(np.where(inside, positions, -1))
    if not divides:
        return Taps(size, places), 1
    # the margin counts, but not what a last window with ceil_mode has beyond it
    counted = positions < size + padding if include_pad else inside
    return evenly(size, places, counted.sum(axis=0))


@lru_cache(maxsize=512)
def adaptive_windows(size: int, count: int) -> Any:
    """Windows that cover an axis evenly, for a maximum: from floor(k size / count) to ceil((k + 1) size / count)."""
    starts, ends = adaptive_bounds(size, count)
    return constant(np.minimum(starts + np.arange((ends - starts).max(initial=1))[:, None], ends - 1))


@lru_cache(maxsize=512)
def adaptive_mean_windows(size: int, count: int) -> tuple[Taps, int]:
    """Windows that cover an axis evenly, for a mean, and the number to divide by."""
    starts, ends = adaptive_bounds(size, count)
    positions = starts + np.arange((ends - starts).max(initial=1))[:, None]
    return evenly(size, constant(np.where(positions < ends, positions, -1)), ends - starts)


def adaptive_bounds(size: int, count: int) -> tuple[Any, Any]:
    """Where the windows of adaptive pooling start and end."""
    edges = np.arange(count + 1) * size
    return edges[:-1] // max(count, 1), -(-edges[1:] // max(count, 1))


def evenly(size: int, places: Any, counts: Any) -> tuple[Taps, int]:
    """Taps for the mean of `counts` elements in each window, and the number to divide by."""
    if not counts.size or (counts == counts[0]).all():
        return Taps(size, places), int(counts[0]) if counts.size else 1
    return Taps(size, places, np.broadcast_to(1 / counts, places.shape)), 1


def constant(array: Any) -> Any:
    """An array that is shared, so that nobody may write to it."""
    array.flags.writeable = False
    return array
