"""Elements in order of size, and the elements of a given rank."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.parity import Calls, Values, call, operation


def with_nan(array: Any) -> Any:
    """An array with NaN at its first and its last place."""
    array[(0,) * array.ndim] = array[(-1,) * array.ndim] = np.nan
    return array


def stably(name: str) -> Any:
    """PyTorch's function, in the order of equal elements that microbp always keeps."""
    return lambda lib, input, dim=-1, descending=False, stable=True: getattr(lib, name)(
        input, dim=dim, descending=descending, stable=True
    )


@operation("sort", torch=stably("sort"))
@operation("argsort", torch=stably("argsort"))
def sort(make: Values) -> Calls:
    yield call(make.distinct(3, 4))
    yield call(make.distinct(3, 4), 0)
    yield call(make.distinct(2, 3, 4), dim=1, descending=True)
    yield call(make.tied(3, 5), stable=True)
    yield call(make.tied(20), 0, True, stable=True)
    yield call(with_nan(make.distinct(6)))
    yield call(with_nan(make.distinct(6)), descending=True)
    yield call(make.normal())
    yield call(make.normal(), 0, True)
    yield call(make.normal(0, 3))
    yield call(make.normal(0, 3), 0)
    yield call(make.integers(-9, 9, 3, 4), descending=True)
    yield call(make.truths(5))


def msort_in_torch(lib: Any, input: Any) -> Any:
    """In the order of equal elements that microbp always keeps."""
    return lib.sort(input, dim=0, stable=True)[0]


@operation("msort", torch=msort_in_torch)
def msort(make: Values) -> Calls:
    yield call(make.distinct(4, 3))
    yield call(make.distinct(5))
    yield call(make.tied(6, 2))
    yield call(with_nan(make.distinct(6)))
    yield call(make.normal())
    yield call(make.normal(0, 3))
    yield call(make.normal(2, 0))
    yield call(make.integers(-9, 9, 3, 4))


@operation("topk")
def topk(make: Values) -> Calls:
    yield call(make.distinct(3, 5), 2)
    yield call(make.distinct(3, 5), 2, 0)
    yield call(make.distinct(2, 4, 3), k=3, dim=1, largest=False)
    yield call(make.distinct(5), 5, sorted=True)
    yield call(make.distinct(5), 0)
    yield call(make.distinct(200), 7)
    yield call(make.distinct(2, 200), 7, largest=False)
    yield call(with_nan(make.distinct(3)), 3, largest=False)
    yield call(make.normal(), 1)
    yield call(make.normal(0, 3), 2)
    yield call(make.normal(0, 3), 0, 0)
    yield call(make.laid_out(make.random.permutation(9)), 4)


@operation("kthvalue")
def kthvalue(make: Values) -> Calls:
    yield call(make.distinct(3, 5), 2)
    yield call(make.distinct(3, 5), 1, 0)
    yield call(make.distinct(2, 4, 3), k=4, dim=1, keepdim=True)
    yield call(with_nan(make.distinct(6)), 4)
    yield call(make.normal(), 1)
    yield call(make.normal(), 1, 0, True)
    yield call(make.normal(0, 3), 2)
    yield call(make.laid_out(make.random.permutation(9)), 4)


@operation("median")
def median(make: Values) -> Calls:
    yield call(make.distinct(3, 5))
    yield call(make.distinct(3, 4), 0)
    yield call(make.distinct(2, 4, 3), dim=1, keepdim=True)
    yield call(make.tied(3, 5))
    yield call(with_nan(make.distinct(6)))
    yield call(with_nan(make.distinct(3, 3)), 1)
    yield call(make.normal())
    yield call(make.normal(), 0)
    yield call(make.normal(0))
    yield call(make.normal(0, 3), 1)
    yield call(make.laid_out(make.random.permutation(9)))
    yield call(make.laid_out(make.random.permutation(9)), -1)


@operation("cummax", "cummin")
def running(make: Values) -> Calls:
    yield call(make.normal(3, 5), 0)
    yield call(make.normal(3, 5), dim=1)
    yield call(make.normal(2, 4, 3), -2)
    yield call(make.tied(3, 6), 1)
    yield call(with_nan(make.normal(6)), 0)
    yield call(with_nan(make.normal(3, 3)), 0)
    yield call(make.normal(), 0)
    yield call(make.normal(0, 3), 0)
    yield call(make.normal(0, 3), 1)
    yield call(make.integers(-3, 3, 8), 0)
