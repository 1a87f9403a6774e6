"""Arithmetic as PyTorch has it: arguments, dtypes, special values, kinks, ties, second derivatives, errors."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import microbp
from microbp.ops import elementwise, trigonometry
from microbp.ops.erf import erf_of
from tests.referee import compare, torch
from tests.samples import away_from_zero, normal, positive

SPECIAL = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, 0.5, -0.5, 1.5, 2.5, 1e4, -1e4, 1e-300, 1e300])
FIRST, SECOND = (grid.ravel() for grid in np.meshgrid(SPECIAL, SPECIAL))
PAIRS = ["atan2", "hypot"]
UNARY = [*elementwise.__all__, *(name for name in trigonometry.__all__ if name not in PAIRS)]
UNARY += ["erf", "erfc", "erfinv", "neg", "reciprocal", "square", "absolute", "arcsin", "arctan"]
BINARY = [
    "atan2",
    "hypot",
    "add",
    "sub",
    "mul",
    "div",
    "maximum",
    "minimum",
    "fmod",
    "true_divide",
    "multiply",
    "subtract",
    "divide",
]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", sorted(UNARY))
def test_special_values_and_their_gradients_are_pytorchs(name: str, dtype: Any) -> None:
    # Warnings are errors here, so this shows too that no floating-point warning escapes.
    with np.errstate(over="ignore", under="ignore"):
        values = SPECIAL.astype(dtype)
    if name in ("cos", "sin", "tan") and dtype == np.float32:
        values = values[np.abs(values) < 1e30]
    rtol = 1e-10 if dtype == np.float64 else 1e-5
    compare(lambda lib, a: getattr(lib, name)(a), values, rtol=rtol, atol=rtol)
    compare(lambda lib, a: getattr(a, name)(), values, rtol=rtol, atol=rtol)


def test_erf_is_right_to_three_units_in_the_last_place() -> None:
    x = np.concatenate([np.linspace(-7, 7, 5001), np.logspace(-300, 0, 500), [0.46875, 4.0, 6.0, -4.0]])
    exact = np.array([math.erf(value) for value in x])
    assert np.all(np.abs(erf_of(x) - exact) <= 3 * np.spacing(np.abs(exact)))
    assert erf_of(x.astype(np.float32)).dtype == np.float32
    np.testing.assert_allclose(erf_of(x[:5001].astype(np.float32)), exact[:5001], rtol=1e-6)


def test_erf_of_float32_is_right_to_six_units_and_one_from_where_it_rounds_to_one() -> None:
    x = np.concatenate([np.linspace(-7, 7, 50001), np.logspace(-30, 0, 500)]).astype(np.float32)
    exact = np.array([math.erf(value) for value in x])
    assert np.all(np.abs(erf_of(x) - exact) <= 6 * np.spacing(np.abs(exact).astype(np.float32)))
    large = np.array([3.9, 4, 10, 1e30, np.inf], np.float32)
    assert (erf_of(large) == 1).all()
    assert (erf_of(-large) == -1).all()
    assert np.isnan(erf_of(np.array([np.nan], np.float32))).all()


@pytest.mark.parametrize("name", BINARY)
def test_pairs_of_special_values_and_their_gradients_are_pytorchs(name: str) -> None:
    first, second = FIRST, SECOND
    if name == "fmod":  # PyTorch gives NaN where the quotient overflows
        representable = ~((np.abs(first) == 1e300) & (np.abs(second) < 1e-8))
        first, second = first[representable], second[representable]
    compare(lambda lib, a, b: getattr(lib, name)(a, b), first, second)
    compare(lambda lib, a, b: getattr(a, name)(b), first, second)


def test_remainder_of_special_values() -> None:
    finite = np.isfinite(FIRST) & np.isfinite(SECOND) & (np.abs(FIRST) < 1e5) & (np.abs(SECOND) > 0.1)
    compare(lambda lib, a, b: lib.remainder(a, b), FIRST[finite], SECOND[finite])
    compare(lambda lib, a, b: a % b, FIRST[finite], SECOND[finite])


@pytest.mark.parametrize("mode", ["floor", "trunc", None])
def test_rounding_modes(mode: str | None) -> None:
    compare(lambda lib, a, b: lib.div(a, b, rounding_mode=mode), normal(3, 4) * 5, away_from_zero(4))
    compare(lambda lib, a, b: a.div(b, rounding_mode=mode), np.array([-7, 7, 0, 2**53 + 1]), np.array([2, -2, 3, 1]))
    compare(lambda lib, a: a.div(-2, rounding_mode=mode), np.array([-7, 7, 0]))
    compare(lambda lib, a, b: lib.div(a, b, rounding_mode=mode), FIRST, SECOND)


def test_floor_divide() -> None:
    compare(lambda lib, a, b: lib.floor_divide(a, b), np.array([-7, 7, 0]), np.array([2, 2, 3]))
    compare(lambda lib, a: (a.detach() // 2, 7 // a.detach()), away_from_zero(5))
    x = microbp.tensor([3.5], requires_grad=True)
    (x // 2).sum().backward()
    assert x.grad is not None
    assert x.grad.item() == 0.0


@pytest.mark.parametrize(
    "divide",
    [
        lambda a: a // 0,
        lambda a: a % microbp.tensor([1, 0]),
        lambda a: microbp.fmod(a, 0),
        lambda a: a.div(0, rounding_mode="trunc"),
    ],
)
def test_integer_division_by_zero_is_refused(divide: Callable[..., Any]) -> None:
    with pytest.raises(ZeroDivisionError, match="integer was divided by zero"):
        divide(microbp.tensor([1, 2]))
    with pytest.raises(RuntimeError):
        divide(microbp.tensor([1, 2]))


def test_unknown_rounding_mode_is_refused() -> None:
    for name in ("div", "div_"):
        with pytest.raises(ValueError, match="'round'"):
            getattr(microbp.tensor([1.0]), name)(2, rounding_mode="round")


def test_alpha() -> None:
    compare(lambda lib, a, b: lib.add(a, b, alpha=0.3), normal(3, 4), normal(4))
    compare(lambda lib, a, b: a.sub(b, alpha=2), normal(3, 4), normal(4))
    compare(lambda lib, a: lib.sub(a, 2, alpha=1.5), normal(3))
    compare(lambda lib, a, b: lib.add(a, b, alpha=3), np.array([1, 2]), np.array([3, 4]))
    with pytest.raises(RuntimeError, match="alpha"):
        microbp.add(microbp.tensor([1]), microbp.tensor([2]), alpha=1.5)


def test_products_and_quotients_added() -> None:
    for name in ("addcmul", "addcdiv"):
        compare(
            lambda lib, a, b, c, n=name: getattr(lib, n)(a, b, c, value=0.3), normal(3, 4), normal(4), positive(3, 1)
        )
        compare(lambda lib, a, b, c, n=name: getattr(a, n)(b, c), normal(3, 4), normal(4), positive(3, 1))
    compare(lambda lib, a, b, c: lib.addcmul(a, b, c, value=2), *(np.array([1, 2]),) * 3)
    with pytest.raises(RuntimeError, match="integers"):
        microbp.addcdiv(*(microbp.tensor([1, 2]),) * 3)


POWER_BASES = np.array([0.0, -0.0, 1.0, -1.0, 2.0, -2.0, np.inf, -np.inf, np.nan])


@pytest.mark.parametrize("exponent", [0, 1, 2, 3, -1, -2, 0.0, 0.5, 1.0, 2.0, -0.5, -1.0, math.inf, math.nan])
def test_power_of_special_bases(exponent: float) -> None:
    compare(lambda lib, a: a**exponent, POWER_BASES)
    compare(lambda lib, a: lib.pow(a, exponent=exponent), np.array([0.0, -2.0, 3.0], np.float32), rtol=1e-6)
    if not (exponent == 0.5 or math.isinf(exponent)):
        compare(lambda lib, a: a**exponent, np.array([-2.0, 1.0, 3.0]), second_order=True)


def test_power_of_special_bases_and_exponents() -> None:
    a, b = (grid.ravel() for grid in np.meshgrid(POWER_BASES, [0.0, 1.0, 2.0, -1.0, 0.5, np.inf, np.nan]))
    compare(lambda lib, a, b: lib.pow(a, b), a, b)


def test_mixed_derivative_of_a_power_is_exact_at_the_exponent_zero() -> None:
    """Where PyTorch has 0 by one order of differentiation and 1/a by the other."""
    a = microbp.tensor([0.5, 2.0], dtype=microbp.float64, requires_grad=True)
    b = microbp.zeros(2, dtype=microbp.float64, requires_grad=True)
    by_a, by_b = microbp.autograd.grad((a**b).sum(), (a, b), create_graph=True)
    for slope, other in ((by_a, b), (by_b, a)):
        (mixed,) = microbp.autograd.grad(slope.sum(), other, retain_graph=True)
        np.testing.assert_array_equal(mixed.array, 1 / a.array)


@pytest.mark.parametrize("base", [0, 0.0, 1, 2, 2.5, -2, -2.0])
def test_power_of_a_number(base: float) -> None:
    compare(lambda lib, b: base**b, np.array([0.0, 1.0, 2.0, -1.0, 0.5]))
    compare(lambda lib, b: lib.pow(base, b), np.array([0.0, 1.0, 2.0, -1.0], np.float32), rtol=1e-6)


def test_power_of_integers() -> None:
    a, b = (grid.ravel() for grid in np.meshgrid([-2, -1, 0, 1, 2, 3], [-3, -2, -1, 0, 1, 2]))
    compare(lambda lib, a, b: a**b, a, b)
    compare(lambda lib, a: (a**2, a**0, a**2.0, a**-1.0), np.array([1, 2, 3]))
    compare(lambda lib, b: 2**b, np.array([0, 1, 5, -1]))
    with pytest.raises(RuntimeError, match="negative integer powers"):
        microbp.tensor([2]) ** -1


TIES = (np.array([1.0, 1.0, 2.0, np.nan, 1.0, np.nan, np.inf]), np.array([1.0, 2.0, 1.0, 1.0, np.nan, np.nan, np.inf]))


@pytest.mark.parametrize("name", ["maximum", "minimum"])
def test_ties_share_the_gradient(name: str) -> None:
    compare(lambda lib, a, b: getattr(lib, name)(a, b), *TIES)
    compare(
        lambda lib, a, b: getattr(lib, name)(a, b),
        np.array([[1.0], [2.0]]),
        np.array([1.0, 2.0, 3.0]),
        second_order=True,
    )


@pytest.mark.parametrize(
    "bounds", [{"min": -1, "max": 1}, {"min": -1}, {"max": 0.5}, {"min": 1, "max": -1}, {"min": 0.0, "max": math.inf}]
)
@pytest.mark.parametrize("name", ["clamp", "clip"])
def test_clamp_with_numbers(bounds: dict[str, Any], name: str) -> None:
    finite = SPECIAL[np.isfinite(SPECIAL)]
    compare(lambda lib, a: getattr(lib, name)(a, **bounds), finite)
    compare(lambda lib, a: getattr(a, name)(**bounds), finite)
    compare(lambda lib, a: getattr(lib, name)(a, **bounds), np.array([-3, 0, 3]))
    ours = getattr(microbp, name)(microbp.tensor([math.nan, math.inf, -math.inf]), **bounds)
    np.testing.assert_array_equal(
        ours.numpy(), getattr(torch(), name)(torch().tensor([math.nan, math.inf, -math.inf]), **bounds)
    )


def test_gradient_of_clamp_passes_at_both_edges_and_not_for_nan() -> None:
    x = microbp.tensor([-1.0, 1.0, -1.5, 1.5, math.nan, 0.0], requires_grad=True)
    x.clamp(-1, 1).sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [1.0, 1.0, 0.0, 0.0, 0.0, 1.0]


def test_clamp_with_tensors() -> None:
    values = np.array([-1.0, 0.0, 0.5, 1.0, 2.0, np.nan])
    compare(lambda lib, a, low, high: a.clamp(low, high), values, np.zeros(6), np.ones(6))
    compare(lambda lib, a, low, high: a.clamp(low, high), values, np.ones(6), np.zeros(6))
    compare(lambda lib, a, low, high: a.clamp(low, high), normal(3, 4), normal(4) - 1, normal(3, 1) + 1)
    compare(lambda lib, a, low: lib.clamp(a, min=low), values, np.full(6, 0.5))
    compare(lambda lib, a, high: lib.clamp(a, max=high), values, np.full(6, 0.5))
    compare(lambda lib, a: (a.clamp_min(0.5), a.clamp_max(0.5), lib.clamp_min(a, 0), lib.clamp_max(a, 0)), normal(5))


def test_clamp_of_integers_and_truth_values() -> None:
    compare(lambda lib, a: (a.clamp(max=2.5), a.clamp(1, 3), a.clamp(min=2)), np.array([0, 2, 5]))
    compare(lambda lib, a: a.clamp(0, 1), np.array([True, False]))
    with pytest.raises(ValueError, match="at least one"):
        microbp.tensor([1.0]).clamp()


def test_no_gradient_where_a_gate_is_closed_even_if_it_is_infinite() -> None:
    compare(lambda lib, a: a.relu().sqrt(), np.array([-1.0, 4.0]))
    compare(lambda lib, a: a.clamp(0, 1).sqrt(), np.array([-1.0, 0.25]))
    compare(lambda lib, a: a.floor().sqrt(), np.array([0.5, 4.0]))
    compare(lambda lib, a, b: lib.maximum(a, b).sqrt(), np.array([-1.0, 4.0]), np.array([-2.0, 0.0]))


def test_where() -> None:
    condition = normal(3, 4, seed=3) > 0
    compare(lambda lib, c, a, b: lib.where(c, a, b), condition, normal(3, 4), normal(4), second_order=True)
    compare(lambda lib, c, a: (lib.where(c, a, 0.0), lib.where(c, 1.0, a), a.where(c, 2.0)), condition, normal(3, 4))
    compare(lambda lib, c: (lib.where(c, 1.0, 2.0), lib.where(c, 1, 2), lib.where(c, 1, 2.5)), condition)
    compare(lambda lib, c, a: (lib.where(c, a, 0.5), lib.where(c, a, 7)), condition, np.arange(4))
    compare(lambda lib, c, a: lib.where(c, a, 0.5), condition, normal(4).astype(np.float32))
    compare(lambda lib, c, a, b: lib.where(c, a, b), condition, normal(4).astype(np.float32), normal())
    compare(lambda lib, c, a, b: lib.where(c, input=a, other=b), condition, normal(4), normal(4, seed=1))
    compare(lambda lib, a: lib.where(a), np.array([[1.0, 0.0], [0.0, 2.0]]))
    compare(lambda lib, c: lib.where(c), condition)


def test_where_refuses_conditions_that_are_no_truth_values() -> None:
    with pytest.raises(RuntimeError, match="int64"):
        microbp.where(microbp.tensor([1]), 1, 2)
    with pytest.raises(TypeError, match="both"):
        microbp.where(microbp.tensor([True]), 1)  # type: ignore[call-overload]


def test_where_does_not_let_the_other_value_poison_the_gradient() -> None:
    compare(lambda lib, a: lib.where(a > 0, a, a * 0).sqrt(), np.array([4.0]))
    compare(lambda lib, a: lib.log(lib.where(a > 0, a, 1.0)), np.array([0.0, -1.0, 2.0]))


def test_lerp() -> None:
    for weight in (0, 0.25, 0.5, 0.75, 1.0):
        compare(lambda lib, a, b, w=weight: lib.lerp(a, b, w), normal(3, 4), normal(4))
    compare(lambda lib, a, b, w: a.lerp(b, w), normal(3, 4), normal(4), positive(3, 1), second_order=True)
    assert microbp.lerp(microbp.tensor(1e16), microbp.tensor(0.1), 1.0).item() == microbp.tensor(0.1).item()


@pytest.mark.parametrize(
    "function",
    [
        lambda lib, a: a + 1,
        lambda lib, a: 1.5 - a,
        lambda lib, a: 3 / a,
        lambda lib, a: 2**a,
        lambda lib, a: a**2,
        lambda lib, a: -a,
        lambda lib, a: abs(a),
        lambda lib, a: a.exp(),
        lambda lib, a: lib.maximum(a, a * 0.5),
    ],
)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.int64, np.int32, np.uint8])
def test_dtypes_of_results(function: Callable[..., Any], dtype: Any) -> None:
    if dtype in (np.int64, np.int32) or np.dtype(dtype).kind == "f":
        compare(function, np.array([1, 2, 3], dtype), rtol=2e-3, atol=1e-3)
    else:
        compare(lambda lib, a: (a + 1, a * 2, a / 2, a.exp()), np.array([1, 2, 3], dtype), rtol=1e-6)


@pytest.mark.parametrize(
    "function",
    [
        lambda a: np.exp(a),
        lambda a: np.abs(a),
        lambda a: np.maximum(a, 0.5),
        lambda a: np.add(a, np.ones(3)),
        lambda a: np.arange(3.0) * a,
        lambda a: np.arange(3.0) - a,
        lambda a: np.arange(1.0, 4.0) / a,
        lambda a: np.arange(1.0, 4.0) ** a,
        lambda a: np.float64(2.0) * a,
        lambda a: np.where(a > 1, a, 2.0),
        lambda a: np.clip(a, 0.5, 1.5),
        lambda a: np.round(a, decimals=1),
        lambda a: np.arcsin(a / 4),
        lambda a: np.power(a, 2),
        lambda a: np.square(a),
    ],
)
def test_numpys_functions_and_operators_record(function: Callable[..., Any]) -> None:
    x = np.array([0.7, 1.1, 2.3])
    a = microbp.tensor(x, requires_grad=True)
    y = function(a)
    assert isinstance(y, microbp.Tensor)
    assert y.requires_grad
    np.testing.assert_allclose(y.detach().numpy(), function(x))
    y.sum().backward()
    assert a.grad is not None
    rise = (function(x + 1e-6) - function(x - 1e-6)) / 2e-6
    np.testing.assert_allclose(a.grad.numpy(), rise, atol=1e-6)


def test_round_takes_decimals() -> None:
    compare(
        lambda lib, a: (lib.round(a, decimals=1), a.round(decimals=-1), a.round()), np.array([0.5, 1.5, 12.34, -7.77])
    )


def test_arguments_by_pytorchs_names() -> None:
    compare(
        lambda lib, a, b: (lib.mul(input=a, other=b), lib.maximum(a, other=b), lib.exp(input=a)), normal(3), normal(3)
    )
    with pytest.raises(TypeError, match="'out'"):
        microbp.exp(microbp.ones(1), out=microbp.ones(1))


def test_sigmoid_of_huge_numbers() -> None:
    x = microbp.tensor([-1e4, 1e4, -100.0], requires_grad=True)
    y = x.sigmoid()
    y.sum().backward()
    assert y.tolist()[:2] == [0.0, 1.0]
    assert x.grad is not None
    assert np.isfinite(x.grad.numpy()).all()


def test_no_floating_point_warning_escapes_whatever_the_users_settings() -> None:
    huge = np.array([3e38], np.float32)

    def work() -> None:
        with np.errstate(all="raise"):
            a = microbp.tensor(huge, requires_grad=True)
            y = a * 10 + a / 0 - a.log() ** 100 + (a * 0).log()
            y.sum().backward()
            with pytest.raises(FloatingPointError):  # the user's settings are as they were
                np.exp(np.float64(1e4))

    work()
    errors: list[BaseException] = []

    def in_thread() -> None:
        try:
            work()
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=in_thread)
    thread.start()
    thread.join()
    assert not errors


def test_the_users_settings_survive_a_failing_operation() -> None:
    before = np.geterr()
    with pytest.raises(RuntimeError):
        microbp.ones(2) + microbp.ones(3)
    with pytest.raises(RuntimeError):
        microbp.ones(2).backward()
    assert np.geterr() == before


def test_zero_where_is_exact_for_every_dtype_and_shape() -> None:
    for dtype in (np.float16, np.float32, np.float64):
        a = np.array([[np.inf, np.nan], [-1.5, -0.0]], dtype)
        layouts: list[Any] = [a, a.T, a[::-1, ::-1], np.broadcast_to(a[0], (2, 2))]
        for array in layouts:
            kept = elementwise.zero_where(array, array <= 0)
            np.testing.assert_array_equal(kept, np.where(array <= 0, 0, array))
            assert kept.dtype == dtype
    assert elementwise.zero_where(np.float32(3), np.bool_(True)) == 0
    assert elementwise.zero_where(np.ones((2, 3)), np.array([False, True, False])).tolist() == [[1, 0, 1], [1, 0, 1]]
