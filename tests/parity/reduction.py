"""Sums, products, means, norms, counts and questions over axes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from tests.parity import Call, Calls, Dtype, Values, call, operation

ALL_AXES: tuple[dict[str, Any], ...] = (
    {},
    {"dim": 0},
    {"dim": -1, "keepdim": True},
    {"dim": (0, 2)},
    {"dim": (2, 0)},
    {"dim": [-1, 0], "keepdim": True},
    {"dim": (1,)},
    {"dim": (0, 1, 2), "keepdim": True},
    {"dim": ()},
    {"dim": (), "keepdim": True},
    {"dim": None, "keepdim": True},
)


def over_axes(draw: Callable[..., Any], make: Values, axes: tuple[dict[str, Any], ...] = ALL_AXES) -> Iterator[Call]:
    """Calls over all axes, over one, over several, and over those of tensors without elements or without axes."""
    for options in axes:
        yield call(draw(make, 3, 2, 4), **options)
    yield call(draw(make))
    yield call(draw(make), dim=0)
    yield call(draw(make), dim=-1, keepdim=True)
    yield call(draw(make, 1))


def without_elements(draw: Callable[..., Any], make: Values) -> Iterator[Call]:
    """Calls with tensors without elements, where that is allowed."""
    yield call(draw(make, 0))
    yield call(draw(make, 0, 3), dim=0)
    yield call(draw(make, 0, 3), dim=1, keepdim=True)
    yield call(draw(make, 2, 0, 3), dim=(1, 2))


def whole_numbers(make: Values) -> Iterator[Call]:
    """Calls with integers and truth values."""
    yield call(make.integers(-4, 5, 3, 4))
    yield call(make.integers(-4, 5, 3, 4), dim=1)
    yield call(make.laid_out(make.integers(0, 99, 5).astype(np.uint8)))
    yield call(make.laid_out(make.integers(0, 9, 2, 3).astype(np.int32)), dim=0, keepdim=True)
    yield call(make.truths(3, 4))
    yield call(make.truths(3, 4), dim=0)


def with_nan(make: Values, *shape: int) -> Any:
    """Normally distributed values, a third of them NaN."""
    values = make.random.normal(size=shape)
    return make.laid_out(np.where(make.random.random(shape) < 0.3, np.nan, values))


@operation("sum")
def sum(make: Values) -> Calls:
    yield from over_axes(Values.normal, make)
    yield from without_elements(Values.normal, make)
    yield from whole_numbers(make)
    yield call(make.normal(3, 4), 1, True)
    yield call(make.integers(-4, 5, 3, 4), dtype=Dtype("float64"))
    yield call(make.truths(3, 4), dim=1, dtype=Dtype("int32"))
    yield call(make.normal(3, 4), dtype=Dtype("float32"))
    yield call(make.laid_out((np.inf, 1.0, np.nan)))
    yield call(make.normal(2, 3), axis=1, keepdims=True)


@operation("nansum")
def nansum(make: Values) -> Calls:
    yield from over_axes(with_nan, make)
    yield from without_elements(with_nan, make)
    yield from whole_numbers(make)
    yield call(with_nan(make, 3, 4), dtype=Dtype("float32"))
    yield call(make.laid_out((np.nan, np.inf, 1.0)))
    yield call(make.laid_out((np.nan, np.nan)))


@operation("mean")
def mean(make: Values) -> Calls:
    yield from over_axes(Values.normal, make)
    yield from without_elements(Values.normal, make)
    yield call(make.normal(3, 4), 1, True)
    yield call(make.integers(-4, 5, 3, 4), dtype=Dtype("float64"))
    yield call(make.truths(3, 4), dim=1, dtype=Dtype("float64"))
    yield call(make.normal(3, 4), dtype=Dtype("float32"))
    yield call(make.laid_out((np.inf, 1.0, np.nan)))


@operation("nanmean")
def nanmean(make: Values) -> Calls:
    yield from over_axes(with_nan, make)
    yield from without_elements(with_nan, make)
    yield call(with_nan(make, 3, 4), dtype=Dtype("float32"))
    yield call(make.laid_out((np.nan, np.inf, 1.0)))
    yield call(make.laid_out((np.nan, np.nan)))


@operation("prod")
def prod(make: Values) -> Calls:
    for draw in (Values.away_from_zero, Values.tied):
        yield call(draw(make, 3, 2))
        yield call(draw(make, 3, 4), dim=1)
        yield call(draw(make, 3, 4), dim=0, keepdim=True)
        yield call(draw(make, 2, 3, 2), dim=-2)
        yield call(draw(make))
        yield call(draw(make), dim=0)
        yield call(draw(make, 1, 1))
        yield call(draw(make, 3, 4), 1, True)
    yield call(make.laid_out((2.0, 0.0, 3.0)))
    yield call(make.laid_out((2.0, 0.0, 3.0, 0.0)))
    yield call(make.laid_out(((0.0, 0.0, 0.0), (1.0, 2.0, 0.0))), dim=1)
    yield call(make.normal(0))
    yield call(make.normal(0, 3), dim=0)
    yield call(make.normal(0, 3), dim=1)
    yield call(make.integers(-4, 5, 3, 4))
    yield call(make.integers(1, 5, 3, 4), dim=1)
    yield call(make.truths(3), dim=0)
    yield call(make.integers(1, 5, 3), dtype=Dtype("float64"))
    yield call(make.normal(3, 2), dim=0, dtype=Dtype("float32"))


def question(name: str) -> None:
    """Enter `any` or `all`."""

    @operation(name)
    def calls(make: Values) -> Calls:
        for draw in (Values.tied, Values.truths):
            yield from over_axes(draw, make)
            yield from without_elements(draw, make)
        yield call(make.integers(-1, 2, 3, 4), dim=1)
        yield call(make.laid_out(make.integers(0, 2, 3).astype(np.uint8)))
        yield call(make.laid_out((np.nan, 0.0)))
        yield call(make.laid_out(((1.0, 2.0), (np.inf, np.nan))))


question("any")
question("all")


@operation("count_nonzero")
def count_nonzero(make: Values) -> Calls:
    for draw in (Values.tied, Values.truths):
        yield call(draw(make, 3, 2, 4))
        yield call(draw(make, 3, 2, 4), dim=1)
        yield call(draw(make, 3, 2, 4), dim=(2, 0))
        yield call(draw(make, 3, 2, 4), -1)
        yield call(draw(make))
        yield call(draw(make, 0, 3), dim=0)
        yield call(draw(make, 0, 3))
    yield call(make.integers(-1, 2, 3, 4), dim=(0, 1))
    yield call(make.laid_out((np.nan, 0.0, -0.0, np.inf)))


ORDERS = (2, 1, 0, 3, 0.5, -1, -2, 2.5, np.inf, -np.inf)


def norm_with_zeros(lib: Any, a: Any, p: Any = "fro", dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Any:
    """The norm; that for p = 0, which is flat, with a gradient of 0, where PyTorch gives none."""
    found = lib.norm(a, p, dim, keepdim, dtype=dtype)
    return found + 0 * a.sum() if p == 0 else found


@operation("norm", torch=norm_with_zeros)
def norm(make: Values) -> Calls:
    yield call(make.normal(3, 4))
    yield call(make.normal(3, 4), "fro")
    yield call(make.normal(3, 4), "fro", dim=1)
    yield call(make.normal(2, 3, 4), p="fro", dim=(0, 2), keepdim=True)
    for order in ORDERS:
        yield call(make.away_from_zero(3, 4), order)
        yield call(make.away_from_zero(2, 3, 2), order, dim=1)
        yield call(make.away_from_zero(2, 3, 2), p=order, dim=(2, 0), keepdim=True)
        yield call(make.away_from_zero(), order)
        yield call(make.laid_out(((1.0, 0.0), (2.0, -2.0), (0.0, 0.0))), order, dim=1, order=1)
        yield call(make.laid_out((0.0, 0.0)), order, order=1)
        yield call(make.laid_out(0.0), order, order=1)
    for order in (2, 1, 3, 0):
        yield call(make.normal(0, 3), order)
        yield call(make.normal(0, 3), order, dim=0)
        yield call(make.normal(0, 3), order, dim=1, keepdim=True)
    yield call(make.laid_out(make.normal(3, 4).astype(np.float32)), dtype=Dtype("float64"))
    yield call(make.laid_out((3.0, np.nan, np.inf)))
