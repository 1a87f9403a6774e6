"""Strategies for products of vectors and matrices."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.strategies import Case, Tries, arrays, broadcastable, shapes, side

SIZES = side(3)


@st.composite
def matrices(draw: st.DrawFn) -> Case:
    """Two stacks of matrices that fit each other."""
    a, b = draw(broadcastable(signature="(n,k),(k,m)->(n,m)", max_dims=1))
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
    "as_matrix": Tries(st.tuples(st.tuples(arrays(shapes(min_dims=1))), st.just({}))),
}
