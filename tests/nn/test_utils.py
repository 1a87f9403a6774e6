"""`microbp.nn.utils` against PyTorch: limits for gradients, and all parameters as one vector."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import microbp
from microbp import nn
from microbp.errors import ShapeError
from microbp.nn.utils import (
    clip_grad_norm_,
    clip_grad_value_,
    clip_grads_with_norm_,
    get_total_norm,
    parameters_to_vector,
    vector_to_parameters,
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


def layers(lib: Any) -> Any:
    """A model with parameters of several shapes, 0-d among them."""
    model = lib.nn.Sequential(lib.nn.Linear(3, 2), lib.nn.PReLU(), lib.nn.Linear(2, 1, bias=False)).double()
    model.register_parameter("scale", lib.nn.Parameter(lib.tensor(2.0, dtype=lib.float64)))
    return model


def test_parameters_to_a_vector_and_back() -> None:
    ours, theirs = layers(microbp), layers(torch())
    values = normal(3 * 2 + 2 + 1 + 2 + 1)
    vector_to_parameters(microbp.tensor(values), ours.parameters())
    torch().nn.utils.vector_to_parameters(torch().tensor(values), theirs.parameters())
    for mine, yours in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert type(mine) is nn.Parameter
        assert mine.requires_grad
        assert mine.is_leaf
        np.testing.assert_array_equal(mine.array, yours.detach().numpy())
    vector = parameters_to_vector(ours.parameters())
    np.testing.assert_array_equal(vector.detach().array, values)
    np.testing.assert_array_equal(
        torch().nn.utils.parameters_to_vector(theirs.parameters()).detach().numpy(), vector.detach().array
    )


def test_the_gradient_of_the_vector_reaches_the_parameters() -> None:
    model = layers(microbp)
    vector = parameters_to_vector(model.parameters())
    (vector * vector).sum().backward()
    for parameter in model.parameters():
        np.testing.assert_array_equal(parameter.grad.array, 2 * parameter.array)


def test_parameters_look_at_the_vector_as_in_pytorch() -> None:
    for lib in (microbp, torch()):
        model, vector = layers(lib), lib.zeros(12, dtype=lib.float64)
        lib.nn.utils.vector_to_parameters(vector, model.parameters())
        vector.add_(1.0)
        assert [p.detach().numpy().max() for p in model.parameters()] == [1.0] * 5
        with lib.no_grad():
            model.scale.mul_(5.0)
        assert vector.tolist() == [5.0] + [1.0] * 11


def test_a_graph_keeps_the_values_from_before() -> None:
    layer = nn.Linear(1, 1, bias=False)
    nn.init.constant_(layer.weight, 3.0)
    loss = (layer.weight * layer.weight).sum()
    vector_to_parameters(microbp.tensor([100.0]), layer.parameters())
    loss.backward()
    assert layer.weight.grad.item() == 6.0


def test_a_vector_that_is_longer_serves_one_model_after_the_other() -> None:
    one, other = nn.Linear(1, 1), nn.Linear(2, 1, bias=False)
    vector = microbp.arange(4.0)
    vector_to_parameters(vector, one.parameters())
    vector_to_parameters(vector[2:], other.parameters())
    assert [p.tolist() for p in (*one.parameters(), *other.parameters())] == [[[0.0]], [1.0], [[2.0, 3.0]]]


def test_wrong_vectors_are_refused_and_change_nothing() -> None:
    layer = nn.Linear(2, 1)
    before = [p.tolist() for p in layer.parameters()]
    with pytest.raises(ShapeError, match=r"take a vector of 3 values, got \(2,\)"):
        vector_to_parameters(microbp.zeros(2), layer.parameters())
    with pytest.raises(ShapeError, match=r"take a vector of 3 values, got \(3, 1\)"):
        vector_to_parameters(microbp.zeros(3, 1), layer.parameters())
    with pytest.raises(TypeError, match="vec must be a Tensor, got list"):
        vector_to_parameters([0.0] * 3, layer.parameters())  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="a single Tensor; put it in a list"):
        vector_to_parameters(microbp.zeros(2), layer.weight)
    with pytest.raises(ShapeError, match="at least one tensor"):
        parameters_to_vector([])
    assert [p.tolist() for p in layer.parameters()] == before
