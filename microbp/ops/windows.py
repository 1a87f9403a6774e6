"""Windows that slide over the last axes of an array, and the way back.

Window o along an axis, of which step and spread are its stride and dilation, has for its k-th
element the element o * step + k * spread of the array. `windows` shows them all;
`overlap_add` is its transpose, which adds to each element what all windows have for it. The
elements that windows need may begin before the array and end after it: `shifted` makes such a
margin, of zeros, or cuts it off.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

__all__ = ["counts", "overlap_add", "shifted", "span", "windows"]

Sizes = tuple[int, ...]


def span(counts: Sizes, size: Sizes, stride: Sizes, dilation: Sizes) -> Sizes:
    """How many elements lie from the first one of the first window to the last one of the last window."""
    geometry = zip(counts, size, stride, dilation, strict=True)
    return tuple((count - 1) * step + (kernel - 1) * spread + 1 for count, kernel, step, spread in geometry)


def counts(shape: Sizes, size: Sizes, stride: Sizes, dilation: Sizes, padding: Sizes) -> Sizes:
    """How many windows fit along each axis with a margin on both sides; not positive, if none does."""
    geometry = zip(shape, size, stride, dilation, padding, strict=True)
    return tuple(
        (length + 2 * pad - (kernel - 1) * spread - 1) // step + 1 for length, kernel, step, spread, pad in geometry
    )


def windows(a: Any, size: Sizes, stride: Sizes, dilation: Sizes) -> Any:
    """Every window of the last axes that lies inside the array.

    One axis after the other, the last one first. With a stride of 1, the windows of an axis lie in memory just as the
    axis does; if those of the axes after it are next to each other, what is left to copy are long pieces.

    Parameters
    ----------
    a : array
        (..., *S), with a last axis for each number in `size`.
    size : tuple of int
        How many elements a window has along each axis.
    stride : tuple of int
        The distance from one window to the next.
    dilation : tuple of int
        The distance between neighbouring elements of a window.

    Returns
    -------
    array
        (..., *size, *counts), not to be written to: first which element of a window, then which window. There are
        (S - dilation (size - 1) - 1) // stride + 1 windows along an axis, none if that is negative.

    Examples
    --------
    >>> windows(np.arange(5), (3,), (2,), (1,))
    array([[0, 2],
           [1, 3],
           [2, 4]])
    """
    dims = len(size)
    lead = a.ndim - dims
    place = (
        a.ndim - 1
    )  # of the axis whose turn it is: where axes after it had theirs, there are as many new ones before
    for axis in reversed(range(dims)):
        kernel, step, spread, apart = size[axis], stride[axis], dilation[axis], a.strides[place]
        count = max(0, (a.shape[place] - (kernel - 1) * spread - 1) // step + 1)
        a = as_strided(
            a,
            (*a.shape[:lead], kernel, *a.shape[lead:place], count, *a.shape[place + 1 :]),
            (*a.strides[:lead], apart * spread, *a.strides[lead:place], apart * step, *a.strides[place + 1 :]),
        )
        if axis and stride[axis - 1] == 1 and size[axis - 1] > 1:
            a = np.ascontiguousarray(a)
    return a


def overlap_add(a: Any, stride: Sizes, dilation: Sizes) -> Any:
    """The sum of windows, each laid where it belongs: the transpose of `windows`.

    One axis after the other, which takes as many additions of whole arrays as the sizes of the
    window have in sum, not in product.

    Parameters
    ----------
    a : array
        (..., *size, *counts): first which element of a window, then which window.
    stride, dilation : tuple of int
        As for `windows`.

    Returns
    -------
    array
        (..., *S), just as large as the windows reach.

    Examples
    --------
    >>> overlap_add(np.array([[1, 2], [10, 20], [100, 200]]), (2,), (1,))
    array([  1,  10, 102,  20, 200])
    """
    dims = len(stride)
    lead = a.ndim - 2 * dims
    everything: tuple[Any, ...] = (slice(None),)
    for axis, (step, spread) in enumerate(zip(stride, dilation, strict=True)):
        # of the window's axes the first one left is at `lead`; the axis of its windows is `dims` further on
        before, between, after = a.shape[:lead], a.shape[lead + 1 : lead + dims], a.shape[lead + dims + 1 :]
        kernel, count = a.shape[lead], a.shape[lead + dims]
        total: Any = np.zeros((*before, *between, (count - 1) * step + (kernel - 1) * spread + 1, *after), a.dtype)
        for k in range(kernel):
            start = k * spread
            part = total[(..., slice(start, start + (count - 1) * step + 1, step), *everything * (dims - 1 - axis))]
            element = a[(*everything * lead, k)]
            if k:
                part += element
            else:
                part[...] = element
        a = total
    return a


def shifted(a: Any, offset: Sizes, size: Sizes) -> Any:
    """The last axes moved along by an offset and brought to a size: what comes in is 0, what goes out is lost.

    It is a view where nothing comes in.

    Examples
    --------
    >>> shifted(np.array([1, 2, 3]), (2,), (6,))
    array([0, 0, 1, 2, 3, 0])
    >>> shifted(np.array([1, 2, 3]), (-1,), (1,))
    array([2])
    """
    kept = a[(..., *(slice(max(-low, 0), max(length - low, 0)) for low, length in zip(offset, size, strict=True)))]
    found = kept.shape[a.ndim - len(size) :]
    if found == size:
        return kept
    y: Any = np.zeros((*a.shape[: a.ndim - len(size)], *size), a.dtype)
    y[(..., *(slice(max(low, 0), max(low, 0) + length) for low, length in zip(offset, found, strict=True)))] = kept
    return y
