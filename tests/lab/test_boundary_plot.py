"""The boundary that is drawn lies where the model, or what was recorded of it, changes its mind."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import matplotlib
import numpy as np
import pytest

import microbp
from microbp import lab, nn
from microbp.errors import OptionError, RangeError, ShapeError
from microbp.nn import functional as F
from tests.lab.training import network, ring

matplotlib.use("Agg")
from matplotlib import pyplot as plt


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    """No figure outlives its test; each can be drawn."""
    yield
    for number in plt.get_fignums():
        plt.figure(number).canvas.draw()
    plt.close("all")


@pytest.fixture
def ax() -> Any:
    """Axes of a figure of one's own."""
    return plt.figure().add_subplot()


@pytest.mark.parametrize("outputs", [1, 2])
def test_the_boundary_is_where_the_class_changes(outputs: int, ax: Any) -> None:
    net = nn.Linear(2, outputs)
    with microbp.no_grad():
        net.weight[...] = 0.0
        net.bias[...] = 0.0
        net.weight[-1, 0] = 1.0  # the second class lies where the first coordinate is positive
    x = microbp.tensor([[-1.0, -1.0], [1.0, 1.0], [-1.0, 1.0], [1.0, -1.0]])
    lab.plot_decision_boundary(net, x, microbp.tensor([0, 1, 0, 1]), ax, grid=51)
    border = np.concatenate([path.vertices for path in ax.collections[1].get_paths()])
    np.testing.assert_allclose(border[:, 0], 0.0, atol=0.06)
    assert np.ptp(border[:, 1]) == pytest.approx(2 * 1.3, rel=1e-6)


def test_three_classes_have_three_colours(ax: Any) -> None:
    net = nn.Linear(2, 3)
    lab.plot_decision_boundary(net, microbp.randn(30, 2), microbp.arange(30) % 3, ax, grid=20)
    assert len(ax.get_legend().get_texts()) == 3


@pytest.mark.parametrize("labels", [[-1, 1, 1], [0, 1, 1]])
def test_points_of_every_label_are_drawn(labels: list[int], ax: Any) -> None:
    lab.plot_decision_boundary(nn.Linear(2, 1), microbp.randn(3, 2), microbp.tensor(labels), ax, grid=5)
    assert [len(part.get_offsets()) for part in ax.collections[-2:]] == [1, 2]


def test_a_history_is_no_recorder_and_has_no_points(ax: Any) -> None:
    rec = lab.watch(nn.Linear(2, 1), data=ring(), grid=4)
    rec.step(1.0)
    with pytest.raises(OptionError, match="pass the recorder"):
        lab.plot_decision_boundary(rec.history, ax=ax)
    with pytest.raises(RangeError, match="step=1 is no record of a history of 1"):
        lab.plot_decision_boundary(rec, ax=ax, step=1)


def test_a_boundary_needs_a_plane(ax: Any) -> None:
    with pytest.raises(ShapeError, match=r"points \(N, 2\), got \(5, 3\)"):
        lab.plot_decision_boundary(nn.Linear(3, 1), microbp.randn(5, 3), microbp.zeros(5), ax)


def recorded(model: nn.Module, labels: Any = None) -> Any:
    """A record of two steps, the second with all weights turned round."""
    x = ring()[0]
    rec = lab.watch(model, data=x if labels is None else (x, labels), grid=21)
    with microbp.no_grad():
        for _ in range(2):
            rec.step(1.0)
            for p in model.parameters():
                p.neg_()
    return rec


def border_of(axes: Any) -> Any:
    """The points of the line between two classes."""
    return np.concatenate([path.vertices for path in axes.collections[1].get_paths()])


def test_a_recorded_boundary_is_that_of_its_step(ax: Any) -> None:
    model = nn.Linear(2, 1)
    with microbp.no_grad():
        model.weight[...] = microbp.tensor([[1.0, 0.0]])
        model.bias[...] = -0.5
    rec = recorded(model, ring()[1])
    lab.plot_decision_boundary(rec, ax=ax, step=0)
    np.testing.assert_allclose(border_of(ax)[:, 0], 0.5, atol=0.06)
    points = sum(len(group.get_offsets()) for group in ax.collections[2:])
    assert points == 20
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["0", "1"]
    assert ax.get_xlim() == (rec.run.plane.low[0], rec.run.plane.high[0])
    sides = [
        [
            path.vertices[:, 0].mean() > 0.5
            for path in lab.plot_decision_boundary(rec, step=step).collections[0].get_paths()
        ]
        for step in (0, 1)
    ]
    assert sides == [[False, True], [True, False]], "the classes have changed sides"


