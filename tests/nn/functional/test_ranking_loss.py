"""Losses over pairs and triplets: kinks, stability, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import microbp
from microbp.errors import BroadcastWarning, OptionError, ShapeError
from microbp.nn import functional as F
from tests.referee import compare
from tests.samples import normal


def ones(*shape: int) -> microbp.Tensor:
    return microbp.ones(shape)


def test_vectors_of_length_0_as_in_pytorch() -> None:
    def run(lib: Any, x: Any, y: Any) -> Any:
        return lib.nn.functional.cosine_embedding_loss(x, y, lib.tensor([1, -1]), reduction="none")

    compare(run, np.zeros((2, 3)), normal(2, 3), rtol=1e-8)  # PyTorch has a float32 constant


def test_cosines_of_float32_vectors_of_any_length_are_finite() -> None:
    for scale in (1e-15, 1e15):
        x = microbp.tensor(np.float32([[3, 4], [3, 4]]) * np.float32(scale), requires_grad=True)
        loss = F.cosine_embedding_loss(x, microbp.tensor([[4.0, 3.0], [4.0, 3.0]]), microbp.tensor([1, -1]))
        loss.backward()
        assert np.isfinite(loss.item())
        assert np.isfinite(x.grad.array).all()


def test_targets_other_than_1_and_minus_1_as_in_pytorch() -> None:
    t = np.array([0.0, 2.0, 1.0, -1.0])
    compare(lambda lib, x: lib.nn.functional.hinge_embedding_loss(x, lib.tensor(t), reduction="none"), normal(4))
    compare(
        lambda lib, x, y: lib.nn.functional.cosine_embedding_loss(x, y, lib.tensor(t), reduction="none"),
        normal(4, 3),
        normal(4, 3, seed=1),
    )


def test_an_anchor_on_the_positive_example_has_a_finite_gradient() -> None:
    a = ones(2, 3).requires_grad_()
    loss = F.triplet_margin_loss(a, ones(2, 3), ones(2, 3) * 1.1, swap=True)
    loss.backward()
    assert np.isfinite(a.grad.array).all()


def test_an_own_distance_is_called_with_pairs_and_may_be_learned() -> None:
    scale = microbp.tensor(2.0, requires_grad=True)
    calls = []

    def distance(x: microbp.Tensor, y: microbp.Tensor) -> microbp.Tensor:
        calls.append((x, y))
        result: microbp.Tensor = scale * (x - y).abs().sum(-1)
        return result

    a, p, n = ones(1, 2), ones(1, 2) * 2, ones(1, 2) * 1.5
    loss = F.triplet_margin_with_distance_loss(a, p, n, distance_function=distance, swap=True)
    assert [(x is one, y is other) for (x, y), (one, other) in zip(calls, [(a, p), (a, n), (p, n)], strict=True)] == [
        (True, True)
    ] * 3
    loss.backward()
    assert scale.grad.item() == 1.0


def test_n_against_another_n_warns() -> None:
    with pytest.warns(BroadcastWarning, match=r"margin_ranking_loss: input \(3,\) and target \(1,\)") as caught:
        F.margin_ranking_loss(ones(3), ones(3), ones(1))
    assert caught[0].filename == __file__


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (
            lambda: F.margin_ranking_loss(ones(2), ones(3), ones(2)),
            ShapeError,
            r"input1 \(2,\) and input2 \(3,\) do not",
        ),
        (
            lambda: F.margin_ranking_loss(ones(2), ones(2), ones(2, 1)),
            ShapeError,
            r"same number of dimensions.* input1 \(2,\), input2 \(2,\) and target \(2, 1\)",
        ),
        (lambda: F.margin_ranking_loss(ones(2), ones(2), ones(2), margin=None), TypeError, "margin must be a number"),
        (
            lambda: F.cosine_embedding_loss(ones(2, 3), ones(2, 4), ones(2)),
            ShapeError,
            r"input1 \(2, 3\) and input2 \(2, 4\) do not fit each other",
        ),
        (
            lambda: F.cosine_embedding_loss(ones(3), ones(3), ones(1)),
            ShapeError,
            r"a target \(N,\) takes inputs \(N, D\).* got target \(1,\) with input1 \(3,\)",
        ),
        (
            lambda: F.triplet_margin_loss(ones(2, 3), ones(2, 3), ones(2, 4)),
            ShapeError,
            r"anchor \(2, 3\), positive \(2, 3\) and negative \(2, 4\) do not fit",
        ),
        (
            lambda: F.triplet_margin_loss(ones(2, 3), ones(3), ones(2, 3)),
            ShapeError,
            r"the same number of dimensions, but got \(2, 3\), \(3,\) and \(2, 3\)",
        ),
        (lambda: F.triplet_margin_loss(ones(3), ones(3), ones(3), margin=0), OptionError, "greater than 0, got 0"),
        (
            lambda: F.triplet_margin_with_distance_loss(ones(3), ones(3), ones(3), margin=-1),
            OptionError,
            "margin must be greater than 0, got -1",
        ),
        (
            lambda: F.triplet_margin_with_distance_loss(ones(3), ones(3), ones(3), distance_function=2),
            TypeError,
            "distance_function must be callable, got int 2",
        ),
        (lambda: F.hinge_embedding_loss(ones(2), ones(2), margin="1"), TypeError, "margin must be a number, got str"),
    ],
)
def test_refused_by_the_name_of_the_loss(call: Any, error: type[Exception], text: str) -> None:
    names = "margin_ranking|cosine_embedding|triplet_margin|triplet_margin_with_distance|hinge_embedding"
    with pytest.raises(error, match=rf"^({names})_loss: .*{text}"):
        call()
