"""Running sums and products along an axis, and differences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.parity import Calls, Dtype, Values, call, operation


def running(name: str, *draws: Callable[..., Any], constants: tuple[int, ...] = ()) -> None:
    """Enter a running sum or product.

    Parameters
    ----------
    name : str
        The function.
    *draws : callable
        Methods of `Values` that draw its arguments.
    constants : tuple of int
        Of the calls with NaN and infinities.
    """

    @operation(name)
    def calls(make: Values) -> Calls:
        for draw in draws:
            yield call(draw(make, 5), 0)
            yield call(draw(make, 3, 4), dim=1)
            yield call(draw(make, 2, 3, 4), dim=-2)
            yield call(draw(make), 0)
            yield call(draw(make), dim=-1)
            yield call(draw(make, 0, 3), dim=0)
            yield call(draw(make, 2, 0), dim=0)
            yield call(draw(make, 3, 1), dim=1)
        yield call(make.laid_out((1.0, np.inf, 2.0, -np.inf, 3.0)), dim=0, constants=constants)
        yield call(make.laid_out((1.0, np.nan, 2.0)), dim=0, constants=constants)
        yield call(make.integers(-3, 4, 3, 4), dim=1)
        yield call(make.laid_out(make.integers(0, 9, 4).astype(np.uint8)), dim=0)
        yield call(make.truths(4), dim=0)
        yield call(make.integers(-3, 4, 3, 2), dim=1, dtype=Dtype("float64"))
        yield call(make.integers(-3, 4, 3, 2), dim=0, dtype=Dtype("int32"))
        yield call(make.integers(-3, 4), dim=0, dtype=Dtype("int32"))
        yield call(make.normal(3, 2), dim=0, dtype=Dtype("float32"))


running("cumsum", Values.normal)
# PyTorch divides by the elements to get gradients, which gives NaN for all that follows.
running("cumprod", Values.away_from_zero, Values.tied, constants=(0,))


@operation("diff", no_scalar="PyTorch refuses it")
def diff(make: Values) -> Calls:
    yield call(make.normal(5))
    yield call(make.normal(3, 4))
    yield call(make.normal(3, 4), dim=0)
    yield call(make.normal(2, 5), n=2)
    yield call(make.normal(2, 5), 3, -1)
    yield call(make.normal(2, 3), n=0)
    yield call(make.normal(2, 3), n=4)
    yield call(make.normal(2, 3), prepend=make.normal(2, 1))
    yield call(make.normal(2, 3), append=make.normal(2, 2))
    yield call(make.normal(2, 3), 1, 0, make.normal(1, 3), make.normal(2, 3))
    yield call(make.normal(0))
    yield call(make.normal(0, 3))
    yield call(make.integers(-5, 6, 4))
    yield call(make.truths(5))
    yield call(make.laid_out(make.integers(0, 99, 5).astype(np.uint8)), n=2)
