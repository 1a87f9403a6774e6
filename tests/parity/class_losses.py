"""Losses over classes: cross entropy, and those that ask for a margin."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from tests.parity import Calls, Values, call, operation
from tests.parity.losses import REDUCTIONS

NO_SCALAR = "the input has a dimension of classes"
LAYOUTS = (((5, 4), (5,)), ((2, 4, 3), (2, 3)), ((2, 4, 2, 2), (2, 2, 2)), ((4,), ()), ((0, 4), (0,)))


@operation("nn.functional.cross_entropy", no_scalar=NO_SCALAR)
def cross_entropy(make: Values) -> Calls:
    for reduction, smoothing in itertools.product(REDUCTIONS, ({}, {"label_smoothing": 0.2})):
        options: dict[str, Any] = {**reduction, **smoothing}
        for shape, labels in LAYOUTS:
            yield call(make.uniform(-3, 3, *shape), make.integers(0, 4, *labels), **options)
            yield call(make.uniform(-3, 3, *shape), make.positive(*shape), **options)
        yield call(make.normal(5, 4), make.integers(0, 4, 5), make.positive(4), **options, constants=(1,))
        yield call(make.normal(2, 4, 3), make.integers(0, 4, 2, 3), make.positive(4), **options, constants=(1,))
        yield call(make.normal(5, 4), make.positive(5, 4), make.positive(4), **options, constants=(2,))
        yield call(make.normal(4), make.positive(4), make.positive(4), **options, constants=(2,))
        ignored = {"ignore_index": 2, **options}
        yield call(make.normal(4, 4), make.laid_out(np.array([2, 0, 2, 3])), **ignored)
        yield call(make.normal(3, 4), make.laid_out(np.array([2, 2, 1])), make.positive(4), **ignored, constants=(1,))
        yield call(make.normal(2, 4), make.laid_out(np.array([2, 2])), **ignored)
        yield call(make.normal(3, 4), make.laid_out(np.array([-100, 0, 3])), **options)
    yield call(make.laid_out([[1e4, -1e4, 0.0], [-1e4, 1e4, 1e4]]), make.laid_out(np.array([1, 1])))
    yield call(make.laid_out([[0.0, -np.inf, 1.0]]), make.laid_out(np.array([0])))


@operation("nn.functional.nll_loss", no_scalar=NO_SCALAR)
def nll_loss(make: Values) -> Calls:
    for reduction in REDUCTIONS:
        for shape, labels in LAYOUTS:
            yield call(make.normal(*shape), make.integers(0, 4, *labels), **reduction)
        yield call(make.normal(5, 4), make.integers(0, 4, 5), make.positive(4), **reduction, constants=(1,))
        yield call(make.normal(2, 4, 3), make.integers(0, 4, 2, 3), make.positive(4), **reduction, constants=(1,))
        yield call(make.normal(4, 4), make.laid_out(np.array([2, 0, 2, 3])), ignore_index=2, **reduction)
        yield call(make.normal(3, 4), make.laid_out(np.array([-100, 2, 1])), **reduction)
        yield call(make.normal(2, 4), make.laid_out(np.array([-100, -100])), **reduction)


def multi_margin(
    lib: Any, x: Any, t: Any, p: int = 1, margin: float = 1.0, weight: Any = None, reduction: str = "mean"
) -> Any:
    """PyTorch has no second derivative of its own."""
    scores, labels = x.reshape(-1, x.shape[-1]), t.reshape(-1, 1)
    short = (margin - scores.gather(1, labels) + scores).clamp(min=0) ** p
    short = short.scatter(1, labels, 0.0) if weight is None else short.scatter(1, labels, 0.0) * weight[labels]
    losses = short.sum(1) / x.shape[-1]
    return getattr(losses, reduction)() if reduction != "none" else losses if t.ndim else losses[0]


@operation("nn.functional.multi_margin_loss", twice=multi_margin)
def multi_margin_loss(make: Values) -> Calls:
    for reduction in REDUCTIONS:
        for options in ({}, {"p": 2}, {"margin": 0.3}, {"p": 2, "margin": 2.0}):
            yield call(make.normal(5, 4), make.integers(0, 4, 5), **options, **reduction)
            yield call(
                make.normal(3, 4),
                make.integers(0, 4, 3),
                weight=make.positive(4),
                **options,
                **reduction,
                constants=(1,),
            )
        yield call(make.normal(), make.integers(0, 1), **reduction, order=1)
        yield call(make.normal(4), make.integers(0, 4), **reduction)
        yield call(make.normal(4), make.integers(0, 4, 1), **reduction)

    yield call(make.normal(0, 4), make.integers(0, 4, 0), reduction="none")  # PyTorch's sum is not initialised


def multilabel_margin(lib: Any, x: Any, t: Any, reduction: str = "mean") -> Any:
    """PyTorch has no second derivative of its own."""
    scores, labels = x.reshape(-1, x.shape[-1]), t.reshape(-1, t.shape[-1])
    losses = []
    for row, named in zip(scores, labels.tolist(), strict=True):
        right = [*named, -1][: [*named, -1].index(-1)]
        wrong = [k for k in range(len(row)) if k not in right]
        losses.append((1 - row[right][:, None] + row[wrong]).clamp(min=0).sum() / len(row))
    found = lib.stack(losses) if losses else scores.sum(1)
    return getattr(found, reduction)() if reduction != "none" else found if x.ndim > 1 else found[0]


@operation("nn.functional.multilabel_margin_loss", twice=multilabel_margin)
def multilabel_margin_loss(make: Values) -> Calls:
    for reduction in REDUCTIONS:
        yield call(make.normal(2, 4), make.laid_out(np.array([[3, 0, -1, 1], [-1, 2, 1, 0]])), **reduction)
        yield call(make.normal(2, 4), make.laid_out(np.array([[3, 0, 1, 2], [2, -1, -1, -1]])), **reduction)
        yield call(make.normal(1, 4), make.laid_out(np.array([[1, 1, -1, 0]])), **reduction)
        yield call(make.normal(4), make.laid_out(np.array([1, 2, -1, 0])), **reduction)
        yield call(make.normal(), make.integers(0, 1), **reduction, order=1)

    yield call(make.normal(0, 4), make.integers(0, 4, 0, 4), reduction="none")


@operation("nn.functional.multilabel_soft_margin_loss", no_scalar=NO_SCALAR, broadcasts=True)
def multilabel_soft_margin_loss(make: Values) -> Calls:
    for reduction in REDUCTIONS:
        for shape in ((3, 4), (4,), (2, 3, 4), (0, 4)):
            yield call(make.normal(*shape), make.uniform(0, 1, *shape), **reduction)
        for shape in ((4,), (3, 1), (3, 4)):
            yield call(make.normal(3, 4), make.uniform(0, 1, 3, 4), make.positive(*shape), **reduction, constants=(2,))
        yield call(make.normal(3, 4), make.uniform(0, 1, 4), **reduction)
        yield call(make.normal(3, 1), make.uniform(0, 1, 3, 4), **reduction)
        yield call(make.normal(3, 1), make.uniform(0, 1, 1, 4), **reduction)
    yield call(make.laid_out([[1e4, -1e4, 0.0]]), make.laid_out([[0.0, 1.0, 1.0]]))


def soft_margin(lib: Any, x: Any, t: Any, **options: Any) -> Any:
    """PyTorch's gradient fails where the input is the smaller one of two that are broadcast."""
    return lib.nn.functional.soft_margin_loss(*lib.broadcast_tensors(x, t), **options)


