"""Folding: closed modules, limits, repeated calls drawn once."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

import microbp
from microbp import nn
from microbp.viz import look, make_dot
from microbp.viz.fold import Picture, fold
from tests.viz.networks import Perceptron, Recurrent, Residual, counting, examples, settle


def picture(root: Any, **options: Any) -> Picture:
    return fold(look([root]), **options)


def deep(layers: int) -> Any:
    """Many layers in a row, with a loss outside."""
    model = settle(nn.Sequential(*(nn.Sequential(nn.Linear(4, 4), nn.Tanh()) for _ in range(layers))))
    return model(counting(2, 4)).square().mean()


def test_depth_zero_closes_the_outermost_calls() -> None:
    folded = picture(examples["perceptron"](), depth=0)
    assert [closed.call.kind for closed in folded.closed] == ["Perceptron", "CrossEntropyLoss"]
    assert folded.clusters == ()
    assert [p.name for p in folded.closed[0].parameters] == ["fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"]
    assert [t.kind for t in folded.tensors] == ["input", "input", "root"]


def test_depth_one_closes_their_children() -> None:
    folded = picture(examples["perceptron"](), depth=1)
    assert [closed.call.name for closed in folded.closed] == ["fc1", "act", "fc2"]
    assert [call.kind for call in folded.clusters] == ["Perceptron", "CrossEntropyLoss"]
    arrows = {(link.source, link.target) for link in folded.links}
    names = {closed.call.name: closed.call.id for closed in folded.closed}
    assert (names["fc1"], names["act"]) in arrows
    assert (names["act"], names["fc2"]) in arrows
    assert "(4, 4)" in make_dot(examples["perceptron"](), depth=1).source


def test_a_large_depth_closes_nothing() -> None:
    root = examples["perceptron"]()
    assert picture(root, depth=99).closed == ()
    assert make_dot(root, depth=99).source == make_dot(root).source


def test_a_skip_connection_stays_visible() -> None:
    folded = picture(settle(Residual(2))(counting(3, 2)), depth=1)
    (x,) = (tensor for tensor in folded.tensors if tensor.kind == "input")
    targets = Counter(link.target for link in folded.links if link.source == x.id)
    assert len(targets) == 2


@pytest.mark.parametrize(("limit", "depth"), [(300, 3), (100, 2), (50, 1), (20, 0)])
def test_max_nodes_closes_as_little_as_possible(limit: int, depth: int) -> None:
    root = deep(30)
    folded = picture(root, max_nodes=limit)
    assert folded.depth == depth
    assert folded.boxes <= limit
    if depth < folded.deepest:
        assert picture(root, depth=depth + 1).boxes > limit
        assert f"modules closed at depth {depth} of 3: max_nodes={limit}" in make_dot(root, max_nodes=limit).source


def test_a_depth_that_was_asked_for_is_not_blamed_on_the_limit() -> None:
    assert "max_nodes" not in make_dot(deep(3), depth=1).source


@pytest.mark.parametrize("limit", [1, 2, 7, 50])
def test_without_modules_the_oldest_operations_are_joined(limit: int) -> None:
    y = microbp.ones(2, requires_grad=True)
    for _ in range(100):
        y = (y * 2).tanh()
    folded = picture(y, max_nodes=limit)
    assert folded.earlier is not None
    assert folded.earlier.operations + len(folded.operations) == 200
    assert folded.boxes <= max(limit, 2)
    assert y.node is not None
    assert "oldest operations" in make_dot(y, max_nodes=limit).source


def test_the_limit_holds_with_a_shared_module() -> None:
    folded = picture(settle(Recurrent(50))(counting(1, 2)).sum(), depth=1, max_nodes=20)
    assert folded.boxes <= 20
    model = settle(nn.Linear(2, 2))
    h = counting(1, 2)
    for _ in range(100):
        h = model(h)
    folded = picture(h, max_nodes=20)
    assert folded.earlier is not None
    assert folded.boxes == 20


def test_no_limit() -> None:
    assert len(picture(deep(100), max_nodes=None).operations) == 202


def test_rolled_calls_are_drawn_once() -> None:
    root = examples["recurrent"]()
    full, rolled = picture(root), picture(root, roll=True)
    assert [call.name for call in full.clusters] == ["Recurrent", "shared", "shared#2", "shared#3"]
    assert [call.name for call in rolled.clusters] == ["Recurrent", "shared"]
    assert rolled.times[rolled.clusters[1].id] == 3
    assert "shared ×3" in make_dot(root, roll=True).source
    weights = [link for link in rolled.links if link.tensor.name == "shared.weight"]
    assert [link.times for link in weights] == [3]


def test_rolling_leaves_calls_alone_that_differ() -> None:
    layer = nn.Linear(2, 2)
    y = layer(layer(counting(1, 2)).repeat(3, 1)) if hasattr(microbp.Tensor, "repeat") else layer(counting(1, 2))
    assert [call.kind for call in picture(y, roll=True).clusters] == [call.kind for call in picture(y).clusters]
    different = settle(Perceptron())(counting(4, 3))
    assert picture(different, roll=True).times == {}


def test_rolled_and_closed() -> None:
    folded = picture(settle(Recurrent(5))(counting(1, 2)).sum(), roll=True, depth=1)
    assert [closed.call.name for closed in folded.closed] == ["shared"]
    assert folded.times[folded.closed[0].call.id] == 5
