"""Arithmetic with two tensors or more, or with a tensor and a number, element by element."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from tests.parity import Calls, Values, alias, call, operation

SHAPES = (
    ((3, 4), (3, 4)),
    ((), ()),
    ((2, 3, 4), (4,)),
    ((3, 4), (3, 1)),
    ((2, 3), ()),
    ((), (2, 3)),
    ((4,), (2, 3, 1)),
    ((3, 1), (1, 4)),
    ((0, 3), (1, 3)),
)


def pairs(first: Callable[..., Any], second: Callable[..., Any], make: Values) -> Iterator[tuple[Any, Any]]:
    """Pairs of arrays that are broadcast in all ways."""
    for left, right in SHAPES:
        yield first(make, *left), second(make, *right)


def integers(make: Values) -> Iterator[tuple[Any, Any]]:
    """Pairs of which one or both are integers; those of the second have no zeros."""
    for low, dtype in ((1, np.int64), (-4, np.int32)):
        divisors = make.integers(low, low + 4, 1, 4).astype(dtype)
        yield make.integers(-9, 10, 3, 1), make.laid_out(divisors)
    yield make.integers(-9, 10, 3), make.laid_out(np.array([2, 3, 200], np.uint8))
    yield make.normal(3), make.integers(1, 4, 2, 1)
    yield make.integers(-5, 6, 3), make.away_from_zero(2, 1)
    yield make.integers(-5, 6, 3), make.away_from_zero()


# Sums and products


@operation("add", broadcasts=True)
def add(make: Values) -> Calls:
    for pair in (*pairs(Values.normal, Values.normal, make), *integers(make)):
        yield call(*pair)
    yield call(make.normal(2, 3), make.normal(3), alpha=-0.5)
    yield call(make.normal(2, 3), 1.5, alpha=2)
    yield call(make.integers(-5, 6, 3), make.integers(-5, 6, 2, 1), alpha=3)
    yield call(make.integers(-5, 6, 3), 2.5)
    yield call(make.truths(3), make.truths(2, 1))
    yield call(make.truths(3), 2)
    yield call(make.laid_out((np.inf, np.nan, -np.inf)), make.laid_out(-np.inf))


@operation("sub", broadcasts=True)
def sub(make: Values) -> Calls:
    for pair in (*pairs(Values.normal, Values.normal, make), *integers(make)):
        yield call(*pair)
    yield call(make.normal(2, 3), make.normal(3), alpha=-0.5)
    yield call(make.normal(2, 3), 1.5, alpha=2)
    yield call(make.integers(-5, 6, 3), make.integers(-5, 6, 2, 1), alpha=3)
    yield call(make.integers(-5, 6, 3), 2.5)
    yield call(make.laid_out((np.inf, np.nan, -np.inf)), make.laid_out(-np.inf))


@operation("mul", broadcasts=True)
def mul(make: Values) -> Calls:
    for pair in (*pairs(Values.normal, Values.normal, make), *integers(make)):
        yield call(*pair)
    yield call(make.normal(2, 3), -1.5)
    yield call(make.integers(-5, 6, 3), 2)
    yield call(make.integers(-5, 6, 3), 2.5)
    yield call(make.truths(3), make.truths(2, 1))
    yield call(make.truths(3), True)
    yield call(make.laid_out((np.inf, np.nan, 2.0)), make.laid_out(0.0))


# Quotients and remainders


@operation("div", broadcasts=True)
def div(make: Values) -> Calls:
    for pair in pairs(Values.normal, Values.away_from_zero, make):
        yield call(*pair)
    for mode in (None, "trunc", "floor"):
        for pair in integers(make):
            yield call(*pair, rounding_mode=mode)
        yield call(make.uniform(-3, 3, 3, 4), make.away_from_zero(4), rounding_mode=mode)
        yield call(make.normal(3), 0.3, rounding_mode=mode)
        yield call(make.normal(3), 0, rounding_mode=mode)
        yield call(make.integers(-9, 10, 3), -2, rounding_mode=mode)
        yield call(make.integers(-9, 10, 3), 2.5, rounding_mode=mode)
    yield call(make.laid_out((1.0, -1.0, 0.0, np.nan)), make.laid_out((0.0, -0.0)).reshape(2, 1))
    yield call(make.truths(3), make.laid_out(True))


@operation("true_divide", broadcasts=True)
def true_divide(make: Values) -> Calls:
    for pair in (*pairs(Values.normal, Values.away_from_zero, make), *integers(make)):
        yield call(*pair)
    yield call(make.normal(3), 0.3)


@operation("floor_divide", broadcasts=True, torch=lambda lib, a, b: lib.div(a, b, rounding_mode="floor"))
def floor_divide(make: Values) -> Calls:
    for pair in (*pairs(Values.normal, Values.away_from_zero, make), *integers(make)):
        yield call(*pair)
    yield call(make.uniform(-4, 4, 5), 0.3)
    yield call(make.normal(5), 0)
    yield call(make.integers(-9, 10, 5), -2)
    yield call(make.laid_out((1.0, -1.0, 0.0, np.inf)), make.laid_out(0.0))


def remainders(name: str) -> None:
    """Enter a remainder of the division."""

    @operation(name, broadcasts=True)
    def calls(make: Values) -> Calls:
        for pair in (*pairs(Values.normal, Values.away_from_zero, make), *integers(make)):
            yield call(*pair)
        yield call(make.uniform(-4, 4, 5), 0.3)
        yield call(make.uniform(-4, 4, 5), -2)
        yield call(make.normal(5), 0)
        yield call(make.integers(-9, 10, 5), -2)
        yield call(make.integers(-9, 10, 5), 2.5)
        yield call(make.laid_out((1.0, -1.0, np.inf)), make.laid_out((0.0, np.inf, -np.inf)).reshape(3, 1))


remainders("remainder")
remainders("fmod")


# Powers


@operation("pow", broadcasts=True)
def pow(make: Values) -> Calls:
    for pair in (*pairs(Values.positive, Values.normal, make), *integers(make)):
        if pair[1].dtype.kind == "f" and pair[0].dtype.kind != "f":
            pair = (make.laid_out(np.abs(pair[0]) + 1), pair[1])
        yield call(*pair)
    for exponent in (0, 1, 2, 3, -1, -2, 0.5, -0.5, 1.5):
        yield call(make.positive(2, 3), exponent)
    yield call(make.away_from_zero(2, 3), 3)
    yield call(make.laid_out((0.0, -0.0, 1.0, -1.0)), make.laid_out((0.0, 1.0, 2.0, 3.0)).reshape(4, 1))
    yield call(make.laid_out((-2.0, np.inf, np.nan)), make.laid_out((0.5, 0.0, 2.0)))
    yield call(2, make.normal(3))
    yield call(0.5, make.normal(2, 2))
    yield call(0, make.positive(2, 2), order=1)
    yield call(2, make.integers(0, 5, 4))
    yield call(2.5, make.integers(-3, 4, 4))
    yield call(make.integers(-4, 5, 6), 3)
    yield call(make.integers(0, 5, 6), 0.5)
    yield call(make.truths(3), 2)


@operation("float_power", broadcasts=True, keeps_dtype=False)
def float_power(make: Values) -> Calls:
    for pair in pairs(Values.positive, Values.normal, make):
        yield call(*pair)
    yield call(make.integers(1, 5, 3), make.integers(-2, 3, 2, 1))
    yield call(make.integers(1, 5, 3), -2)
    yield call(2, make.normal(3))
    yield call(make.positive(3), 2.5)


# The larger and the smaller of two


def extreme(name: str) -> None:
    """Enter `maximum` or `minimum`."""

    @operation(name, broadcasts=True)
    def calls(make: Values) -> Calls:
        for pair in (*pairs(Values.normal, Values.normal, make), *pairs(Values.tied, Values.tied, make)):
            yield call(*pair)
        for pair in integers(make):
            yield call(*pair)
        yield call(make.truths(3), make.truths(2, 1))
        yield call(make.laid_out((np.nan, 1.0, np.inf)), make.laid_out((np.nan, 2.0, -np.inf)).reshape(3, 1))


extreme("maximum")
extreme("minimum")

# Signs and steps


@operation("copysign", broadcasts=True)
def copysign(make: Values) -> Calls:
    for pair in (*pairs(Values.normal, Values.normal, make), *integers(make)):
        yield call(*pair)
    yield call(make.laid_out((0.0, -0.0, 1.0, np.inf)), make.laid_out((0.0, -0.0, np.inf)).reshape(3, 1))
    yield call(make.normal(3), -2)
    yield call(make.integers(-4, 5, 3), make.integers(-4, 5, 3))


def heaviside_with_gradient(lib: Any, a: Any, b: Any) -> Any:
    """The step function of PyTorch, which has no gradient, with those that it should have."""
    steps = lib.where(a == 0, b, lib.heaviside(a.detach(), b.detach()))
    return lib.where(lib.zeros_like(a, dtype=lib.bool), a, steps)


@operation("heaviside", broadcasts=True, torch=heaviside_with_gradient)
def heaviside(make: Values) -> Calls:
    for pair in pairs(Values.tied, Values.normal, make):
        yield call(*pair)
    yield call(make.laid_out((np.nan, np.inf, -np.inf, -0.0)), make.normal(2, 1))
    yield call(make.integers(-1, 2, 5), make.integers(3, 9, 2, 1))


# Logarithms of sums, angles and distances


def of_two(name: str, special: tuple[float, ...]) -> None:
    """Enter a smooth function of two tensors, with special elements to pair."""

    @operation(name, broadcasts=True)
    def calls(make: Values) -> Calls:
        for pair in pairs(Values.normal, Values.normal, make):
            yield call(*pair)
        yield call(make.laid_out(special), make.laid_out(special).reshape(-1, 1))


of_two("logaddexp", (1000.0, -1000.0, 0.5, np.nan))
of_two("logaddexp2", (1000.0, -1000.0, 0.5, np.nan))
of_two("hypot", (1e30, 3.0, -4.0, np.nan))
of_two("atan2", (0.0, -0.0, 1.0, -2.0, np.nan))

# Sums with a product, and what lies between two tensors

THREE = (
    ((2, 3), (2, 3), (2, 3)),
    ((), (), ()),
    ((3, 1), (4,), (2, 1, 1)),
    ((), (2, 3), (3,)),
    ((2, 3), (), (1, 3)),
    ((0, 3), (1, 3), ()),
)


def sum_with(name: str) -> None:
    """Enter a sum of one tensor and a product or quotient of two others."""

    @operation(name, broadcasts=True)
    def calls(make: Values) -> Calls:
        for first, second, third in THREE:
            yield call(make.normal(*first), make.normal(*second), make.away_from_zero(*third))
        yield call(make.normal(2, 3), make.normal(3), make.away_from_zero(2, 1), value=-0.5)
        yield call(make.normal(2, 3), make.normal(3), make.away_from_zero(2, 1), value=3)
        yield call(make.normal(2), make.integers(-3, 4, 2), make.away_from_zero(2))


sum_with("addcmul")
sum_with("addcdiv")


@operation("lerp", broadcasts=True)
def lerp(make: Values) -> Calls:
    for first, second, third in THREE:
        yield call(make.normal(*first), make.normal(*second), make.normal(*third))
    for weight in (0, 0.25, 0.5, 1.0, -1, 2.5):
        yield call(make.normal(2, 3), make.normal(3), weight)
    yield call(make.normal(4), make.normal(4), make.laid_out((0.0, 0.5, 1.0, 3.0)))


# Limits


@operation("clamp", broadcasts=True)
def clamp(make: Values) -> Calls:
    for array, low in pairs(Values.normal, Values.normal, make):
        yield call(array, low)
        yield call(array, max=low)
        yield call(array, low, make.laid_out(low + 0.5))
    yield call(make.normal(3, 4), -0.5, 0.5)
    yield call(make.normal(3, 4), min=-0.5)
    yield call(make.normal(3, 4), max=0)
    yield call(make.normal(3, 4), 1, -1)
    yield call(make.normal(5), make.normal(5), make.normal(5))
    yield call(make.tied(3, 4), -1.0, 1.0)
    yield call(make.tied(3, 4), make.tied(4), make.tied(3, 1))
    yield call(make.tied(3, 4), max=make.tied(3, 1))
    yield call(make.laid_out((np.nan, np.inf, -np.inf)), -1, 1)
    yield call(make.laid_out((0.5, 2.0)), make.laid_out((np.nan, 1.0)))
    yield call(make.integers(-5, 6, 3, 4), -2, 2)
    yield call(make.integers(-5, 6, 3, 4), min=0.5)
    yield call(make.integers(-5, 6, 4), max=make.integers(-5, 6, 4))


def one_edge(name: str) -> None:
    """Enter `clamp` with one edge."""

    @operation(name, broadcasts=True)
    def calls(make: Values) -> Calls:
        for array, edge in (
            *pairs(Values.normal, Values.normal, make),
            *pairs(Values.tied, Values.tied, make),
            *integers(make),
        ):
            yield call(array, edge)
        yield call(make.normal(3, 4), 0.25)
        yield call(make.tied(3, 4), 0)
        yield call(make.integers(-5, 6, 4), 2)
        yield call(make.laid_out((np.nan, np.inf, -np.inf)), 1.0)


one_edge("clamp_min")
one_edge("clamp_max")

# Choices


@operation("where", broadcasts=True)
def where(make: Values) -> Calls:
    for left, right in pairs(Values.normal, Values.normal, make):
        yield call(make.truths(*np.broadcast_shapes(left.shape, right.shape)), left, right)
    yield call(make.truths(3, 1), make.normal(4), make.normal(2, 1, 1))
    yield call(make.truths(3), make.normal(3), 2.0)
    yield call(make.truths(3), 1, make.normal(2, 1))
    yield call(make.truths(4), make.laid_out((np.nan, np.inf, 1.0, 2.0)), make.laid_out((0.0, np.nan, 2.0, -np.inf)))
    yield call(make.truths(3), make.integers(0, 5, 3), make.normal(3))
    yield call(make.truths(3), make.truths(3), 2)
    yield call(make.truths(3), 1.5, 2)
    yield call(make.truths(3, 4))
    yield call(make.tied(3, 4))
    yield call(make.integers(0, 2))


for _name, _other in {
    "arctan2": "atan2",
    "clip": "clamp",
    "divide": "div",
    "multiply": "mul",
    "subtract": "sub",
}.items():
    alias(_name, _other)