@operation("nn.functional.soft_margin_loss", broadcasts=True, torch=soft_margin)
def soft_margin_loss(make: Values) -> Calls:
    for reduction in REDUCTIONS:
        for shape in ((3, 4), (), (0, 3)):
            yield call(make.normal(*shape), make.away_from_zero(*shape), **reduction, constants=(1,))
        yield call(make.normal(3, 4), make.laid_out(np.sign(make.away_from_zero(3, 4))), **reduction, constants=(1,))
        yield call(make.normal(3, 4), make.normal(4), **reduction, constants=(1,))
        yield call(make.normal(4), make.normal(3, 4), **reduction, constants=(1,))
        yield call(make.normal(3, 1), make.normal(1, 4), **reduction, constants=(1,))


@operation("nn.functional.hinge_embedding_loss", broadcasts=True)
def hinge_embedding_loss(make: Values) -> Calls:
    for reduction in REDUCTIONS:
        for shape in ((3, 4), (), (0, 3)):
            target = np.where(make.random.random(shape) < 0.5, -1.0, 1.0)
            yield call(make.uniform(0, 3, *shape), make.laid_out(target), **reduction, constants=(1,))
            yield call(make.uniform(0, 3, *shape), make.laid_out(target), 0.5, **reduction, constants=(1,))
        yield call(make.uniform(0, 3, 5), make.laid_out(np.array([1, -1, 1, -1, 0])), margin=2.0, **reduction)
        yield call(make.tied(3, 4), make.laid_out(np.array([1.0, -1.0, 1.0, -1.0])), **reduction, constants=(1,))
        yield call(make.normal(2), make.laid_out(np.array([[1.0], [-1.0]])), **reduction, constants=(1,))
        yield call(make.normal(1, 2), make.laid_out(np.array([[1.0, -1.0], [-1.0, -1.0]])), **reduction, constants=(1,))
