"""Strategies for new values in an old tensor's place."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.strategies import Case, Tries, arrays, part_of, shapes


@st.composite
def copied(draw: st.DrawFn) -> Case:
    """A tensor, and values that can be broadcast to it."""
    shape = draw(shapes())
    return (draw(arrays(shape)), draw(arrays(draw(part_of(shape))))), {}


strategies = {
    "copy": Tries(copied()),
    "fill": Tries(st.tuples(st.tuples(arrays(shapes()), arrays(())), st.just({}))),
}
