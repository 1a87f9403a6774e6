"""The row that adds a margin of a constant, or cuts one off.

Margins that repeat elements (reflected, replicated, circular) are linear maps along axes, and
the business of `microbp.ops.resampling`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from microbp.ops.op import op

__all__: list[str] = []


@op("pad(a, pads, constant_values=value)")
def pad(a: Any, *, pads: Any, value: float) -> Any:
    """The array with a margin of a constant; where `pads` is negative, it is cut off instead.

    `pads` has a pair for each axis: how much before, how much after.
    """
    inner = a[tuple(slice(max(-low, 0), size - max(-high, 0)) for size, (low, high) in zip(a.shape, pads, strict=True))]
    margins = [(max(low, 0), max(high, 0)) for low, high in pads]
    shape = tuple(size + low + high for size, (low, high) in zip(inner.shape, margins, strict=True))
    y = np.full(shape, value, a.dtype) if value else np.zeros(shape, a.dtype)
    y[tuple(slice(low, low + size) for size, (low, _) in zip(inner.shape, margins, strict=True))] = inner
    return y


pad.grad("a", "pad(g, pads=negative(pads), value=0)")  # what was added is cut off, what was cut off is 0