def test_recorded_probabilities_are_decided_at_one_half(ax: Any) -> None:
    model = nn.Sequential(nn.Linear(2, 1), nn.Sigmoid())
    with microbp.no_grad():
        model[0].weight[...] = microbp.tensor([[4.0, 0.0]])
        model[0].bias[...] = 0.0
    rec = recorded(model)
    np.testing.assert_allclose(border_of(lab.plot_decision_boundary(rec, ax=ax, step=0))[:, 0], 0.0, atol=0.06)
    assert ax.get_legend() is None, "without labels there are no classes to explain"
    moved = border_of(lab.plot_decision_boundary(rec, step=0, threshold=0.9))
    np.testing.assert_allclose(moved[:, 0], np.log(9) / 4, atol=0.06)


def test_a_network_that_has_not_decided_yet_has_no_boundary(ax: Any) -> None:
    model = nn.Linear(2, 2)
    with microbp.no_grad():
        model.weight[...] = 0.0
        model.bias[...] = microbp.tensor([1.0, 0.0])
    lab.plot_decision_boundary(model, ring()[0], microbp.arange(20) % 2, ax, grid=20)
    assert len(ax.collections) == 3  # one region and the points of two classes, no line


def test_what_has_no_boundary_is_refused() -> None:
    rec = lab.watch(network())
    rec.step(F.mse_loss(network()(ring()[0]), ring()[1]))
    with pytest.raises(OptionError, match=r"give the points to lab.watch\(model, data=\(x, y\)\)"):
        lab.plot_decision_boundary(rec)
    with pytest.raises(OptionError, match="pass data and target"):
        lab.plot_decision_boundary(network(), ring()[0])


def points_of(axes: Any) -> dict[str, Any]:
    """The points that are drawn of each class of the legend."""
    names = [text.get_text() for text in axes.get_legend().get_texts()]
    return dict(zip(names, (group.get_offsets() for group in axes.collections[-len(names) :]), strict=True))


@pytest.mark.parametrize("values", [(0, 1), (-1, 1), (-0.5, 0.5)])
@pytest.mark.parametrize("is_recorded", [True, False])
def test_two_classes_may_be_called_by_any_two_numbers(values: tuple[float, float], is_recorded: bool, ax: Any) -> None:
    model, x = nn.Linear(2, 1), ring()[0]
    second = np.arange(20) % 3 == 0
    labels = np.where(second, values[1], values[0])
    if is_recorded:
        lab.plot_decision_boundary(recorded(model, labels), ax=ax)
    else:
        lab.plot_decision_boundary(model, x, labels, ax, grid=20)
    drawn = points_of(ax)
    assert list(drawn) == ["0", "1"]
    np.testing.assert_array_equal(drawn["0"], x.numpy()[~second])
    np.testing.assert_array_equal(drawn["1"], x.numpy()[second])


@pytest.mark.parametrize("is_recorded", [True, False])
def test_a_class_without_points_keeps_its_number(is_recorded: bool, ax: Any) -> None:
    model, x = nn.Linear(2, 3), ring()[0]
    labels = np.arange(20) % 2 + 1
    if is_recorded:
        lab.plot_decision_boundary(recorded(model, labels), ax=ax)
    else:
        lab.plot_decision_boundary(model, x, labels, ax, grid=20)
    assert {name: len(points) for name, points in points_of(ax).items()} == {"0": 0, "1": 10, "2": 10}


def test_points_of_whole_numbers_have_a_fine_grid(ax: Any) -> None:
    model = nn.Linear(2, 1)
    with microbp.no_grad():
        model.weight[...] = microbp.tensor([[1.0, 0.0]])
        model.bias[...] = -0.5
    corners = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    lab.plot_decision_boundary(model, corners, [0, 0, 1, 1], ax, grid=101)
    np.testing.assert_allclose(border_of(ax)[:, 0], 0.5, atol=0.02)


def test_a_class_for_each_point() -> None:
    x = ring()[0]
    with pytest.raises(ShapeError, match=r"20 points, but classes of shape \(20, 3\); give one for each"):
        lab.plot_decision_boundary(nn.Linear(2, 3), x, F.one_hot(microbp.arange(20) % 3, 3))
    with pytest.raises(ShapeError, match=r"20 points, but classes of shape \(5,\)"):
        lab.plot_decision_boundary(nn.Linear(2, 3), x, microbp.zeros(5))
    with pytest.raises(ShapeError, match=r"points \(N, 2\), got \(0, 2\)"):
        lab.plot_decision_boundary(nn.Linear(2, 3), x[:0], microbp.zeros(0))
    assert plt.get_fignums() == []
