"""Strategies for margins."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.strategies import Shape, of_shape


@st.composite
def margins(draw: st.DrawFn, shape: Shape) -> dict[str, Any]:
    """A margin on each side of each axis, negative where it is cut off."""
    lows = [draw(st.integers(-size, 2)) for size in shape]
    pads = tuple(
        (low, draw(st.integers(-max(0, size + min(low, 0)), 2))) for low, size in zip(lows, shape, strict=True)
    )
    return {"pads": pads, "value": draw(st.sampled_from([0, 1.5]))}


strategies = {"pad": of_shape(margins)}
