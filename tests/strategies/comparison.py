"""Strategies for rows with truth values or bits as results; none of them has a gradient."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.strategies import REAL, Case, Tries, broadcastable, broadcasting, labels, shapes, unary


@st.composite
def bits(draw: st.DrawFn, count: int) -> Case:
    """Integers."""
    sizes = draw(broadcastable(count)) if count > 1 else (draw(shapes()),)
    return tuple(draw(labels(size, 8, -8)) for size in sizes), {}


compared = ["eq", "ne", "lt", "le", "gt", "ge", "logical_and", "logical_or", "logical_xor"]
strategies = {name: broadcasting(REAL, REAL) for name in compared}
strategies |= {name: unary() for name in ("isnan", "isinf", "isfinite", "logical_not", "signbit")}
strategies |= {name: Tries(bits(2)) for name in ("bitwise_and", "bitwise_or", "bitwise_xor")}
strategies["bitwise_not"] = Tries(bits(1))
