"""Comparisons, logic and bits; they have no gradient."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.parity import Calls, Values, alias, call, operation
from tests.parity.arithmetic import SHAPES

SPECIAL = (np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0)


def comparison(name: str) -> None:
    """Enter a comparison of two tensors, or of a tensor and a number."""

    @operation(name, broadcasts=True)
    def calls(make: Values) -> Calls:
        for left, right in SHAPES:
            yield call(make.tied(*left), make.tied(*right))
        yield call(make.laid_out(SPECIAL), make.laid_out(SPECIAL).reshape(6, 1))
        yield call(make.integers(0, 3, 4), make.integers(0, 3, 3, 1))
        yield call(make.integers(0, 3, 4), make.tied(3, 1))
        yield call(make.laid_out(make.integers(0, 3, 4).astype(np.uint8)), make.integers(-2, 3, 3, 1))
        yield call(make.truths(3), make.truths(2, 1))
        yield call(make.tied(3), 1)
        yield call(make.integers(0, 3, 4), 1.5)
        yield call(make.tied(), 0.0)


for _name in ("eq", "ne", "lt", "le", "gt", "ge"):
    comparison(_name)


def logic(name: str) -> None:
    """Enter a logical connective: every number but 0 is true."""

    @operation(name, broadcasts=True)
    def calls(make: Values) -> Calls:
        for left, right in SHAPES:
            yield call(make.tied(*left), make.tied(*right))
        yield call(make.laid_out(SPECIAL), make.laid_out(SPECIAL).reshape(6, 1))
        yield call(make.truths(4), make.truths(3, 1))
        yield call(make.integers(-1, 2, 4), make.integers(-1, 2, 3, 1))
        yield call(make.truths(4), make.tied(3, 1))


for _name in ("logical_and", "logical_or", "logical_xor"):
    logic(_name)


def bits(name: str) -> None:
    """Enter an operation on the bits of integers, or on truth values."""

    @operation(name, broadcasts=True)
    def calls(make: Values) -> Calls:
        for left, right in SHAPES:
            yield call(make.integers(-9, 10, *left), make.integers(-9, 10, *right))
        yield call(make.truths(4), make.truths(3, 1))
        yield call(make.laid_out(make.integers(0, 99, 4).astype(np.uint8)), make.integers(-2, 3, 3, 1))
        yield call(make.integers(0, 9, 4), make.truths(3, 1))
        yield call(make.integers(0, 9, 4), 6)
        yield call(make.truths(4), True)


for _name in ("bitwise_and", "bitwise_or", "bitwise_xor"):
    bits(_name)


def near(make: Values, *shape: int) -> tuple[Any, Any]:
    """Two arrays of which some elements are equal, some are close and some are not."""
    array = make.normal(*shape)
    return array, make.laid_out(array + make.random.choice([0.0, 1e-10, 1e-6, 0.01], size=shape))


def pairs_to_compare(make: Values) -> Iterator[tuple[Any, Any]]:
    """Pairs, broadcast in all ways, of which some are close."""
    yield near(make, 3, 4)
    yield near(make)
    yield near(make, 0, 3)
    yield make.tied(3, 1), make.tied(4)
    yield make.tied(), make.tied(2, 3)
    yield make.tied(2, 3), make.tied()
    yield make.integers(0, 3, 4), make.integers(0, 3, 3, 1)
    yield make.truths(4), make.truths(4)
    yield make.laid_out(SPECIAL), make.laid_out(SPECIAL).reshape(6, 1)
    yield make.laid_out(SPECIAL), make.laid_out(SPECIAL)


def closeness(name: str) -> None:
    """Enter `isclose` or `allclose`."""

    @operation(name, broadcasts=True)
    def calls(make: Values) -> Calls:
        for first, second in pairs_to_compare(make):
            yield call(first, second)
            yield call(first, second, equal_nan=True)
        yield call(*near(make, 3, 4), rtol=0.1)
        yield call(*near(make, 3, 4), atol=0.1)
        yield call(*near(make, 3, 4), 1e-3, 1e-3)
        yield call(*near(make, 3, 4), 0, 0)
        yield call(make.integers(0, 9, 4), make.integers(0, 9, 4), rtol=0.5)


closeness("isclose")
closeness("allclose")


@operation("equal")
def equal(make: Values) -> Calls:
    array = make.tied(3, 4)
    yield call(array, make.laid_out(array))
    yield call(array, make.laid_out(np.where(array == array.flat[0], 7, array)))
    yield call(make.laid_out(2.5), make.laid_out(2.5))
    yield call(make.tied(0, 3), make.tied(0, 3))
    yield call(make.tied(0, 3), make.tied(3, 0))
    yield call(make.laid_out((1.0, 1.0)), make.laid_out(1.0))
    yield call(make.laid_out((1.0, np.nan)), make.laid_out((1.0, np.nan)))
    yield call(make.integers(0, 2, 2), make.integers(0, 2, 2))
    yield call(make.truths(4), make.truths(4))


for _name, _other in {
    "greater": "gt",
    "greater_equal": "ge",
    "less": "lt",
    "less_equal": "le",
    "not_equal": "ne",
}.items():
    alias(_name, _other)
