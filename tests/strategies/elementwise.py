"""Strategies for functions of one argument, computed element by element."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.strategies import (
    NONZERO,
    POSITIVE,
    REAL,
    UNROUNDED,
    Case,
    Tries,
    arrays,
    masks,
    part_of,
    shapes,
    unary,
)


@st.composite
def masked(draw: st.DrawFn) -> Case:
    """Values, and a mask that can be broadcast to them."""
    shape = draw(shapes())
    return (draw(arrays(shape)), draw(masks(draw(part_of(shape))))), {}


strategies = {
    "abs": unary(NONZERO),
    "ceil": unary(UNROUNDED),
    "exp": unary(),
    "exp2": unary(),
    "expm1": unary(),
    "floor": unary(UNROUNDED),
    "frac": unary(UNROUNDED),
    "log": unary(POSITIVE),
    "log10": unary(POSITIVE),
    "log1p": unary(POSITIVE),
    "log2": unary(POSITIVE),
    "nan_to_num": unary(REAL, nan=0.5, posinf=st.none() | st.just(3.0), neginf=st.none() | st.just(-3.0)),
    "relu": unary(NONZERO),
    "round": unary(UNROUNDED, decimals=0),
    "rsqrt": unary(POSITIVE),
    "sigmoid": unary(((-30, 30),)),
    "sign": unary(NONZERO),
    "sqrt": unary(POSITIVE),
    "trunc": unary(UNROUNDED),
    "zero_where": Tries(masked()),
    "zeros_like": unary(),
}
