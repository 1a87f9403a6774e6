"""Strategies for rows that turn, shift and repeat, and for triangles and diagonals."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from tests.strategies import Case, Shape, Tries, arrays, axes, of_shape, options, shapes

MATRICES = shapes(min_dims=2)


@st.composite
def shifts(draw: st.DrawFn, shape: Shape) -> dict[str, Any]:
    """How far to move on along some axes; one may come twice."""
    dims = draw(st.lists(st.integers(0, len(shape) - 1), min_size=1, max_size=2))
    return {"dims": tuple(dims), "shifts": tuple(draw(st.integers(-5, 5)) for _ in dims)}


@st.composite
def planes(draw: st.DrawFn, shape: Shape) -> dict[str, Any]:
    """A diagonal of the planes of two axes."""
    dim1, dim2 = draw(st.permutations(range(len(shape))))[:2]
    return {"offset": draw(st.integers(-3, 3)), "dim1": dim1, "dim2": dim2}


@st.composite
def laid(draw: st.DrawFn) -> Case:
    """Values as they are found on a diagonal, and where that is."""
    shape = draw(MATRICES)
    found = draw(planes(shape))
    y = np.diagonal(np.zeros(shape), found["offset"], found["dim1"], found["dim2"])
    return (draw(arrays(y.shape)),), {"shape": shape, **found}


def repeats(shape: Shape) -> st.SearchStrategy[Shape]:
    """How often to repeat each axis, and perhaps new ones."""
    return st.lists(st.integers(0, 2), min_size=len(shape), max_size=len(shape) + 1).map(tuple)


@st.composite
def repeated(draw: st.DrawFn) -> Case:
    """What `repeat` could have made of an array of a shape."""
    shape = draw(shapes(max_dims=2, max_side=2))
    times = draw(repeats(shape))
    return (draw(arrays(np.tile(np.zeros(shape), times).shape)),), {"shape": shape, "repeats": times}


strategies = {
    "flip": of_shape(lambda shape: options(dims=axes(shape))),
    "roll": of_shape(shifts, shapes(min_dims=1)),
    "tril": of_shape(lambda shape: options(diagonal=st.integers(-3, 3)), MATRICES),
    "triu": of_shape(lambda shape: options(diagonal=st.integers(-3, 3)), MATRICES),
    "diagonal": of_shape(planes, MATRICES),
    "diag_embed": Tries(laid()),
    "repeat": of_shape(lambda shape: options(repeats=repeats(shape)), shapes(max_dims=2, max_side=2)),
    "sum_repeats": Tries(repeated()),
}
