"""Methods that write values to some elements of a tensor, or to all of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.parity import Calls, Values, call, operation

# New values for all elements


@operation("Tensor.copy_", in_place=True)
def copy(make: Values) -> Calls:
    yield call(make.normal(3, 4), make.normal(3, 4))
    yield call(make.normal(3, 4), make.normal(4))
    yield call(make.normal(3, 4), make.normal(3, 1))
    yield call(make.normal(2, 3), make.normal())
    yield call(make.normal(), make.normal())
    yield call(make.normal(0, 3), make.normal(1, 3))
    yield call(make.normal(3), make.integers(0, 5, 3))
    yield call(make.normal(3), make.laid_out(make.normal(3).astype(np.float32)))
    yield call(make.integers(0, 5, 3), make.normal(3), constants=(0,))
    yield call(make.truths(3), make.normal(3), constants=(0,))
    yield call(make.normal(3), make.normal(3), constants=(0,), non_blocking=True)


@operation("Tensor.fill_", in_place=True)
def fill(make: Values) -> Calls:
    yield call(make.normal(3, 4), 2.5)
    yield call(make.normal(3, 4), 2)
    yield call(make.normal(3, 4), make.normal())
    yield call(make.normal(), -1.0)
    yield call(make.normal(), make.normal())
    yield call(make.normal(0, 3), 1.0)
    yield call(make.integers(0, 5, 3), 7)
    yield call(make.integers(0, 5, 3), 7.9)
    yield call(make.truths(3), True)


@operation("Tensor.zero_", in_place=True)
def zero(make: Values) -> Calls:
    yield call(make.normal(3, 4))
    yield call(make.normal())
    yield call(make.normal(0, 3))
    yield call(make.laid_out((np.nan, np.inf)))
    yield call(make.integers(0, 5, 3))
    yield call(make.truths(3))


# Where a mask or an index says


@operation("Tensor.masked_fill_", in_place=True)
def masked_fill(make: Values) -> Calls:
    yield call(make.normal(3, 4), make.truths(3, 4), 2.5)
    yield call(make.normal(3, 4), make.truths(4), -1)
    yield call(make.normal(3, 4), make.truths(3, 1), make.normal())
    yield call(make.normal(2, 3), make.laid_out(True), 0.0)
    yield call(make.normal(), make.laid_out(True), make.normal())
    yield call(make.normal(), make.laid_out(False), 1.0)
    yield call(make.normal(0, 3), make.truths(3), 1.0)
    yield call(make.laid_out((np.nan, 1.0, np.inf)), make.laid_out((True, False, True)), 0.0)
    yield call(make.integers(0, 5, 4), make.truths(4), 9)


@operation("Tensor.masked_scatter_", in_place=True)
def masked_scatter(make: Values) -> Calls:
    yield call(make.normal(3, 4), make.truths(3, 4), make.normal(12))
    yield call(make.normal(3, 4), make.truths(4), make.normal(2, 5))
    yield call(make.normal(3, 4), make.truths(3, 1), make.normal(3, 4))
    yield call(make.normal(), make.laid_out(True), make.normal())
    yield call(make.normal(0, 3), make.truths(3), make.normal(2))
    yield call(make.normal(3), make.laid_out((False, False, False)), make.normal(0))
    yield call(make.integers(0, 5, 4), make.truths(4), make.integers(5, 9, 4))


@operation("Tensor.index_put_", in_place=True, no_scalar="PyTorch refuses it")
def index_put(make: Values) -> Calls:
    for accumulate in (False, True):
        order = make.laid_out(make.random.permutation(4)[:3])
        yield call(make.normal(4, 2), (order,), make.normal(3, 2), accumulate)
        yield call(make.normal(4, 2), (order,), make.normal(2), accumulate=accumulate)
        yield call(make.normal(4, 3), (order, make.integers(0, 3, 3)), make.normal(3), accumulate=accumulate)
        yield call(make.normal(4, 3), (make.truths(4),), make.normal(), accumulate=accumulate)
        yield call(make.normal(4, 2), [make.laid_out(order - 4)], make.normal(3, 2), accumulate=accumulate)
        yield call(make.normal(4), (make.integers(0, 4, 0),), make.normal(0), accumulate=accumulate)
        yield call(make.integers(0, 5, 4), (order,), make.integers(0, 5, 3), accumulate=accumulate)
    yield call(make.normal(4, 2), (make.integers(0, 4, 7),), make.normal(7, 2), accumulate=True)


def distinct_positions(make: Values, size: int, count: int) -> Any:
    """Positions along an axis, in any order, none twice."""
    return make.laid_out(make.random.permutation(size)[:count])


@operation("Tensor.index_add_", in_place=True)
def index_add(make: Values) -> Calls:
    yield call(make.normal(4, 2), 0, make.integers(0, 4, 5), make.normal(5, 2))
    yield call(make.normal(2, 4), 1, make.integers(0, 4, 3), make.normal(2, 3), alpha=-0.5)
    yield call(make.normal(2, 3, 4), -2, make.integers(0, 3, 4), make.normal(2, 4, 4), alpha=2)
    yield call(make.normal(4), 0, make.integers(0, 4), make.normal(1))
    yield call(make.normal(), 0, make.integers(0, 1, 1), make.normal())
    yield call(make.normal(4, 0), 0, make.integers(0, 4, 2), make.normal(2, 0))
    yield call(make.normal(4), 0, make.integers(0, 4, 0), make.normal(0))
    yield call(make.integers(0, 5, 4), 0, make.integers(0, 4, 5), make.integers(0, 5, 5))


@operation("Tensor.index_copy_", in_place=True)
def index_copy(make: Values) -> Calls:
    yield call(make.normal(4, 2), 0, distinct_positions(make, 4, 3), make.normal(3, 2))
    yield call(make.normal(2, 4), 1, distinct_positions(make, 4, 4), make.normal(2, 4))
    yield call(make.normal(2, 3, 4), -2, distinct_positions(make, 3, 2), make.normal(2, 2, 4))
    yield call(make.normal(4), 0, make.integers(0, 4), make.normal(1))
    yield call(make.normal(), 0, make.integers(0, 1, 1), make.normal(1))
    yield call(make.normal(4, 0), 0, distinct_positions(make, 4, 2), make.normal(2, 0))
    yield call(make.integers(0, 5, 4), 0, distinct_positions(make, 4, 2), make.integers(0, 5, 2))


@operation("Tensor.index_fill_", in_place=True)
def index_fill(make: Values) -> Calls:
    yield call(make.normal(4, 2), 0, make.integers(0, 4, 3), 2.5)
    yield call(make.normal(2, 4), 1, make.integers(0, 4, 3), make.normal())
    yield call(make.normal(2, 3, 4), -2, make.integers(0, 3, 2), -1)
    yield call(make.normal(4), 0, make.integers(0, 4), 1.0)
    yield call(make.normal(), 0, make.integers(0, 1, 1), 3.0)
    yield call(make.normal(4, 0), 0, make.integers(0, 4, 2), 1.0)
    yield call(make.normal(4), 0, make.integers(0, 4, 0), 1.0)
    yield call(make.integers(0, 5, 4), 0, make.integers(0, 4, 2), 9)


def permuted(make: Values, size: int, *shape: int) -> Any:
    """An index of this shape that names no position along the last axis twice."""
    rows = [make.random.permutation(size)[: shape[-1]] for _ in range(int(np.prod(shape[:-1])))]
    return make.laid_out(np.reshape(rows, shape).astype(np.int64))


# PyTorch has gradients for a source of the index's shape only, and none with `reduce`.


@operation("Tensor.scatter_", in_place=True)
def scatter(make: Values) -> Calls:
    yield call(make.normal(3, 4), 1, permuted(make, 4, 3, 4), make.normal(3, 4))
    yield call(make.normal(3, 4), -1, permuted(make, 4, 2, 3), make.normal(3, 4), constants=(1,))
    yield call(make.normal(2, 3, 4), 2, permuted(make, 4, 2, 2, 3), make.normal(2, 2, 3))
    yield call(make.normal(3, 4), 0, make.integers(0, 3, 2, 4), 2.5)
    yield call(make.normal(3, 4), 1, make.integers(0, 4, 3, 2), value=-1)
    yield call(make.normal(3, 4), 1, make.integers(0, 4, 3, 5), make.normal(3, 5), reduce="add", constants=(0, 1))
    yield call(make.normal(3, 4), 1, make.integers(0, 4, 3, 2), 2.0, reduce="multiply", constants=(0,))
    yield call(make.normal(), 0, make.integers(0, 1, 1), make.normal(1))
    yield call(make.normal(), 0, make.integers(0, 1), make.normal())
    yield call(make.normal(3, 4), 0, make.integers(0, 3, 0, 4), make.normal(0, 4))
    yield call(make.integers(0, 5, 2, 4), 1, permuted(make, 4, 2, 3), make.integers(5, 9, 2, 3))


@operation("Tensor.scatter_add_", in_place=True)
def scatter_add(make: Values) -> Calls:
    yield call(make.normal(3, 4), 1, make.integers(0, 4, 3, 6), make.normal(3, 6))
    yield call(make.normal(3, 4), 0, make.integers(0, 3, 5, 2), make.normal(5, 4), constants=(1,))
    yield call(make.normal(2, 3, 4), -2, make.integers(0, 3, 1, 6, 4), make.normal(1, 6, 4))
    yield call(make.normal(), 0, make.integers(0, 1, 1), make.normal(1))
    yield call(make.normal(), 0, make.integers(0, 1), make.normal())
    yield call(make.normal(3, 4), 0, make.integers(0, 3, 0, 4), make.normal(0, 4))
    yield call(make.integers(0, 5, 2, 4), 1, make.integers(0, 4, 2, 3), make.integers(5, 9, 2, 3))


# Triangles


def triangle(name: str) -> None:
    """Enter `tril_` or `triu_`."""

    @operation(name, in_place=True, no_scalar="PyTorch refuses it")
    def calls(make: Values) -> Calls:
        for diagonal in (0, 1, -2, 9):
            yield call(make.normal(3, 4), diagonal)
            yield call(make.normal(2, 4, 3), diagonal=diagonal)
        yield call(make.normal(3, 3))
        yield call(make.normal(0, 3))
        yield call(make.integers(0, 9, 3, 3))
        yield call(make.truths(3, 3))


triangle("Tensor.tril_")
triangle("Tensor.triu_")
