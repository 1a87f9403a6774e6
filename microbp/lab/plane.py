"""Where decision boundaries are drawn: a part of the plane, and the classes of the points in it."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["Plane", "class_numbers"]

Array = np.ndarray[Any, Any]

CLASSES = 8  # of labels; with more, they are none


class Plane:
    """The part of a two-dimensional input space that a boundary is drawn in.

    Attributes
    ----------
    points : array (N, 2)
        The data.
    labels : array (N,) or None
        Their labels.
    low, high : array (2,)
        The corners of the grid: the bounding box of the points, a tenth larger on each side.
    grid : int
        How many points it has in each direction.
    """

    def __init__(self, points: Array, labels: Array | None, grid: int) -> None:
        self.points = points
        self.labels = labels
        self.grid = grid
        low, high = points.min(axis=0), points.max(axis=0)
        margin = np.where(high > low, (high - low) / 10, 1)
        self.low, self.high = low - margin, high + margin

    def positions(self) -> Array:
        """The points of the grid, shape (grid * grid, 2): row by row, the second coordinate growing with the row."""
        x, y = (np.linspace(self.low[k], self.high[k], self.grid) for k in range(2))
        return np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2).astype(self.points.dtype)

    def classes(self) -> Array | None:
        """The number of the class of each point, shape (N,); None without labels, or with too many to be classes."""
        if self.labels is None or len(np.unique(self.labels)) > CLASSES:
            return None
        return class_numbers(self.labels)


def class_numbers(labels: Array) -> Array:
    """The numbers of the classes that labels (N,) stand for.

    Whole numbers from 0 on are these numbers already, also where a class has no points; others, such as -1 and 1,
    are numbered in their order.
    """
    kinds, ranks = np.unique(labels, return_inverse=True)
    return labels.astype(int) if np.isin(kinds, np.arange(CLASSES)).all() else ranks
