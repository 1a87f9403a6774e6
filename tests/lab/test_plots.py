"""Plots show the numbers that they were given, on the axes that they were given."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import matplotlib
import numpy as np
import pytest

import microbp
from microbp import lab, nn
from microbp.errors import OptionError, RangeError

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


def model() -> nn.Sequential:
    """Two layers."""
    return nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))


def history() -> dict[str, Any]:
    """What a recorder would have noted of four steps of the model."""
    rng = np.random.default_rng(0)
    shapes = {"0.weight": (3, 2), "0.bias": (3,), "2.weight": (1, 3), "2.bias": (1,)}
    return {
        "loss": np.array([1.0, 0.5, 0.25, 0.125]),
        **{f"weights/{name}": rng.normal(size=(4, *shape)) for name, shape in shapes.items()},
        **{f"grads/{name}": rng.normal(size=(4, *shape)) for name, shape in shapes.items()},
        "acts/0": rng.normal(size=(4, 10, 3)),
        "acts/1": np.tanh(rng.normal(size=(4, 10, 3))),
    }


def every_plot(ax: Any) -> dict[str, Any]:
    """A call of each."""
    net = model()
    x = microbp.randn(12, 2)
    net(x).square().mean().backward()
    return {
        "loss": lambda: lab.plot_loss([1.0, 0.5], ax=ax),
        "grad flow": lambda: lab.plot_grad_flow(net, ax=ax),
        "weights": lambda: lab.plot_weights(net, ax=ax),
        "activations": lambda: lab.plot_activations(net, x, ax=ax),
        "boundary": lambda: lab.plot_decision_boundary(net, x, microbp.arange(12) % 2, ax=ax, grid=20),
    }


@pytest.mark.parametrize("name", ["loss", "grad flow", "weights", "activations", "boundary"])
def test_axes_come_back_whether_given_or_not(name: str, ax: Any) -> None:
    assert every_plot(ax)[name]() is ax
    fresh = every_plot(None)[name]()
    assert fresh is not ax
    assert fresh.get_title()


@pytest.mark.parametrize("source", [history(), SimpleNamespace(history=history())], ids=["history", "recorder"])
def test_histories_and_recorders_are_taken(source: Any, ax: Any) -> None:
    arrays = history()
    (curve,) = lab.plot_loss(source).lines
    np.testing.assert_array_equal(curve.get_ydata(), arrays["loss"])
    (flow,) = lab.plot_grad_flow(source, step=1).lines
    expected = [np.sqrt(np.mean(arrays[f"grads/{name}"][1] ** 2)) for name in ("0.weight", "2.weight")]
    np.testing.assert_allclose(flow.get_ydata(), expected)
    (image,) = lab.plot_weights(source, "2.weight", step=2).images
    np.testing.assert_array_equal(image.get_array(), arrays["weights/2.weight"][2])
    lab.plot_activations(source, ax=ax)
    assert [label.get_text() for label in ax.get_xticklabels()] == ["0", "1"]


def test_loss_of_several_runs(ax: Any) -> None:
    seeds = np.array([[1.0, 0.5], [3.0, 1.5]])
    lab.plot_loss({"one": history(), "other": [2.0, 1.0], "seeds": seeds}, ax)
    assert [line.get_label() for line in ax.lines] == ["one", "other", "seeds"]
    np.testing.assert_array_equal(ax.lines[2].get_ydata(), [2.0, 1.0])  # their mean
    assert ax.get_yscale() == "log"
    assert len({line.get_color() for line in ax.lines}) == 3


def test_a_loss_is_drawn_over_the_steps_at_which_it_was_noted(ax: Any) -> None:
    lab.plot_loss({**history(), "step": np.array([0, 10, 20, 30])}, ax)
    np.testing.assert_array_equal(ax.lines[0].get_xdata(), [0, 10, 20, 30])


def test_a_loss_that_is_not_positive_has_a_linear_scale(ax: Any) -> None:
    assert lab.plot_loss([1.0, -1.0], ax).get_yscale() == "linear"


def test_gradient_flow_of_a_model(ax: Any) -> None:
    net = model()
    with pytest.raises(OptionError, match="backward"):
        lab.plot_grad_flow(net, ax)
    net(microbp.randn(5, 2)).square().mean().backward()
    lab.plot_grad_flow(net, ax, label="tanh")
    expected = [net[k].weight.grad.square().mean().sqrt().item() for k in (0, 2)]
    np.testing.assert_allclose(ax.lines[0].get_ydata(), expected, rtol=1e-6)
    assert [label.get_text() for label in ax.get_xticklabels()] == ["0.weight", "2.weight"]
    assert len(lab.plot_grad_flow({"one": net, "recorded": history()}).lines) == 2


def test_weights_are_drawn_around_0_with_their_numbers(ax: Any) -> None:
    lab.plot_weights(microbp.tensor([[1.0, -2.0], [0.0, 0.5]]), ax=ax)
    (image,) = ax.images
    assert image.get_clim() == (-2.0, 2.0)
    assert [text.get_text() for text in ax.texts] == ["1.00", "-2.00", "0.00", "0.50"]
    assert not lab.plot_weights(np.ones((20, 20))).texts
    assert lab.plot_weights(np.ones((4, 3, 2, 2))).images[0].get_array().shape == (4, 12)
    assert lab.plot_weights(np.zeros(3)).images[0].get_array().shape == (1, 3)


def test_a_weight_that_is_not_there(ax: Any) -> None:
    with pytest.raises(
        OptionError, match=r"no weight '1.weight'; there are '0.weight', '0.bias', '2.weight', '2.bias'"
    ):
        lab.plot_weights(model(), "1.weight", ax)


def test_numbers_are_written_only_where_they_fit_into_their_cells() -> None:
    small = plt.figure(figsize=(3, 2)).add_subplot()
    assert not lab.plot_weights(np.ones((2, 16)), ax=small).texts
    assert len(lab.plot_weights(np.ones((2, 16)), ax=plt.figure(figsize=(12, 2)).add_subplot()).texts) == 32
    axes = lab.plot_weights(np.full((12, 8), -0.125), ax=plt.figure(dpi=50).add_subplot())
    axes.figure.canvas.draw()
    cell = axes.get_window_extent()
    for text in axes.texts:
        box = text.get_window_extent()
        assert box.width < cell.width / 8
        assert box.height < cell.height / 12


def test_all_steps_of_a_history_have_the_same_scale() -> None:
    arrays = history()
    arrays["acts/0"][2] = np.nan
    arrays["acts/0"][1, 5:] = np.nan  # a smaller batch
    for name, plot in (
        ("colours", lambda step: lab.plot_weights(arrays, "0.weight", step=step).images[0].get_clim()),
        ("gradients", lambda step: lab.plot_grad_flow(arrays, step=step).get_ylim()),
        ("activations", lambda step: lab.plot_activations(arrays, step=step).get_ylim()),
        ("loss", lambda step: lab.plot_loss(arrays, step=step).get_ylim()),
    ):
        assert len({plot(step) for step in range(4)}) == 1, name
    largest = np.abs(arrays["weights/0.weight"]).max()
    assert lab.plot_weights(arrays, "0.weight", step=0).images[0].get_clim() == (-largest, largest)
    sizes = [np.sqrt(np.mean(arrays[f"grads/{name}"] ** 2, axis=(1, 2))) for name in ("0.weight", "2.weight")]
    low, high = lab.plot_grad_flow(arrays, step=0).get_ylim()
    assert low < np.min(sizes) < np.max(sizes) < high


@pytest.mark.parametrize("plot", [lab.plot_loss, lab.plot_grad_flow, lab.plot_weights, lab.plot_activations])
@pytest.mark.parametrize("step", [4, 30, -5])
def test_a_record_that_is_not_there_is_refused(plot: Any, step: int, ax: Any) -> None:
    with pytest.raises(RangeError, match=f"step={step} is no record of a history of 4: .* from 0"):
        plot({**history(), "step": np.array([0, 10, 20, 30])}, ax=ax, step=step)


def test_a_step_of_the_loss_is_marked(ax: Any) -> None:
    lab.plot_loss({**history(), "step": np.array([0, 10, 20, 30])}, ax, step=2)
    curve, line, dot = ax.lines
    assert len(curve.get_xdata()) == 4
    assert list(line.get_xdata()) == [20, 20]
    assert (dot.get_xdata()[0], dot.get_ydata()[0]) == (20, 0.25)


def test_activations_leave_out_what_was_filled_up(ax: Any) -> None:
    values = np.full((1, 6, 2), np.nan)
    values[0, :3] = [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]
    lab.plot_activations({"acts/0": values}, ax=ax)
    assert any(np.isclose(line.get_ydata(), 3.5).all() for line in ax.lines)


def test_activations_of_a_model_are_those_that_it_computes(ax: Any) -> None:
    net = nn.Sequential(nn.Linear(2, 3), nn.Dropout(0.5), nn.Tanh())
    x = microbp.randn(50, 2)
    lab.plot_activations(net, x, ax)
    assert [label.get_text() for label in ax.get_xticklabels()] == ["0", "1", "2"]
    net.eval()
    assert any(np.isclose(line.get_ydata(), np.median(net(x).array)).all() for line in ax.lines)
    with pytest.raises(OptionError, match="data="):
        lab.plot_activations(net)


def test_a_model_is_left_as_it_was() -> None:
    net = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Dropout(0.5), nn.Linear(3, 2))
    net[1].eval()
    state = {name: value.array.copy() for name, value in net.state_dict().items()}
    x = microbp.randn(10, 2)
    lab.plot_activations(net, x)
    lab.plot_decision_boundary(net, x, microbp.arange(10) % 2, grid=10)
    assert [module.training for module in net] == [True, False, True, True]
    for name, value in net.state_dict().items():
        np.testing.assert_array_equal(value.array, state[name])
    calls = []
    net[0].register_forward_hook(lambda *_: calls.append(1))
    net(x)
    assert calls == [1]  # no hook of the plots is left


def test_the_plots_of_a_report_stand_side_by_side() -> None:
    x = microbp.linspace(-1, 1, 8).reshape(8, 1)
    report = lab.structure_report({"a": lambda: lab.layered_network(2, 4, inputs=1, outputs=1)}, (x, x), epochs=1)
    figure, places = plt.subplots(1, 3, figsize=(12, 4), layout="constrained")
    for axes, what in zip(places, ("loss", "gradients", "updates"), strict=True):
        report.plot(axes, what=what)
    figure.canvas.draw()
    for axes in places:
        box = axes.get_window_extent()
        assert axes.title.get_window_extent().width <= box.width
        assert axes.xaxis.label.get_window_extent().width <= box.width
        assert axes.yaxis.label.get_window_extent().height <= box.height


def test_a_report_is_drawn(ax: Any) -> None:
    x = microbp.linspace(-1, 1, 8).reshape(8, 1)
    report = lab.structure_report(
        {"a": lambda: lab.layered_network(3, 4, inputs=1, outputs=1, activation=nn.Tanh)}, (x, x), epochs=3
    )
    assert report.plot(ax) is ax
    np.testing.assert_allclose(ax.lines[0].get_ydata(), report["a"].loss.mean(axis=0))
    gradients = report.plot(what="gradients")
    np.testing.assert_allclose(gradients.lines[0].get_ydata(), report["a"].gradients[:, 0].mean(axis=0))
    np.testing.assert_allclose(gradients.lines[1].get_ydata(), report["a"].gradients[:, -1].mean(axis=0))
    assert report.plot(what="updates").get_yscale() == "log"
    with pytest.raises(OptionError, match="'loss', 'gradients' or 'updates'"):
        report.plot(what="weights")


def test_without_matplotlib_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match=r'pip install "microbp\[plot\]"'):
        lab.plot_loss([1.0])


def test_importing_the_lab_does_not_import_matplotlib() -> None:
    program = "import sys, microbp.lab; assert not {'matplotlib', 'pygraphviz', 'IPython', 'torch'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)


def test_what_was_not_recorded_is_refused_and_opens_no_figure() -> None:
    only_weights = {key: track for key, track in history().items() if key.startswith("weights/")}
    for plot, message in (
        (lab.plot_loss, "no loss was recorded"),
        (lab.plot_grad_flow, "no gradients of weights"),
        (lab.plot_activations, "no activations"),
    ):
        for source in (only_weights, SimpleNamespace(history=only_weights), {}):
            with pytest.raises(OptionError, match=message):
                plot(source)
    with pytest.raises(OptionError, match="there is no matrix; there are none"):
        lab.plot_weights({"loss": np.ones(3)})
    with pytest.raises(OptionError, match="no gradients"):
        lab.plot_grad_flow(None)
    assert plt.get_fignums() == []


def test_gradient_flow_of_several_models_has_the_names_of_the_deepest(ax: Any) -> None:
    deep, shallow = (nn.Sequential(*(nn.Linear(2, 2) for _ in range(depth))) for depth in (5, 1))
    for net in (deep, shallow):
        net(microbp.randn(4, 2)).square().mean().backward()
    lab.plot_grad_flow({"deep": deep, "shallow": shallow}, ax)
    assert [label.get_text() for label in ax.get_xticklabels()] == [f"{k}.weight" for k in range(5)]


def test_a_loss_that_ended_in_nan_keeps_its_scale(ax: Any) -> None:
    assert lab.plot_loss([1.0, 0.1, np.nan], ax).get_yscale() == "log"
