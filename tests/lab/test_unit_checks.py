"""Each finding has a case that triggers it and nothing else, and a healthy twin that triggers nothing: units."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import microbp
from microbp import Tensor, lab, nn, optim
from microbp.nn import functional as F
from tests.lab.cases import layered, regression, report


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


@pytest.mark.parametrize(
    ("name", "rectify"),
    [
        ("clamp", lambda x: x.clamp(min=0)),
        ("maximum", lambda x: np.maximum(x, 0)),
        ("maximum", lambda x: microbp.maximum(microbp.zeros(1), x)),
    ],
)
@pytest.mark.parametrize("bias", [-100.0, 0.0])
def test_a_relu_by_other_means_can_be_dead_as_well(name: str, rectify: Callable[[Tensor], Tensor], bias: float) -> None:
    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = nn.Linear(16, 16)
            self.last = nn.Linear(16, 16)

        def forward(self, x: Tensor) -> Any:
            return self.last(rectify(self.first(x)))

    model = Network()
    nn.init.constant_(model.first.bias, bias)
    loss = regression(model)
    assert report(model, loss) == (["dead ReLUs"] if bias else [])
    assert [finding.where for finding in lab.doctor(model, loss)] == [f"{name} after 'first'"] * bool(bias)


@pytest.mark.parametrize("bound", [lambda x: x.clamp(-0.01, 0.01), lambda x: microbp.maximum(x, x - 5)])
def test_other_bounds_and_a_maximum_of_two_layers_are_no_relus(bound: Callable[[Tensor], Tensor]) -> None:
    model = layered(2, nn.Tanh)
    assert report(model, regression(lambda x: model[2](bound(model[0](x))))) == []


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


def test_a_relu6_that_is_often_off_is_no_saturated_one() -> None:
    for off, found in ((9, []), (13, ["dead ReLUs"])):
        model = layered(3, nn.ReLU6, gain=2**0.5)
        with microbp.no_grad():
            model[2].bias[:off] = -100.0
        loss = regression(model)
        assert report(model, loss) == found
    (finding,) = lab.doctor(model, loss)
    assert finding.where == "hardtanh after '2'"
    assert "13 of 16 units give 0 or 6 for every one of 64 values" in finding.text


class Recurrent(nn.Module):
    """A recurrent layer and a linear one."""

    def __init__(self, kind: Callable[..., nn.Module], **options: Any) -> None:
        super().__init__()
        self.rnn = kind(4, 16, batch_first=True, **options)
        self.last = nn.Linear(16, 5)

    def forward(self, x: Tensor) -> Any:
        return self.last(self.rnn(x)[0][:, -1])


@pytest.mark.parametrize("kind", [nn.RNN, nn.LSTM, nn.GRU])
@pytest.mark.parametrize(("factor", "found"), [(1.0, []), (300.0, ["saturated units"])])
def test_a_saturated_recurrent_layer_is_found_once_for_all_steps(
    kind: Callable[..., nn.Module], factor: float, found: list[str]
) -> None:
    model = Recurrent(kind)
    with microbp.no_grad():
        model.rnn.weight_ih_l0 *= factor
    loss = F.cross_entropy(model(microbp.randn(32, 7, 4)), microbp.arange(32) % 5)
    assert report(model, loss) == found
    findings = lab.doctor(model, loss)
    assert [finding.where for finding in findings] == ["tanh after 'rnn'"] * len(found)
    assert all(f"{7 * 32} values" in finding.text for finding in findings)


def test_a_unit_that_is_off_at_one_step_and_on_at_another_is_alive() -> None:
    for alive in (True, False):
        model = Recurrent(nn.RNN, nonlinearity="relu")
        with microbp.no_grad():
            model.rnn.bias_ih_l0[...] = 0.0
            model.rnn.bias_hh_l0[...] = 0.0
            model.rnn.weight_ih_l0[...] = microbp.rand(16, 4)
        x = microbp.rand(32, 7, 4)
        x[:, 0 if alive else slice(None)] = -1.0  # all units are off then
        assert report(model, F.cross_entropy(model(x), microbp.arange(32) % 5)) == ([] if alive else ["dead ReLUs"])


class ByHand(nn.Module):
    """A linear layer that has its weight the other way round."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(microbp.randn(outputs, inputs) / inputs**0.5)

    def forward(self, x: Tensor) -> Any:
        return x @ self.weight.T


@pytest.mark.parametrize("bias", [-100.0, 0.0])
def test_units_before_a_weight_that_is_transposed_first_are_inside_the_network(bias: float) -> None:
    model = nn.Sequential(nn.Linear(16, 16), nn.ReLU(), ByHand(16, 16))
    with microbp.no_grad():
        model[0].bias[...] = bias
    assert report(model, regression(model)) == (["dead ReLUs"] if bias else [])


def test_a_shared_weight_has_the_name_of_its_first_layer() -> None:
    model = nn.Sequential(nn.Linear(16, 16), nn.Tanh(), nn.Linear(16, 16))
    model[2].weight = model[0].weight
    with microbp.no_grad():
        model[0].bias[...] = 100.0
    (finding,) = lab.doctor(model, regression(model))
    assert (finding.kind, finding.where) == ("saturated units", "tanh after '0'")


@pytest.mark.parametrize("look_up", [lambda w, i: w[i], lambda w, i: F.embedding(i, w), lambda w, i: w])
@pytest.mark.parametrize("bias", [-100.0, 0.0])
def test_a_network_above_a_table_that_it_learns_has_units(look_up: Callable[..., Tensor], bias: float) -> None:
    class Table(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table = nn.Embedding(16, 8)
            self.first = nn.Linear(8, 8)
            self.last = nn.Linear(8, 4)

        def forward(self, i: Tensor) -> Any:
            return self.last(self.first(look_up(self.table.weight, i)).relu())

    model, i = Table(), microbp.arange(16)
    nn.init.constant_(model.first.bias, bias)
    assert report(model, F.cross_entropy(model(i), i % 4)) == (["dead ReLUs"] if bias else [])
