"""The doctor: every finding has a case that triggers it and nothing else, and a healthy twin that triggers nothing."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import microbp
from microbp import Tensor, lab, nn, optim
from microbp.errors import BroadcastWarning, GraphError, MutationError
from microbp.nn import functional as F

EXAMPLES = Path(__file__).parents[2] / "examples"


def example(name: str) -> ModuleType:
    """An example as a module."""
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def layered(depth: int, activation: Callable[[], nn.Module], gain: float | None = None, width: int = 16) -> Any:
    """Linear layers with an activation after each but the last; normal weights of deviation gain / sqrt(width)."""
    layers: list[nn.Module] = []
    for _ in range(depth):
        layers += [nn.Linear(width, width), activation()]
    model = nn.Sequential(*layers[:-1])
    if gain is not None:
        for p in model.parameters():
            nn.init.normal_(p, std=gain / width**0.5) if p.ndim == 2 else nn.init.zeros_(p)
    return model


def regression(model: Any, samples: int = 64, width: int = 16) -> Tensor:
    """The squared error on standard normal inputs and targets."""
    loss: Tensor = F.mse_loss(model(microbp.randn(samples, width)), microbp.randn(samples, width))
    return loss


def report(model: Any, loss: Tensor, optimizer: Any = None, **more: Any) -> list[str]:
    """The kinds that are found after a backward pass; every finding can be read."""
    loss.backward(retain_graph=True)
    findings = lab.doctor(model, loss, optimizer, **more)
    for finding in findings:
        assert finding.where
        assert finding.text.endswith(".")
        assert finding.remedy.endswith(".")
        assert finding.text in " ".join(str(findings).split())
    return findings.kinds


# -- gradients ---------------------------------------------------------------------------------


def test_vanishing_gradients_of_a_deep_sigmoid_network() -> None:
    model = layered(10, nn.Sigmoid)
    loss = regression(model)
    assert report(model, loss) == ["vanishing gradients"]
    (finding,) = lab.doctor(model, loss)
    assert finding.where == "layer '0'"
    first, last = model[0].weight.grad.norm().item(), model[-1].weight.grad.norm().item()
    assert finding.number == pytest.approx(first / last, rel=1e-5)
    assert finding.number < 1e-3


def test_no_vanishing_gradients_in_a_deep_relu_network_with_kaiming_weights() -> None:
    model = layered(10, nn.ReLU, gain=2**0.5)
    assert report(model, regression(model)) == []


def test_exactly_no_gradient_behind_a_scale_of_0_is_no_vanishing_one() -> None:
    class Gate(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.Linear(16, 16)
            self.scale = nn.Parameter(microbp.zeros(1))

        def forward(self, x: Tensor) -> Any:
            return x + self.scale * self.inner(x)

    model = nn.Sequential(Gate(), Gate(), nn.Linear(16, 16))
    assert report(model, regression(model)) == []


def test_exploding_gradients_of_large_weights() -> None:
    model = layered(10, nn.ReLU, gain=6.0)
    loss = regression(model)
    assert report(model, loss, optim.SGD(model.parameters(), lr=1e-3)) == ["exploding gradients"]
    (finding,) = lab.doctor(model, loss)
    assert finding.number > 1e3


def test_gradients_that_grow_on_the_way_back_explode() -> None:
    model = layered(10, nn.Identity, gain=4.0)
    with microbp.no_grad():
        model[0].weight *= 1e-6  # what goes forward stays small, what comes back does not
    loss = regression(model)
    assert report(model, loss) == ["exploding gradients"]


def test_nan_is_found_and_nothing_else() -> None:
    model = nn.Linear(3, 2)
    x = microbp.ones(16, 3)
    loss = (model(x) * 0 - 1).sqrt().mean()
    assert report(model, loss, optim.SGD(model.parameters(), lr=0.1)) == ["NaN or infinite"]


class Partly(nn.Module):
    """Two layers, the first of which may be cut off, and one that is not used."""

    def __init__(self, cut: bool, spare: bool) -> None:
        super().__init__()
        self.first = nn.Linear(4, 4)
        self.last = nn.Linear(4, 2)
        self.cut = cut
        if spare:
            self.spare = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Any:
        x = self.first(x).tanh()
        return self.last(x.detach() if self.cut else x)


@pytest.mark.parametrize(("cut", "spare", "names"), [(True, False, "first"), (False, True, "spare")])
def test_a_parameter_that_never_receives_a_gradient(cut: bool, spare: bool, names: str) -> None:
    model = Partly(cut, spare)
    loss = regression(lambda x: model(x[:, :4]).repeat(1, 8))
    assert report(model, loss, optim.SGD(model.parameters(), lr=0.1)) == ["no gradient"]
    (finding,) = lab.doctor(model, loss)
    assert finding.where == f"parameters '{names}.weight', '{names}.bias'"
    assert finding.number == 2


def test_a_frozen_parameter_needs_no_gradient() -> None:
    model = Partly(cut=True, spare=True)
    model.first.requires_grad_(False)
    model.spare.requires_grad_(False)
    loss = regression(lambda x: model(x[:, :4]).repeat(1, 8))
    assert report(model, loss, optim.SGD(model.last.parameters(), lr=0.1)) == []


def test_a_loss_of_another_model() -> None:
    model, other = layered(2, nn.Tanh), layered(2, nn.Tanh)
    loss = regression(other)
    assert report(model, loss) == ["no gradient"]


# -- units -------------------------------------------------------------------------------------


def test_dead_relus() -> None:
    model = layered(3, nn.ReLU, gain=2**0.5)
    with microbp.no_grad():
        model[2].bias[:12] = -100.0
    loss = regression(model)
    assert report(model, loss, optim.SGD(model.parameters(), lr=0.01)) == ["dead ReLUs"]
    (finding,) = lab.doctor(model, loss)
    assert finding.where == "relu after '2'"
    assert finding.number == 0.75
    assert "12 of 16 units" in finding.text
    assert "64 values" in finding.text


def test_a_few_silent_relus_are_no_disease() -> None:
    model = layered(3, nn.ReLU, gain=2**0.5)
    with microbp.no_grad():
        model[2].bias[:6] = -100.0
    assert report(model, regression(model)) == []


def test_wholly_dead_relus_are_the_cause_and_what_vanishes_is_not_told_beside() -> None:
    model = layered(4, nn.ReLU, gain=2**0.5)
    with microbp.no_grad():
        model[2].bias[:] = -100.0
    assert report(model, regression(model)) == ["dead ReLUs"]


def test_channels_are_the_units_of_a_convolution() -> None:
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 16, 1))
    with microbp.no_grad():
        model[0].bias[:3] = -100.0
    loss = model(microbp.randn(8, 1, 6, 6)).square().mean()
    assert report(model, loss) == ["dead ReLUs"]
    (finding,) = lab.doctor(model, loss)
    assert finding.number == 0.75


@pytest.mark.parametrize("activation", [nn.Tanh, nn.Sigmoid, nn.Hardtanh])
def test_saturated_units(activation: Callable[[], nn.Module]) -> None:
    model = layered(2, activation)
    with microbp.no_grad():
        model[0].weight *= 200.0
    loss = regression(model)
    assert report(model, loss, optim.SGD(model.parameters(), lr=0.01)) == ["saturated units"]
    (finding,) = lab.doctor(model, loss)
    assert finding.where.endswith("after '0'")
    assert finding.number > 0.5


@pytest.mark.parametrize("activation", [nn.Tanh, nn.Sigmoid, nn.Hardtanh])
def test_fresh_units_are_not_saturated(activation: Callable[[], nn.Module]) -> None:
    model = layered(2, activation)
    assert report(model, regression(model)) == []


def test_an_output_may_be_sure() -> None:
    model = nn.Sequential(nn.Linear(4, 1), nn.Sigmoid())
    x = 20 * microbp.randn(64, 4).sign()
    with microbp.no_grad():
        model[0].weight[...] = microbp.tensor([[10.0, 0.0, 0.0, 0.0]])
    loss = F.binary_cross_entropy(model(x / 20), (x[:, :1] > 0).float())
    assert report(model, loss) == []


# -- the loss ----------------------------------------------------------------------------------


def classification(*after: nn.Module, classes: int = 5, samples: int = 64) -> tuple[Any, Tensor, Tensor]:
    """A classifier, its outputs and labels."""
    model = nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, classes), *after)
    return model, model(microbp.randn(samples, 8)), microbp.arange(samples) % classes


def test_softmax_before_cross_entropy() -> None:
    model, outputs, labels = classification(nn.Softmax(dim=1))
    loss = F.cross_entropy(outputs, labels)
    assert report(model, loss) == ["softmax before cross entropy"]
    (finding,) = lab.doctor(model, loss)
    certain = F.cross_entropy(microbp.eye(5), microbp.arange(5)).item()
    assert finding.number == pytest.approx(certain, rel=1e-5)
    assert "test_doctor.py:" in finding.where


def test_softmax_before_cross_entropy_with_class_weights_or_behind_a_reshape() -> None:
    model, outputs, labels = classification(nn.Softmax(dim=1))
    assert report(model, F.cross_entropy(outputs, labels, weight=microbp.ones(5))) == ["softmax before cross entropy"]
    model, outputs, labels = classification(nn.Softmax(dim=1))
    assert report(model, F.cross_entropy(outputs.reshape(64, 5), labels)) == ["softmax before cross entropy"]


def test_sigmoid_before_the_binary_loss_that_has_one() -> None:
    model, outputs, labels = classification(nn.Sigmoid(), classes=2)
    loss = F.binary_cross_entropy_with_logits(outputs, F.one_hot(labels, 2).float())
    assert report(model, loss) == ["softmax before cross entropy"]
    (finding,) = lab.doctor(model, loss)
    assert finding.number == pytest.approx(np.log(2))


@pytest.mark.parametrize(
    "loss_of",
    [
        lambda outputs, labels: F.cross_entropy(outputs, labels),
        lambda outputs, labels: F.nll_loss(outputs.log_softmax(dim=1), labels),
        lambda outputs, labels: F.nll_loss(outputs.softmax(dim=1).log(), labels),
    ],
    ids=["logits", "log_softmax", "log of softmax"],
)
def test_logits_are_what_cross_entropy_takes(loss_of: Callable[[Tensor, Tensor], Tensor]) -> None:
    model, outputs, labels = classification()
    assert report(model, loss_of(outputs, labels)) == []


def test_softmax_inside_the_network_is_attention() -> None:
    class Attention(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.score = nn.Linear(8, 8)
            self.last = nn.Linear(8, 5)

        def forward(self, x: Tensor) -> Any:
            return self.last(self.score(x).softmax(dim=1) * x)

    model = Attention()
    assert report(model, F.cross_entropy(model(microbp.randn(64, 8)), microbp.arange(64) % 5)) == []


def one_output(samples: int = 16) -> tuple[Any, Tensor]:
    """A model with one output, and its predictions (N, 1)."""
    model = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1))
    return model, model(microbp.randn(samples, 3))


def test_a_loss_that_broadcast_silently() -> None:
    model, predictions = one_output()
    loss = (predictions - microbp.randn(16)).square().mean()
    assert report(model, loss) == ["broadcast loss"]
    (finding,) = lab.doctor(model, loss)
    assert finding.number == 256
    assert "(16, 1)" in finding.text
    assert "(16, 16)" in finding.text
    assert "test_doctor.py:" in finding.where


def test_a_loss_that_broadcast_the_other_way_round() -> None:
    model, predictions = one_output()
    assert report(model, (predictions[:, 0] - microbp.randn(16, 1)).abs().mean()) == ["broadcast loss"]


def test_a_loss_of_the_library_that_broadcast_with_a_warning() -> None:
    model, predictions = one_output()
    with pytest.warns(BroadcastWarning):
        loss = F.mse_loss(predictions, microbp.randn(16))
    assert report(model, loss) == ["broadcast loss"]


def test_other_broadcasts_are_meant() -> None:
    model, predictions = one_output()
    assert report(model, (predictions - microbp.randn(16, 1)).square().mean()) == []
    model, predictions = one_output()
    assert report(model, (predictions - predictions.T).square().mean() + predictions.mean()) == []  # all pairs
    model, outputs, _ = classification()
    assert report(model, ((outputs - microbp.randn(64, 1)) * microbp.rand(5)).square().mean()) == []


def test_labels_off_by_one() -> None:
    model, outputs, _ = classification(classes=6)
    loss = F.cross_entropy(outputs, microbp.arange(64) % 5 + 1)
    assert report(model, loss) == ["labels off by one"]
    (finding,) = lab.doctor(model, loss)
    assert finding.number == 1
    assert "from 1 to 5" in finding.text


def test_labels_that_miss_class_0_by_chance() -> None:
    model, outputs, _ = classification(classes=6, samples=12)
    assert report(model, F.cross_entropy(outputs, microbp.arange(12) % 5 + 1)) == []
    model, outputs, _ = classification(classes=6, samples=12)
    everything = np.arange(1200) % 5 + 1
    assert report(model, F.cross_entropy(outputs, microbp.arange(12) % 5 + 1), target=everything) == [
        "labels off by one"
    ]


@pytest.mark.parametrize(("low", "high"), [(1, 2), (-1, 1)])
def test_binary_labels_that_are_not_0_and_1(low: int, high: int) -> None:
    model, predictions = one_output()
    labels = low + (high - low) * (microbp.arange(16) % 2).float().reshape(16, 1)
    assert report(model, F.binary_cross_entropy_with_logits(predictions, labels)) == ["labels off by one"]


def test_binary_labels_of_0_and_1() -> None:
    model, predictions = one_output()
    labels = (microbp.arange(16) % 2).float().reshape(16, 1)
    assert report(model, F.binary_cross_entropy_with_logits(predictions, labels)) == []


# -- the step ----------------------------------------------------------------------------------


def test_a_parameter_outside_the_optimizer() -> None:
    model = layered(2, nn.Tanh)
    loss = regression(model)
    assert report(model, loss, optim.SGD(model[0].parameters(), lr=0.1)) == ["parameter outside the optimizer"]
    (finding,) = lab.doctor(model, loss, optim.SGD(model[0].parameters(), lr=0.1))
    assert finding.where == "parameters '2.weight', '2.bias'"
    assert finding.number == 2


def test_an_optimizer_of_another_model() -> None:
    model, before = layered(2, nn.Tanh), layered(2, nn.Tanh)
    loss = regression(model)
    assert report(model, loss, optim.Adam(before.parameters())) == ["parameter outside the optimizer"]
    (finding,) = lab.doctor(model, loss, optim.Adam(before.parameters()))
    assert finding.where == "the model"


def train(model: Any, optimizer: Any, steps: int, forget: bool = False, after: Callable[[], Any] = int) -> Tensor:
    """Some steps, and a last backward pass without one."""
    for step in range(steps):
        if not forget:
            optimizer.zero_grad()
        loss = regression(model)
        loss.backward(retain_graph=True)
        after()
        if step < steps - 1:
            optimizer.step()
    return loss


def test_forgotten_zero_grad() -> None:
    model = layered(2, nn.Tanh)
    optimizer = optim.SGD(model.parameters(), lr=0.01)
    loss = train(model, optimizer, 5, forget=True)
    findings = lab.doctor(model, loss, optimizer)
    assert findings.kinds == ["forgotten zero_grad"]
    assert findings[0].number > 1
    assert "4 of 4 parameters" in findings[0].text


@pytest.mark.parametrize("set_to_none", [True, False])
def test_zero_grad_remembered(set_to_none: bool) -> None:
    model = layered(2, nn.Tanh)
    optimizer = optim.SGD(model.parameters(), lr=0.01)
    for _ in range(3):
        optimizer.zero_grad(set_to_none)
        loss = regression(model)
        loss.backward(retain_graph=True)
        assert lab.doctor(model, loss, optimizer) == []
        optimizer.step()


def test_zero_grad_may_come_between_loss_and_backward() -> None:
    model = layered(2, nn.Tanh)
    optimizer = optim.SGD(model.parameters(), lr=0.01)
    train(model, optimizer, 3)
    assert lab.doctor(model, regression(model), optimizer) == []


@pytest.mark.parametrize(
    "clip", [lambda p: nn.utils.clip_grad_norm_(p, 1e-3), lambda p: nn.utils.clip_grad_value_(p, 1e-3)]
)
def test_clipped_gradients_are_not_added_up(clip: Callable[[Any], Any]) -> None:
    model = layered(2, nn.Tanh)
    optimizer = optim.SGD(model.parameters(), lr=0.01)
    loss = train(model, optimizer, 3, after=lambda: clip(model.parameters()))
    assert lab.doctor(model, loss, optimizer) == []


@pytest.mark.parametrize("kind", [optim.SGD, optim.Adam, optim.RMSprop])
def test_a_learning_rate_that_is_too_high(kind: Callable[..., Any]) -> None:
    model = layered(2, nn.Tanh)
    optimizer = kind(model.parameters(), lr=100.0)
    loss = regression(model)
    assert report(model, loss, optimizer) == ["learning rate too high"]
    (finding,) = lab.doctor(model, loss, optimizer)
    before = {name: p.detach().clone() for name, p in model.named_parameters() if p.ndim == 2}
    optimizer.step()
    ratios = {
        name: (model.get_parameter(name) - w).norm().item() / max(w.norm().item(), (16 / 3) ** 0.5)
        for name, w in before.items()
    }
    name = max(ratios, key=ratios.__getitem__)
    assert finding.where == f"parameter {name!r}"
    assert finding.number == pytest.approx(ratios[name], rel=1e-4)


def test_weights_that_start_at_0_may_grow() -> None:
    model = layered(2, nn.Tanh)
    nn.init.zeros_(model[-1].weight)
    optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    for _ in range(3):
        optimizer.zero_grad()
        loss = regression(model)
        loss.backward(retain_graph=True)
        assert lab.doctor(model, loss, optimizer) == []
        optimizer.step()


def test_clipping_is_part_of_the_step() -> None:
    model = layered(2, nn.Tanh)
    optimizer = optim.SGD(model.parameters(), lr=100.0)
    loss = regression(model)
    loss.backward(retain_graph=True)
    nn.utils.clip_grad_norm_(model.parameters(), 1e-3)
    assert lab.doctor(model, loss, optimizer) == []


def test_a_learning_rate_that_is_too_low() -> None:
    model = layered(2, nn.Tanh)
    assert report(model, regression(model), optim.SGD(model.parameters(), lr=1e-9)) == ["learning rate too low"]


@pytest.mark.parametrize("kind", [optim.SGD, optim.Adam, optim.RMSprop])
def test_ordinary_learning_rates(kind: Callable[..., Any]) -> None:
    model = layered(2, nn.Tanh)
    assert report(model, regression(model), kind(model.parameters(), lr=1e-3)) == []


def test_a_layer_whose_rate_is_0_stands_still_on_purpose() -> None:
    model = layered(2, nn.Tanh)
    groups = optim.layer_groups(model, {"0": 0.0})
    assert report(model, regression(model), optim.SGD(groups, lr=0.01)) == []


def test_lbfgs_is_not_tried() -> None:
    model = layered(2, nn.Tanh)
    assert report(model, regression(model), optim.LBFGS(model.parameters())) == []


@pytest.mark.parametrize("factor", [255.0, 1e-5])
def test_unscaled_inputs(factor: float) -> None:
    model = layered(2, nn.ReLU)
    x = factor * microbp.rand(64, 16)
    loss = F.cross_entropy(model(x), microbp.arange(64) % 16)
    assert report(model, loss) == ["unscaled inputs"]
    (finding,) = lab.doctor(model, loss)
    assert finding.number == pytest.approx(x.square().mean().sqrt().item(), rel=1e-5)
    assert finding.where == "the inputs of '0'"


def test_scaled_inputs_and_unscaled_targets() -> None:
    model = layered(2, nn.ReLU)
    loss = F.l1_loss(model(microbp.randn(64, 16)), 100 * microbp.randn(64, 16))
    assert report(model, loss) == []


def test_inputs_that_are_normalised_first() -> None:
    model = nn.Sequential(nn.BatchNorm1d(16), layered(2, nn.ReLU))
    loss = F.cross_entropy(model(255 * microbp.rand(64, 16)), microbp.arange(64) % 16)
    assert report(model, loss) == []


def test_the_whole_data_set_says_more_than_a_batch() -> None:
    model = layered(2, nn.ReLU)
    loss = regression(model)
    assert report(model, loss, data=255 * microbp.rand(1000, 16)) == ["unscaled inputs"]


# -- the examples are healthy --------------------------------------------------------------------


def during(steps: int, looks: set[int], one_step: Callable[[], tuple[Any, Tensor, Any]]) -> Iterator[str]:
    """What is found at some steps of a training; `one_step` computes the next loss and its gradients."""
    for step in range(steps):
        model, loss, optimizer = one_step()
        if step in looks:
            yield from lab.doctor(model, loss, optimizer).kinds
        optimizer.step()


def test_the_digits_are_healthy() -> None:
    digits = example("digits")
    training, _ = digits.load(0)
    model = digits.DigitReader()
    optimizer = optim.SGD(
        optim.layer_groups(model, {"first": 0.08, "second": 0.04}), lr=0.02, momentum=0.9, weight_decay=5e-4
    )
    pixels, labels = training[:]
    order = np.random.default_rng(0)

    def one_step() -> tuple[Any, Tensor, Any]:
        batch = order.integers(len(labels), size=32)
        optimizer.zero_grad()
        loss = F.cross_entropy(model(pixels[batch]), labels[batch])
        loss.backward(retain_graph=True)
        return model, loss, optimizer

    assert list(during(1001, {0, 1, 10, 50, 100, 200, 500, 1000}, one_step)) == []


@pytest.mark.parametrize("activation", [nn.Tanh, nn.Sigmoid, nn.ReLU, nn.GELU])
def test_reading_digits_with_adam_is_healthy(activation: Callable[[], nn.Module]) -> None:
    training, _ = example("digits").load(0)
    pixels, labels = training[:]
    model = nn.Sequential(nn.Linear(64, 64), activation(), nn.Linear(64, 32), activation(), nn.Linear(32, 10))
    optimizer = optim.Adam(model.parameters(), lr=3e-3)
    order = np.random.default_rng(0)

    def one_step() -> tuple[Any, Tensor, Any]:
        batch = order.integers(len(labels), size=32)
        optimizer.zero_grad()
        loss = F.cross_entropy(model(pixels[batch]), labels[batch])
        loss.backward(retain_graph=True)
        return model, loss, optimizer

    assert list(during(301, {0, 1, 10, 50, 100, 200, 300}, one_step)) == []


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("hidden", [True, False])
def test_xor_is_healthy(hidden: bool, seed: int) -> None:
    microbp.manual_seed(seed)
    x, y = example("xor").points()
    model = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1)) if hidden else nn.Linear(2, 1)
    optimizer = optim.SGD(model.parameters(), lr=0.5, momentum=0.9)

    def one_step() -> tuple[Any, Tensor, Any]:
        optimizer.zero_grad()
        loss = nn.BCEWithLogitsLoss()(model(x), y)
        loss.backward(retain_graph=True)
        return model, loss, optimizer

    assert list(during(500, {0, 1, 3, 10, 30, 100, 499}, one_step)) == []


def test_own_parts_are_healthy() -> None:
    own = example("own_parts")
    x = microbp.linspace(-1, 1, 32).reshape(32, 1)
    model = own.Network()
    optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)

    def one_step() -> tuple[Any, Tensor, Any]:
        optimizer.zero_grad()
        loss = own.log_cosh(model(x), (3 * x).sin())
        loss.backward(retain_graph=True)
        return model, loss, optimizer

    assert list(during(301, {0, 1, 10, 100, 300}, one_step)) == []


def test_skip_connections_are_healthy_and_without_them_gradients_vanish() -> None:
    skipping = example("skip_connection")
    for depth, skip, found in [
        (2, False, []),
        (2, True, []),
        (10, True, []),
        (30, True, []),
        (30, False, ["vanishing gradients"]),
    ]:
        model = nn.Sequential(*(skipping.Block(16, skip) for _ in range(depth)))
        assert report(model, model(microbp.randn(32, 16)).square().mean()) == found


# -- what it needs, and what it leaves alone -----------------------------------------------------


def test_it_changes_nothing() -> None:
    model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Tanh(), nn.Linear(8, 2))
    optimizer = optim.Adam(model.parameters(), lr=0.1)
    for _ in range(2):
        optimizer.zero_grad()
        loss = model(microbp.randn(16, 4)).square().mean()
        loss.backward(retain_graph=True)
        optimizer.step()
    optimizer.zero_grad()
    loss = model(microbp.randn(16, 4)).square().mean()
    loss.backward(retain_graph=True)

    def everything() -> list[bytes]:
        state = [p.array for p in model.state_dict().values()]
        gradients = [p.grad.array for p in model.parameters()]
        moments = [value.array for kept in optimizer.state.values() for value in kept.values()]
        return [array.tobytes() for array in (*state, *gradients, *moments)]

    before, random = everything(), microbp.get_rng_state()
    versions = [p.version for p in model.parameters()]
    lab.doctor(model, loss, optimizer)
    assert everything() == before
    assert [p.version for p in model.parameters()] == versions
    np.testing.assert_array_equal(np.asarray(microbp.get_rng_state()), np.asarray(random))
    loss.backward()  # the graph is still there


def test_it_finds_the_same_before_backward() -> None:
    model = layered(10, nn.Sigmoid)
    assert lab.doctor(model, regression(model)).kinds == ["vanishing gradients"]
    assert all(p.grad is None for p in model.parameters())


def test_a_freed_graph_is_refused_with_the_way_out() -> None:
    model = layered(2, nn.Tanh)
    loss = regression(model)
    loss.backward()
    with pytest.raises(GraphError, match=r"retain_graph=True"):
        lab.doctor(model, loss)


def test_after_the_step_it_is_too_late() -> None:
    model = layered(2, nn.Tanh)
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    loss = regression(model)
    loss.backward(retain_graph=True)
    optimizer.step()
    with pytest.raises(MutationError, match=r"0.weight was changed since .* before that"):
        lab.doctor(model, loss, optimizer)


def test_what_is_no_loss_is_refused() -> None:
    model = layered(2, nn.Tanh)
    with pytest.raises(GraphError, match="no graph"):
        lab.doctor(model, regression(model).detach())
    with pytest.raises(GraphError, match=r"one element, got shape \(3, 16\)"):
        lab.doctor(model, model(microbp.randn(3, 16)))
    with pytest.raises(TypeError, match="got float"):
        lab.doctor(model, regression(model).item())


def test_a_report_reads_well() -> None:
    model, outputs, labels = classification(nn.Softmax(dim=1))
    findings = lab.doctor(model, F.cross_entropy(outputs, labels), optim.SGD(model[0].parameters(), lr=0.1))
    text = str(findings)
    assert text.startswith("2 findings\n 1. softmax before cross entropy, cross_entropy (")
    assert "\n 2. parameter outside the optimizer, parameters '2.weight', '2.bias':" in text
    assert text.count("\n    -> ") == 2
    assert repr(findings) == text
    assert str(lab.doctor(*(lambda m: (m, regression(m)))(layered(2, nn.Tanh)))) == "nothing found"
