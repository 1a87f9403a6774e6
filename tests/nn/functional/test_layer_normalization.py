"""Normalisation of the last dimensions: stability, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import microbp
from microbp.errors import DtypeError, ShapeError
from microbp.nn import functional as F
from tests.samples import normal


def ones(*shape: int) -> microbp.Tensor:
    return microbp.ones(shape)


def test_layer_norm_has_mean_0_and_variance_1() -> None:
    y = F.layer_norm(microbp.tensor(3 * normal(5, 40) + 7), (40,)).array
    np.testing.assert_allclose(y.mean(1), 0, atol=1e-12)
    np.testing.assert_allclose(y.var(1), 1, rtol=1e-4)


def test_rms_norm_has_a_mean_square_of_1_whatever_the_scale() -> None:
    for scale in (0.1, 1.0, 1e15):
        y = F.rms_norm(microbp.tensor((scale * normal(5, 40)).astype(np.float32)), (40,)).array
        np.testing.assert_allclose(np.square(y).mean(1), 1, rtol=1e-3)


def test_large_means_do_not_cancel_in_float32() -> None:
    values = (normal(4, 50) + 1e6).astype(np.float32)
    found, exact = (F.layer_norm(microbp.tensor(values.astype(kind)), (50,)).array for kind in (np.float32, np.float64))
    np.testing.assert_allclose(found, exact, atol=2e-4)


def test_equal_values_and_zeros_have_finite_gradients() -> None:
    for function in (F.layer_norm, F.rms_norm):
        x = microbp.zeros(2, 3, requires_grad=True)
        y = function(x, (3,))
        assert not y.detach().array.any()
        y.sum().backward()
        assert np.isfinite(x.grad.array).all()


def test_half_precision_is_kept_and_computed_in_a_wider_one() -> None:
    values = (normal(4, 64) * 300).astype(np.float16)
    for function in (F.layer_norm, F.rms_norm):
        y = function(microbp.tensor(values), (64,))
        assert y.dtype == np.float16
        np.testing.assert_allclose(y.array, function(microbp.tensor(values.astype(float)), (64,)).array, atol=5e-3)


@pytest.mark.parametrize("name", ["layer_norm", "rms_norm"])
@pytest.mark.parametrize(
    ("shape", "arguments", "error", "text"),
    [
        (
            (2, 3),
            ((2,),),
            ShapeError,
            r"normalized_shape=\(2,\), expected input with shape \(\*, 2\), but got .*\(2, 3\)",
        ),
        ((2, 3), ((1, 2, 3),), ShapeError, r"expected input with shape \(\*, 1, 2, 3\)"),
        ((2, 3), ((),), ShapeError, "normalized_shape needs at least one dimension"),
        ((2, 3), (3,), TypeError, "normalized_shape must be a tuple of integers, got 3"),
        ((2, 3), ((3.0,),), TypeError, r"normalized_shape must be a tuple of integers, got \(3\.0,\)"),
        ((2, 3), ((3,), microbp.ones(2)), ShapeError, r"weight must have normalized_shape \(3,\), got shape \(2,\)"),
    ],
)
def test_refused_by_the_name_of_the_function(
    name: str, shape: tuple[int, ...], arguments: tuple[Any, ...], error: type[Exception], text: str
) -> None:
    with pytest.raises(error, match=f"^{name}: .*{text}"):
        getattr(F, name)(ones(*shape), *arguments)
    with pytest.raises(DtypeError, match=f"{name} needs a floating-point tensor, got int64"):
        getattr(F, name)(ones(2, 3).long(), (3,))
