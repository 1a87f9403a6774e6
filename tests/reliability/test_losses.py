"""Losses: shapes that would broadcast warn, labels that name no class raise with the value."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import pytest

import microbp
from microbp import nn
from microbp.errors import BroadcastWarning, DtypeError, RangeError, ShapeError
from microbp.nn import functional as F

ELEMENTWISE: dict[str, Callable[[Any, Any], Any]] = {
    "binary_cross_entropy": F.binary_cross_entropy,
    "binary_cross_entropy_with_logits": F.binary_cross_entropy_with_logits,
    "gaussian_nll_loss": lambda x, t: F.gaussian_nll_loss(x, t, microbp.ones(x.shape)),
    "hinge_embedding_loss": F.hinge_embedding_loss,
    "huber_loss": F.huber_loss,
    "kl_div": lambda x, t: F.kl_div(x, t, reduction="sum"),
    "l1_loss": F.l1_loss,
    "margin_ranking_loss": lambda x, t: F.margin_ranking_loss(x, t, microbp.ones(x.shape)),
    "mse_loss": F.mse_loss,
    "multilabel_soft_margin_loss": F.multilabel_soft_margin_loss,
    "poisson_nll_loss": F.poisson_nll_loss,
    "smooth_l1_loss": F.smooth_l1_loss,
    "soft_margin_loss": F.soft_margin_loss,
    "BCELoss": nn.BCELoss(),
    "BCEWithLogitsLoss": nn.BCEWithLogitsLoss(),
    "HuberLoss": nn.HuberLoss(),
    "KLDivLoss": nn.KLDivLoss(reduction="sum"),
    "L1Loss": nn.L1Loss(),
    "MSELoss": nn.MSELoss(),
    "SmoothL1Loss": nn.SmoothL1Loss(),
}


@pytest.mark.parametrize("name", ELEMENTWISE)
@pytest.mark.parametrize("shapes", [((3,), (3, 1)), ((3, 1), (3,))], ids=["N and N x 1", "N x 1 and N"])
def test_a_vector_against_a_column_warns_or_raises_with_both_shapes(name: str, shapes: Any) -> None:
    """It would silently compare each with each."""
    loss = ELEMENTWISE[name]
    first, second = shapes
    x, t = microbp.full(first, 0.5), microbp.full(second, 0.5)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            loss(x, t)
        except ShapeError as error:
            text = str(error)
        else:
            assert [warning.category for warning in caught] == [BroadcastWarning]
            text = str(caught[0].message)
    assert str(first) in text
    assert str(second) in text
    loss(x, t.view(first))  # without a word


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_lengths_that_do_not_fit_raise_with_both_shapes(name: str) -> None:
    with pytest.raises(ShapeError, match=r"\(3,\).*\(4,\)|\(4,\).*\(3,\)"):
        ELEMENTWISE[name](microbp.full((3,), 0.5), microbp.full((4,), 0.5))


BY_LABEL: dict[str, Callable[[Any, Any], Any]] = {
    "cross_entropy": F.cross_entropy,
    "nll_loss": F.nll_loss,
    "multi_margin_loss": F.multi_margin_loss,
    "CrossEntropyLoss": nn.CrossEntropyLoss(),
    "NLLLoss": nn.NLLLoss(),
    "cross_entropy with weights": lambda x, t: F.cross_entropy(x, t, weight=microbp.ones(3)),
    "cross_entropy with smoothing": lambda x, t: F.cross_entropy(x, t, label_smoothing=0.1),
    "cross_entropy without reduction": lambda x, t: F.cross_entropy(x, t, reduction="none"),
}


@pytest.mark.parametrize("name", BY_LABEL)
@pytest.mark.parametrize("label", [3, -1, 99, -99, 2**40])
def test_a_label_out_of_range_raises_with_its_value(name: str, label: int) -> None:
    with pytest.raises(RangeError, match=rf"label {label} .*3 classes"):
        BY_LABEL[name](microbp.zeros(2, 3), microbp.tensor([0, label]))


@pytest.mark.parametrize("name", BY_LABEL)
@pytest.mark.parametrize(
    "labels",
    [[0.0, 1.0], [True, False], [0, 1, 2], [0], [[0], [1]], 0],
    ids=["float", "bool", "long", "short", "column", "0-d"],
)
def test_labels_of_another_dtype_or_length_raise(name: str, labels: Any) -> None:
    with pytest.raises((ShapeError, DtypeError), match=r"label|target"):
        BY_LABEL[name](microbp.zeros(2, 3), microbp.tensor(labels))


def test_indices_out_of_range_raise_with_their_value() -> None:
    for attempt in (
        lambda: F.one_hot(microbp.tensor([0, 7]), 3),
        lambda: F.embedding(microbp.tensor([0, 7]), microbp.zeros(3, 2)),
        lambda: microbp.zeros(3).gather(0, microbp.tensor([7])),
        lambda: microbp.zeros(3).scatter(0, microbp.tensor([7]), 1.0),
        lambda: microbp.zeros(3).index_select(0, microbp.tensor([7])),
        lambda: microbp.zeros(3).take(microbp.tensor([7])),
        lambda: microbp.zeros(3)[microbp.tensor([7])],
        lambda: microbp.zeros(3)[7],
    ):
        with pytest.raises(IndexError, match="7"):
            attempt()


def test_probabilities_out_of_range_raise_with_their_value() -> None:
    for wrong in (1.5, -0.25, float("nan")):
        with pytest.raises(RangeError, match=str(wrong)):
            F.binary_cross_entropy(microbp.tensor([0.5, wrong]), microbp.tensor([1.0, 1.0]))
        with pytest.raises(RangeError, match="target"):
            F.binary_cross_entropy(microbp.tensor([0.5]), microbp.tensor([wrong]))


def test_labels_that_change_later_do_not_change_the_gradient() -> None:
    labels = microbp.tensor([0, 2])
    x = microbp.zeros(2, 3, requires_grad=True)
    loss = F.cross_entropy(x, labels)
    labels.fill_(1)
    loss.backward()
    expected = microbp.zeros(2, 3, requires_grad=True)
    F.cross_entropy(expected, microbp.tensor([0, 2])).backward()
    assert x.grad is not None
    assert expected.grad is not None
    assert x.grad.tolist() == expected.grad.tolist()
