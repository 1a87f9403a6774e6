"""Softmax and its relatives."""

from __future__ import annotations

import numpy as np

from tests.parity import Calls, Dtype, Values, call, operation

LARGE = ((1e4, 0.0, -1e4), (1e4, 1e4, 1e4), (-1e4, -1e4, -1e4))


def normalised(name: str) -> None:
    """Enter `softmax` or `log_softmax`."""

    @operation(name)
    def calls(make: Values) -> Calls:
        yield call(make.normal(3, 4), 1)
        yield call(make.normal(3, 4), dim=0)
        yield call(make.normal(2, 3, 4), dim=-2)
        yield call(make.normal(5), dim=-1)
        yield call(make.normal(), dim=0)
        yield call(make.normal(0, 3), dim=1)
        yield call(make.normal(2, 0), dim=1)
        yield call(make.normal(2, 1), dim=1)
        yield call(make.laid_out(LARGE), dim=1)
        yield call(make.laid_out((-np.inf, 0.0, 1.0)), dim=0)
        yield call(make.laid_out((-np.inf, -np.inf)), dim=0)
        yield call(make.laid_out((np.nan, 0.0, 1.0)), dim=0)
        yield call(make.laid_out((np.inf, 0.0, 1.0)), dim=0)
        yield call(make.normal(3, 4), dim=1, dtype=Dtype("float32"))
        yield call(make.integers(-3, 4, 3, 4), dim=1, dtype=Dtype("float64"))


normalised("softmax")
normalised("log_softmax")


@operation("logsumexp")
def logsumexp(make: Values) -> Calls:
    yield call(make.normal(3, 4), 1)
    yield call(make.normal(3, 4), dim=0, keepdim=True)
    yield call(make.normal(2, 3, 4), dim=(0, 2))
    yield call(make.normal(2, 3, 4), dim=[-1, 0], keepdim=True)
    yield call(make.normal(), dim=0)
    yield call(make.normal(), dim=())
    yield call(make.normal(0, 3), dim=1)
    yield call(make.normal(0, 3), dim=0)
    yield call(make.normal(2, 0), dim=(0, 1))
    yield call(make.laid_out(LARGE), dim=1)
    yield call(make.laid_out((-np.inf, 0.0, 1.0)), dim=0)
    yield call(make.laid_out((np.nan, 0.0, 1.0)), dim=0)
    yield call(make.laid_out((np.inf, 0.0, 1.0)), dim=0)
    yield call(make.laid_out((-np.inf, -np.inf)), dim=0)
    yield call(make.integers(-3, 4, 3, 4), dim=1)
    yield call(make.truths(3, 4), dim=0)
