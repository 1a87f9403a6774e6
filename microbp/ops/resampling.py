"""The row for linear maps that act along axes: resizing, averaging in windows, padding by repetition.

Each place of the result takes from a few places of the input, with a weight for each. That is
a sparse matrix, kept as a list of *taps*. Its transpose is of the same kind, so that the
gradient of such a map is such a map, and one row serves forward, backward and all orders.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from microbp.ops.op import op

__all__: list[str] = []


class Taps:
    """A sparse linear map along one axis.

    Parameters
    ----------
    size : int
        The size of the axis before.
    places : array of int, (taps, new size)
        For each place of the result, the places that it takes from; -1 for none.
    weights : array of the same shape, optional
        What each of them is multiplied by; by default 1.
    """

    def __init__(self, size: int, places: Any, weights: Any = None) -> None:
        self.size = size
        self.places = places
        self.weights = weights
        self.layers = []
        for k, row in enumerate(places):
            present = np.flatnonzero(row >= 0)
            if len(present):
                weight = None if weights is None else weights[k, present]
                self.layers.append((as_slice(present), as_slice(row[present]), weight))

    @cached_property
    def transposed(self) -> Taps:
        """The map of gradients: to each place of the input, from the places of the result that took from it."""
        taps, results = np.nonzero(self.places >= 0)
        sources = self.places[taps, results]
        order = np.argsort(sources, kind="stable")
        taps, results, sources = taps[order], results[order], sources[order]
        rank = np.arange(len(sources)) - np.searchsorted(sources, sources)  # how many before it have the same source
        shape = (int(rank.max(initial=0)) + 1, self.size)
        places = np.full(shape, -1, np.intp)
        places[rank, sources] = results
        if self.weights is None:
            return Taps(self.places.shape[1], places)
        weights = np.zeros(shape)
        weights[rank, sources] = self.weights[taps, results]
        return Taps(self.places.shape[1], places, weights)

    def along(self, a: Any, axis: int) -> Any:
        """The map applied to an axis of an array, one tap of every place after the other."""
        shape = (*a.shape[:axis], self.places.shape[1], *a.shape[axis + 1 :])
        before = (slice(None),) * axis
        y: Any = None
        for results, sources, weights in self.layers:
            part = a[(*before, sources)] if isinstance(sources, slice) else a.take(sources, axis)
            if weights is not None:
                part = part * weights.astype(a.dtype).reshape((-1,) + (1,) * (a.ndim - axis - 1))
            if y is not None:
                y[(*before, results)] += part
                continue
            full = isinstance(results, slice) and results == slice(0, shape[axis], 1)
            y = np.empty(shape, a.dtype) if full else np.zeros(shape, a.dtype)
            y[(*before, results)] = part
        return np.zeros(shape, a.dtype) if y is None else y


def as_slice(places: Any) -> Any:
    """Places at even distances as a slice, which spares a copy; one place that is named again and again as that one."""
    first, step = int(places[0]), int(places[1] - places[0]) if len(places) > 1 else 1
    if step < 0 or (np.diff(places) != step).any():
        return places
    return slice(first, int(places[-1]) + 1, step or 1)


class Grid(tuple[Taps, ...]):
    """The maps along the last axes, one for each."""

    @property
    def transposed(self) -> Grid:
        """The map of gradients."""
        return Grid(taps.transposed for taps in self)


@op("a, along each of the last axes mapped by its taps")
def resample(a: Any, *, grid: Grid) -> Any:
    """Each place of the result is a weighted sum of a few places of `a`, along one of the last axes after the other."""
    wide = a.astype(np.float32) if a.dtype.kind == "f" and a.dtype.itemsize == 2 else a
    axes = list(enumerate(grid, a.ndim - len(grid)))
    # rows are cheaper to move than columns, so these are to be few: axes are shrunk from the first, grown from the last
    grows = len(grid) > 0 and grid[-1].places.shape[1] > grid[-1].size
    for axis, taps in reversed(axes) if grows else axes:
        wide = taps.along(wide, axis)
    return wide.astype(a.dtype, copy=wide is a)  # not the array itself, should there be nothing to do


resample.grad("a", "resample(g, grid=grid.transposed)")
