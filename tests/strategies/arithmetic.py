"""Strategies for sums, products, quotients, powers and choices."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.strategies import (
    NONZERO,
    POSITIVE,
    REAL,
    Case,
    Domain,
    Tries,
    arrays,
    broadcastable,
    broadcasting,
    masks,
    numbers,
    shapes,
    unary,
)

# No quotient of the one by the other is near an integer.
DIVIDENDS: Domain = ((-2.8, -2.3), (-0.8, -0.2), (0.2, 0.8), (2.3, 2.8))
DIVISORS: Domain = ((-1.1, -1), (1, 1.1))


@st.composite
def powers(draw: st.DrawFn) -> Case:
    """Positive bases to any power, any base to a natural number, and the powers of a number."""
    kind = draw(st.sampled_from(["both", "exponent", "natural", "base"]))
    if kind == "both":
        base, exponent = draw(broadcastable(2))
        return (draw(arrays(base, POSITIVE)), draw(arrays(exponent, REAL))), {}
    if kind == "exponent":
        return (draw(arrays(shapes(), POSITIVE)), draw(st.sampled_from([-1.5, -1, -0.5, 0.5, 2.5]))), {}
    if kind == "natural":
        return (draw(arrays(shapes(), REAL)), draw(st.sampled_from([0, 1, 2, 2.0, 3]))), {}
    return (draw(st.sampled_from([0.5, 1, 2, 3.0])), draw(arrays(shapes(), REAL))), {}


@st.composite
def choices(draw: st.DrawFn) -> Case:
    """A condition, and two values, one of which may be a Python number."""
    condition, *sizes = draw(broadcastable(3))
    number = draw(st.integers(0, 4))
    values = [draw(numbers(REAL)) if k == number else draw(arrays(size)) for k, size in enumerate(sizes)]
    return (draw(masks(condition)), *values), {}


strategies = {
    "add": broadcasting(REAL, REAL),
    "sub": broadcasting(REAL, REAL),
    "mul": broadcasting(REAL, REAL),
    "div": broadcasting(REAL, NONZERO),
    "neg": unary(),
    "square": unary(),
    "reciprocal": unary(NONZERO),
    "pow": Tries(powers()),
    "remainder": broadcasting(DIVIDENDS, DIVISORS),
    "fmod": broadcasting(DIVIDENDS, DIVISORS),
    "floor_divide": broadcasting(DIVIDENDS, DIVISORS),
    "trunc_divide": broadcasting(DIVIDENDS, DIVISORS),
    "maximum": broadcasting(REAL, REAL, apart=True),
    "minimum": broadcasting(REAL, REAL, apart=True),
    "fmax": broadcasting(REAL, REAL, apart=True, scalars=False),
    "fmin": broadcasting(REAL, REAL, apart=True, scalars=False),
    "copysign": broadcasting(NONZERO, NONZERO),
    "heaviside": broadcasting(NONZERO, REAL, scalars=False),
    "where": Tries(choices()),
    "lerp": broadcasting(REAL, REAL, REAL),
    "clamp": broadcasting(REAL, REAL, REAL, apart=True),
}
