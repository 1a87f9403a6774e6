"""Samples for rows with truth values or bits as results."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.samples import Samples, normal

special = np.array([0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan])
numbers = [
    (np.array([1.0, 2.0, 3.0]), np.array([3.0, 2.0, 1.0])),
    (special[:, None], special),
    (normal(), normal(seed=1)),
    (normal(0, 3), normal(3)),
    (np.array([1, 2, 3]), np.array([3, 2, 1])),
]
bits = [
    (np.array([6, -3, 0]), np.array([3, 5, -1])),
    (np.array([[True], [False]]), np.array([True, False])),
    (np.array(12), np.array(10)),
    (np.zeros((0, 3), np.int64), np.arange(3)),
]


def named(name: str) -> Callable[..., Any]:
    """PyTorch's function of the row's name."""
    return lambda lib, *inputs: getattr(lib, name)(*inputs)


samples = {name: Samples(named(name), numbers) for name in ("eq", "ne", "lt", "le", "gt", "ge")}
samples |= {name: Samples(named(name), [*numbers, *bits]) for name in ("logical_and", "logical_or", "logical_xor")}
samples |= {name: Samples(named(name), bits) for name in ("bitwise_and", "bitwise_or", "bitwise_xor")}
samples |= {
    name: Samples(named(name), [(special,), (normal(),), (normal(0, 3),), (np.array([1, 0]),)])
    for name in ("isnan", "isinf", "isfinite", "logical_not", "signbit")
}
samples["bitwise_not"] = Samples(named("bitwise_not"), [(first,) for first, _ in bits])
