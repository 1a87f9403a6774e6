"""Each finding has a case that triggers it and nothing else, and a healthy twin that triggers nothing: units."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import microbp
from microbp import lab, nn, optim
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
