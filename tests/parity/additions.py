"""Functions beside the usual ones: other extremes, quantiles, covariances, copies with another part, bins."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.parity import Calls, Values, alias, arithmetic, call, in_place, operation, pointwise
from tests.parity.arithmetic import pairs
from tests.parity.pointwise import elementwise

OTHERS = (arithmetic, in_place, pointwise)  # the families that aliases refer to, which must be there first

# Element by element

elementwise("exp2", Values.normal)
elementwise("positive", Values.normal)
alias("fix", "trunc")
alias("sgn", "sign")
alias("Tensor.fix_", "Tensor.trunc_")
alias("Tensor.sgn_", "Tensor.sign_")
in_place.in_place("exp2")


def tells(name: str, **traits: Any) -> None:
    """Enter a question about each element."""

    @operation(name, **traits)
    def calls(make: Values) -> Calls:
        for shape in ((3, 4), (), (0, 3)):
            yield call(make.tied(*shape))
        yield call(make.laid_out((np.inf, -np.inf, np.nan, 0.0, -0.0, 1.0)))
        yield call(make.integers(-2, 3, 4))
        yield call(make.truths(4))


for _name in ("isneginf", "isposinf", "isreal", "signbit"):
    tells(_name)


def choice(name: str) -> None:
    """Enter a choice between two tensors that leaves NaN out."""

    @operation(name, broadcasts=True)
    def calls(make: Values) -> Calls:
        for pair in pairs(Values.distinct, Values.normal, make):
            yield call(*pair)
        yield call(make.tied(3, 4), make.tied(4))
        yield call(make.integers(-3, 4, 3), make.integers(-3, 4, 3))
        yield call(make.laid_out((np.nan, 1.0, np.nan, np.inf)), make.laid_out((2.0, np.nan, np.nan, 3.0)))


choice("fmax")
choice("fmin")


@operation("xlogy", broadcasts=True)
def xlogy(make: Values) -> Calls:
    for pair in pairs(Values.away_from_zero, Values.positive, make):
        yield call(*pair)
    yield call(make.normal(3), 2.0)
    yield call(0.5, make.positive(3))
    yield call(make.integers(1, 4, 3), make.positive(3))
    yield call(make.laid_out((0.0, 0.0, 0.0, 1.0)), make.laid_out((0.0, np.nan, 2.0, 0.5)), order=1)


in_place.in_place("xlogy")


@operation("is_nonzero", no_empty="it needs one element")
def is_nonzero(make: Values) -> Calls:
    yield call(make.tied())
    yield call(make.tied(1, 1))
    yield call(make.laid_out(np.nan))
    yield call(make.laid_out(0.0))
    yield call(make.truths(1))


@operation("is_same_size")
def is_same_size(make: Values) -> Calls:
    yield call(make.normal(3, 4), make.normal(3, 4))
    yield call(make.normal(3, 4), make.normal(4, 3))
    yield call(make.normal(), make.normal(1))
    yield call(make.normal(), make.normal())
    yield call(make.normal(0, 3), make.normal(0, 3))


# Reductions


@operation("aminmax", no_empty="of nothing there is none")
def aminmax(make: Values) -> Calls:
    for draw in (Values.distinct, Values.tied):
        yield call(draw(make, 3, 4))
        yield call(draw(make, 3, 4), dim=1)
        yield call(draw(make, 3, 4), dim=-2, keepdim=True)
    yield call(make.normal())
    yield call(make.normal(), dim=0)
    yield call(make.integers(-5, 6, 4))


def quantile_calls(make: Values) -> Calls:
    """Calls of `quantile` and `nanquantile`."""
    for interpolation in ("linear", "lower", "higher", "midpoint", "nearest"):
        yield call(make.distinct(3, 4), 0.3, interpolation=interpolation)
        yield call(make.distinct(3, 4), np.array([0.0, 0.4, 1.0]), dim=1, interpolation=interpolation, constants=(1,))
    yield call(make.distinct(3, 4), 0.5, dim=0, keepdim=True)
    yield call(make.distinct(3, 4), np.array([0.25, 0.8]), keepdim=True, constants=(1,))
    yield call(make.distinct(3, 4), np.array([0.25, 0.8]), dim=-1, keepdim=True)
    yield call(make.distinct(3, 4, 5), np.array(0.37), dim=1)
    yield call(make.normal(), 0.3)
    yield call(
        make.laid_out(((1.0, np.nan, 3.0, 2.0), (5.0, 4.0, 7.0, 6.0))), np.array([0.2, 0.9]), dim=1, constants=(1,)
    )
    yield call(make.laid_out((1.0, np.nan, 3.0, 2.0)), 0.6)


@operation("quantile", no_empty="of nothing there is none")
def quantile(make: Values) -> Calls:
    yield from quantile_calls(make)


@operation("nanquantile", no_empty="of nothing there is none")
def nanquantile(make: Values) -> Calls:
    yield from quantile_calls(make)


@operation("nanmedian")
def nanmedian(make: Values) -> Calls:
    yield call(make.distinct(3, 4))
    yield call(make.distinct(3, 5))
    yield call(make.distinct(3, 4), dim=1)
    yield call(make.distinct(3, 5), dim=0, keepdim=True)
    yield call(make.laid_out((1.0, np.nan, 3.0, 2.0)))
    yield call(make.laid_out(((1.0, np.nan, 3.0, 2.0), (5.0, 4.0, np.nan, np.nan))), dim=1)
    yield call(make.normal())
    yield call(make.normal(), dim=0)
    yield call(make.normal(0))
    yield call(make.integers(-50, 50, 7))


@operation("Tensor.mode", no_empty="of nothing there is none")
def mode(make: Values) -> Calls:
    yield call(make.tied(3, 7))
    yield call(make.tied(7, 3), 0)
    yield call(make.tied(3, 7), -1, True)
    yield call(make.distinct(5))
    yield call(make.normal())
    yield call(make.integers(0, 3, 9))


def table_calls(make: Values) -> Calls:
    """Calls of what takes variables and their observations."""
    yield call(make.normal(3, 5))
    yield call(make.normal(2, 4))
    yield call(make.normal(6))
    yield call(make.normal(1, 6))
    yield call(make.integers(-5, 6, 2, 5))


@operation("cov")
def cov(make: Values) -> Calls:
    yield from table_calls(make)
    yield call(make.normal(3, 5), correction=0)
    yield call(make.normal(3, 5), correction=2)
    yield call(make.normal(3, 4), fweights=make.integers(1, 4, 4))
    yield call(make.normal(3, 4), aweights=make.positive(4))
    yield call(make.normal(3, 4), fweights=make.integers(1, 4, 4), aweights=make.positive(4), correction=0)
    yield call(make.normal(3, 4), fweights=make.integers(1, 4, 4), aweights=make.positive(4))
    yield call(make.normal(), order=0)
    yield call(make.normal(0, 3))


@operation("corrcoef", no_empty="of nothing there is none")
def corrcoef(make: Values) -> Calls:
    yield from table_calls(make)
    yield call(make.normal(), order=0)


# Products and lengths


@operation("inner")
def inner(make: Values) -> Calls:
    yield call(make.normal(4), make.normal(4))
    yield call(make.normal(3, 4), make.normal(4))
    yield call(make.normal(2, 3, 4), make.normal(5, 4))
    yield call(make.normal(), make.normal(3))
    yield call(make.normal(3), make.normal())
    yield call(make.normal(0, 3), make.normal(3))


@operation("vdot", no_scalar="it takes vectors")
def vdot(make: Values) -> Calls:
    for size in (1, 2, 3, 4, 0):
        yield call(make.normal(size), make.normal(size))


@operation("ger", no_scalar="it takes vectors")
def ger(make: Values) -> Calls:
    for left, right in ((1, 2), (2, 3), (3, 1), (4, 4), (0, 3)):
        yield call(make.normal(left), make.normal(right))


@operation("dist", broadcasts=True)
def dist(make: Values) -> Calls:
    for pair in pairs(Values.normal, Values.normal, make):
        yield call(*pair)
    for p in (1, 3, 0.5, float("inf"), -float("inf")):
        yield call(make.distinct(3, 4), make.normal(3, 4), p)
    yield call(make.tied(3, 4), make.tied(3, 4), 0, constants=(0, 1))


@operation("renorm", no_scalar="it takes two dimensions or more")
def renorm(make: Values) -> Calls:
    for p in (1, 2, 3):
        yield call(make.normal(3, 4), p, 0, 1.0)
        yield call(make.normal(3, 4), p, 1, 2.0)
    yield call(make.normal(2, 3, 4), 2, -1, 0.5)
    yield call(make.normal(3, 4), 2, 0, 100.0)
    yield call(make.normal(0, 4), 2, 1, 1.0)


in_place.in_place("renorm")


# Shapes and parts


@operation("adjoint", no_scalar="it takes two dimensions or more")
def adjoint(make: Values) -> Calls:
    for shape in ((3, 4), (2, 3, 4), (1, 1), (0, 3), (2, 0, 1)):
        yield call(make.normal(*shape))


@operation("Tensor.sum_to_size")
def sum_to_size(make: Values) -> Calls:
    yield call(make.normal(2, 3, 4), 3, 4)
    yield call(make.normal(2, 3, 4), (3, 1))
    yield call(make.normal(2, 3, 4), 1, 1, 4)
    yield call(make.normal(2, 3), (2, 3))
    yield call(make.normal(2, 3), (1,))
    yield call(make.normal(), (), constants=(0,))
    yield call(make.normal(0, 3), 1, 3)


@operation("Tensor.unfold")
def unfold(make: Values) -> Calls:
    yield call(make.normal(7), 0, 3, 1)
    yield call(make.normal(7), 0, 3, 2)
    yield call(make.normal(3, 7), 1, 4, 3)
    yield call(make.normal(7, 3), 0, 2, 5)
    yield call(make.normal(2, 5, 3), -2, 2, 1)
    yield call(make.normal(), 0, 1, 1)
    yield call(make.normal(0, 3), 1, 2, 1)
    yield call(make.normal(4), 0, 0, 1)


@operation("Tensor.narrow_copy", no_scalar="it takes a dimension", no_empty="PyTorch fails on its way back")
def narrow_copy(make: Values) -> Calls:
    yield call(make.normal(4, 5), 0, 1, 2)
    yield call(make.normal(4, 5), 1, 2, 3)
    yield call(make.normal(2, 3, 4), 2, 1, 2)
    yield call(make.normal(4, 5), 1, 4, 1)
    yield call(make.normal(3), 0, 0, 3)


@operation("diagonal_scatter", no_scalar="it takes two dimensions or more")
def diagonal_scatter(make: Values) -> Calls:
    yield call(make.normal(3, 4), make.normal(3))
    yield call(make.normal(3, 4), make.normal(3), 1)
    yield call(make.normal(3, 4), make.normal(2), offset=-1)
    yield call(make.normal(2, 3, 4), make.normal(3, 2), 0, 0, 2)
    yield call(make.normal(0, 3), make.normal(0), constants=(1,))


@operation("select_scatter", no_scalar="it takes one dimension or more")
def select_scatter(make: Values) -> Calls:
    yield call(make.normal(3, 4), make.normal(4), 0, 1)
    yield call(make.normal(3, 4), make.normal(3), 1, -1)
    yield call(make.normal(3), make.normal(), 0, 2)
    yield call(make.normal(2, 3, 4), make.normal(2, 4), -2, 0)
    yield call(make.normal(3, 0), make.normal(0), 0, 1, constants=(1,))


@operation("slice_scatter", no_scalar="it takes one dimension or more")
def slice_scatter(make: Values) -> Calls:
    yield call(make.normal(4, 3), make.normal(2, 3), 0, 1, 3)
    yield call(make.normal(4, 3), make.normal(4, 2), dim=1, start=1)
    yield call(make.normal(5), make.normal(3), step=2)
    yield call(make.normal(5), make.normal(5))
    yield call(make.normal(4, 3), make.normal(4, 1), -1, -1)
    yield call(make.normal(0, 3), make.normal(0, 2), 1, 0, 2, constants=(1,))


# Positions


def reductions(make: Values) -> Calls:
    """Calls of `scatter_reduce`, and of its form in place."""
    for reduce in ("sum", "prod", "mean", "amax", "amin"):
        for include_self in (True, False):
            index = make.integers(0, 3, 5)
            yield call(make.distinct(3), 0, index, make.distinct(5) + 0.1, reduce=reduce, include_self=include_self)
        yield call(make.tied(3, 2), 0, make.integers(0, 3, 4, 2), make.tied(4, 2), reduce=reduce, order=1)
        yield call(make.distinct(2, 4), 1, make.integers(0, 4, 2, 5), make.distinct(2, 5) + 0.1, reduce=reduce)
        yield call(make.normal(3), 0, make.integers(0, 3, 0), make.normal(0), reduce=reduce, constants=(1,))
    yield call(make.normal(), 0, make.integers(0, 1), make.normal(), reduce="sum")


@operation("scatter_reduce")
def scatter_reduce(make: Values) -> Calls:
    yield from reductions(make)


@operation("Tensor.scatter_reduce_", in_place=True)
def scatter_reduce_(make: Values) -> Calls:
    yield from reductions(make)


@operation("histc")
def histc(make: Values) -> Calls:
    yield call(make.normal(30), 5)
    yield call(make.normal(6, 5), 7, min=-1, max=1)
    yield call(make.tied(20), bins=3)
    yield call(make.normal(), 4)
    yield call(make.normal(0), 4)
    yield call(make.laid_out((1.0, 1.0)), 4)
    yield call(make.laid_out((0.0, 0.5, 1.0, 2.0)), 2, 0, 1)


@operation("unique_consecutive")
def unique_consecutive(make: Values) -> Calls:
    for options in (
        {},
        {"return_inverse": True},
        {"return_counts": True},
        {"return_inverse": True, "return_counts": True},
    ):
        yield call(make.integers(0, 2, 9), **options)
        yield call(make.integers(0, 2, 9, 1), dim=0, **options)
    yield call(make.integers(0, 2, 3, 4))
    yield call(make.integers(0, 2, 2, 6), dim=1)
    yield call(make.integers(0, 2))
    yield call(make.integers(0, 2, 0))
