"""What changed between two graphs: all of it, and nothing else."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

import pygraphviz
import pytest

import microbp
from microbp import Tensor, nn
from microbp.errors import OptionError
from microbp.viz import diff
from tests.viz.networks import alive, counting, examples, settle
from tests.viz.test_dot import slowness


class Growing(nn.Module):
    """Takes another path in each run."""

    def __init__(self) -> None:
        super().__init__()
        self.step = nn.Linear(2, 2)
        self.side = nn.Linear(2, 2)
        self.out = nn.Linear(2, 1)

    def forward(self, x: Tensor, times: int, side: bool) -> Any:
        for _ in range(times):
            x = self.step(x).tanh()
        if side:
            x = x + self.side(x)
        return self.out(x)


def changes(found: Any) -> list[tuple[str, str, str, str]]:
    return [(change.state, change.what, change.name, change.module) for change in found.changes]


def classifier() -> tuple[nn.Module, Tensor]:
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Dropout(0.5), nn.Linear(4, 2))
    return settle(model), counting(5, 3)


@pytest.mark.parametrize("name", examples)
def test_a_graph_has_not_changed_against_itself(name: str) -> None:
    root = examples[name]()
    found = diff(root, root)
    assert found.changes == ()
    assert "nothing has changed" in found.source
    assert "0 only in before (−), 0 only in after (+), 0 changed (≠)" in str(found)


@pytest.mark.parametrize("name", examples)
def test_the_same_program_gives_the_same_graph(name: str) -> None:
    assert diff(examples[name](), examples[name]()).changes == ()


def test_training_against_evaluation() -> None:
    model, x = classifier()
    training = model(x).sum()
    model.eval()
    found = diff(training, model(x).sum(), names=("train", "eval"))
    operations = [(state, name, module) for state, what, name, module in changes(found) if what == "operation"]
    assert ("before", "dropout", "3") in operations
    assert ("before", "standardize", "1") in operations
    assert {module for _, _, module in operations} == {"1", "3"}
    assert ("changed", "arguments of", "linear", "4") in changes(found)
    assert "only in train (−)" in str(found)
    assert "arguments of linear in 4 (test_difference.py:" in str(found)
    assert "a: dropout_1 → relu_1" in str(found)


def test_two_runs_of_a_model_that_takes_another_path() -> None:
    model, x = settle(Growing()), counting(3, 2)
    found = diff(model(x, 2, False).sum(), model(x, 3, True).sum())
    assert changes(found) == [
        ("after", "operation", "linear", "step#3"),
        ("after", "operation", "tanh", "Growing"),
        ("after", "tensor", "side.weight", "side"),
        ("after", "tensor", "side.bias", "side"),
        ("after", "operation", "linear", "side"),
        ("after", "operation", "add", "Growing"),
        ("changed", "arguments of", "linear", "out"),
    ]
    back = diff(model(x, 3, True).sum(), model(x, 2, False).sum())
    assert Counter(change.state for change in back.changes) == {"before": 6, "changed": 1}
    assert found.same == back.same == 6


def test_modules_without_a_change_are_closed() -> None:
    model, x = settle(Growing()), counting(3, 2)
    pair = model(x, 2, False).sum(), model(x, 3, True).sum()
    closed = pygraphviz.AGraph(string=diff(*pair).source)
    kinds = Counter(closed.get_node(name).attr["class"].split()[0] for name in closed.nodes())
    assert kinds["module"] == 3  # the first two steps, and what follows
    opened = pygraphviz.AGraph(string=diff(*pair, close_unchanged=False).source)
    kinds = Counter(opened.get_node(name).attr["class"].split()[0] for name in opened.nodes())
    assert kinds == {"operation": 10, "tensor": 17}


def test_both_graphs_are_in_the_drawing_and_look_different() -> None:
    x = microbp.tensor([1.0, 2.0], requires_grad=True)
    found = diff((x * 2).sum(), (x * 2).exp().sum(), params={"x": x}, close_unchanged=False)
    graph = pygraphviz.AGraph(string=found.source)
    styles = {tuple(edge): edge.attr["style"] for edge in graph.edges()}
    assert styles == {
        ("t0", "op0"): "",
        ("op0", "t1"): "",
        ("t1", "op1"): "bold",
        ("op1", "t2"): "bold",
        ("t1", "op2"): "dotted",
        ("t2", "op2"): "bold",
        ("op2", "t3"): "",
    }
    assert ">+ exp<" in found.source
    assert "thick arrows: only in after" in found.source


def test_names_that_occur_in_both_graphs_are_told_apart() -> None:
    x = microbp.tensor([1.0, 2.0], requires_grad=True)
    old = (x.tanh() * 2).exp().sum()
    new = (x * 2).tanh().exp().sum()
    names = [line.split(">")[-1] for line in diff(old, new).source.split("</B>") if "_1" in line[-20:]]
    assert len(names) == len(set(names))
    assert "− mul_1 (before)" in names


def test_what_has_changed_about_an_operation() -> None:
    x = alive(microbp.ones(2, 3, requires_grad=True))
    assert diff((x * 2).sum(), (x * 3).sum()).changes[0].details == ("b: 2 → 3",)
    assert diff(x.sum(dim=0), x.sum(dim=1)).changes[0].details == ("dim: (0) → (1)",)
    wide = diff((x + microbp.ones(3)).sum(), (x + microbp.ones(2, 3)).sum())
    assert "b is broadcast: to (2, 3) → not" in str(wide)
    assert "(3,) float32 → (2, 3) float32" in str(wide)


def test_what_has_changed_about_a_parameter() -> None:
    model, other, x = settle(nn.Linear(3, 2)), settle(nn.Linear(3, 2)), counting(4, 3)
    before = model(x).sum()
    other.weight.requires_grad_(False)
    found = diff(before, other(x).sum())
    assert "≠ tensor weight in Linear: requires grad: before only" in str(found)
    assert "gradient for w: before only" in str(found)
    other.double()
    assert "(2, 3) float32 → (2, 3) float64" in str(diff(before, other(x.double()).sum()))


def test_values_are_not_compared() -> None:
    model, x = classifier()
    optimizer = microbp.optim.SGD(model.parameters(), lr=0.1)
    losses = []
    for _ in range(2):
        losses.append(model(x).square().mean())
        losses[-1].backward()
        optimizer.step()
    assert diff(*losses).changes == ()


def test_graphs_that_have_nothing_in_common() -> None:
    one, other = microbp.ones(2, requires_grad=True).exp(), microbp.ones(3, requires_grad=True).tanh()
    found = diff([one], [other])
    assert found.same == 0
    assert Counter(change.state for change in found.changes) == {"before": 2, "after": 2}
    assert b"</svg>" in found.pipe("svg")


def test_a_graph_against_a_leaf() -> None:
    x = microbp.ones(2, requires_grad=True)
    found = diff(x, x.exp(), params={"x": x})
    assert [str(change).split(" (")[0] for change in found.changes] == ["+ operation exp"]


def test_long_graphs_without_recursion() -> None:
    def chain(extra: int) -> Tensor:
        y = microbp.tensor(1.0, requires_grad=True)
        for k in range(3_000):
            y = y.tanh() if k % 2 else y.exp()
            if k == 1_500 and extra:
                y = y * 2
        return y

    start = time.perf_counter()
    found = diff(chain(0), chain(1))
    assert time.perf_counter() - start < 10 * slowness()
    assert [change.name for change in found.changes] == ["mul", "tanh"]


def test_bad_arguments() -> None:
    x = microbp.ones(2, requires_grad=True)
    with pytest.raises(TypeError, match="got str"):
        diff(x, "x")  # type: ignore[arg-type]
    with pytest.raises(OptionError, match="rankdir"):
        diff(x, x, rankdir="up")


def test_it_prints_renders_and_shows(tmp_path: Any) -> None:
    x = microbp.ones(2, requires_grad=True)
    found = diff(x.exp(), x.tanh())
    assert repr(found) == "<Difference of before and after: 2 changes>"
    assert found.render(tmp_path / "change.svg") == str(tmp_path / "change.svg")
    assert "</svg>" in found._repr_svg_()
