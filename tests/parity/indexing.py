"""Elements picked out by index, and others put in their place."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.parity import Calls, Values, call, operation


def picked(lib: Any, x: Any, index: Any) -> Any:
    """``x[index]``."""
    return x[index]


def written(lib: Any, x: Any, index: Any, value: Any, view: Any = ...) -> Any:
    """``x[index] = value``, or ``x[view][index] = value``, on a copy, so that it may be recorded."""
    changed = x.clone()
    changed[view][index] = value
    return changed


def basic_indices() -> Iterator[Any]:
    """Indices of a tensor of shape (4, 3, 5) that give views."""
    yield from (0, -1, slice(None), slice(1, 3), slice(-3, None, 2), slice(2, 2), slice(3, 1), slice(0, 99))
    yield from (None, ..., (), (1, 2), (1, -1, 0), (slice(None), 1), (..., 0), (0, ..., slice(None, None, 3)))
    yield from ((None, 0), (slice(1, None), None, 2), (..., None), (slice(None, -1), ..., None, slice(1, 4)))


def index_arrays(make: Values) -> Iterator[Any]:
    """Indices of a tensor of shape (4, 3, 5) with integers or truth values among them."""
    some, more = make.integers(-4, 4, 6), make.integers(0, 3, 2, 1)
    whole = slice(None)
    yield from (some, make.integers(0, 4, 2, 3), make.integers(0, 4, 0), make.integers(0, 4), some.astype(np.int32))
    yield from ([0, 2, 2], [-1], [], range(1, 4), [[0, 1], [2, 0]], [True, False, False, True])
    yield from ((some, 1), (0, whole, make.integers(-5, 5, 6)), (some, whole, 1), (whole, make.integers(0, 3, 4), 1))
    yield from ((some, more), (some, whole, more), (whole, more, make.integers(0, 5, 4)), (make.integers(0, 4), more))
    yield from ((None, some), (some, None), (..., some), (more, None, more), (slice(1, 3), [0, 2], None, [1, 1]))
    yield (make.integers(0, 4, 3), make.integers(0, 3, 3), make.integers(0, 5, 3))
    yield from (make.truths(4), make.truths(4, 3), make.truths(4, 3, 5), np.zeros(4, bool), np.ones((4, 3, 5), bool))
    yield from ((whole, make.truths(3)), (..., make.truths(5)), (make.truths(4, 3), 1), (0, make.truths(3, 5)))
    yield from ((make.truths(4), whole, [0, 4]), (make.truths(4), make.integers(0, 3, 2)), (None, make.truths(4)))
    yield from (True, False, (True, 0), (whole, True), np.array(True), np.array(False))


@operation("Tensor.__getitem__", script=picked)
def getitem(make: Values) -> Calls:
    for index in basic_indices():
        yield call(make.normal(4, 3, 5), index)
    for index in index_arrays(make):
        yield call(make.normal(4, 3, 5), index)
    for index in (..., None, (), True, False, np.array(True), (None, ..., None)):
        yield call(make.normal(), index)
    yield call(make.normal(0, 3), slice(None, None, 2))
    yield call(make.normal(0, 3), make.truths(0))
    yield call(make.normal(0, 3), make.truths(0, 3))
    yield call(make.normal(2, 0), (slice(None), make.integers(0, 1, 0)))
    yield call(make.integers(0, 9, 4, 3), (make.truths(4), 1))
    yield call(make.truths(4, 3), slice(1, 3))


@operation("Tensor.__setitem__", script=written)
def setitem(make: Values) -> Calls:
    for index in basic_indices():
        shape = np.zeros((4, 3, 5))[index].shape
        yield call(make.normal(4, 3, 5), index, make.normal(*shape))
        yield call(make.normal(4, 3, 5), index, make.normal())
    yield call(make.normal(4, 3, 5), 0, 2.5)
    yield call(make.normal(4, 3, 5), (1, 2, 0), 3)
    yield call(make.normal(4, 3, 5), slice(1, 3), make.normal(5))  # broadcast
    yield call(make.normal(4, 3, 5), slice(1, 3), make.normal(1, 1, 3, 1))  # with axes of size 1 too many
    yield call(make.normal(4, 3, 5), (..., 0), make.normal(3))
    yield call(make.normal(4, 3, 5), (slice(None), 1), make.integers(0, 9, 4, 5))
    yield call(make.normal(4, 3, 5), 2, make.truths(3, 5))
    yield call(make.normal(4, 3, 5), 1, make.normal(3, 5), constants=(1,))
    yield call(make.normal(4, 3, 5), 1, make.normal(3, 5), constants=(0,))
    yield call(make.integers(0, 9, 4), slice(0, 2), make.integers(0, 9, 2))
    yield call(make.integers(0, 9, 4), slice(0, 2), 2.7)
    yield call(make.truths(4), 1, 2)
    yield call(make.normal(), (), make.normal())
    yield call(make.normal(), ..., 1.5)
    yield call(make.normal(), True, make.normal())
    yield call(make.normal(0, 3), slice(None), make.normal(3))
    yield call(make.normal(3), slice(1, 1), make.normal(0))
    yield from at_index_arrays(make)
    yield from into_views(make)


def at_index_arrays(make: Values) -> Calls:
    """Writes at positions, each named once, and at truth values."""
    some, rows = make.laid_out([3, 0, 1]), make.laid_out([2, 0])
    places: list[tuple[Any, tuple[int, ...]]] = [
        (some, (3, 3, 5)),
        ([0, 2], (2, 3, 5)),
        (range(1, 3), (2, 3, 5)),
        ([], (0, 3, 5)),
        ([-1], (1, 3, 5)),
        ([True, False, False, True], (2, 3, 5)),
        (make.laid_out(2), (3, 5)),
        ((some, 1), (3, 5)),
        ((0, slice(None), some), (3, 3)),
        ((some, slice(None), rows[:1]), (3, 3)),
        ((slice(None), rows, make.laid_out([4, 0])), (4, 2)),
        ((rows, None), (2, 1, 3, 5)),
        ((..., some), (4, 3, 3)),
        ((some[:2], rows), (2, 5)),
        ((some[:, None], rows), (3, 2, 5)),
        ((slice(1, 3), [0, 2], None, [1, 4]), (2, 2, 1)),
        (make.truths(4), (2, 3, 5)),
        (make.truths(4, 3), (6, 5)),
        (make.truths(4, 3, 5), (30,)),
        ((slice(None), make.truths(3)), (4, 2, 5)),
        ((..., make.truths(5)), (4, 3, 3)),
        ((make.truths(4, 3), 1), (6,)),
        ((0, make.truths(3, 5)), (8,)),
        ((make.truths(4), slice(None), rows[:1]), (2, 3)),
        (np.zeros(4, bool), (0, 3, 5)),
        (True, (1, 4, 3, 5)),
        (False, (0, 4, 3, 5)),
        ((True, 0), (1, 3, 5)),
        (np.array(True), (1, 4, 3, 5)),
        (np.array(False), (0, 4, 3, 5)),
    ]
    for index, shape in places:
        yield call(make.normal(4, 3, 5), index, make.normal(*shape))
        yield call(make.normal(4, 3, 5), index, make.normal())
    yield call(make.normal(4, 3, 5), some, make.normal(5))
    yield call(make.normal(4, 3, 5), make.truths(4), make.normal(1, 5))
    yield call(make.normal(4, 3, 5), make.truths(4, 3, 5), 7)
    yield call(make.normal(4, 3, 5), make.truths(4, 3, 5), make.normal(30), constants=(0,))
    yield call(make.integers(0, 9, 4), rows, make.integers(0, 9, 2))
    yield call(make.normal(0, 3), make.truths(0), make.normal(3))


def into_views(make: Values) -> Calls:
    """Writes to views of a tensor."""
    yield call(make.normal(4, 3), 0, make.normal(), view=1)
    yield call(make.normal(4, 3), (slice(None), 2), make.normal(2), view=slice(1, 3))
    yield call(make.normal(4, 3), make.truths(4), make.normal(2), view=(slice(None), 1))
    yield call(make.normal(4, 3), (0, make.laid_out([2, 0])), make.normal(2, 3), view=None)
    yield call(make.normal(4, 3), slice(None), 4.0, view=(slice(None, None, 2), None))
    yield call(make.normal(), 0, make.normal(), view=None)
    yield call(make.normal(0, 3), slice(None), make.normal(3), view=slice(None))


@operation("select", no_scalar="PyTorch refuses it")
def select(make: Values) -> Calls:
    yield call(make.normal(3, 4), 0, 1)
    yield call(make.normal(3, 4), -1, -2)
    yield call(make.normal(2, 3, 4), dim=1, index=0)
    yield call(make.normal(3), 0, 2)
    yield call(make.normal(2, 0), 0, 1)
    yield call(make.integers(0, 9, 2, 3), 1, 2)


@operation("narrow", no_scalar="PyTorch refuses it")
def narrow(make: Values) -> Calls:
    yield call(make.normal(5, 4), 0, 1, 3)
    yield call(make.normal(5, 4), -1, -3, 2)
    yield call(make.normal(5, 4), 1, 4, 0)
    yield call(make.normal(5), dim=0, start=0, length=5)
    yield call(make.normal(5), 0, make.laid_out(2), 2)
    yield call(make.normal(0, 3), 0, 0, 0)
    yield call(make.integers(0, 9, 2, 3), 1, 1, 2)


@operation("masked_select", broadcasts=True)
def masked_select(make: Values) -> Calls:
    yield call(make.normal(3, 4), make.truths(3, 4))
    yield call(make.normal(3, 4), make.truths(4))
    yield call(make.normal(4), make.truths(3, 4))
    yield call(make.normal(3, 1), make.truths(1, 4))
    yield call(make.normal(3), np.zeros(3, bool))
    yield call(make.normal(), make.truths(3))
    yield call(make.normal(), make.truths())
    yield call(make.normal(3), make.truths())
    yield call(make.normal(0, 3), make.truths(0, 3))
    yield call(make.normal(0, 3), make.truths(3))
    yield call(make.integers(0, 9, 2, 3), make.truths(2, 3))


@operation("masked_fill", broadcasts=True)
def masked_fill(make: Values) -> Calls:
    yield call(make.normal(3, 4), make.truths(3, 4), 2.5)
    yield call(make.normal(3, 4), make.truths(4), make.normal())
    yield call(make.normal(4), make.truths(3, 4), float("-inf"))
    yield call(make.normal(3, 1), make.truths(1, 4), make.normal())
    yield call(make.normal(3), make.truths(3), make.integers(0, 9))
    yield call(make.normal(3), make.truths(3), make.normal(), constants=(0,))
    yield call(make.normal(), make.truths(), 1)
    yield call(make.normal(), make.truths(2), make.normal())
    yield call(make.normal(0, 3), make.truths(3), make.normal())
    yield call(make.integers(0, 9, 2, 3), make.truths(2, 3), 7)
    yield call(make.integers(0, 9, 2, 3), make.truths(2, 3), True)
    yield call(make.truths(4), make.truths(4), True)
