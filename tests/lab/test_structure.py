"""The lessons of structure, as numbers; and that a report measures what it says."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest

import microbp
from microbp import lab, nn, optim
from microbp.errors import OptionError, ShapeError
from microbp.nn import functional as F

X = microbp.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
XOR = microbp.tensor([[0.0], [1.0], [1.0], [0.0]])


def wave(samples: int = 32) -> tuple[Any, Any]:
    """Points of half a wave."""
    x = microbp.linspace(-1, 1, samples).reshape(samples, 1)
    return x, (3 * x).sin()


def first_to_last(seed: int, **options: Any) -> float:
    """The gradient norm of the first layer's weight beside the last's, of a fresh network 10 layers deep."""
    microbp.manual_seed(seed)
    model = lab.layered_network(10, 16, **options)
    model(microbp.randn(64, 16)).square().mean().backward()
    first, *_, last = (p.grad.norm().item() for p in model.parameters() if p.ndim == 2)
    return float(first / last)


# -- the lessons -------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(5))
def test_gradients_vanish_in_ten_sigmoid_layers_and_not_with_relu_and_skip_connections(seed: int) -> None:
    assert first_to_last(seed, activation=nn.Sigmoid) < 1e-3
    assert first_to_last(seed, activation=nn.ReLU, skip=True) > 1e-1


@pytest.mark.parametrize("seed", range(5))
def test_relu_alone_needs_an_initialisation_made_for_it(seed: int) -> None:
    assert first_to_last(seed, activation=nn.ReLU) < 1e-2
    assert first_to_last(seed, activation=nn.ReLU, init=nn.init.kaiming_normal_) > 1e-1


@pytest.mark.parametrize("seed", range(5))
def test_normalisation_brings_the_gradient_of_a_sigmoid_network_back_by_a_factor_of_a_million(seed: int) -> None:
    bare = first_to_last(seed, activation=nn.Sigmoid)
    assert first_to_last(seed, activation=nn.Sigmoid, norm=nn.BatchNorm1d) > 1e6 * bare


def test_the_report_shows_the_same_lesson() -> None:
    def network(**options: Any) -> Any:
        return lambda: lab.layered_network(10, 16, **options)

    x = microbp.randn(64, 16)
    report = lab.structure_report(
        {"sigmoid": network(activation=nn.Sigmoid), "relu and skip": network(activation=nn.ReLU, skip=True)},
        (x, x.sin()),
        epochs=300,
        lr=0.05,
    )
    assert report["sigmoid"].ratio() < 1e-3
    assert report["relu and skip"].ratio() > 1e-1
    np.testing.assert_allclose(report["sigmoid"].final, x.sin().var().item(), rtol=0.02)  # it learned the mean
    assert report["relu and skip"].final.max() < 0.5 * report["sigmoid"].final.min()


def test_a_learning_rate_of_0_keeps_a_layer_bit_by_bit() -> None:
    built = []

    def build() -> Any:
        model = lab.layered_network(3, 8, inputs=1, outputs=1, activation=nn.Tanh)
        built.append((model, {name: p.array.tobytes() for name, p in model.named_parameters()}))
        return model

    structure = lab.Structure(build, layers={"1.linear": 0.0})
    report = lab.structure_report({"middle layer held": structure}, wave(), epochs=20)
    found = report["middle layer held"]
    assert found.layers == ("0.linear", "1.linear", "2")
    assert (found.updates[:, :, 1] == 0).all()
    assert (found.updates[:, :, [0, 2]] > 0).all()
    assert (found.gradients > 0).all()  # it had a gradient, and did not follow it
    for model, before in built:
        changed = {name for name, p in model.named_parameters() if p.array.tobytes() != before[name]}
        assert changed == {"0.linear.weight", "0.linear.bias", "2.weight", "2.bias"}


def test_linear_layers_alone_are_one_matrix() -> None:
    model = lab.layered_network(5, 16, inputs=2, outputs=3).double()
    x = microbp.randn(100, 2, dtype=microbp.float64)
    offset = model(microbp.zeros(1, 2, dtype=microbp.float64))
    matrix = model(microbp.eye(2, dtype=microbp.float64)) - offset
    np.testing.assert_allclose(model(x).detach().array, (x @ matrix + offset).detach().array, atol=1e-12)


def test_linear_layers_alone_cannot_learn_xor_however_many_they_are() -> None:
    report = lab.structure_report(
        {
            "1 linear layer": lambda: lab.layered_network(1, inputs=2, outputs=1),
            "5 linear layers": lambda: lab.layered_network(5, 8, inputs=2, outputs=1),
            "2 layers with tanh": lambda: lab.layered_network(2, 8, inputs=2, outputs=1, activation=nn.Tanh),
        },
        (X, XOR),
        loss=F.binary_cross_entropy_with_logits,
        epochs=300,
        lr=0.5,
    )
    for linear in ("1 linear layer", "5 linear layers"):
        np.testing.assert_allclose(report[linear].final, np.log(2), atol=1e-3)
    assert report["2 layers with tanh"].final.max() < 0.1


# -- what is measured -----------------------------------------------------------------------------


def test_the_measurements_are_those_of_a_training_by_hand() -> None:
    def build() -> Any:
        return lab.layered_network(3, 8, inputs=1, outputs=1, activation=nn.Tanh)

    x, y = wave()
    found = lab.structure_report({"tanh": build}, (x, y), seeds=[5], epochs=4, lr=0.2)["tanh"]
    microbp.manual_seed(5)
    model = build()
    optimizer = optim.SGD(model.parameters(), lr=0.2)
    weights = [p for p in model.parameters() if p.ndim == 2]
    for epoch in range(4):
        optimizer.zero_grad()
        loss = F.mse_loss(model(x), y)
        loss.backward()
        before = [p.detach().clone() for p in weights]
        optimizer.step()
        assert found.loss[0, epoch] == pytest.approx(loss.item(), rel=1e-6)
        for k, (p, old) in enumerate(zip(weights, before, strict=True)):
            assert found.gradients[0, epoch, k] == pytest.approx(p.grad.norm().item(), rel=1e-5)
            size = max(old.norm().item(), (p.shape[0] / 3) ** 0.5)
            assert found.updates[0, epoch, k] == pytest.approx((p - old).norm().item() / size, rel=1e-4)
    assert found.final[0] == pytest.approx(F.mse_loss(model(x), y).item(), rel=1e-6)
    assert found.parameters == sum(p.numel() for p in model.parameters())
    assert found.activations == ("tanh after '0.linear'", "tanh after '1.linear'")


def test_dead_and_saturated_units_are_counted() -> None:
    def dead() -> Any:
        model = lab.layered_network(3, 8, inputs=1, outputs=1, activation=nn.ReLU)
        with microbp.no_grad():
            model[1].linear.bias[:6] = -100.0
        return model

    def saturated() -> Any:
        model = lab.layered_network(2, 8, inputs=1, outputs=1, activation=nn.Sigmoid)
        with microbp.no_grad():
            model[0].linear.weight *= 0.0
            model[0].linear.bias[:4] = 100.0
            model[0].linear.bias[4:] = 0.0
        return model

    report = lab.structure_report({"dead": dead, "saturated": saturated}, wave(), epochs=1)
    assert (report["dead"].dead[:, 0, 1] >= 0.75).all()
    assert np.isnan(report["dead"].saturated).all()
    assert (report["saturated"].saturated == 0.5).all()
    assert np.isnan(report["saturated"].dead).all()


def test_every_structure_sees_the_same_batches_and_the_same_numbers() -> None:
    def build() -> Any:
        return lab.layered_network(2, 8, inputs=1, outputs=1, activation=nn.Tanh)

    report = lab.structure_report({"one": build, "other": build}, wave(), epochs=3, batch_size=10)
    np.testing.assert_array_equal(report["one"].loss, report["other"].loss)
    assert len(np.unique(report["one"].final)) == 3  # the seeds differ
    again = lab.structure_report({"one": build}, wave(), epochs=3, batch_size=10)
    np.testing.assert_array_equal(report["one"].final, again["one"].final)


def test_progress_is_told_of_every_training() -> None:
    seen: list[tuple[str, int]] = []

    def progress(trainings: list[tuple[str, int]]) -> Any:
        assert len(trainings) == 4
        for training in trainings:
            seen.append(training)
            yield training

    def build() -> Any:
        return lab.layered_network(1, inputs=1, outputs=1)

    lab.structure_report({"one": build, "other": build}, wave(), seeds=[3, 7], epochs=1, progress=progress)
    assert seen == [("one", 3), ("one", 7), ("other", 3), ("other", 7)]


def test_the_generator_goes_on_where_it_was() -> None:
    microbp.manual_seed(3)
    expected = microbp.rand(4).array
    microbp.manual_seed(3)
    lab.structure_report({"one": lambda: lab.layered_network(1, inputs=1, outputs=1)}, wave(), epochs=1)
    np.testing.assert_array_equal(microbp.rand(4).array, expected)


def test_optimizer_and_rate_can_be_the_structure_s_own() -> None:
    def build() -> Any:
        return lab.layered_network(2, 8, inputs=1, outputs=1, activation=nn.Tanh)

    report = lab.structure_report(
        {
            "adam": lab.Structure(build, optimizer=optim.Adam, lr=0.01),
            "slow": lab.Structure(build, lr=0.0),
            "sgd": build,
        },
        wave(),
        epochs=2,
    )
    assert (report["slow"].updates == 0).all()
    assert (report["sgd"].updates != report["adam"].updates).all()
    # Adam's first step is as long as the rate for every element
    microbp.manual_seed(0)
    weight = build()[1].weight
    expected = 0.01 * weight.numel() ** 0.5 / max(weight.norm().item(), (1 / 3) ** 0.5)
    assert report["adam"].updates[0, 0, 1] == pytest.approx(expected, rel=1e-3)


def test_integer_targets_are_classes_and_arrays_are_data() -> None:
    x = np.random.default_rng(0).normal(size=(40, 2)).astype(np.float32)
    y = (x.sum(axis=1) > 0).astype(np.int64)
    report = lab.structure_report({"linear": lambda: lab.layered_network(1, inputs=2, outputs=2)}, (x, y), lr=1.0)
    assert report["linear"].final.max() < np.log(2) / 2


# -- how it is shown ------------------------------------------------------------------------------


def small_report() -> lab.StructureReport:
    """Two structures, one of them with ReLUs."""
    return lab.structure_report(
        {
            "tanh": lambda: lab.layered_network(3, 4, inputs=1, outputs=1, activation=nn.Tanh),
            "relu": lambda: lab.layered_network(2, 8, inputs=1, outputs=1, activation=nn.ReLU),
        },
        wave(),
        epochs=2,
    )


def test_the_table_has_a_row_for_each_structure() -> None:
    report = small_report()
    heading, rule, tanh, relu = str(report).splitlines()
    assert heading.split()[:3] == ["structure", "layers", "numbers"]
    assert set(rule) == {"-"}
    assert tanh.split()[:3] == ["tanh", "3", "33"]
    assert relu.split()[:3] == ["relu", "2", "25"]
    assert f"{report['tanh'].ratio():.1e}" in tanh
    assert f"{report['relu'].final.mean():.4g} ±" in relu
    assert len({len(heading), len(rule), len(tanh), len(relu)}) == 1
    assert [line.split()[0] for line in report.layers("tanh").splitlines()[2:]] == ["0.linear", "1.linear", "2"]


def test_the_spread_over_seeds_is_their_sample_deviation_and_one_seed_has_none() -> None:
    structures = {"line": lambda: nn.Linear(1, 1)}
    report = lab.structure_report(structures, wave(), epochs=1, seeds=(0, 1, 2))
    assert str(report).endswith(f" ± {np.std(report['line'].final, ddof=1):.1g}")
    assert "±" not in str(lab.structure_report(structures, wave(), epochs=1, seeds=(0,)))


class Scaled(nn.Module):
    """A model without a layer: one number."""

    def __init__(self) -> None:
        super().__init__()
        self.factor = nn.Parameter(microbp.ones(1))

    def forward(self, x: Any) -> Any:
        return self.factor * x


def test_a_model_without_layers_has_a_loss_and_no_ratio() -> None:
    report = lab.structure_report({"scaled": Scaled}, wave(), epochs=1)
    assert math.isnan(report["scaled"].ratio())
    assert "nan" not in str(report)
    assert np.isfinite(report["scaled"].final).all()


def test_plain_numbers_can_be_written_as_json() -> None:
    report = small_report()
    again = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert again["tanh"]["layers"] == ["0.linear", "1.linear", "2"]
    np.testing.assert_array_equal(again["relu"]["gradients"], report["relu"].gradients)
    assert again["tanh"]["dead"] == [[[None, None]] * 2] * 3


def test_what_cannot_be_compared_is_refused() -> None:
    def build() -> Any:
        return lab.layered_network(1, inputs=1, outputs=1)

    with pytest.raises(OptionError, match="needs structures"):
        lab.structure_report({}, wave())
    with pytest.raises(OptionError, match="seeds"):
        lab.structure_report({"one": build}, wave(), seeds=[])
    with pytest.raises(ShapeError, match="32 inputs and 16 targets"):
        lab.structure_report({"one": build}, (wave()[0], wave(16)[1]))
    with pytest.raises(TypeError, match="builds a fresh model for each seed, got Sequential: lambda"):
        lab.structure_report({"one": build()}, wave())
    with pytest.raises(TypeError, match="got NoneType"):
        lab.Structure(None)  # type: ignore[arg-type]
    for size in (0, -4):
        with pytest.raises(OptionError, match=f"32 samples and batch_size={size}"):
            lab.structure_report({"one": build}, wave(), batch_size=size)
    x, y = wave()
    with pytest.raises(OptionError, match="got 0 samples"):
        lab.structure_report({"one": build}, (x[:0], y[:0]))
    for data in (x, (x, y, y)):
        with pytest.raises(OptionError, match=r"a pair: \(inputs, targets\)"):
            lab.structure_report({"one": build}, data)


def test_what_is_frozen_is_not_learned() -> None:
    def build() -> Any:
        model = lab.layered_network(2, 8, inputs=1, outputs=1, activation=nn.Tanh)
        model[0].requires_grad_(False)
        return model

    found = lab.structure_report({"first layer frozen": build}, wave(), epochs=1)["first layer frozen"]
    assert found.parameters == 8 + 1
    assert found.layers == ("1",)


# -- the builder ----------------------------------------------------------------------------------


def test_layered_network_is_what_its_options_say() -> None:
    model = lab.layered_network(
        4, 8, inputs=3, outputs=2, activation=nn.Tanh, init=nn.init.xavier_normal_, skip=True, norm=nn.LayerNorm
    )
    assert [tuple(p.shape) for name, p in model.named_parameters() if p.ndim == 2] == [(8, 3), (8, 8), (8, 8), (2, 8)]
    assert [block.skip for block in model[:-1]] == [False, True, True]
    assert all(isinstance(block.norm, nn.LayerNorm) for block in model[:-1])
    assert all((m.bias.array == 0).all() for m in model.modules() if isinstance(m, nn.Linear))
    assert model(microbp.randn(5, 3)).shape == (5, 2)
    x = microbp.randn(5, 8)
    block = model[1]
    np.testing.assert_allclose(block(x).array, (x + block.norm(block.linear(x)).tanh()).array, rtol=1e-6)


def test_a_network_has_at_least_one_layer() -> None:
    with pytest.raises(OptionError, match="depth=0"):
        lab.layered_network(0)
