"""Elements and slices picked out at positions given by tensors of integers."""

from __future__ import annotations

import numpy as np

from tests.parity import Calls, Values, call, operation


@operation("index_select")
def index_select(make: Values) -> Calls:
    yield call(make.normal(4, 3), 0, make.integers(0, 4, 6))
    yield call(make.normal(4, 3), -1, make.integers(0, 3, 2))
    yield call(make.normal(2, 4, 3), dim=1, index=make.integers(0, 4, 5))
    yield call(make.normal(4, 3), 0, make.integers(0, 4, 3).astype(np.int32))
    yield call(make.normal(4, 3), 1, make.integers(0, 3))
    yield call(make.normal(), 0, make.integers(0, 1, 1))
    yield call(make.normal(), -1, make.integers(0, 1))
    yield call(make.normal(4, 3), 0, make.integers(0, 4, 0))
    yield call(make.normal(4, 0), 0, make.integers(0, 4, 3))
    yield call(make.integers(0, 9, 4), 0, make.integers(0, 4, 2))


@operation("gather")
def gather(make: Values) -> Calls:
    yield call(make.normal(4, 3), 0, make.integers(0, 4, 6, 3))
    yield call(make.normal(4, 3), 1, make.integers(0, 3, 4, 5))
    yield call(make.normal(4, 3), -1, make.integers(0, 3, 2, 1))
    yield call(make.normal(2, 4, 3), dim=1, index=make.integers(0, 4, 1, 5, 2))
    yield call(make.normal(4), 0, make.integers(0, 4, 7), sparse_grad=False)
    yield call(make.normal(), 0, make.integers(0, 1))
    yield call(make.normal(), -1, make.integers(0, 1, 3))
    yield call(make.normal(4), 0, make.integers(0, 4))
    yield call(make.normal(4, 3), 0, make.integers(0, 4, 0, 3))
    yield call(make.normal(4, 3), 0, make.integers(0, 4, 0))
    yield call(make.normal(0, 3), 1, make.integers(0, 3, 0, 2))
    yield call(make.integers(0, 9, 4, 3), 1, make.integers(0, 3, 4, 2))


@operation("take")
def take(make: Values) -> Calls:
    yield call(make.normal(4, 3), make.integers(0, 12, 5))
    yield call(make.normal(4, 3), make.integers(-12, 12, 2, 3))
    yield call(make.normal(4, 3), make.integers(0, 12))
    yield call(make.normal(), make.integers(-1, 1, 2))
    yield call(make.normal(4), make.integers(0, 4, 0))
    yield call(make.normal(0, 3), make.integers(0, 1, 0, 2))
    yield call(make.integers(0, 9, 4), make.integers(0, 4, 2))


@operation("take_along_dim")
def take_along_dim(make: Values) -> Calls:
    yield call(make.normal(4, 3), make.integers(0, 4, 4, 3), 0)
    yield call(make.normal(4, 3), make.integers(0, 3, 4, 1), dim=1)
    yield call(make.normal(4, 3), make.integers(0, 3, 1, 5), -1)
    yield call(make.normal(1, 3), make.integers(0, 3, 4, 2), 1)
    yield call(make.normal(4, 3), make.integers(-4, 4, 2, 3), 0)
    yield call(make.normal(2, 1, 3), make.integers(0, 2, 1, 4, 1), 0)
    yield call(make.normal(4, 3), make.integers(0, 12, 5))
    yield call(make.normal(4, 3), make.integers(0, 12, 2, 3), dim=None)
    yield call(make.normal(), make.integers(0, 1, 1))
    yield call(make.normal(), make.integers(0, 1))
    yield call(make.normal(4, 3), make.integers(0, 4, 0, 3), 0)
    yield call(make.normal(0, 3), make.integers(0, 3, 0, 2), 1)
    yield call(make.integers(0, 9, 4, 3), make.integers(0, 4, 1, 3), 0)
