"""Negative log-likelihoods of numbers: stability, and what is refused."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pytest

import microbp
from microbp.errors import DtypeError, RangeError, ShapeError
from microbp.nn import functional as F
from tests.referee import compare
from tests.samples import normal, positive


def ones(*shape: int) -> microbp.Tensor:
    return microbp.ones(shape)


def test_the_poisson_loss_is_least_at_the_count() -> None:
    rates = microbp.tensor([0.5, 2.0, 3.0, 5.0], requires_grad=True)
    losses = F.poisson_nll_loss(rates, microbp.full((4,), 3.0), log_input=False, reduction="none")
    assert losses.detach().array.argmin() == 2
    losses.sum().backward()
    np.testing.assert_array_equal(np.sign(rates.grad.array), [-1, -1, 0, 1])


def test_a_rate_of_0_and_a_count_of_0_give_finite_losses() -> None:
    rate = microbp.zeros(2, requires_grad=True)
    loss = F.poisson_nll_loss(rate, microbp.tensor([0.0, 2.0]), log_input=False, full=True, reduction="none")
    assert np.isfinite(loss.detach().array).all()
    loss.sum().backward()
    assert np.isfinite(rate.grad.array).all()


@pytest.mark.parametrize("count", [0.0, 1.0, 1.5, 2.0, 30.0])
def test_stirling_starts_above_a_count_of_1(count: float) -> None:
    t = microbp.tensor([count])
    with_it, without = (F.poisson_nll_loss(microbp.zeros(1), t, full=full) for full in (True, False))
    added = with_it.item() - without.item()
    assert added == pytest.approx(
        0 if count <= 1 else count * math.log(count) - count + math.log(2 * math.pi * count) / 2
    )


def test_large_log_rates_overflow_without_a_warning_as_in_pytorch() -> None:
    compare(
        lambda lib, x, t: lib.nn.functional.poisson_nll_loss(x, t, reduction="none"), np.array([-1e4, 1e4]), np.ones(2)
    )


def test_the_gaussian_loss_is_minus_the_log_of_the_density() -> None:
    x, t, var = normal(5), normal(5, seed=1), positive(5)
    density = np.exp(-((x - t) ** 2) / (2 * var)) / np.sqrt(2 * np.pi * var)
    loss = F.gaussian_nll_loss(microbp.tensor(x), microbp.tensor(t), microbp.tensor(var), full=True, reduction="none")
    np.testing.assert_allclose(loss.array, -np.log(density), rtol=1e-12)


def test_variances_below_eps_count_as_eps_but_keep_their_gradient() -> None:
    def run(lib: Any, var: Any) -> Any:
        return lib.nn.functional.gaussian_nll_loss(
            lib.zeros(3).double(), lib.ones(3).double(), var, eps=0.5, reduction="none"
        )

    compare(run, np.array([0.0, 0.25, 1.0]))


def test_variances_stay_as_they_are() -> None:
    var = microbp.zeros(3)
    F.gaussian_nll_loss(ones(3), ones(3), var)
    assert var.tolist() == [0.0, 0.0, 0.0]


def test_negative_variances_are_refused_with_the_least() -> None:
    for var in (microbp.tensor([1.0, -0.25, -2.0]), -2.0):
        with pytest.raises(RangeError, match=r"gaussian_nll_loss: var has negative .*, the least one is -2\.0"):
            F.gaussian_nll_loss(ones(3), ones(3), var)


@pytest.mark.parametrize(
    ("shape", "var"), [((3,), (4,)), ((2, 3), (3,)), ((2, 3), (1, 1)), ((2, 3), (3, 2)), ((2, 3), (2, 3, 1))]
)
def test_variances_that_do_not_fit_are_refused_with_those_that_do(shape: tuple[int, ...], var: tuple[int, ...]) -> None:
    text = f"gaussian_nll_loss: var is of incorrect size: {var} for input {shape}; it may have the input's shape"
    with pytest.raises(ShapeError, match=re.escape(text)):
        F.gaussian_nll_loss(ones(*shape), ones(*shape), ones(*var))


def test_integers_are_refused_for_the_normal_distribution() -> None:
    with pytest.raises(DtypeError, match="gaussian_nll_loss needs a floating-point tensor, got int64 and int64"):
        F.gaussian_nll_loss(ones(2).long(), ones(2).long(), 1.0)


def test_options_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(TypeError, match="poisson_nll_loss: eps must be a number, got str"):
        F.poisson_nll_loss(ones(2), ones(2), False, eps="0")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="gaussian_nll_loss: eps must be a number, got NoneType"):
        F.gaussian_nll_loss(ones(2), ones(2), 1.0, eps=None)  # type: ignore[arg-type]
