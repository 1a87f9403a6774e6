"""The doctor on healthy examples; what it needs, what it leaves alone, and how its report reads."""

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
from microbp.errors import GraphError, MutationError
from microbp.nn import functional as F
from tests.lab.cases import classification, layered, regression, report

EXAMPLES = Path(__file__).parents[2] / "examples"


def example(name: str) -> ModuleType:
    """An example as a module."""
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


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


def healthy(
    model: Any,
    optimizer: Any,
    loss_of: Callable[[], Tensor],
    steps: int = 301,
    looks: tuple[int, ...] = (0, 1, 10, 100, 300),
) -> None:
    """Nothing is found while a model of an example learns."""

    def one_step() -> tuple[Any, Tensor, Any]:
        optimizer.zero_grad()
        loss = loss_of()
        loss.backward(retain_graph=True)
        return model, loss, optimizer

    assert list(during(steps, set(looks), one_step)) == []


@pytest.mark.parametrize("seed", range(3))
def test_the_network_of_the_film_is_healthy(seed: int) -> None:
    film = example("film")
    microbp.manual_seed(seed)
    x, y = film.moons()
    for rates in film.RATES.values():
        model = film.Separator()
        optimizer = optim.SGD(optim.layer_groups(model, rates), lr=0.1, momentum=0.9)
        healthy(model, optimizer, lambda model=model: F.binary_cross_entropy_with_logits(model(x), y))


@pytest.mark.parametrize(
    "name", ["sigmoid, 2 layers", "sigmoid, 10, normalised", "relu, 10, kaiming", "relu, 10, skips"]
)
def test_the_deep_networks_that_learn_are_healthy(name: str) -> None:
    depth = example("depth")
    points, arms = depth.spirals()
    order = np.random.default_rng(0)
    for seed in range(3):
        microbp.manual_seed(seed)
        model = depth.STRUCTURES[name]()

        def loss_of(model: Any = model) -> Tensor:
            batch = order.integers(len(arms), size=50)
            return F.cross_entropy(model(points[batch]), arms[batch])

        healthy(model, optim.SGD(model.parameters(), lr=0.05), loss_of, 41, (0, 1, 2, 3, 5, 10, 20, 40))


@pytest.mark.parametrize("name", ["tanh", "relu", "leaky relu", "gelu"])
def test_activations_with_weights_made_for_them_are_healthy(name: str) -> None:
    activations = example("activations")
    points, labels = activations.ring()
    for seed in range(3):
        microbp.manual_seed(seed)
        model = activations.network(activations.ACTIVATIONS[name])
        optimizer = optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
        healthy(model, optimizer, lambda model=model: F.cross_entropy(model(points), labels), 101)


@pytest.mark.parametrize("seed", range(3))
def test_thirty_layers_with_kaiming_weights_are_healthy(seed: int) -> None:
    initialisation = example("initialisation")
    microbp.manual_seed(seed)
    x, y = initialisation.waves()
    model = initialisation.network(2.0)
    healthy(model, optim.Adam(model.parameters(), lr=1e-3), lambda: F.mse_loss(model(x), y), 31, (0, 1, 10, 30))


def test_layers_at_rates_of_their_own_are_healthy() -> None:
    example_of_rates = example("learning_rates")
    for name, rates in example_of_rates.RATES.items():
        findings = example_of_rates.train(rates, steps=1)[3]
        assert findings.kinds == (["learning rate too high"] if name == "last at 100" else []), name


def test_linear_layers_are_healthy_though_they_cannot_learn_everything() -> None:
    x, y = example("linear_stays_linear").points()
    for depth in (1, 2, 6):
        model = lab.layered_network(depth, 8, inputs=2, outputs=1)
        optimizer = optim.SGD(model.parameters(), lr=0.2, momentum=0.9)
        healthy(
            model, optimizer, lambda model=model: F.binary_cross_entropy_with_logits(model(x), y), 100, (0, 1, 10, 50)
        )


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
