"""Hypothesis strategies: the geometry of convolutions."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

__all__ = ["channels", "geometry"]


def geometry(draw: Any, dims: int) -> dict[str, Any]:
    """Stride, dilation and groups."""
    integers = st.integers
    return {
        "stride": tuple(draw(integers(1, 3)) for _ in range(dims)),
        "dilation": tuple(draw(integers(1, 3)) for _ in range(dims)),
        "groups": draw(integers(1, 3)),
    }


def channels(draw: Any, groups: int) -> tuple[tuple[int, ...], int, int]:
    """The leading dimensions of an input, and how many channels of input and output a group has."""
    inputs, outputs = draw(st.integers(1, 2)), draw(st.integers(1, 2))
    batch = draw(st.sampled_from([(2,), (1,), (), (0,)]))
    return (*batch, inputs * groups), inputs, outputs
