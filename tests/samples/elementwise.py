"""Samples for functions of one argument."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.samples import Samples, away_from_zero, normal, positive

real = [(normal(3, 4),), (normal(),), (normal(0, 3),), (normal(4, 3).T,), (normal(2, 1, 6)[..., ::-2],)]
no_zero = [(away_from_zero(3, 4),), (away_from_zero(),), (normal(0, 3),), (away_from_zero(4, 3).T,)]
above_zero = [(positive(3, 4),), (positive(),), (normal(0, 3),), (positive(4, 3).T,)]
inside = [(np.tanh(normal(3, 4)),), (np.asarray(np.tanh(normal())),), (normal(0, 3),), (np.tanh(normal(4, 3)).T,)]
above_one = [(1 + positive(3, 4),), (np.asarray(1 + positive()),), (normal(0, 3),), (1 + positive(4, 3).T,)]
between = [(np.array([[-2.7, -1.3], [0.2, 1.6]]),), (np.array(1.3),), (normal(0, 3),), (np.array([[0.6, -0.6]]).T,)]


def named(name: str) -> Callable[..., Any]:
    """PyTorch's function of the row's name."""
    return lambda lib, a: getattr(lib, name)(a)


domains = {
    "abs": no_zero,
    "acos": inside,
    "acosh": above_one,
    "asin": inside,
    "asinh": real,
    "atan": real,
    "atanh": inside,
    "ceil": between,
    "cos": real,
    "cosh": real,
    "erf": [*real, (np.linspace(-6.5, 6.5, 27),)],
    "exp": real,
    "expm1": real,
    "floor": between,
    "frac": between,
    "log": above_zero,
    "log10": above_zero,
    "log1p": above_zero,
    "log2": above_zero,
    "relu": no_zero,
    "round": between,
    "rsqrt": above_zero,
    "sigmoid": [*real, (np.array([-800.0, -30.0, 30.0, 800.0]),)],
    "sign": no_zero,
    "sin": real,
    "sinh": real,
    "sqrt": above_zero,
    "tan": inside,
    "tanh": real,
    "trunc": between,
    "zeros_like": real,
}
samples = {name: Samples(named(name), inputs) for name, inputs in domains.items()}
samples["round"] = Samples(
    lambda lib, a, decimals=0: lib.round(a, decimals=decimals),
    [*between, ((np.array([1.234, -5.678]),), {"decimals": 2}), ((np.array([123.4, -567.8]),), {"decimals": -2})],
)
samples["zero_where"] = Samples(
    lambda lib, a, mask: lib.where(mask, 0.0, a),
    [
        (normal(3, 4), normal(3, 4, seed=1) > 0),
        (normal(), np.array(True)),
        (normal(3, 4), normal(4) > 0),
        (normal(0, 3), normal(0, 3) > 0),
        (normal(4, 3).T, normal(3, 4) > 0),
    ],
)
