"""Samples for the rows of `microbp.ops.normalization`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tests.samples import Samples, normal, positive


def over(array: Any, dim: tuple[int, ...], **options: Any) -> Any:
    """A sample to be normalised over some axes."""
    return (array,), {"dim": dim, "count": math.prod(array.shape[axis] for axis in dim), **options}


def torch_standardize(lib: Any, a: Any, dim: tuple[int, ...], count: int, eps: float, known: Any) -> Any:
    """By the definition."""
    centred = a - a.mean(dim, keepdim=True)
    return centred / ((centred * centred).mean(dim, keepdim=True) + eps).sqrt()


def torch_rms(lib: Any, a: Any, dim: tuple[int, ...], count: int, eps: float) -> Any:
    """By the definition."""
    return a / ((a * a).mean(dim, keepdim=True) + eps).sqrt()


def torch_affine(lib: Any, a: Any, w: Any, b: Any, dim: tuple[int, ...], shape: tuple[int, ...]) -> Any:
    """By the definition."""
    return a * w.reshape(shape) + (0 if b is None else b.reshape(shape))


AXES = [
    (normal(5, 3), (0,)),
    (normal(5, 3), (1,)),
    (normal(4, 3, 2), (0, 2)),
    (normal(4, 3, 2, 2), (0, 2, 3)),
    (normal(4, 3, 2, 2), (2, 3)),
    (normal(4, 3, 2), (0, 1, 2)),
    (np.asarray(normal(4, 6, seed=1)[::2, ::-2]), (1,)),
    (normal(0, 3), (1,)),
]

samples = {
    "standardize": Samples(
        torch_standardize,
        [over(array, dim, eps=1e-5, known=None) for array, dim in AXES]
        + [over(100 + normal(6, 2, seed=2), (0,), eps=0.5, known=None)],
    ),
    "rms_standardize": Samples(torch_rms, [over(array, dim, eps=1e-5) for array, dim in AXES]),
    "affine": Samples(
        torch_affine,
        [
            ((normal(5, 3), positive(3), normal(3, seed=1)), {"dim": (0,), "shape": (1, 3)}),
            ((normal(4, 3, 2), positive(3), normal(3, seed=1)), {"dim": (0, 2), "shape": (1, 3, 1)}),
            ((normal(4, 3, 2), positive(3, 2), normal(3, 2, seed=1)), {"dim": (0,), "shape": (3, 2)}),
            ((normal(3, 2), positive(3, 2), None), {"dim": (), "shape": (3, 2)}),
            ((normal(0, 3), positive(3), normal(3, seed=1)), {"dim": (0,), "shape": (1, 3)}),
        ],
    ),
}
