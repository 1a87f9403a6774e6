"""Functions with options, and special functions, against PyTorch."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import microbp
from microbp.errors import OptionError
from microbp.ops.erf import erfc_of, erfinv_of
from microbp.ops.special import sinc_derivative
from tests.referee import compare
from tests.samples import away_from_zero, normal, positive

inf, nan = np.inf, np.nan


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("options", [{}, {"nan": 2.0}, {"posinf": 7.0}, {"nan": 1.0, "posinf": 2.0, "neginf": 3.0}])
def test_nan_to_num(options: dict[str, float], dtype: Any) -> None:
    array = np.array([[1.0, nan, inf], [-inf, 0.0, nan]], dtype)
    compare(lambda lib, a: (lib.nan_to_num(a, **options), a.nan_to_num(**options)), array, second_order=True)
    found = np.nan_to_num(microbp.tensor(array), **options)
    np.testing.assert_array_equal(found.numpy(), np.nan_to_num(array, **options))


def test_nan_to_num_of_integers() -> None:
    compare(lambda lib, a: lib.nan_to_num(a, 5.0), np.array([1, 2]))
    with pytest.raises(NotImplementedError, match="copy=True"):
        np.nan_to_num(microbp.ones(2), copy=False)


def test_logit() -> None:
    compare(lambda lib, a: (lib.logit(a), a.logit()), positive(3, 4) / 2.5, second_order=True)
    array = np.array([-0.1, 0.0, 0.2, 0.5, 0.8, 1.0, 1.2, nan])
    compare(lambda lib, a: lib.logit(a), array)
    compare(lambda lib, a: lib.logit(a, 0.2), array[:-1])
    compare(lambda lib, a: a.logit(eps=0.1), array[:-1])
    compare(lambda lib, a: lib.logit(a), np.array([0, 1]))
    with pytest.raises(OptionError, match="eps"):
        microbp.logit(microbp.ones(2), -1)


def test_float_power() -> None:
    compare(lambda lib, a, b: lib.float_power(a, b), positive(3, 4), normal(4), second_order=True)
    compare(
        lambda lib, a: (lib.float_power(a, 2), a.float_power(0.5), lib.float_power(2, a)),
        positive(3),
        second_order=True,
    )
    compare(lambda lib, a: lib.float_power(a, -2), np.array([1, 2, 3]))
    compare(lambda lib, a: lib.float_power(a, a), positive(3).astype(np.float32), rtol=1e-6)
    assert microbp.float_power(2, microbp.tensor(3)).item() == 8


def test_names_of_pairs() -> None:
    a, b = away_from_zero(3, 4), away_from_zero(4, seed=1)
    compare(lambda lib, a, b: (lib.atan2(a, b), a.arctan2(b), lib.hypot(a, b), a.copysign(b)), a, b, second_order=True)
    compare(lambda lib, a, b: (lib.logaddexp(a, b), a.logaddexp2(b)), a, b, second_order=True)
    compare(lambda lib, a, b: lib.heaviside(a.detach(), b.detach()), np.array([0.0, -1.0, 2.0, nan]), np.array([5.0]))
    compare(lambda lib, a, b: (lib.atan2(a, b), lib.copysign(a, b)), np.array([1, -2]), np.array([3, 4]), rtol=1e-6)
    compare(lambda lib, a: (a.deg2rad(), lib.rad2deg(a), a.sinc(), lib.erfc(a), lib.erfinv(a / 5)), a)


def test_angle_at_the_origin_has_no_gradient() -> None:
    compare(lambda lib, a, b: lib.atan2(a, b), np.array([0.0, 0.0, 1.0]), np.array([0.0, -1.0, 0.0]))


def test_second_derivatives_of_logaddexp_do_not_overflow() -> None:
    a = microbp.tensor([800.0, -800.0, 3.0], dtype=microbp.float64, requires_grad=True)
    for function in (microbp.logaddexp, microbp.logaddexp2):
        (first,) = microbp.autograd.grad(function(a, microbp.zeros(3)).sum(), a, create_graph=True)
        (second,) = microbp.autograd.grad(first.sum(), a)
        assert np.isfinite(second.array).all()
        assert first.tolist()[:2] == pytest.approx([1, 0])


def test_numpys_functions() -> None:
    a, b = away_from_zero(3, 4), away_from_zero(4, seed=1)
    t = microbp.tensor(a, requires_grad=True)
    for function in (np.arctan2, np.hypot, np.logaddexp, np.logaddexp2, np.copysign, np.heaviside):
        for found in (function(t, b), function(t, microbp.tensor(b))):
            assert found.requires_grad
            np.testing.assert_allclose(found.detach().numpy(), function(a, b))
    for function in (np.sinc, np.deg2rad, np.rad2deg, np.radians, np.degrees):
        np.testing.assert_allclose(function(t).detach().numpy(), function(a))


def test_erfc_keeps_its_digits() -> None:
    x = np.concatenate([np.linspace(-7, 26.5, 5001), [0.46875, 4.0, -4.0, 30.0, inf, -inf, nan, 0.0]])
    exact = np.array([math.erfc(value) for value in x])
    np.testing.assert_allclose(erfc_of(x), exact, rtol=2e-15)
    assert erfc_of(x.astype(np.float32)).dtype == np.float32
    near = np.abs(x) < 9
    np.testing.assert_allclose(erfc_of(x[near].astype(np.float32)), exact[near], rtol=2e-5)


def test_erfinv_undoes_erf() -> None:
    y = np.concatenate([np.linspace(-5, 5, 2001), np.logspace(-300, 0, 300)])
    x = np.array([math.erf(value) for value in y])
    inner = np.abs(y) < 1
    np.testing.assert_allclose(erfinv_of(x)[inner], y[inner], rtol=4e-15)
    np.testing.assert_allclose([math.erf(value) for value in erfinv_of(x)], x, rtol=5e-16)
    assert erfinv_of(np.array([1.0, -1.0, 2.0, nan, -0.0])).tolist()[:2] == [inf, -inf]
    assert np.isnan(erfinv_of(np.array([2.0, -2.0, nan]))).all()
    assert erfinv_of(np.array([-0.0], np.float32)).dtype == np.float32


@pytest.mark.parametrize("name", ["erf", "erfc", "erfinv", "sinc"])
def test_special_functions_of_float16(name: str) -> None:
    array = np.linspace(-0.9, 0.9, 37).astype(np.float16)
    compare(lambda lib, a: getattr(lib, name)(a.detach()), array, rtol=2e-3, atol=1e-3)


def test_derivatives_of_sinc_at_zero() -> None:
    x = microbp.tensor([0.0, 1e-9, 1e-3], dtype=microbp.float64, requires_grad=True)
    (first,) = microbp.autograd.grad(microbp.sinc(x).sum(), x, create_graph=True)
    (second,) = microbp.autograd.grad(first.sum(), x, create_graph=True)
    (third,) = microbp.autograd.grad(second.sum(), x)
    np.testing.assert_allclose(first.array, -(math.pi**2) / 3 * x.array, rtol=1e-5)
    np.testing.assert_allclose(second.array, -(math.pi**2) / 3, rtol=1e-5)
    np.testing.assert_allclose(third.array, math.pi**4 / 5 * x.array, rtol=1e-5)


@pytest.mark.parametrize("order", range(8))
def test_both_ways_to_compute_derivatives_of_sinc_meet(order: int) -> None:
    edge = (order + 1) / math.pi
    below, above = sinc_derivative.forward(np.array([edge * (1 - 1e-12), edge * (1 + 1e-12)]), order=order)
    assert below == pytest.approx(above, rel=1e-9, abs=1e-9 * math.pi**order)
