"""Where elements are, which of them are different, and how often they occur."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.parity import Calls, Values, call, operation


def sorted_(make: Values, *shape: int) -> Any:
    """Values in ascending order along the last axis, some of them equal."""
    return make.laid_out(np.sort(make.random.integers(-6, 7, size=shape) / 2.0, axis=-1))


@operation("nonzero")
def nonzero(make: Values) -> Calls:
    yield call(make.tied(3, 4))
    yield call(make.tied(3, 4), as_tuple=True)
    yield call(make.tied(2, 3, 4), as_tuple=False)
    yield call(make.truths(5))
    yield call(make.integers(0, 2, 6))
    yield call(make.normal())
    yield call(make.normal(), as_tuple=True)
    yield call(make.laid_out(0.0))
    yield call(make.laid_out(0.0), as_tuple=True)
    yield call(make.normal(0, 3))
    yield call(make.normal(0, 3), as_tuple=True)


@operation("argwhere")
def argwhere(make: Values) -> Calls:
    for array in (make.tied(3, 4), make.truths(5), make.integers(0, 2, 2, 3, 2), make.normal(), make.laid_out(0.0)):
        yield call(array)
    yield call(make.normal(0, 3))


@operation("unique")
def unique(make: Values) -> Calls:
    for options in (
        {},
        {"return_inverse": True},
        {"return_counts": True},
        {"return_inverse": True, "return_counts": True},
    ):
        yield call(make.tied(3, 4), constants=(0,), **options)
        yield call(make.tied(6, 2), dim=0, constants=(0,), **options)
        yield call(make.integers(0, 3, 2, 5), dim=-1, **options)
        yield call(make.normal(), constants=(0,), **options)
        yield call(make.normal(0), constants=(0,), **options)
    yield call(make.truths(5), True, True)
    yield call(make.integers(0, 5, 8), sorted=True)
    yield call(make.laid_out([np.nan, 1.0, np.nan, 1.0]), return_counts=True, constants=(0,))


def bincount_in_torch(lib: Any, input: Any, weights: Any = None, minlength: int = 0) -> Any:
    """The sum of the weights as a sum of slices: PyTorch's own has no gradient."""
    counts = lib.bincount(input, None if weights is None else weights.detach(), minlength)
    if weights is None or not weights.requires_grad or not len(input):
        return counts
    return lib.zeros_like(counts).index_add(0, input, weights)


@operation("bincount", torch=bincount_in_torch, no_scalar="PyTorch refuses it")
def bincount(make: Values) -> Calls:
    yield call(make.integers(0, 5, 9))
    yield call(make.integers(0, 5, 9), minlength=8)
    yield call(make.integers(0, 5, 9), make.normal(9))
    yield call(make.integers(0, 5, 9), weights=make.normal(9), minlength=8)
    yield call(make.integers(0, 5, 9), make.integers(-3, 3, 9))
    yield call(make.integers(0, 5, 9).astype(np.uint8))
    yield call(make.integers(0, 5, 9).astype(np.int32), None, 2)
    yield call(make.integers(0, 5, 0))
    yield call(make.integers(0, 5, 0), minlength=3)
    yield call(make.integers(0, 5, 0), make.normal(0))
    yield call(make.integers(0, 5, 0), make.normal(0), minlength=3)


@operation("searchsorted")
def searchsorted(make: Values) -> Calls:
    edges = sorted_(make, 7)
    for options in ({}, {"right": True}, {"side": "left"}, {"side": "right"}, {"out_int32": True}):
        yield call(edges, sorted_(make, 3, 4), **options)
    yield call(sorted_(make, 2, 7), sorted_(make, 2, 4), right=True)
    yield call(sorted_(make, 2, 3, 7), sorted_(make, 2, 3, 4))
    yield call(edges, sorted_(make, 1).reshape(()))
    yield call(edges, 0.5)
    yield call(edges, 1)
    shuffled = make.distinct(6)
    yield call(shuffled, make.normal(4), sorter=make.laid_out(np.argsort(shuffled)))
    yield call(make.laid_out([1, 3, 3, 5]), make.integers(0, 7, 5))
    yield call(make.laid_out([1, 3, 3, 5]), 3, right=True)
    yield call(edges, make.laid_out([np.nan, np.inf, -np.inf]))
    yield call(make.normal(0), make.normal(3))
    yield call(edges, make.normal(0))


@operation("bucketize")
def bucketize(make: Values) -> Calls:
    edges = sorted_(make, 7)
    for options in ({}, {"right": True}, {"out_int32": True}):
        yield call(sorted_(make, 3, 4), edges, **options)
    yield call(make.normal(), edges)
    yield call(0.5, edges)
    yield call(1, edges, right=True)
    yield call(make.integers(0, 7, 5), make.laid_out([1, 3, 3, 5]))
    yield call(make.laid_out([np.nan, np.inf, -np.inf]), edges)
    yield call(make.normal(3), make.normal(0))
    yield call(make.normal(0), edges)
