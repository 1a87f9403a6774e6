"""Lengths, angles and distances: stability, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import microbp
from microbp.errors import DtypeError, ShapeError
from microbp.nn import functional as F


def ones(*shape: int) -> microbp.Tensor:
    return microbp.ones(shape)


@pytest.mark.parametrize("scale", [1e-15, 1e-6, 1.0, 1e15])
def test_the_cosine_does_not_depend_on_lengths(scale: float) -> None:
    x, y = microbp.tensor([[3.0, 4.0]]) * scale, microbp.tensor([[4.0, 3.0]])
    np.testing.assert_allclose(F.cosine_similarity(x, y, eps=1e-20).array, 0.96, rtol=1e-5)


def test_the_cosine_of_float32_vectors_is_between_bounds() -> None:
    x = microbp.randn(1000, 3)
    cosine = F.cosine_similarity(x, x).array
    np.testing.assert_allclose(cosine, 1, rtol=1e-6)


def test_vectors_of_length_0_have_cosine_0_and_finite_gradients() -> None:
    x, y = microbp.zeros(1, 3, requires_grad=True), microbp.ones(1, 3, requires_grad=True)
    cosine = F.cosine_similarity(x, y)
    assert cosine.item() == 0
    cosine.sum().backward()
    assert np.isfinite(x.grad.array).all()
    assert not y.grad.array.any()


def test_equal_vectors_have_a_finite_gradient_of_their_distance() -> None:
    for eps in (0.0, 1e-6):
        x = microbp.ones(2, 3, requires_grad=True)
        F.pairwise_distance(x, microbp.ones(2, 3), eps=eps).sum().backward()
        assert np.isfinite(x.grad.array).all()


def test_normalize_leaves_zeros_and_keeps_the_dtype() -> None:
    x = microbp.tensor([[0.0, 0.0], [3.0, 4.0]], requires_grad=True)
    y = F.normalize(x)
    np.testing.assert_allclose(y.detach().array, [[0, 0], [0.6, 0.8]], rtol=1e-6)
    y.sum().backward()
    assert x.grad.dtype == y.dtype == np.float32
    assert np.isfinite(x.grad.array).all()


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (
            lambda: F.cosine_similarity(ones(2, 3), ones(2, 4)),
            ShapeError,
            r"cosine_similarity: x1 \(2, 3\) and x2 \(2, 4\) do not fit each other",
        ),
        (
            lambda: F.pairwise_distance(ones(2, 3), ones(4)),
            ShapeError,
            r"pairwise_distance: x1 \(2, 3\) and x2 \(4,\) do not fit each other",
        ),
        (lambda: F.cosine_similarity(ones(3), ones(3)), IndexError, "cosine_similarity: Dimension out of range"),
        (lambda: F.normalize(ones(3)), IndexError, r"normalize: Dimension out of range .*\[-1, 0\], but got 1"),
        (lambda: F.normalize(ones(3).long()), DtypeError, "normalize needs a floating-point tensor, got int64"),
        (
            lambda: F.cosine_similarity(ones(1, 3).long(), ones(1, 3).long()),
            DtypeError,
            "cosine_similarity needs a floating-point tensor, got int64 and int64",
        ),
        (lambda: F.cosine_similarity(ones(1, 3), [1.0]), TypeError, "cosine_similarity: x2 must be a Tensor, got list"),
        (lambda: F.pairwise_distance(1.0, ones(3)), TypeError, "pairwise_distance: x1 must be a Tensor, got float"),
        (lambda: F.normalize(ones(1, 3), out=ones(1, 3)), NotImplementedError, "no out=; assign the result"),
    ],
)
def test_refused_with_a_clear_text(call: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        call()
