"""Losses over classes that ask for a margin: stability, labels, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import microbp
from microbp.errors import DtypeError, OptionError, RangeError, ShapeError
from microbp.nn import functional as F
from tests.samples import normal


def scores(*shape: int) -> microbp.Tensor:
    return microbp.zeros(shape)


def test_multi_margin_loss_is_what_its_definition_says() -> None:
    x, t, w = normal(5, 4), np.array([3, 0, 0, 2, 1]), np.array([1.0, 2.0, 0.5, 3.0])
    for p in (1, 2):
        expected = [
            sum(w[t[n]] * max(0, 0.3 - x[n, t[n]] + x[n, i]) ** p for i in range(4) if i != t[n]) / 4 for n in range(5)
        ]
        loss = F.multi_margin_loss(microbp.tensor(x), microbp.tensor(t), p, 0.3, microbp.tensor(w), reduction="none")
        np.testing.assert_allclose(loss.array, expected, rtol=1e-12)


def test_losses_of_large_scores_are_exact() -> None:
    x = microbp.tensor([1e4, -1e4, 1e30, -1e30], requires_grad=True)
    t = microbp.tensor([1.0, 1.0, -1.0, -1.0])
    soft = F.soft_margin_loss(x, t, reduction="none")
    np.testing.assert_allclose(soft.detach().array, [0, 1e4, 1e30, 0], rtol=1e-6)
    several = F.multilabel_soft_margin_loss(x.unsqueeze(1), (t.unsqueeze(1) + 1) / 2, reduction="none")
    np.testing.assert_allclose(several.detach().array, [0, 1e4, 1e30, 0], rtol=1e-6)
    (soft.sum() + several.sum()).backward()
    np.testing.assert_allclose(x.grad.array, [0, -2, 2, 0], atol=1e-30)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: F.multi_margin_loss(scores(2, 3), microbp.tensor([0, 3])), "label 3 at position 1 is out of range"),
        (lambda: F.multi_margin_loss(scores(2, 3), microbp.tensor([-1, 0])), r"label -1 at position 0 .*\(0 to 2\)"),
        (lambda: F.multi_margin_loss(scores(3), microbp.tensor(5)), "label 5 .* 3 classes"),
        (
            lambda: F.multilabel_margin_loss(scores(2, 3), microbp.tensor([[0, -1, 7], [1, 3, -1]])),
            "label 3 is out of range for 3 classes; -1 ends the labels",
        ),
        (lambda: F.multilabel_margin_loss(scores(3), microbp.tensor([0, -2, -1])), "label -2 is out of range"),
    ],
)
def test_labels_that_name_no_class_are_refused_with_their_value(call: Any, text: str) -> None:
    with pytest.raises(RangeError, match=rf"^multi(label)?_margin_loss: .*{text}"):
        call()


def test_what_comes_after_the_first_minus_1_does_not_matter() -> None:
    x = microbp.tensor(normal(2, 4))
    losses = [
        F.multilabel_margin_loss(x, microbp.tensor([[3, 0, -1, rest], [-1, rest, rest, 2]])).item()
        for rest in (1, 99, -5)
    ]
    assert losses[0] == losses[1] == losses[2]


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: F.multi_margin_loss(scores(2, 3), scores(2)), DtypeError, r"must be integers, got float32.*long\(\)"),
        (lambda: F.multi_margin_loss(scores(2, 3).long(), scores(2).long()), DtypeError, "floating-point tensor"),
        (lambda: F.multi_margin_loss(scores(2, 3), scores(3).long()), ShapeError, r"shape \(2,\).* got shape \(3,\)"),
        (lambda: F.multi_margin_loss(scores(2, 3), scores(2, 1).long()), ShapeError, r"got shape \(2, 1\)"),
        (
            lambda: F.multi_margin_loss(scores(2, 3, 4), scores(2).long()),
            ShapeError,
            r"\(N, C\).* got shape \(2, 3, 4\)",
        ),
        (lambda: F.multi_margin_loss(scores(2, 0), scores(2).long()), ShapeError, r"at least one class.*\(2, 0\)"),
        (lambda: F.multi_margin_loss(scores(2, 3), scores(2).long(), p=3), OptionError, "p == 1 and p == 2.* got 3"),
        (
            lambda: F.multi_margin_loss(scores(2, 3), scores(2).long(), margin="1"),  # type: ignore[arg-type]
            TypeError,
            "margin must be a number, got str",
        ),
        (
            lambda: F.multi_margin_loss(scores(2, 3), scores(2).long(), weight=scores(2)),
            ShapeError,
            r"weight must have one entry of float32 for each of 3 classes, got shape \(2,\)",
        ),
        (
            lambda: F.multi_margin_loss(scores(2, 3), scores(2).long(), weight=microbp.ones(3, requires_grad=True)),
            NotImplementedError,
            "no gradient for its weight",
        ),
        (lambda: F.multilabel_margin_loss(scores(2, 3), scores(2, 3)), DtypeError, "labels must be integers"),
        (lambda: F.multilabel_margin_loss(scores(2, 3), scores(1, 3).long()), ShapeError, r"\(2, 3\) and \(1, 3\)"),
        (lambda: F.multilabel_margin_loss(scores(2, 0), scores(2, 0).long()), ShapeError, "at least one class"),
        (lambda: F.multilabel_soft_margin_loss(microbp.tensor(1.0), microbp.tensor(1.0)), ShapeError, "0-d tensor"),
        (
            lambda: F.multilabel_soft_margin_loss(scores(2, 3), scores(2, 3), microbp.ones(2)),
            ShapeError,
            r"weight \(2,\) and losses \(2, 3\) do not fit",
        ),
        (lambda: F.soft_margin_loss(scores(2).long(), scores(2).long()), DtypeError, "got int64 and int64"),
    ],
)
def test_refused_by_the_name_of_the_loss(call: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=rf"^(multi|multilabel|multilabel_soft|soft)_margin_loss.*{text}"):
        call()


@pytest.mark.parametrize("name", ["multi_margin_loss", "multilabel_margin_loss"])
def test_changing_the_labels_later_does_not_change_the_gradient(name: str) -> None:
    target = np.array([0, 2]) if name == "multi_margin_loss" else np.array([[0, -1, 1], [2, 1, -1]])
    gradients = []
    for change in (False, True):
        x, t = microbp.tensor(normal(2, 3), requires_grad=True), microbp.from_numpy(target.copy())
        loss = getattr(F, name)(x, t)
        if change:
            t.array[:] = 1
        loss.backward()
        gradients.append(x.grad.array)
    np.testing.assert_array_equal(*gradients)
