"""Strategies for special functions."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.strategies import INSIDE, NONZERO, POSITIVE, REAL, SHARES, broadcasting, unary

strategies = {
    "erf": unary(),
    "erfc": unary(),
    "erfinv": unary(INSIDE),
    "logaddexp": broadcasting(REAL, REAL, scalars=False),
    "logaddexp2": broadcasting(REAL, REAL, scalars=False),
    "logit": unary(SHARES),
    "xlogy": broadcasting(NONZERO, POSITIVE, scalars=False),
    "sinc": unary(),
    "sinc_derivative": unary(REAL, order=st.integers(1, 4)),
}
