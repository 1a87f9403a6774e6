"""Linear maps, distances between vectors, and losses of pairs and triplets."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.parity import Calls, Values, call, operation
from tests.parity.losses import REDUCTIONS

VECTORS = "vectors have a dimension"


@operation("nn.functional.linear", no_scalar=VECTORS)
def linear(make: Values) -> Calls:
    for shape in ((5, 3), (3,), (2, 4, 3), (0, 3)):
        yield call(make.normal(*shape), make.normal(2, 3), make.normal(2))
        yield call(make.normal(*shape), make.normal(2, 3))
    yield call(make.normal(5, 3), make.normal(3))
    yield call(make.normal(2, 0), make.normal(3, 0), bias=make.normal(3))
    yield call(make.integers(-3, 4, 2, 3), make.integers(-3, 4, 2, 3))


@operation("nn.functional.bilinear", no_scalar=VECTORS)
def bilinear(make: Values) -> Calls:
    for shape in ((5,), (), (2, 3), (0,)):
        yield call(make.normal(*shape, 3), make.normal(*shape, 4), make.normal(2, 3, 4), make.normal(2))
        yield call(make.normal(*shape, 3), make.normal(*shape, 4), make.normal(2, 3, 4))


@operation("nn.functional.one_hot")
def one_hot(make: Values) -> Calls:
    for shape in ((4,), (), (2, 3)):
        yield call(make.integers(0, 4, *shape))
        yield call(make.integers(0, 4, *shape), 6)
    yield call(make.integers(0, 4, 0, 2), num_classes=3)


@operation("nn.functional.normalize")
def normalize(make: Values) -> Calls:
    yield call(make.normal(3, 4))
    yield call(make.normal(3, 4), 1.0)
    yield call(make.normal(2, 3, 4), p=3.0, dim=-1)
    yield call(make.normal(2, 3, 4), dim=(0, 2))
    yield call(make.normal(3, 4), 2, 0, 10.0)
    yield call(make.distinct(3, 4), p=np.inf)
    yield call(make.normal(), dim=0)
    yield call(make.normal(0, 3))
    yield call(make.normal(2, 0))
    yield call(make.laid_out(np.zeros((2, 3))), order=1)


@operation("nn.functional.cosine_similarity", broadcasts=True)
def cosine_similarity(make: Values) -> Calls:
    yield call(make.normal(3, 4), make.normal(3, 4))
    yield call(make.normal(2, 3, 4), make.normal(2, 3, 4), dim=-1)
    yield call(make.normal(3, 4), make.normal(3, 4), 0, 3.0)
    yield call(make.normal(3, 4), make.integers(1, 4, 3, 4))
    yield call(make.normal(3, 4), make.normal(4))
    yield call(make.normal(1, 4), make.normal(2, 3, 4), dim=2)
    yield call(make.normal(3, 1, 4), make.normal(1, 2, 4), dim=-1)
    yield call(make.normal(), make.normal(), dim=0)
    yield call(make.normal(0, 3), make.normal(0, 3))
    yield call(make.laid_out(np.zeros((1, 3))), make.normal(1, 3), order=1)


@operation("nn.functional.pairwise_distance", broadcasts=True)
def pairwise_distance(make: Values) -> Calls:
    yield call(make.normal(3, 4), make.normal(3, 4))
    yield call(make.normal(3, 4), make.normal(3, 4), 1.0, keepdim=True)
    yield call(make.normal(4), make.normal(4), p=3)
    yield call(make.normal(2, 3, 4), make.normal(4), 2.5, 0.1)
    yield call(make.normal(1, 4), make.normal(3, 4))
    yield call(make.normal(3, 1, 4), make.normal(2, 4))
    yield call(make.distinct(3, 4), make.distinct(3, 4), np.inf, 0.0)
    yield call(make.normal(), make.normal())
    yield call(make.normal(0, 3), make.normal(0, 3))
    yield call(make.laid_out(np.ones((2, 3))), make.laid_out(np.ones((2, 3))), eps=0.0, order=1)


@operation("nn.functional.margin_ranking_loss", broadcasts=True)
def margin_ranking_loss(make: Values) -> Calls:
    for reduction in REDUCTIONS:
        for shape in ((3, 4), (), (0, 3)):
            yield call(make.normal(*shape), make.normal(*shape), make.away_from_zero(*shape), **reduction)
            yield call(make.tied(*shape), make.tied(*shape), make.away_from_zero(*shape), 0.5, **reduction)
        yield call(make.normal(3, 4), make.normal(1, 4), make.away_from_zero(3, 4), margin=1, **reduction)
        yield call(make.normal(3, 1), make.normal(3, 4), make.away_from_zero(3, 4), **reduction)
        yield call(make.normal(3, 1), make.normal(1, 4), make.away_from_zero(3, 4), **reduction)
        yield call(make.normal(3), make.normal(3), make.laid_out(np.array([1, -1, 1])), **reduction)
        yield call(make.integers(-3, 4, 3), make.integers(-3, 4, 3), make.laid_out(np.array([1, -1, 1])), **reduction)


@operation("nn.functional.cosine_embedding_loss")
def cosine_embedding_loss(make: Values) -> Calls:
    for reduction in REDUCTIONS:
        for margin in ({}, {"margin": 0.4}, {"margin": -0.5}):
            yield call(
                make.normal(5, 3), make.normal(5, 3), make.laid_out(np.array([1, -1, 1, -1, -1])), **reduction, **margin
            )
        yield call(make.normal(3), make.normal(3), make.laid_out(np.array(1)), **reduction)
        yield call(make.integers(1, 4, 1, 3), make.integers(1, 4, 1, 3), make.laid_out(np.array([1])), **reduction)
        yield call(make.normal(2, 3), make.normal(2, 3), make.laid_out([1.0, -1.0]), **reduction, constants=(2,))
        yield call(make.normal(0, 3), make.normal(0, 3), make.integers(0, 1, 0), **reduction)


@operation("nn.functional.triplet_margin_loss", no_scalar=VECTORS)
def triplet_margin_loss(make: Values) -> Calls:
    for reduction in REDUCTIONS:
        for options in ({}, {"margin": 0.3, "swap": True}, {"p": 1.0}, {"p": 3, "eps": 0.1}):
            yield call(make.normal(4, 3), make.normal(4, 3), make.normal(4, 3), **options, **reduction)
        yield call(make.normal(3), make.normal(3), make.normal(3), 2.0, **reduction)
        yield call(make.normal(1, 3), make.normal(4, 3), make.normal(4, 3), **reduction)
        yield call(make.normal(0, 3), make.normal(0, 3), make.normal(0, 3), **reduction)


def manhattan(x: Any, y: Any) -> Any:
    """The sum of the absolute differences."""
    return (x - y).abs().sum(-1)


@operation("nn.functional.triplet_margin_with_distance_loss", no_scalar=VECTORS)
def triplet_margin_with_distance_loss(make: Values) -> Calls:
    for reduction in REDUCTIONS:
        for options in ({}, {"margin": 0.3, "swap": True}, {"distance_function": manhattan}):
            yield call(make.normal(4, 3), make.normal(4, 3), make.normal(4, 3), **options, **reduction)
        yield call(make.normal(3), make.normal(3), make.normal(3), **reduction)
        yield call(make.normal(0, 3), make.normal(0, 3), make.normal(0, 3), **reduction)
