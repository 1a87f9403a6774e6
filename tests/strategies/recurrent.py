"""Strategies for recurrent layers."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.strategies import Case, Tries, arrays, side


@st.composite
def sequences(draw: st.DrawFn, row: str) -> Case:
    """What the input contributes, the weights, and the state at the beginning."""
    steps, samples, size = draw(st.integers(1, 3)), draw(side(2)), draw(st.integers(1, 2))
    gates = (4 if row == "lstm" else 3) * size
    x, u, h = draw(arrays((steps, samples, gates))), draw(arrays((gates, size))), draw(arrays((samples, size)))
    if row == "lstm":
        return (x, u, h, draw(arrays((samples, size)))), {}
    return (x, u, draw(st.none() | arrays((gates,))), h), {}


strategies = {name: Tries(sequences(name)) for name in ("lstm", "gru")}
