"""Samples for trigonometric and hyperbolic functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.samples import Samples, away_from_zero, normal, positive

real = [(normal(3, 4),), (normal(),), (normal(0, 3),), (normal(4, 3).T,), (normal(2, 1, 6)[..., ::-2],)]
inside = [(np.tanh(normal(3, 4)),), (np.asarray(np.tanh(normal())),), (normal(0, 3),), (np.tanh(normal(4, 3)).T,)]
above_one = [(1 + positive(3, 4),), (np.asarray(1 + positive()),), (normal(0, 3),), (1 + positive(4, 3).T,)]
points = [
    (away_from_zero(3, 4), away_from_zero(3, 4, seed=1)),
    (away_from_zero(2, 1, 4), away_from_zero(3, 1, seed=1)),
    (away_from_zero(), away_from_zero(2, seed=1)),
    (normal(0, 3), normal(3)),
    (away_from_zero(4, 3).T, away_from_zero(3, 4)),
]


def named(name: str) -> Callable[..., Any]:
    """PyTorch's function of the row's name."""
    return lambda lib, *tensors: getattr(lib, name)(*tensors)


domains: dict[str, list[Any]] = {
    "acos": inside,
    "acosh": above_one,
    "asin": inside,
    "asinh": real,
    "atan": real,
    "atan2": points,
    "atanh": inside,
    "cos": real,
    "cosh": real,
    "deg2rad": real,
    "hypot": points,
    "rad2deg": real,
    "sin": real,
    "sinh": real,
    "tan": inside,
    "tanh": real,
}
samples = {name: Samples(named(name), inputs) for name, inputs in domains.items()}
