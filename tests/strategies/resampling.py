"""Strategies for linear maps along axes."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from microbp.ops.resampling import Grid, Taps
from tests.strategies import Case, Tries, arrays, shapes


@st.composite
def taps(draw: st.DrawFn, size: int) -> Taps:
    """A map along an axis: up to two places for each of the result, some of them none, and perhaps weights."""
    shape = (draw(st.integers(1, 2)), draw(st.integers(1, 3)))
    places = draw(npst.arrays(np.intp, shape, elements=st.integers(-1, size - 1), fill=st.nothing()))
    return Taps(size, places, draw(st.none() | arrays(shape)))


@st.composite
def mapped(draw: st.DrawFn) -> Case:
    """A tensor, and maps for some of its last axes."""
    shape = draw(shapes())
    count = draw(st.integers(0, len(shape)))
    return (draw(arrays(shape)),), {"grid": Grid(draw(taps(size)) for size in shape[len(shape) - count :])}


strategies = {"resample": Tries(mapped())}
