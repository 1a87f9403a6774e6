"""Values and slices written, or added, at positions given by tensors of integers or truth values."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.parity import Calls, Values, call, operation


@operation("index_add")
def index_add(make: Values) -> Calls:
    yield call(make.normal(4, 3), 0, make.integers(0, 4, 6), make.normal(6, 3))
    yield call(make.normal(4, 3), -1, make.integers(0, 3, 2), make.normal(4, 2), alpha=2.5)
    yield call(make.normal(2, 4, 3), dim=1, index=make.integers(0, 4, 5), source=make.normal(2, 5, 3), alpha=-1)
    yield call(make.normal(4, 3), 0, make.integers(0, 4, 3).astype(np.int32), make.normal(3, 3))
    yield call(make.normal(4), 0, make.integers(0, 4), make.normal(1))
    yield call(make.normal(), 0, make.integers(0, 1), make.normal())
    yield call(make.normal(), -1, make.integers(0, 1, 1), make.normal(), alpha=3)
    yield call(make.normal(4, 3), 0, make.integers(0, 4, 0), make.normal(0, 3))
    yield call(make.normal(4, 0), 0, make.integers(0, 4, 3), make.normal(3, 0))
    yield call(make.normal(4), 0, make.integers(0, 4, 3), make.normal(3), constants=(0,))
    yield call(make.normal(4), 0, make.integers(0, 4, 3), make.normal(3), constants=(1,))
    yield call(make.integers(0, 9, 4), 0, make.integers(0, 4, 3), make.integers(0, 9, 3), alpha=2)


@operation("index_copy")
def index_copy(make: Values) -> Calls:
    yield call(make.normal(4, 3), 0, make.laid_out([2, 0]), make.normal(2, 3))
    yield call(make.normal(4, 3), -1, make.laid_out([1, 2, 0]), make.normal(4, 3))
    yield call(make.normal(2, 4, 3), dim=1, index=make.laid_out([3, 1]), source=make.normal(2, 2, 3))
    yield call(make.normal(4), 0, make.integers(0, 4), make.normal())
    yield call(make.normal(4), 0, make.integers(0, 4, 1), make.normal(1))
    yield call(make.normal(), 0, make.integers(0, 1), make.normal())
    yield call(make.normal(4, 3), 0, make.integers(0, 4, 0), make.normal(0, 3))
    yield call(make.normal(4, 0), 0, make.laid_out([3, 2]), make.normal(2, 0))
    yield call(make.normal(4), 0, make.laid_out([3, 2]), make.normal(2), constants=(0,))
    yield call(make.integers(0, 9, 4), 0, make.laid_out([3, 2]), make.integers(0, 9, 2))


@operation("index_fill")
def index_fill(make: Values) -> Calls:
    yield call(make.normal(4, 3), 0, make.integers(0, 4, 3), 2.5)
    yield call(make.normal(4, 3), -1, make.integers(0, 3, 2), make.normal())
    yield call(make.normal(4, 3), 0, make.laid_out([1, 1, -1]), -1.5)
    yield call(make.normal(2, 4, 3), dim=1, index=make.integers(0, 4), value=1)
    yield call(make.normal(4), 0, make.laid_out([3, 2]), make.normal(), constants=(0,))
    yield call(make.normal(), 0, make.integers(0, 1), make.normal())
    yield call(make.normal(), 0, make.integers(0, 1, 1), 5)
    yield call(make.normal(4, 3), 0, make.integers(0, 4, 0), make.normal())
    yield call(make.normal(4, 0), 0, make.laid_out([3, 2]), 4.0)
    yield call(make.integers(0, 9, 4), 0, make.laid_out([3, 2]), 7)
    yield call(make.integers(0, 9, 4), 0, make.laid_out([3, 2]), 7.9)


@operation("index_put")
def index_put(make: Values) -> Calls:
    yield call(make.normal(4, 3), (make.laid_out([2, 0, 3]),), make.normal(3, 3))
    yield call(make.normal(4, 3), (make.laid_out([2, 0, 3]), make.laid_out([1, 1, -1])), make.normal(3))
    yield call(make.normal(4, 3), [make.integers(0, 4, 6)], make.normal(6, 3), accumulate=True)
    yield call(make.normal(4, 3), (make.integers(-4, 4, 6), make.integers(0, 3, 6)), make.normal(), True)
    yield call(make.normal(4, 3), (make.integers(0, 4, 2, 1), make.integers(0, 3, 5)), make.normal(5), True)
    yield call(make.normal(4, 3), (make.truths(4, 3),), make.normal(6))
    yield call(make.normal(4, 3), (make.truths(4),), make.normal(3), accumulate=True)
    yield call(make.normal(4, 3), (make.truths(4), make.laid_out([1])), make.normal(2))
    yield call(make.normal(4), (make.laid_out([1, 0]),), make.normal(1), constants=(0,))
    yield call(make.normal(4), (make.integers(0, 4),), make.normal())
    yield call(make.normal(4), (make.integers(0, 4, 0),), make.normal(0))
    yield call(make.normal(0, 3), (make.truths(0),), make.normal(3))
    yield call(make.integers(0, 9, 4), (make.integers(0, 4, 5),), make.integers(0, 9, 5), accumulate=True)


def places(make: Values, *shape: int) -> Any:
    """Positions along axis 0, of which none occurs twice in a column."""
    return make.laid_out(
        make.random.permuted(np.broadcast_to(np.arange(4)[:, None], (4, 3)), axis=0)[: shape[0], : shape[1]]
    )


def scatter_in_torch(
    lib: Any, input: Any, dim: int, index: Any, src: Any = None, *, value: Any = None, reduce: str | None = None
) -> Any:
    """What ``reduce="add"`` means, which has no gradient in PyTorch."""
    src = value if src is None else src
    if reduce != "add":
        return input.scatter(dim, index, src) if reduce is None else input.scatter(dim, index, src, reduce=reduce)
    return input.scatter_add(dim, index, src if isinstance(src, lib.Tensor) else input.new_full(index.shape, src))


@operation("scatter", torch=scatter_in_torch)
def scatter(make: Values) -> Calls:
    yield call(make.normal(4, 3), 0, places(make, 4, 3), make.normal(4, 3))
    yield call(make.normal(4, 3), -2, places(make, 2, 2), make.normal(3, 3), constants=(1,))
    yield call(make.normal(3, 4), 1, places(make, 4, 3).T, src=make.normal(3, 4))
    yield call(make.normal(4, 3), 0, places(make, 2, 3), 2.5)
    yield call(make.normal(4, 3), dim=0, index=make.integers(0, 4, 6, 3), value=3)
    yield call(make.normal(4, 3), 0, make.integers(0, 4, 6, 3), make.normal(6, 3), reduce="add")
    yield call(make.normal(4, 3), 0, make.integers(0, 4, 6, 2), make.normal(6, 3), reduce="add", constants=(1,))
    yield call(make.normal(4, 3), 0, make.integers(0, 4, 2, 3), 1.5, reduce="add")
    yield call(make.normal(4, 3), 0, make.integers(0, 4, 6, 3), make.normal(6, 3), reduce="multiply", constants=(0, 1))
    yield call(make.normal(4, 3), 0, make.integers(0, 4, 6, 3), 2, reduce="multiply", constants=(0,))
    yield call(make.normal(4), 0, make.laid_out([3, 1]), make.normal(2), constants=(0,))
    yield call(make.normal(4), 0, make.laid_out([3, 1]), make.normal(2), constants=(1,))
    yield call(make.normal(), 0, make.integers(0, 1), make.normal())
    yield call(make.normal(), 0, make.integers(0, 1), 5.0)
    yield call(make.normal(4), 0, make.integers(0, 4), make.normal())
    yield call(make.normal(), 0, make.integers(0, 1, 3), make.normal(3), reduce="add")
    yield call(make.normal(), 0, make.integers(0, 1, 3), 2.0, reduce="multiply", constants=(0,))
    yield call(make.normal(4), 0, make.integers(0, 4), make.normal(3), constants=(1,))
    yield call(make.normal(4), 0, make.integers(0, 4, 0), make.normal(3), constants=(1,))
    yield call(make.normal(4), 0, make.integers(0, 4, 0), 1.0)
    yield call(make.normal(0, 3), 1, make.integers(0, 3, 0, 2), make.normal(0, 2))
    yield call(make.integers(0, 9, 4), 0, make.laid_out([3, 1]), make.integers(0, 9, 2))
    yield call(make.integers(0, 9, 4), 0, make.integers(0, 4, 6), make.integers(0, 9, 6), reduce="add")
    yield call(make.truths(4), 0, make.laid_out([3, 1]), True)


@operation("scatter_add")
def scatter_add(make: Values) -> Calls:
    yield call(make.normal(4, 3), 0, make.integers(0, 4, 6, 3), make.normal(6, 3))
    yield call(make.normal(4, 3), -1, make.integers(0, 3, 2, 5), make.normal(3, 6), constants=(1,))
    yield call(make.normal(2, 4, 3), dim=1, index=make.integers(0, 4, 2, 5, 1), src=make.normal(2, 5, 1))
    yield call(make.normal(4), 0, make.integers(0, 4, 3), make.normal(3), constants=(0,))
    yield call(make.normal(4), 0, make.integers(0, 4, 3), make.normal(3), constants=(1,))
    yield call(make.normal(), 0, make.integers(0, 1), make.normal())
    yield call(make.normal(), 0, make.integers(0, 1, 3), make.normal(3))
    yield call(make.normal(4), 0, make.integers(0, 4), make.normal())
    yield call(make.normal(4), 0, make.integers(0, 4, 0), make.normal(3), constants=(1,))
    yield call(make.normal(0, 3), 1, make.integers(0, 3, 0, 2), make.normal(0, 2))
    yield call(make.integers(0, 9, 4), 0, make.integers(0, 4, 6), make.integers(0, 9, 6))


@operation("masked_scatter")
def masked_scatter(make: Values) -> Calls:
    yield call(make.normal(3, 4), make.truths(3, 4), make.normal(6))
    yield call(make.normal(3, 4), make.truths(3, 4), make.normal(3, 3))
    yield call(make.normal(3, 4), make.truths(4), make.normal(12))
    yield call(make.normal(4), make.truths(3, 4), make.normal(6))
    yield call(make.normal(3, 1), make.truths(1, 4), make.normal(8))
    yield call(make.normal(3), np.zeros(3, bool), make.normal(2))
    yield call(make.normal(3), make.truths(3), make.normal(2), constants=(0,))
    yield call(make.normal(3), make.truths(3), make.normal(2), constants=(1,))
    yield call(make.normal(), make.truths(), make.normal())
    yield call(make.normal(), make.truths(), make.normal(2))
    yield call(make.normal(0, 3), make.truths(3), make.normal(0))
    yield call(make.integers(0, 9, 4), make.truths(4), make.integers(0, 9, 3))
