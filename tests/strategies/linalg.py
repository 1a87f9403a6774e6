"""Strategies for products of vectors and matrices."""

from __future__ import annotations

import math

from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from tests.strategies import MANY, Case, Tries, arrays, shapes

SIZES = st.integers(0, 3)


def alike(signature: str) -> st.SearchStrategy[tuple[tuple[int, ...], ...]]:
    """Shapes that fit a signature in their last axes, and are broadcast in those before."""
    found = npst.mutually_broadcastable_shapes(signature=signature, min_side=0, max_side=3, max_dims=1)
    small = found.filter(lambda shapes: max(map(math.prod, (*shapes.input_shapes, shapes.result_shape))) <= MANY)
    return small.map(lambda shapes: shapes.input_shapes)


@st.composite
def matrices(draw: st.DrawFn) -> Case:
    """Two stacks of matrices that fit each other."""
    a, b = draw(alike("(n,k),(k,m)->(n,m)"))
    return (draw(arrays(a)), draw(arrays(b))), {}


@st.composite
def vectors(draw: st.DrawFn, kind: str) -> Case:
    """A matrix and a vector, two vectors of a size, or two of any size."""
    n, m = draw(SIZES), draw(SIZES)
    a, b = {"mv": ((n, m), (m,)), "dot": ((n,), (n,)), "outer": ((n,), (m,))}[kind]
    return (draw(arrays(a)), draw(arrays(b))), {}


@st.composite
def affine(draw: st.DrawFn) -> Case:
    """Inputs, a weight, and perhaps a bias."""
    before, n, m = draw(shapes(max_dims=2, max_side=2)), draw(SIZES), draw(SIZES)
    return (draw(arrays((*before, n))), draw(arrays((m, n))), draw(st.none() | arrays((m,)))), {}


strategies = {
    "matmul": Tries(matrices()),
    "mv": Tries(vectors("mv")),
    "dot": Tries(vectors("dot")),
    "outer": Tries(vectors("outer")),
    "linear": Tries(affine()),
}
