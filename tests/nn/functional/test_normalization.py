"""Normalisation of channels: stability, running moments, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import microbp
from microbp.errors import DtypeError, OptionError, ShapeError
from microbp.nn import functional as F
from tests.samples import normal


def ones(*shape: int) -> microbp.Tensor:
    return microbp.ones(shape)


NORMS: dict[str, Any] = {
    "batch_norm": lambda x: F.batch_norm(x, None, None, training=True),
    "instance_norm": F.instance_norm,
    "group_norm": lambda x: F.group_norm(x, 1),
}


@pytest.mark.parametrize("name", NORMS)
def test_mean_0_and_variance_1(name: str) -> None:
    y = NORMS[name](microbp.tensor(3 * normal(4, 3, 50) + 7)).array
    axes = {"batch_norm": (0, 2), "instance_norm": (2,), "group_norm": (1, 2)}[name]
    np.testing.assert_allclose(y.mean(axes), 0, atol=1e-12)
    np.testing.assert_allclose(y.var(axes), 1, rtol=1e-4)


@pytest.mark.parametrize("name", NORMS)
@pytest.mark.parametrize("offset", [1e4, 1e6])
def test_large_means_do_not_cancel_in_float32(name: str, offset: float) -> None:
    values = (normal(4, 3, 50) + offset).astype(np.float32)
    found = NORMS[name](microbp.tensor(values)).array
    exact = NORMS[name](microbp.tensor(values.astype(np.float64))).array
    np.testing.assert_allclose(found, exact, atol=2e-4)


@pytest.mark.parametrize("name", NORMS)
@pytest.mark.parametrize("value", [0.0, 5.0, 1e8])
def test_equal_values_become_0_with_a_finite_gradient(name: str, value: float) -> None:
    x = microbp.full((2, 3, 4), value, requires_grad=True)
    y = NORMS[name](x)
    assert not y.detach().array.any()
    y.square().sum().backward()
    assert not x.grad.array.any()


@pytest.mark.parametrize("name", NORMS)
def test_half_precision_is_kept_and_computed_in_a_wider_one(name: str) -> None:
    values = (normal(4, 3, 64) * 300).astype(np.float16)  # the squares are beyond the largest float16
    x = microbp.tensor(values, requires_grad=True)
    y = NORMS[name](x)
    y.sum().backward()
    assert x.grad.dtype == y.dtype == np.float16
    np.testing.assert_allclose(y.detach().array, NORMS[name](microbp.tensor(values.astype(float))).array, atol=5e-3)


@pytest.mark.parametrize("name", NORMS)
def test_input_stays_as_it_is(name: str) -> None:
    values = normal(2, 3, 4)
    x = microbp.tensor(values)
    NORMS[name](x)
    np.testing.assert_array_equal(x.array, values)


# -- running moments -----------------------------------------------------------------------


def test_running_moments_converge_to_those_of_the_data() -> None:
    mean, var = microbp.zeros(2), microbp.ones(2)
    data = normal(4000, 2) * [2.0, 0.5] + [1.0, -3.0]
    for batch in data.reshape(200, 20, 2):
        F.batch_norm(microbp.tensor(batch.astype(np.float32)), mean, var, training=True)
    np.testing.assert_allclose(mean.array, [1, -3], atol=0.3)
    np.testing.assert_allclose(var.array, [4, 0.25], rtol=0.3)


@pytest.mark.parametrize("momentum", [0.0, 1.0])
def test_momentum_at_its_limits(momentum: float) -> None:
    values = normal(6, 3)
    mean, var = microbp.tensor(normal(3, seed=1)), microbp.tensor(normal(3, seed=2))
    before = mean.array.copy(), var.array.copy()
    F.batch_norm(microbp.tensor(values), mean, var, training=True, momentum=momentum)
    expected = before if momentum == 0 else (values.mean(0), values.var(0, ddof=1))
    np.testing.assert_allclose((mean.array, var.array), expected, rtol=1e-12)


def test_running_moments_do_not_move_in_evaluation_and_are_not_recorded() -> None:
    mean, var = microbp.zeros(3), microbp.ones(3)
    x = microbp.tensor(normal(4, 3), dtype=microbp.float32, requires_grad=True)
    F.batch_norm(x, mean, var).sum().backward()
    assert (mean.tolist(), var.tolist()) == ([0.0] * 3, [1.0] * 3)
    F.batch_norm(x, mean, var, training=True)
    assert mean.grad_fn is None
    assert not mean.requires_grad
    assert (mean.array != 0).all()


def test_a_step_after_evaluation_does_not_disturb_its_gradient() -> None:
    """The graph of an evaluation keeps its own moments; training moves the buffers afterwards."""
    gradients = []
    for train in (False, True):
        mean, var = microbp.zeros(3), microbp.ones(3)
        x = microbp.tensor(normal(4, 3), dtype=microbp.float32, requires_grad=True)
        loss = F.batch_norm(x, mean, var).square().sum()
        if train:
            F.batch_norm(x, mean, var, training=True)
        loss.backward()
        gradients.append(x.grad.array)
    np.testing.assert_array_equal(*gradients)


def test_a_refused_batch_leaves_the_running_moments_alone() -> None:
    mean, var = microbp.zeros(3), microbp.ones(3)
    with pytest.raises(ShapeError):
        F.batch_norm(ones(1, 3), mean, var, training=True)
    with pytest.raises(DtypeError):
        F.batch_norm(ones(2, 3), mean, ones(3).long(), training=True)
    assert (mean.tolist(), var.tolist()) == ([0.0] * 3, [1.0] * 3)


def test_moments_that_are_none_give_no_warning() -> None:
    assert np.isnan(F.batch_norm(ones(2, 1), microbp.zeros(1), -ones(1)).array).all()
    assert np.isinf(F.batch_norm(ones(2, 1), microbp.zeros(1), microbp.zeros(1), eps=0).array).all()


# -- what is refused -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (
            lambda: F.batch_norm(ones(1, 3), microbp.zeros(3), ones(3), training=True),
            ShapeError,
            r"Expected more than 1 value per channel when training, got input size \(1, 3\); use a larger",
        ),
        (lambda: F.batch_norm(ones(1, 3, 1), None, None, training=True), ShapeError, "more than 1 value per channel"),
        (lambda: F.instance_norm(ones(2, 3)), ShapeError, r"more than 1 spatial element when training, .*\(2, 3\)"),
        (lambda: F.instance_norm(ones(2, 3, 1)), ShapeError, "more than 1 spatial element"),
        (lambda: F.group_norm(ones(1, 2), 2), ShapeError, "Expected more than 1 value per channel when training"),
        (
            lambda: F.batch_norm(ones(3), None, None, training=True),
            ShapeError,
            r"\(N, C\) or \(N, C, ...\), got .*\(3,\)",
        ),
        (
            lambda: F.batch_norm(ones(2, 3), microbp.zeros(3), ones(2)),
            ShapeError,
            r"running_var should contain 3 elements, one for each channel of input \(2, 3\), got shape \(2,\)",
        ),
        (lambda: F.batch_norm(ones(2, 3), None, None), OptionError, "running_mean must be defined in evaluation mode"),
        (lambda: F.instance_norm(ones(2, 3, 4), use_input_stats=False), OptionError, "running_mean must be defined"),
        (
            lambda: F.batch_norm(ones(2, 3), microbp.zeros(3), None, training=True),
            OptionError,
            "running_mean and running_var must either both be None or neither",
        ),
        (
            lambda: F.batch_norm(ones(2, 3), None, None, training=True, eps=0),
            OptionError,
            "eps must be positive.* got 0",
        ),
        (lambda: F.batch_norm(ones(2, 3), None, None, eps="a"), TypeError, "eps must be a number, got str"),
        (
            lambda: F.batch_norm(ones(2, 3), None, None, momentum=None),
            TypeError,
            "momentum must be a number, got NoneType",
        ),
        (
            lambda: F.batch_norm(ones(2, 3), np.zeros(3), ones(3), training=True),
            TypeError,
            "running_mean is written to, so it must be a Tensor",
        ),
        (lambda: F.batch_norm(ones(2, 3).long(), None, None, training=True), DtypeError, r"int64.*t\.float\(\)"),
        (lambda: F.batch_norm(ones(2, 3), ones(3).long(), ones(3)), DtypeError, "running_mean must be floating-point"),
        (
            lambda: F.group_norm(ones(2, 6), 4),
            ShapeError,
            r"the 6 channels of input \(2, 6\) must be divisible by num_g",
        ),
        (lambda: F.group_norm(ones(2, 6), 0), OptionError, "num_groups must be positive, got 0"),
        (lambda: F.group_norm(ones(2, 6), 2.0), TypeError, r"num_groups must be an integer .* got 2\.0"),
        (lambda: F.group_norm(ones(2, 6), 2, ones(2)), ShapeError, "weight should contain 6 elements"),
        (lambda: F.local_response_norm(ones(2, 3), 2), ShapeError, r"3D or higher .*\(2, 3\)"),
        (lambda: F.local_response_norm(ones(2, 3, 4), 0), OptionError, "size must be positive, got 0"),
        (lambda: F.local_response_norm(ones(2, 3, 4), 2.5), TypeError, r"size must be an integer .* got 2\.5"),
    ],
)
def test_refused_by_the_name_of_the_function(call: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=rf"^(batch|instance|group|local_response)_norm.*{text}"):
        call()
