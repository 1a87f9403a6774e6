"""Samples for functions of one argument."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.samples import Samples, away_from_zero, normal, positive

real = [(normal(3, 4),), (normal(),), (normal(0, 3),), (normal(4, 3).T,), (normal(2, 1, 6)[..., ::-2],)]
no_zero = [(away_from_zero(3, 4),), (away_from_zero(),), (normal(0, 3),), (away_from_zero(4, 3).T,)]
above_zero = [(positive(3, 4),), (positive(),), (normal(0, 3),), (positive(4, 3).T,)]
between = [(np.array([[-2.7, -1.3], [0.2, 1.6]]),), (np.array(1.3),), (normal(0, 3),), (np.array([[0.6, -0.6]]).T,)]


def named(name: str) -> Callable[..., Any]:
    """PyTorch's function of the row's name."""
    return lambda lib, a: getattr(lib, name)(a)


domains = {
    "abs": no_zero,
    "ceil": between,
    "exp": real,
    "exp2": real,
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
    "sqrt": above_zero,
    "trunc": between,
    "zeros_like": real,
}
samples = {name: Samples(named(name), inputs) for name, inputs in domains.items()}
samples["round"] = Samples(
    lambda lib, a, decimals=0: lib.round(a, decimals=decimals),
    [*between, ((np.array([1.234, -5.678]),), {"decimals": 2}), ((np.array([123.4, -567.8]),), {"decimals": -2})],
)
with_gaps = np.array([[1.0, np.nan, -2.0], [np.inf, 0.5, -np.inf]])
samples["nan_to_num"] = Samples(
    lambda lib, a, nan, posinf, neginf: lib.nan_to_num(a, nan, posinf, neginf),
    [
        ((with_gaps,), {"nan": 0.0, "posinf": None, "neginf": None}),
        ((with_gaps.T,), {"nan": 1.5, "posinf": 9.0, "neginf": -9.0}),
        ((np.array(np.nan),), {"nan": 0.0, "posinf": None, "neginf": None}),
        ((normal(0, 3),), {"nan": 0.0, "posinf": None, "neginf": None}),
        ((normal(3, 4),), {"nan": 0.0, "posinf": None, "neginf": None}),
        ((np.array([1, 2]),), {"nan": 0.0, "posinf": None, "neginf": None}),
    ],
    smooth=False,
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
