"""The limits for gradients of `microbp.nn.utils` against PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import microbp
from microbp import nn
from microbp.nn.utils import (
    clip_grad_norm_,
    clip_grad_value_,
    clip_grads_with_norm_,
    get_total_norm,
)
from tests.referee import torch
from tests.samples import normal

GRADIENTS = [3 * normal(4, 3), 3 * normal(5), np.asarray(normal())]


def with_gradients(lib: Any, dtype: Any = np.float64) -> list[Any]:
    """Parameters with these gradients, and one without."""
    parameters = []
    for gradient in GRADIENTS:
        parameter = lib.tensor(np.zeros_like(gradient, dtype), requires_grad=True)
        parameter.grad = lib.tensor(gradient.astype(dtype))
        parameters.append(parameter)
    return [*parameters, lib.tensor(np.zeros(2), requires_grad=True)]


@pytest.mark.parametrize("norm_type", [2.0, 1.0, 3, float("inf")])
@pytest.mark.parametrize("max_norm", [0.5, 1000.0])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_clip_grad_norm(norm_type: float, max_norm: float, dtype: Any) -> None:
    ours, theirs = with_gradients(microbp, dtype), with_gradients(torch(), dtype)
    held = [parameter.grad for parameter in ours]
    total = clip_grad_norm_(ours, max_norm, norm_type)
    expected = torch().nn.utils.clip_grad_norm_(theirs, max_norm, norm_type)
    rtol = 1e-12 if dtype is np.float64 else 1e-6
    np.testing.assert_allclose(total.item(), expected.item(), rtol=rtol)
    assert total.dtype == dtype
    for mine, yours, before in zip(ours, theirs, held, strict=True):
        assert mine.grad is before
        if before is not None:
            np.testing.assert_allclose(mine.grad.array, yours.grad.numpy(), rtol=rtol)
            assert mine.grad.dtype == dtype


def test_clip_grad_norm_takes_one_parameter_a_generator_or_nothing() -> None:
    parameters = with_gradients(microbp)
    assert clip_grad_norm_(parameters[0], 1e9).item() == pytest.approx(np.linalg.norm(GRADIENTS[0]))
    assert clip_grad_norm_((p for p in parameters[1:2]), 1e9).item() == pytest.approx(np.linalg.norm(GRADIENTS[1]))
    assert clip_grad_norm_([], 1.0).item() == 0
    assert clip_grad_norm_(parameters[-1:], 1.0).item() == 0


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_norm_that_is_not_finite(bad: float) -> None:
    ours, theirs = with_gradients(microbp), with_gradients(torch())
    for parameters in (ours, theirs):
        parameters[1].grad[0] = bad
    before = [p.grad.array.copy() for p in ours[:-1]]
    with pytest.raises(RuntimeError, match="non-finite"):
        clip_grad_norm_(ours, 1.0, error_if_nonfinite=True)
    for p, array in zip(ours, before, strict=False):
        np.testing.assert_array_equal(p.grad.array, array)
    clip_grad_norm_(ours, 1.0)
    torch().nn.utils.clip_grad_norm_(theirs, 1.0)
    for mine, yours in zip(ours[:-1], theirs, strict=False):
        np.testing.assert_array_equal(mine.grad.array, yours.grad.numpy())


def test_clip_grad_value() -> None:
    ours, theirs = with_gradients(microbp), with_gradients(torch())
    clip_grad_value_(ours, 0.7)
    torch().nn.utils.clip_grad_value_(theirs, 0.7)
    for mine, yours in zip(ours[:-1], theirs, strict=False):
        np.testing.assert_array_equal(mine.grad.array, yours.grad.numpy())
    clip_grad_value_(ours[0], 0.1)
    assert np.abs(ours[0].grad.array).max() == 0.1


@pytest.mark.parametrize("norm_type", [2.0, 1.0, 3, 0.5, float("inf")])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_total_norm(norm_type: float, dtype: Any) -> None:
    arrays = [gradient.astype(dtype) for gradient in GRADIENTS]
    ours = get_total_norm([microbp.tensor(a, requires_grad=True) for a in arrays], norm_type)
    theirs = torch().nn.utils.get_total_norm([torch().tensor(a) for a in arrays], norm_type)
    np.testing.assert_allclose(ours.item(), theirs.item(), rtol=1e-12 if dtype is np.float64 else 1e-6)
    assert (ours.dtype, ours.shape, ours.requires_grad) == (dtype, (), False)
    alone = get_total_norm(microbp.tensor(arrays[0]), norm_type)
    assert alone.item() == pytest.approx(get_total_norm([microbp.tensor(arrays[0])], norm_type).item())


def test_total_norm_of_nothing_and_of_what_is_not_finite() -> None:
    assert get_total_norm([]).item() == torch().nn.utils.get_total_norm([]).item() == 0
    assert np.isnan(get_total_norm(microbp.tensor([np.nan])).item())
    with pytest.raises(RuntimeError, match="non-finite"):
        get_total_norm(microbp.tensor([np.inf]), error_if_nonfinite=True)


@pytest.mark.parametrize("max_norm", [0.5, 1000.0])
@pytest.mark.parametrize("total", [0.0, 2.0, float("inf"), float("nan")])
def test_clip_with_a_norm_that_was_computed_before(max_norm: float, total: float) -> None:
    ours, theirs = with_gradients(microbp), with_gradients(torch())
    clip_grads_with_norm_(ours, max_norm, microbp.tensor(total, dtype=microbp.float64))
    torch().nn.utils.clip_grads_with_norm_(theirs, max_norm, torch().tensor(total, dtype=torch().float64))
    for mine, yours in zip(ours[:-1], theirs, strict=False):
        np.testing.assert_allclose(mine.grad.array, yours.grad.numpy(), rtol=1e-12)
    clip_grads_with_norm_(ours[0], max_norm, total)


def test_a_generator_that_was_used_up_warns() -> None:
    parameters = nn.Linear(2, 2).parameters()
    list(parameters)
    with pytest.warns(UserWarning, match="empty generator"):
        clip_grad_norm_(parameters, 1.0)
