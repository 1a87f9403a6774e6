"""Losses that compare numbers with numbers, element by element."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.parity import Calls, Values, call, operation

REDUCTIONS: tuple[dict[str, str], ...] = ({}, {"reduction": "sum"}, {"reduction": "none"})


def distance(name: str, *options: dict[str, Any], weighted: bool = False, integers: bool = True) -> None:
    """Enter a loss of the difference of two tensors."""

    @operation(f"nn.functional.{name}", broadcasts=True)
    def calls(make: Values) -> Calls:
        for reduction in REDUCTIONS:
            for each in options or ({},):
                for shape in ((3, 4), (), (0, 3)):
                    yield call(make.uniform(-3, 3, *shape), make.normal(*shape), **reduction, **each)
                yield call(make.tied(3, 4), make.tied(3, 4), **reduction, **each)
            yield call(make.normal(3, 4), make.normal(4), **reduction)
            yield call(make.normal(4), make.normal(3, 1), **reduction)
            yield call(make.normal(1, 3), make.normal(2, 3), **reduction)
            if integers:
                yield call(make.normal(3, 2), make.integers(-2, 3, 3, 2), **reduction)
                yield call(make.integers(-2, 3, 3), make.normal(3), **reduction)
            if weighted:
                yield call(make.normal(3, 4), make.normal(3, 4), **reduction, weight=make.positive(3, 4))
        yield call(make.laid_out([1e30, -np.inf, np.nan]), make.laid_out([0.0, 1.0, 2.0]), reduction="none")


distance("mse_loss", weighted=True)
distance("l1_loss", weighted=True)
distance("smooth_l1_loss", {}, {"beta": 0.5}, {"beta": 0.0}, {"beta": 2})
distance("huber_loss", {}, {"delta": 0.5}, {"delta": 2}, weighted=True, integers=False)


@operation("nn.functional.binary_cross_entropy")
def binary_cross_entropy(make: Values) -> Calls:
    for reduction in REDUCTIONS:
        for shape in ((3, 4), (), (0, 3)):
            yield call(make.uniform(0.05, 0.95, *shape), make.uniform(0, 1, *shape), **reduction)
        for shape in ((3, 4), (4,), (3, 1)):
            yield call(
                make.uniform(0.05, 0.95, 3, 4),
                make.uniform(0, 1, 3, 4),
                make.positive(*shape),
                **reduction,
                constants=(2,),
            )
    yield call(make.uniform(0.05, 0.95, 2, 3), make.laid_out([[0.0, 1.0, 1.0], [1.0, 0.0, 0.0]]))


@operation("nn.functional.binary_cross_entropy_with_logits")
def binary_cross_entropy_with_logits(make: Values) -> Calls:
    for reduction in REDUCTIONS:
        for shape in ((3, 4), (), (0, 3)):
            yield call(make.uniform(-4, 4, *shape), make.uniform(0, 1, *shape), **reduction)
        for shape in ((3, 4), (4,), (3, 1)):
            yield call(make.normal(3, 4), make.uniform(0, 1, 3, 4), make.positive(*shape), **reduction, constants=(2,))
            yield call(
                make.normal(3, 4),
                make.uniform(0, 1, 3, 4),
                pos_weight=make.positive(*shape),
                **reduction,
                constants=(2,),
            )
        yield call(
            make.normal(3, 4),
            make.uniform(0, 1, 3, 4),
            weight=make.positive(3, 1),
            pos_weight=make.positive(4),
            **reduction,
            constants=(2, 3),
        )
    yield call(make.laid_out([1e4, -1e4, 800.0, -800.0, 0.0]), make.laid_out([0.0, 1.0, 1.0, 0.5, 1.0]))


@operation("nn.functional.kl_div", broadcasts=True)
def kl_div(make: Values) -> Calls:
    for reduction in (*REDUCTIONS, {"reduction": "batchmean"}):
        for shape in ((3, 4), (), (0, 3), (2, 2, 3)):
            yield call(make.normal(*shape), make.probabilities(*shape) if shape else make.positive(), **reduction)
            yield call(make.normal(*shape), make.normal(*shape), **reduction, log_target=True)
        yield call(make.normal(3, 4), make.positive(4), **reduction)
        yield call(make.normal(4), make.positive(3, 1), **reduction)
        yield call(make.normal(1, 3), make.normal(2, 3), **reduction, log_target=True)
    yield call(make.normal(1, 3), make.laid_out([[0.0, 1.0, 0.5]]), reduction="sum", constants=(1,))


@operation("nn.functional.poisson_nll_loss", broadcasts=True)
def poisson_nll_loss(make: Values) -> Calls:
    for reduction in REDUCTIONS:
        for shape in ((3, 4), (), (0, 3)):
            yield call(make.normal(*shape), make.uniform(0, 5, *shape), **reduction)
            yield call(make.positive(*shape), make.uniform(0, 5, *shape), False, **reduction)
        yield call(make.normal(3, 4), make.uniform(0, 5, 3, 4), full=True, **reduction)
        yield call(make.normal(3, 4), make.laid_out(make.integers(0, 4, 3, 4).astype(float)), full=True, **reduction)
        yield call(make.positive(3, 4), make.uniform(0, 5, 3, 4), log_input=False, eps=0.1, **reduction)
        yield call(make.normal(3, 4), make.positive(4), **reduction)
        yield call(make.normal(4), make.positive(3, 1), **reduction)
        yield call(make.normal(1, 3), make.positive(2, 3), **reduction)
        yield call(make.normal(3), make.integers(0, 4, 3), **reduction)
        yield call(make.integers(1, 4, 3), make.integers(0, 4, 3), log_input=False, **reduction)


@operation("nn.functional.gaussian_nll_loss", broadcasts=True)
def gaussian_nll_loss(make: Values) -> Calls:
    for reduction in REDUCTIONS:
        for shape in ((3, 4), (0, 3)):
            yield call(make.normal(*shape), make.normal(*shape), make.positive(*shape), **reduction)
        yield call(make.normal(), make.normal(), make.positive(), **reduction)
        yield call(make.normal(3, 4), make.normal(3, 4), make.positive(3), **reduction)
        yield call(make.normal(3, 4), make.normal(3, 4), make.positive(3, 1), full=True, **reduction)
        yield call(make.normal(3, 4), make.normal(3, 4), 0.7, **reduction)
        yield call(make.normal(4), make.normal(4), make.laid_out([0.0, 0.05, 0.1, 2.0]), eps=0.1, **reduction)
        yield call(make.normal(3, 4), make.normal(4), make.positive(3, 4), **reduction)
        yield call(make.normal(1, 4), make.normal(3, 4), make.positive(1, 4), **reduction)
        yield call(make.normal(3, 1), make.normal(4), 2.0, **reduction)
