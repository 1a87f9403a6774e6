"""Norms of vectors and matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.parity import Calls, Dtype, Values, call, operation

INF = float("inf")


def with_zeros(name: str, default: Any) -> Any:
    """PyTorch's norm; that of order 0, which is flat, with a gradient of 0 where PyTorch gives none."""

    def norm(lib: Any, x: Any, ord: Any = default, *arguments: Any, **options: Any) -> Any:
        found = getattr(lib.linalg, name)(x, ord, *arguments, **options)
        return found.detach() + 0 * x.sum() if ord == 0 else found

    return norm


@operation("linalg.vector_norm", torch=with_zeros("vector_norm", 2))
def vector_norm(make: Values) -> Calls:
    for order in (0, 0.5, 1, 1.5, 2, 2.5, 3, -1, -2, INF, -INF):
        yield call(make.away_from_zero(3, 4), order)
    for order in (1, 2, 3, INF):
        yield call(make.away_from_zero(3, 4), ord=order, dim=1)
        yield call(make.away_from_zero(2, 3, 4), ord=order, dim=(0, -1), keepdim=True)
        yield call(make.normal(), order)
        yield call(make.tied(3, 4), order)
        yield call(np.zeros((2, 3)), order, 1, order=1)
    yield call(make.normal(3, 4))
    yield call(make.normal(3, 4), dim=())
    yield call(make.normal(3, 4), dtype=Dtype("float64"))
    yield call(make.normal(0))
    yield call(make.normal(0, 3), 1, 0)
    yield call(make.normal(0, 3), INF, 1)
    yield call(make.normal(0, 3), 0)


@operation("linalg.matrix_norm", no_scalar="PyTorch refuses it")
def matrix_norm(make: Values) -> Calls:
    for order in ("fro", "nuc", 1, -1, 2, -2, INF, -INF):
        yield call(make.away_from_zero(3, 4), order)
        yield call(make.away_from_zero(2, 3, 3), order, keepdim=True)
        yield call(make.away_from_zero(3, 2, 4), ord=order, dim=(0, 2))
        yield call(make.away_from_zero(3, 2, 4), ord=order, dim=(-1, 0), keepdim=True)
    yield call(make.normal(3, 4))
    yield call(make.normal(3, 4), dtype=Dtype("float64"))
    yield call(make.normal(0, 3))
    yield call(make.normal(0, 3), "nuc")
    yield call(make.normal(0, 3, 2), 2)


@operation("linalg.norm", torch=with_zeros("norm", None))
def norm(make: Values) -> Calls:
    yield call(make.normal(3, 4))
    yield call(make.normal(2, 3, 4))
    yield call(make.normal(2, 3, 4), None, 1)
    yield call(make.normal(2, 3, 4), dim=(0, 2), keepdim=True)
    yield call(make.normal())
    for order in (0, 1, 2.5, -1, INF):
        yield call(make.away_from_zero(5), order)
        yield call(make.away_from_zero(3, 4), order, 1)
    for order in ("fro", "nuc", 1, -2, INF):
        yield call(make.away_from_zero(3, 4), order)
        yield call(make.away_from_zero(2, 3, 4), order, (0, 1), True)
    yield call(make.normal(3, 4), 2, -1, dtype=Dtype("float64"))
    yield call(np.zeros((2, 3)), order=1)
    yield call(make.normal(0))
    yield call(make.normal(0, 3), 1, 0)
