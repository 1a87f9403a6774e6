"""Values and gradients that the graph does not store, computed anew."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import microbp
from microbp import Tensor, nn
from microbp.engine import collect
from microbp.viz.dot import make_dot
from microbp.viz.values import Gradients, Values
from tests.viz.networks import alive, counting, examples, settle


def values_of(root: Tensor) -> Values:
    nodes = collect([root.node])[::-1]
    values = Values(nodes, [root])
    values.compute(nodes)
    return values


@pytest.mark.parametrize("name", [name for name in examples if name != "leaf"])
def test_values_are_those_of_the_forward(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    outputs: dict[Any, Any] = {}

    class Watch:
        def forward(self, node: Any, output: Any) -> None:
            outputs[node] = output.array.copy()

        def backward(self, *_: Any) -> None:
            pass

    with microbp.mode.observe(Watch()):
        root = examples[name]()
    values = values_of(root)
    for node in values.nodes:
        if node in values.known:
            assert values.known[node].exact
            assert np.array_equal(values.known[node].array, outputs[node])
    lost = name == "trained_perceptron"  # the loss has let go of its own copy of the labels
    assert lost or len(values.known) == len(values.nodes)


@pytest.mark.parametrize("name", ["expression", "perceptron", "recurrent"])
def test_gradients_are_those_of_backward(name: str) -> None:
    root = examples[name]()
    before = Gradients(root, values_of(root))
    root.backward()
    leaves = {edge for node in collect([root.node]) for edge in node.inputs if isinstance(edge, Tensor)}
    learned = [leaf for leaf in leaves if leaf.requires_grad]
    assert learned
    for leaf in learned:
        assert np.array_equal(before.total[leaf], leaf.grad.array)
    after = Gradients(root, values_of(root))
    if name != "perceptron":
        for leaf in learned:
            assert np.array_equal(after.total[leaf], leaf.grad.array)


def test_summands_add_up() -> None:
    root = examples["recurrent"]()
    gradients = Gradients(root, values_of(root))
    for edge, total in gradients.total.items():
        parts = [g for (node, position), g in gradients.contributions.items() if node.inputs[position] is edge]
        if parts:
            np.testing.assert_allclose(sum(parts), total, rtol=1e-6)


def test_dropout_is_not_drawn_anew() -> None:
    layer = alive(nn.Dropout(0.5))
    x = alive(microbp.ones(100, requires_grad=True))
    dropped = layer(x)
    y = dropped.sum()
    expected = dropped.array.copy()
    node = dropped.node
    del dropped
    y.backward()
    values = values_of(y)
    if node in values.known:
        assert np.array_equal(values.known[node].array, expected)


def test_a_lost_value_takes_the_gradients_before_it_along() -> None:
    w = microbp.ones(3, requires_grad=True)
    y = ((w * 2) * microbp.tensor([1.0, 2.0, 3.0])).exp().sum()
    y.backward()  # frees the constant
    gradients = Gradients(y, values_of(y))
    assert w not in gradients.total
    assert y.node in gradients.total


def test_an_overwritten_leaf_leaves_only_shapes() -> None:
    model = settle(nn.Sequential(nn.Linear(2, 3), nn.Tanh()))
    y = model(counting(4, 2)).sum()
    y.backward()
    with microbp.no_grad():
        for parameter in model.parameters():
            parameter -= 0.1
    values = values_of(y)
    hidden = [found for node, found in values.known.items() if node is not y.node]
    assert [found.array.shape for found in hidden] == [(4, 3), (4, 3)]
    assert not any(found.exact for found in hidden)
    assert len(Gradients(y, values).total) < 4


def test_a_leaf_that_was_given_other_data_no_longer_has_the_values_of_the_forward() -> None:
    w = microbp.tensor([3.0], requires_grad=True)
    y = w * w
    w.data = microbp.tensor([5.0])
    text = make_dot((y + 1.0).sum(), {"w": w}).source
    assert "changed since the forward" in text
    assert "25" not in text
    assert "26" not in text
