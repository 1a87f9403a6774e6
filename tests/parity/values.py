"""Arrays for the calls of the catalogue, in different memory layouts."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np

__all__ = ["LAYOUTS", "Values"]

Array = np.ndarray[Any, Any]

LAYOUTS = ("contiguous", "transposed", "reversed", "strided")


class Values:
    """A source of arrays, all in one memory layout; the same ones in every run.

    Parameters
    ----------
    layout : str
        ``contiguous``; ``transposed``, with the first axis as the fastest; ``reversed``, with negative strides; or
        ``strided``, every second element of something larger.
    seed : str
        Another one gives other values.
    """

    def __init__(self, layout: str, seed: str) -> None:
        self.layout = layout
        self.random = np.random.default_rng(zlib.crc32(f"{layout} {seed}".encode()))

    def laid_out(self, array: Any) -> Array:
        """An array with these values, in the layout of this source."""
        array = np.asarray(array)
        step = {"reversed": -1, "strided": 2}.get(self.layout, 1)
        stretched = np.zeros([abs(step) * size for size in array.shape], array.dtype)
        laid_out = stretched[(..., *(slice(None, None, step) for _ in array.shape))]
        if self.layout == "transposed":
            laid_out = np.zeros(array.shape, array.dtype, order="F")
        laid_out[...] = array
        return laid_out

    def normal(self, *shape: int) -> Array:
        """Normally distributed values."""
        return self.laid_out(self.random.normal(size=shape))

    def uniform(self, low: float, high: float, *shape: int) -> Array:
        """Values between two bounds."""
        return self.laid_out(self.random.uniform(low, high, size=shape))

    def positive(self, *shape: int) -> Array:
        """Values between 0.3 and 2."""
        return self.uniform(0.3, 2.0, *shape)

    def away_from_zero(self, *shape: int) -> Array:
        """Values of both signs with a modulus between 0.3 and 2."""
        return self.laid_out(self.random.uniform(0.3, 2.0, size=shape) * self.random.choice([-1.0, 1.0], size=shape))

    def distinct(self, *shape: int) -> Array:
        """Values of which no two are close, in no order."""
        count = int(np.prod(shape))
        return self.laid_out((self.random.permutation(count) - count / 2 + 0.25).reshape(shape) / 3)

    def tied(self, *shape: int) -> Array:
        """Few different values, so that many are equal."""
        return self.laid_out(self.random.integers(-1, 2, size=shape).astype(np.float64))

    def integers(self, low: int, high: int, *shape: int) -> Array:
        """Integers from a range, without its end."""
        return self.laid_out(self.random.integers(low, high, size=shape))

    def truths(self, *shape: int) -> Array:
        """Truth values, of both kinds where there are two or more."""
        count = int(np.prod(shape))
        return self.laid_out(self.random.permutation(np.arange(count) % 2 == 0).reshape(shape))

    def probabilities(self, *shape: int) -> Array:
        """Positive values that sum to 1 along the last axis."""
        weights = self.random.uniform(0.2, 1.0, size=shape)
        return self.laid_out(weights / weights.sum(axis=-1, keepdims=True) if weights.size else weights)

    def invertible(self, *shape: int) -> Array:
        """Square matrices that are far from singular."""
        noise = self.random.normal(size=shape)
        return self.laid_out(0.4 * noise + 2 * np.eye(shape[-1]))

    def positive_definite(self, *shape: int) -> Array:
        """Symmetric matrices with positive eigenvalues."""
        factor = self.random.normal(size=shape)
        return self.laid_out(factor @ np.swapaxes(factor, -1, -2) + np.eye(shape[-1]))
