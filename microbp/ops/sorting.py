"""Rows that pick an element by its rank."""

from __future__ import annotations

from typing import Any

import numpy as np

from microbp.ops import reduction  # noqa: F401  (a formula names a word of it)
from microbp.ops.op import op

__all__: list[str] = []


@op("sort(a.reshape(-1))[(a.size - 1) // 2]")
def median(a: Any) -> Any:
    """The lower median of all elements; elements that equal it share its gradient evenly. A NaN wins."""
    flat = a.reshape(-1)
    if not flat.size:
        return np.full((), np.nan, a.dtype)
    middle = (flat.size - 1) // 2
    ranked = np.partition(flat, (middle, flat.size - 1))
    return ranked[-1] if ranked[-1] != ranked[-1] else ranked[middle]


median.grad("a", "g * evenly(a, y, dim=None)")
