"""Comparisons as PyTorch has them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import microbp
from tests.referee import compare

SPECIAL = np.array([0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan])


@pytest.mark.parametrize(
    "name",
    ["eq", "ne", "lt", "le", "gt", "ge", "greater", "greater_equal", "less", "less_equal", "not_equal", "logical_and"],
)
def test_of_tensors_and_numbers(name: str) -> None:
    compare(lambda lib, a, b: getattr(lib, name)(a, b), SPECIAL[:, None], SPECIAL)
    compare(lambda lib, a, b: getattr(a, name)(b), np.array([1, 2, 3]), np.array([1.0, 2.5, 2.0]))
    if name != "logical_and":
        compare(lambda lib, a: (getattr(lib, name)(a, 1), getattr(a, name)(0.5)), SPECIAL)
        compare(lambda lib, a: getattr(a, name)(1.5), np.array([1, 2, 3]))


def test_operators() -> None:
    compare(lambda lib, a, b: (a == b, a != b, a < b, a <= b, a > b, a >= b), SPECIAL[:, None], SPECIAL)
    compare(lambda lib, a: (a == 1, a != 1, a > 0, a <= 0.5, a < 1, a >= -1), SPECIAL)
    compare(lambda lib, a, b: (a & b, a | b, a ^ b, ~a), np.array([True, False]), np.array([True, True]))
    compare(lambda lib, a: (a & 3, 3 | a, a ^ 1, ~a), np.array([1, 6, -1]))


def test_results_do_not_require_grad() -> None:
    a = microbp.ones(2, requires_grad=True)
    for result in (a == 1, a > 1, a.isnan(), a.logical_not(), microbp.isclose(a, a)):
        assert not result.requires_grad
        assert result.dtype == np.bool_


def test_bits_of_floating_point_numbers_are_refused() -> None:
    with pytest.raises(RuntimeError, match="bitwise_and"):
        microbp.bitwise_and(microbp.ones(2), microbp.ones(2))
    with pytest.raises(TypeError, match="bitwise_not"):
        ~microbp.ones(2)


@pytest.mark.parametrize(
    "options", [{}, {"rtol": 0.1}, {"atol": 0.5, "rtol": 0.0}, {"equal_nan": True}, {"rtol": 0, "atol": 0}]
)
def test_isclose_and_allclose(options: dict[str, Any]) -> None:
    a, b = (grid.ravel() for grid in np.meshgrid(SPECIAL, [*SPECIAL, 1.05, 1 + 1e-6, 1e-9]))
    compare(lambda lib, a, b: (lib.isclose(a, b, **options), a.isclose(b, **options)), a, b)
    compare(lambda lib, a, b: (lib.allclose(a, b, **options), a.allclose(b, **options)), a, b)
    compare(lambda lib, a, b: lib.allclose(a, b, **options), np.array([1.0, 2.0]), np.array([1.0, 2.0 + 1e-7]))
    compare(lambda lib, a, b: lib.isclose(a, b, **options), np.array([1, 2]), np.array([1, 3]))


def test_isclose_refuses_what_makes_no_sense() -> None:
    with pytest.raises(RuntimeError, match="float32"):
        microbp.isclose(microbp.ones(2), microbp.ones(2).double())
    with pytest.raises(ValueError, match="rtol=-1"):
        microbp.allclose(microbp.ones(2), microbp.ones(2), rtol=-1)
    with pytest.raises(TypeError, match="float"):
        microbp.isclose(microbp.ones(2), 1.0)  # type: ignore[arg-type]


def test_equal() -> None:
    one, other = np.array([1.0, 2.0]), np.array([1.0, 3.0])
    compare(lambda lib, a, b: (lib.equal(a, a), lib.equal(a, b), a.equal(b)), one, other)
    compare(lambda lib, a, b: lib.equal(a, b), one, one[None])
    compare(lambda lib, a, b: lib.equal(a, b), np.array([1, 2]), one)
    compare(lambda lib, a: lib.equal(a.clone(), a), SPECIAL)
    compare(lambda lib, a, b: lib.equal(a, b), np.zeros((0, 3)), np.zeros((0, 3)))
    with pytest.raises(TypeError, match="int"):
        microbp.equal(microbp.tensor([1]), 1)  # type: ignore[arg-type]


def test_kinds_of_numbers() -> None:
    compare(lambda lib, a: (lib.isnan(a), lib.isinf(a), lib.isfinite(a), a.isnan(), a.isinf(), a.isfinite()), SPECIAL)
    compare(lambda lib, a: (lib.isnan(a), lib.isinf(a), lib.isfinite(a)), np.array([1, 0]))


def test_accuracy_idiom() -> None:
    compare(lambda lib, a, b: ((a == b).double().mean(), a.eq(b).sum()), np.array([1, 2, 3]), np.array([1, 0, 3]))
