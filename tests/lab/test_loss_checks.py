"""Each finding has a case that triggers it and nothing else, and a healthy twin that triggers nothing: the loss."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import microbp
from microbp import Tensor, lab, nn
from microbp.errors import BroadcastWarning
from microbp.nn import functional as F
from tests.lab.cases import classification, one_output, report


def test_softmax_before_cross_entropy() -> None:
    model, outputs, labels = classification(nn.Softmax(dim=1))
    loss = F.cross_entropy(outputs, labels)
    assert report(model, loss) == ["softmax before cross entropy"]
    (finding,) = lab.doctor(model, loss)
    certain = F.cross_entropy(microbp.eye(5), microbp.arange(5)).item()
    assert finding.number == pytest.approx(certain, rel=1e-5)
    assert "test_loss_checks.py:" in finding.where


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


@pytest.mark.parametrize("after", [[nn.Softmax(dim=1)], []], ids=["probabilities", "logits"])
def test_nll_loss_without_a_logarithm(after: list[nn.Module]) -> None:
    model, outputs, labels = classification(*after)
    loss = F.nll_loss(outputs, labels)
    assert report(model, loss) == ["no logarithm before nll_loss"]
    (finding,) = lab.doctor(model, loss)
    assert finding.number == pytest.approx(outputs.max().item())
    assert "test_loss_checks.py:" in finding.where


def test_nll_loss_of_a_network_that_is_sure() -> None:
    model, outputs, labels = classification()
    assert report(model, F.nll_loss((1000 * outputs).log_softmax(dim=1), labels, weight=microbp.ones(5))) == []


def test_a_margin_loss_takes_scores() -> None:
    model, outputs, labels = classification()
    assert report(model, F.multi_margin_loss(outputs, labels)) == []


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


def test_a_loss_that_broadcast_silently() -> None:
    model, predictions = one_output()
    loss = (predictions - microbp.randn(16)).square().mean()
    assert report(model, loss) == ["broadcast loss"]
    (finding,) = lab.doctor(model, loss)
    assert finding.number == 256
    assert "(16, 1)" in finding.text
    assert "(16, 16)" in finding.text
    assert "test_loss_checks.py:" in finding.where


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


def test_class_0_may_be_the_one_that_fills_up_and_is_ignored() -> None:
    model, outputs, _ = classification(classes=6)
    labels = microbp.arange(64) % 6
    assert report(model, F.cross_entropy(outputs, labels, ignore_index=0)) == []
    model, outputs, _ = classification(classes=6)
    assert report(model, F.cross_entropy(outputs, 1 + labels % 5, weight=microbp.ones(6))) == ["labels off by one"]


@pytest.mark.parametrize("is_column", [True, False])
def test_each_remedy_for_a_broadcast_loss_helps(is_column: bool) -> None:
    model, predictions = one_output()
    prediction, target = predictions, microbp.randn(16)
    if not is_column:
        prediction, target = predictions[:, 0], target.reshape(16, 1)
    (finding,) = lab.doctor(model, (prediction - target).square().mean())
    remedies = finding.remedy.partition(": ")[2].removesuffix(".").split(", or ")
    assert len(remedies) == 2 + is_column
    for remedy in remedies:
        both = {"prediction": prediction, "target": target}
        both[remedy.partition(".")[0]] = eval(remedy, dict(both))
        difference = both["prediction"] - both["target"]
        assert difference.size() in ((16,), (16, 1))
        assert lab.doctor(model, difference.square().mean()) == []
