"""Samples for linear maps along axes."""

from __future__ import annotations

from typing import Any

import numpy as np

from microbp.ops.resampling import Grid, Taps
from tests.samples import Samples, normal


def matrix(taps: Taps) -> Any:
    """A map along an axis as the matrix that it is."""
    places = taps.places
    found = np.zeros((places.shape[1], taps.size))
    weights = np.ones(places.shape) if taps.weights is None else taps.weights
    for (tap, row), place in np.ndenumerate(places):
        if place >= 0:
            found[row, place] += weights[tap, row]
    return found


def products(lib: Any, a: Any, grid: Grid) -> Any:
    """The map as products with matrices."""
    for axis, taps in enumerate(grid, a.ndim - len(grid)):
        a = lib.movedim(lib.tensordot(a, lib.from_numpy(matrix(taps)), ([axis], [1])), -1, axis)
    return a


def grid(*axes: tuple[int, list[list[int]], list[list[float]] | None]) -> Grid:
    """A map for each of the last axes, from (size, places, weights)."""
    return Grid(
        Taps(size, np.array(places, np.intp), None if weights is None else np.array(weights))
        for size, places, weights in axes
    )


between = (3, [[0, 0, 1, 2], [1, 1, 2, 2]], [[1.0, 0.5, 0.25, 0.0], [0.0, 0.5, 0.75, 1.0]])
twice = (4, [[3, 3, 3, 0]], None)  # places 1 and 2 are not used
sums = (5, [[-1, 1, 3], [0, 2, 4], [1, 3, -1]], None)  # windows of three that reach over both edges
backwards = (3, [[2, 1, 0]], [[2.0, -1.0, 0.5]])
nothing = (2, [[-1, -1, 1]], None)

samples = {
    "resample": Samples(
        products,
        [
            ((normal(2, 3),), {"grid": grid(between)}),
            ((normal(2, 2, 3, 4),), {"grid": grid(between, twice)}),
            ((normal(4, 5),), {"grid": grid(twice, sums)}),
            ((normal(5, 3),), {"grid": grid(sums, backwards)}),
            ((normal(3, 5, 3, 2).transpose(1, 3, 2, 0),), {"grid": grid(nothing, between, backwards)}),
            ((normal(0, 3),), {"grid": grid(between)}),
            ((normal(3, 2),), {"grid": grid(nothing)}),
            ((normal(2, 3),), {"grid": Grid()}),
        ],
    )
}
