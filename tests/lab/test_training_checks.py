"""Each finding has a case that triggers it and nothing else, and a healthy twin that triggers nothing: the step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import microbp
from microbp import Tensor, lab, nn, optim
from microbp.nn import functional as F
from tests.lab.cases import layered, regression, report


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
    x, y = microbp.randn(64, 16), microbp.randn(64, 16)
    loss = F.mse_loss(model(x), y)
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
    after = float(finding.text.rpartition(" to ")[2].removesuffix("."))
    assert after == pytest.approx(F.mse_loss(model(x), y).item(), rel=0.01)
    assert after > loss.item()


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


def test_a_learning_rate_so_low_that_no_bit_changes() -> None:
    model = layered(2, nn.Tanh)
    optimizer = optim.SGD(model.parameters(), lr=1e-15)
    loss = regression(model)
    assert report(model, loss, optimizer) == ["learning rate too low"]
    (finding,) = lab.doctor(model, loss, optimizer)
    assert finding.number == 0


def test_a_schedule_that_begins_at_0_warms_up() -> None:
    model = layered(2, nn.Tanh)
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    optim.lr_scheduler.LambdaLR(optimizer, lambda step: step / 100)
    assert report(model, regression(model), optimizer) == []


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


@pytest.mark.parametrize("kind", [nn.RNN, nn.LSTM, nn.GRU])
def test_units_that_unscaled_inputs_saturate_are_not_told_beside(kind: Callable[..., Any]) -> None:
    class Reader(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.rnn = kind(3, 16, batch_first=True)
            self.last = nn.Linear(16, 5)

        def forward(self, x: Tensor) -> Any:
            return self.last(self.rnn(x)[0][:, -1])

    for factor, found in ((1.0, []), (100.0, ["unscaled inputs"])):
        model = Reader()
        loss = F.cross_entropy(model(factor * microbp.randn(64, 6, 3)), microbp.arange(64) % 5)
        assert report(model, loss) == found


@pytest.mark.parametrize("kind", [nn.Conv2d, nn.ConvTranspose2d])
@pytest.mark.parametrize(("factor", "found"), [(1.0, []), (255.0, ["unscaled inputs"])])
def test_images_of_bytes_are_unscaled(kind: Callable[..., Any], factor: float, found: list[str]) -> None:
    model = nn.Sequential(kind(1, 4, 3), nn.ReLU(), nn.Flatten())
    images = factor * microbp.rand(16, 1, 6, 6)
    loss = F.cross_entropy(model(images), microbp.arange(16) % 16)
    assert report(model, loss) == found


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


def test_raw_features_beside_an_embedding_are_unscaled() -> None:
    class Table(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.kinds = nn.Embedding(5, 4)
            self.last = nn.Linear(6, 3)

        def forward(self, kind: Tensor, numbers: Tensor) -> Any:
            return self.last(microbp.cat([self.kinds(kind), numbers], dim=1))

    for factor, found in ((1.0, []), (1e4, ["unscaled inputs"])):
        model = Table()
        numbers = factor * microbp.randn(64, 2)
        loss = F.cross_entropy(model(microbp.arange(64) % 5, numbers), microbp.arange(64) % 3)
        assert report(model, loss) == found
    (finding,) = lab.doctor(model, loss)
    assert finding.where == "the inputs of 'last'"
    assert finding.number == pytest.approx(numbers.square().mean().sqrt().item(), rel=1e-5)


def test_the_remedy_for_unscaled_inputs_holds_for_a_feature_that_never_changes() -> None:
    model = layered(2, nn.ReLU)
    x = 255 * microbp.rand(64, 16)
    x[:, 3] = 0.0
    x[:, 5] = 17.3
    (finding,) = lab.doctor(model, F.cross_entropy(model(x), microbp.arange(64) % 16))
    formula = finding.remedy.partition(": ")[2].partition(", with")[0]
    scaled = eval(formula, {"x": x})
    assert bool(scaled.isfinite().all())
    assert report(model, F.cross_entropy(model(scaled), microbp.arange(64) % 16)) == []


@pytest.mark.parametrize("slope", [0.5, 3.0, 20.0])
@pytest.mark.parametrize(("lr", "found"), [(0.01, []), (0.1, []), (4.0, ["learning rate too high"])])
def test_a_line_is_found_in_good_steps_though_its_weight_starts_far_away(
    slope: float, lr: float, found: list[str]
) -> None:
    x = microbp.linspace(-1.5, 1.5, 100).reshape(100, 1)
    y = slope * x + 2
    model = nn.Linear(1, 1)
    optimizer = optim.SGD(model.parameters(), lr=lr)
    assert report(model, F.mse_loss(model(x), y), optimizer) == found
    before = F.mse_loss(model(x), y).item()
    for _ in range(20):
        optimizer.zero_grad()
        loss = F.mse_loss(model(x), y)
        loss.backward()
        optimizer.step()
    assert (loss.item() > before) == bool(found)


def test_large_first_steps_of_a_regression_that_succeeds_are_good() -> None:
    model = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 1))
    x = microbp.randn(64, 16)
    y = 5 + 3 * x[:, :1]
    optimizer = optim.SGD(model.parameters(), lr=0.05)
    for step in range(100):
        optimizer.zero_grad()
        loss = F.mse_loss(model(x), y)
        loss.backward(retain_graph=True)
        if step == 0:
            first, last = loss.item(), model[2].weight.detach().clone()
        assert lab.doctor(model, loss, optimizer) == []
        optimizer.step()
        if step == 0:
            assert (model[2].weight - last).norm() > max(last.norm(), (1 / 3) ** 0.5), "a step of over its own size"
    assert loss.item() < 0.05 * first


@pytest.mark.parametrize("lr", [20.0, 50.0])
def test_a_rate_that_throws_a_classifier_off_is_too_high(lr: float) -> None:
    model = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 4))
    loss = F.cross_entropy(model(microbp.randn(64, 8)), microbp.arange(64) % 4)
    assert report(model, loss, optim.SGD(model.parameters(), lr=lr)) == ["learning rate too high"]


def test_a_large_step_uphill_is_too_high_a_rate() -> None:
    model = nn.Linear(1, 1)
    nn.init.constant_(model.weight, 20.0)  # far away, so that it comes by 0 fast
    x = microbp.linspace(-1, 1, 50).reshape(50, 1)
    optimizer = optim.SGD(model.parameters(), lr=0.3, momentum=0.95)
    found = []
    for _ in range(20):
        optimizer.zero_grad()
        loss = F.mse_loss(model(x), 0 * x)
        loss.backward(retain_graph=True)
        before, gradient = model.weight.item(), model.weight.grad.item()
        findings = lab.doctor(model, loss, optimizer)
        optimizer.step()
        uphill = (model.weight.item() - before) * gradient > 0
        if uphill and abs(model.weight.item() - before) > max(abs(before), 0.6):
            found.append(findings.kinds)
    assert found
    assert all(kinds == ["learning rate too high"] for kinds in found)
