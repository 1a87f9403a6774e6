"""Operations that work element by element on one tensor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.parity import Calls, Values, alias, call, operation

INFINITE = (-np.inf, np.inf, np.nan)
ZEROS = (0.0, -0.0)


def elementwise(
    name: str,
    draw: Callable[..., Any],
    *special: float,
    integers: tuple[int, int] | None = None,
    truths: bool = False,
    **traits: Any,
) -> None:
    """Enter a function of one tensor.

    Parameters
    ----------
    name : str
        The function.
    draw : callable
        A method of `Values`, or a function of one, that draws its arguments.
    *special : float
        More elements to try: kinks, poles, infinities.
    integers : tuple of two int, optional
        A range of integers to try as well.
    truths : bool
        Whether it takes truth values.
    """

    @operation(name, **traits)
    def calls(make: Values) -> Calls:
        for shape in ((3, 4), (), (0, 3), (5,), (2, 1, 3)):
            yield call(draw(make, *shape))
        if special:
            yield call(make.laid_out(special))
            yield call(make.laid_out(special[-1]))
        if integers is not None:
            yield call(make.integers(*integers, 2, 3))
            yield call(make.laid_out(make.integers(*integers, 3).astype(np.int32)))
        if truths:
            yield call(make.truths(3))


def between(low: float, high: float) -> Callable[..., Any]:
    """A way of drawing values between two bounds."""
    return lambda make, *shape: make.uniform(low, high, *shape)


def halves(make: Values, *shape: int) -> Any:
    """Whole numbers and halves: where rounding jumps, and the ties of rounding."""
    return make.laid_out(make.random.integers(-7, 8, size=shape) / 2)


WHOLE: dict[str, Any] = {"integers": (-3, 4)}
ALL: dict[str, Any] = {"integers": (-3, 4), "truths": True}

# Absolute value, sign, and rounding

elementwise("abs", Values.normal, *ZEROS, *INFINITE, **WHOLE)
elementwise("sign", Values.normal, *ZEROS, *INFINITE, **ALL)
elementwise("neg", Values.normal, *ZEROS, *INFINITE, **WHOLE)
elementwise("floor", halves, *ZEROS, *INFINITE, **WHOLE)
elementwise("ceil", halves, *ZEROS, *INFINITE, **WHOLE)
elementwise("trunc", halves, *ZEROS, *INFINITE, **WHOLE)
elementwise("frac", Values.normal, *ZEROS, 1.0, -2.0, np.nan)


@operation("round")
def rounded(make: Values) -> Calls:
    yield call(halves(make, 3, 4))
    yield call(halves(make))
    yield call(make.normal(0, 2))
    yield call(make.uniform(-100, 100, 3, 1, 2), decimals=2)
    yield call(make.normal(5), decimals=3)
    yield call(make.uniform(-1000, 1000, 5), decimals=-2)
    yield call(make.normal(), decimals=1)
    yield call(make.laid_out(INFINITE))
    yield call(make.integers(-9, 9, 4))


# Powers, exponentials and logarithms

elementwise("square", Values.normal, *ZEROS, *INFINITE, **ALL)
elementwise("reciprocal", Values.away_from_zero, *ZEROS, *INFINITE, integers=(1, 5), truths=True)
elementwise("sqrt", Values.positive, *ZEROS, -1.0, *INFINITE, integers=(0, 9), truths=True)
elementwise("rsqrt", Values.positive, *ZEROS, -1.0, *INFINITE, integers=(1, 9), truths=True)
elementwise("exp", Values.normal, *ZEROS, 1000.0, *INFINITE, **ALL)
elementwise("expm1", Values.normal, *ZEROS, 1e-12, *INFINITE, **ALL)
elementwise("log", Values.positive, *ZEROS, -1.0, *INFINITE, integers=(0, 9), truths=True)
elementwise("log2", Values.positive, *ZEROS, -1.0, *INFINITE, integers=(0, 9), truths=True)
elementwise("log10", Values.positive, *ZEROS, -1.0, *INFINITE, integers=(0, 9), truths=True)
elementwise("log1p", between(-0.9, 2), *ZEROS, -1.0, -2.0, 1e-12, *INFINITE, integers=(0, 9), truths=True)

# Trigonometric and hyperbolic functions, their inverses, and angles

elementwise("sin", Values.normal, *ZEROS, 1e5, *INFINITE, **ALL)
elementwise("cos", Values.normal, *ZEROS, 1e5, *INFINITE, **ALL)
elementwise("tan", Values.normal, *ZEROS, *INFINITE, **ALL)
elementwise("sinh", Values.normal, *ZEROS, *INFINITE, **ALL)
elementwise("cosh", Values.normal, *ZEROS, *INFINITE, **ALL)
elementwise("tanh", Values.normal, *ZEROS, 50.0, *INFINITE, **ALL)
elementwise("asin", between(-0.95, 0.95), *ZEROS, 1.0, -1.0, 1.5, np.nan, integers=(-1, 2), truths=True)
elementwise("acos", between(-0.95, 0.95), *ZEROS, 1.0, -1.0, 1.5, np.nan, integers=(-1, 2), truths=True)
elementwise("atan", Values.normal, *ZEROS, *INFINITE, **ALL)
elementwise("asinh", Values.normal, *ZEROS, *INFINITE, **ALL)
elementwise("acosh", between(1.1, 3), 1.0, 0.5, *INFINITE, integers=(1, 5), truths=True)
elementwise("atanh", between(-0.95, 0.95), *ZEROS, 1.0, -1.0, 1.5, np.nan, integers=(-1, 2), truths=True)
elementwise("deg2rad", Values.normal, *ZEROS, 180.0, *INFINITE, **ALL)
elementwise("rad2deg", Values.normal, *ZEROS, np.pi, *INFINITE, **ALL)

# Special functions

elementwise("sigmoid", Values.normal, *ZEROS, -1000.0, 1000.0, *INFINITE, **ALL)
elementwise("relu", Values.normal, *ZEROS, *INFINITE, **WHOLE)
elementwise("erf", Values.normal, *ZEROS, 7.0, *INFINITE, **ALL)
elementwise("erfc", Values.normal, *ZEROS, 7.0, *INFINITE, **ALL)
elementwise("erfinv", between(-0.95, 0.95), *ZEROS, 1.0, -1.0, 1.5, np.nan, integers=(-1, 2), truths=True)
elementwise("sinc", Values.away_from_zero, 1.0, -2.0, np.nan, **ALL)


@operation("logit")
def logit(make: Values) -> Calls:
    yield call(make.uniform(0.05, 0.95, 3, 4))
    yield call(make.uniform(0.05, 0.95))
    yield call(make.uniform(0.05, 0.95, 0, 3))
    yield call(make.uniform(-0.3, 1.3, 2, 5), eps=0.1)
    yield call(make.uniform(-0.3, 1.3, 4), 0.3)
    yield call(make.laid_out((0.1, 0.25, 0.5, 0.75, 0.9)), eps=0.25)
    yield call(make.laid_out((0.0, 0.25, 0.75, 1.0)), eps=0.25, order=1)
    yield call(make.laid_out((0.0, 1.0, -0.5, 1.5, np.nan)))
    yield call(make.integers(0, 2, 4))


@operation("nan_to_num")
def nan_to_num(make: Values) -> Calls:
    yield call(make.laid_out((*INFINITE, 1.5, -0.0)))
    yield call(make.laid_out((*INFINITE, 1.5)), nan=7.0)
    yield call(make.laid_out((*INFINITE, 1.5)), 0.5, 8.0, -9.0)
    yield call(make.laid_out((INFINITE, (1.0, np.nan, 2.0))), posinf=3)
    yield call(make.laid_out(np.nan), neginf=-1.0)
    yield call(make.normal(0, 2))
    yield call(make.integers(-3, 4, 2, 3))
    yield call(make.truths(3))


# Kinds of numbers


def question(name: str) -> None:
    """Enter a question about each element."""

    @operation(name)
    def calls(make: Values) -> Calls:
        yield call(make.normal(3, 4))
        yield call(make.laid_out(np.nan))
        yield call(make.normal(2, 0))
        yield call(make.laid_out((*INFINITE, 0.0)))
        yield call(make.laid_out((INFINITE, (1.0, -np.inf, 2.0))))
        yield call(make.integers(-3, 4, 2, 3))
        yield call(make.truths(3))


question("isnan")
question("isinf")
question("isfinite")
question("logical_not")


@operation("bitwise_not")
def bitwise_not(make: Values) -> Calls:
    yield call(make.integers(-9, 9, 3, 4))
    yield call(make.integers(-9, 9))
    yield call(make.integers(-9, 9, 0, 2))
    yield call(make.laid_out(make.integers(0, 9, 4).astype(np.uint8)))
    yield call(make.truths(2, 3))


for _name, _other in {
    "absolute": "abs",
    "arccos": "acos",
    "arccosh": "acosh",
    "arcsin": "asin",
    "arcsinh": "asinh",
    "arctan": "atan",
    "arctanh": "atanh",
    "negative": "neg",
}.items():
    alias(_name, _other)

# Copies


@operation("clone")
def clone(make: Values) -> Calls:
    yield call(make.normal(3, 4))
    yield call(make.normal())
    yield call(make.normal(0, 3))
    yield call(make.integers(0, 5, 2))
    yield call(make.truths(2, 2))
