"""Rows for new values in an old tensor's place: its shape and dtype stay, its values go.

They are what ``t.copy_(source)``, ``t.fill_(value)`` and ``t.zero_()`` record.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from microbp.ops.op import op

__all__: list[str] = []


@op("expand(b, shape=a.shape)", promotes=False)
def copy(a: Any, b: Any) -> Any:
    """The values of `b`, broadcast to the shape of `a`."""
    return np.broadcast_to(b, a.shape)


copy.grad("a", "zeros_like(g)")
copy.grad("b", "g")


@op("expand(b, shape=a.shape)", promotes=False)
def fill(a: Any, b: Any) -> Any:
    """One value `b` at all places of `a`."""
    return np.full_like(a, b)


fill.grad("a", "zeros_like(g)")
fill.grad("b", "g")
