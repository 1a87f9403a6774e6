"""Each finding has a case that triggers it and nothing else, and a healthy twin that triggers nothing: gradients."""

from __future__ import annotations

import math
from typing import Any

import pytest

import microbp
from microbp import Tensor, lab, nn, optim
from microbp.nn import functional as F
from tests.lab.cases import layered, regression, report


def test_vanishing_gradients_of_a_deep_sigmoid_network() -> None:
    model = layered(10, nn.Sigmoid)
    loss = regression(model)
    assert report(model, loss) == ["vanishing gradients"]
    (finding,) = lab.doctor(model, loss)
    assert finding.where == "layer '0'"
    first, *last = (p.grad.norm().item() for p in (model[0].weight, model[-1].weight, model[-1].bias))
    assert finding.number == pytest.approx(first / math.hypot(*last), rel=1e-5)
    assert finding.number < 1e-3


def test_gradients_that_vanish_with_the_signal_are_found_though_all_layers_have_the_same() -> None:
    model = layered(30, nn.LeakyReLU, gain=0.5)
    loss = regression(model)
    assert report(model, loss) == ["vanishing gradients"]
    norms = [p.grad.norm().item() for p in model.parameters() if p.ndim == 2]
    assert norms[-1] < 1e-6
    assert norms[0] > 0.1 * norms[-1], "the way forward shrinks what the way back does not"
    (finding,) = lab.doctor(model, loss)
    assert "30 of 30 layers" in finding.text


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


class TwoHeads(nn.Module):
    """A body with two heads, the second of which may have a layer of its own before it."""

    def __init__(self, deep: bool = False) -> None:
        super().__init__()
        self.body = nn.Linear(8, 32)
        self.main = nn.Linear(32, 4)
        self.tower = layered(10, nn.Sigmoid, width=32) if deep else nn.Identity()
        self.aux = nn.Linear(32, 1)

    def forward(self, x: Tensor, aux_first: bool = False) -> Any:
        h = self.body(x).relu()
        if aux_first:
            aux = self.aux(self.tower(h))
            return self.main(h), aux
        return self.main(h), self.aux(self.tower(h))


@pytest.mark.parametrize("aux_first", [True, False])
@pytest.mark.parametrize("weight", [1e-6, 1e-4, 1.0, 1e2])
def test_heads_whose_losses_are_weighted_unevenly_are_healthy(weight: float, aux_first: bool) -> None:
    model = TwoHeads()
    x = microbp.randn(64, 8)
    scores, aux = model(x, aux_first)
    loss = F.cross_entropy(scores, microbp.arange(64) % 4) + weight * F.mse_loss(aux, x[:, :1])
    assert report(model, loss, optim.Adam(model.parameters(), lr=1e-3)) == []


def test_what_vanishes_below_one_head_is_measured_by_that_head() -> None:
    model = TwoHeads(deep=True)
    x = microbp.randn(64, 8)
    scores, aux = model(x)
    loss = F.cross_entropy(scores, microbp.arange(64) % 4) + 1e-2 * F.mse_loss(aux, x[:, :1])
    assert report(model, loss) == ["vanishing gradients"]
    (finding,) = lab.doctor(model, loss)
    assert finding.where == "layer 'tower.0'"
    heads = (model.aux.weight.grad.norm().item(), model.aux.bias.grad.norm().item())
    assert finding.number == pytest.approx(model.tower[0].weight.grad.norm().item() / math.hypot(*heads), rel=1e-4)


def test_a_head_is_one_though_a_penalty_on_the_weights_is_added() -> None:
    model = layered(10, nn.Sigmoid)
    penalty = sum(p.square().sum() for p in model.parameters())
    assert report(model, regression(model) + 1e-12 * penalty) == ["vanishing gradients"]
