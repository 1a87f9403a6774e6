"""Rows of a table, one by one and in bags."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.parity import Calls, Values, call, operation


@operation("nn.functional.embedding")
def embedding(make: Values) -> Calls:
    for shape in ((4,), (), (2, 3), (0,)):
        yield call(make.integers(0, 5, *shape), make.normal(5, 3))
    yield call(make.laid_out(np.array([4, 1, 4, 2], np.int32)), make.normal(5, 3))
    yield call(make.laid_out(np.array([1, 2, 1, 0])), make.normal(5, 3), 1)
    yield call(make.laid_out(np.array([3, 4, 3, 0])), make.normal(5, 3), padding_idx=-2)
    yield call(make.laid_out(np.array([3, 4, 3, 0])), make.normal(5, 3), padding_idx=3, scale_grad_by_freq=True)
    yield call(make.laid_out(np.array([[3, 4], [3, 0]])), make.normal(5, 3), None, None, 2.0, True)
    for norm in (2.0, 1.0, 3.0, np.inf):
        yield call(make.laid_out(np.array([1, 2, 1])), make.normal(5, 3), None, 0.7, norm, written=(1,))
    yield call(make.integers(0, 200, 300), make.normal(200, 2))
    yield call(make.integers(0, 3, 4), make.normal(3, 0))
    yield call(make.integers(0, 3, 4), make.integers(-9, 9, 3, 2))


def bag(lib: Any, labels: Any, weight: Any, offsets: Any = None, **options: Any) -> Any:
    """The rows of each bag, taken together one bag at a time."""
    mode, padding = options.get("mode", "mean"), options.get("padding_idx")
    factors = options.get("per_sample_weights")
    if offsets is None:
        starts, ends = (
            range(0, labels.numel(), labels.shape[1]),
            range(labels.shape[1], labels.numel() + 1, labels.shape[1]),
        )
        factors = None if factors is None else factors.reshape(-1)
        labels = labels.reshape(-1)
    else:
        starts = offsets.tolist()
        ends = [*starts[1:], len(labels)]
        if options.get("include_last_offset"):
            starts, ends = starts[:-1], starts[1:]
    bags = []
    for start, end in zip(starts, ends, strict=True):
        kept = [k for k in range(start, end) if padding is None or int(labels[k]) != padding % len(weight)]
        rows = weight[labels[kept].long()]
        if factors is not None:
            rows = rows * factors[kept][:, None]
        if not kept:
            bags.append(weight[:1].sum(0) * 0)
        elif mode == "max":
            bags.append(rows.max(0).values)
        else:
            bags.append(rows.sum(0) if mode == "sum" else rows.mean(0))
    return lib.stack(bags) if bags else weight[:0]


@operation("nn.functional.embedding_bag", no_scalar="a bag has a dimension", twice=bag)
def embedding_bag(make: Values) -> Calls:
    starts = np.array([0, 3, 3, 5])
    for mode in ("sum", "mean", "max"):
        yield call(make.integers(0, 5, 3, 4), make.normal(5, 2), mode=mode)
        yield call(make.integers(0, 5, 7), make.normal(5, 2), make.laid_out(starts), mode=mode)
        yield call(
            make.integers(0, 5, 7),
            make.normal(5, 2),
            make.laid_out(np.array([0, 2, 7])),
            mode=mode,
            include_last_offset=True,
        )
        yield call(
            make.laid_out(np.array([1, 3, 1, 4, 1])),
            make.normal(5, 2),
            make.laid_out(np.array([0, 2])),
            mode=mode,
            padding_idx=1,
        )
        yield call(make.laid_out(np.array([[1, 3], [3, 3]])), make.normal(5, 2), mode=mode, padding_idx=-2)
        yield call(make.integers(0, 5, 0), make.normal(5, 2), make.laid_out(np.array([0, 0])), mode=mode)
        yield call(make.integers(0, 5, 0, 3), make.normal(5, 2), mode=mode)
        yield call(
            make.laid_out(np.array([[1, 3], [3, 3]])),
            make.normal(5, 2),
            max_norm=0.5,
            norm_type=1.0,
            mode=mode,
            written=(1,),
        )
    yield call(make.integers(0, 5, 3, 4), make.normal(5, 2), mode="sum", per_sample_weights=make.normal(3, 4))
    yield call(
        make.integers(0, 5, 7), make.normal(5, 2), make.laid_out(starts), mode="sum", per_sample_weights=make.normal(7)
    )
    yield call(
        make.laid_out(np.array([1, 3, 1, 4])),
        make.normal(5, 2),
        make.laid_out(np.array([0, 2])),
        mode="sum",
        per_sample_weights=make.normal(4),
        padding_idx=3,
    )
    for mode in ("sum", "mean"):
        yield call(make.laid_out(np.array([[1, 3], [3, 3]])), make.normal(5, 2), scale_grad_by_freq=True, mode=mode)
