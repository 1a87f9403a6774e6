"""Strategies for normalisation."""

from __future__ import annotations

import math
from typing import Any

from hypothesis import strategies as st

from tests.strategies import Case, Shape, Tries, arrays, distinct, of_shape, shapes


@st.composite
def outer(draw: st.DrawFn, count: int) -> Shape:
    """Some of the first axes, and some of the last, of so many."""
    first = draw(st.integers(0, count))
    last = draw(st.integers(first, count))
    return (*range(first), *range(last, count))


@st.composite
def normalised(draw: st.DrawFn, shape: Shape, **more: Any) -> dict[str, Any]:
    """Over which axes, and how many elements they have."""
    dim = draw(outer(len(shape)).filter(bool))
    return {"dim": dim, "count": math.prod(shape[axis] for axis in dim), "eps": draw(st.sampled_from([0.1, 1])), **more}


@st.composite
def scaled(draw: st.DrawFn) -> Case:
    """Values, with a factor and perhaps a term for each index of the axes that are left."""
    shape = draw(shapes())
    dim = draw(outer(len(shape)))
    size = tuple(n for axis, n in enumerate(shape) if axis not in dim)
    kept = tuple(1 if axis in dim else n for axis, n in enumerate(shape))
    inputs = draw(arrays(shape)), draw(arrays(size)), draw(st.none() | arrays(size))
    return inputs, {"dim": dim, "shape": kept}


LINES = shapes(min_dims=1)

strategies = {
    "standardize": of_shape(lambda shape: normalised(shape, known=None), LINES, distinct),
    "rms_standardize": of_shape(normalised, LINES),
    "affine": Tries(scaled()),
}
