"""One gradient against one function: the first wrong element, kinks, and what cannot be decided."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from microbp.autograd.probe import RUNS, Undecided, first_difference

TOLERANCES = {"eps": 1e-6, "atol": 1e-6, "rtol": 1e-5}
x = np.linspace(-2, 2, 12).reshape(3, 4) + 0.05
g = np.cos(np.arange(12.0)).reshape(3, 4) + 1.5


def test_nothing_is_found_where_the_gradient_is_right() -> None:
    assert first_difference(np.tanh, lambda x: g / np.cosh(x) ** 2, x, g, **TOLERANCES) is None


@pytest.mark.parametrize("element", [(0, 0), (1, 2), (2, 3)])
def test_the_wrong_element_is_found_with_both_values(element: tuple[int, int]) -> None:
    def pull(x: Any) -> Any:
        gradient = g * np.exp(x)
        gradient[element] *= 1.001
        return gradient

    found = first_difference(np.exp, pull, x, g, **TOLERANCES)
    assert found is not None
    assert (found.element, found.moved) == (element, False)
    assert found.numerical == pytest.approx((g * np.exp(x))[element], rel=1e-8)
    assert found.analytical == pytest.approx(1.001 * found.numerical, rel=1e-8)


def test_the_first_of_several_is_found_in_few_runs() -> None:
    many = np.linspace(-1, 1, 100_000)
    runs = []

    def run(x: Any) -> Any:
        runs.append(x)
        return x * x

    found = first_difference(
        run, lambda x: 2 * x + (np.arange(x.size) >= 54_321), many, np.ones(many.size), **TOLERANCES
    )
    assert found is not None
    assert found.element == (54_321,)
    assert len(runs) < 100


def test_two_mistakes_that_cancel_in_the_sum_of_all_elements_are_found() -> None:
    exchanged = g.copy()
    exchanged[0, :2] = g[0, 1::-1]
    assert first_difference(lambda x: x, lambda x: exchanged, x, g, **TOLERANCES) is not None


@pytest.mark.parametrize("slope", [-1.0, 0.0, 0.3, 1.0])
def test_between_the_sides_of_a_kink_all_is_right(slope: float) -> None:
    zero = np.array([-1.0, 0.0, 2.0])
    pull = lambda x: np.where(x == 0, slope, np.sign(x))  # noqa: E731
    assert first_difference(np.abs, pull, zero, np.ones(3), **TOLERANCES) is None


@pytest.mark.parametrize("slope", [-1.01, 1.01, np.inf])
def test_beyond_them_it_is_wrong(slope: float) -> None:
    zero = np.array([-1.0, 0.0, 2.0])
    pull = lambda x: np.where(x == 0, slope, np.sign(x))  # noqa: E731
    found = first_difference(np.abs, pull, zero, np.ones(3), **TOLERANCES)
    assert found is not None
    assert found.element == (1,)


def test_many_kinks_are_left_and_the_rule_is_tried_beside_them() -> None:
    zeros, ones = np.zeros(2 * RUNS), np.ones(2 * RUNS)
    relu = lambda x: np.maximum(x, 0)  # noqa: E731
    assert first_difference(relu, lambda x: 1.0 * (x > 0), zeros, ones, **TOLERANCES) is None
    found = first_difference(relu, lambda x: 1.1 * (x > 0), zeros, ones, **TOLERANCES)
    assert found is not None
    assert found.moved


def test_without_differences_it_is_undecided() -> None:
    values = np.ones(2 * RUNS)
    with pytest.raises(Undecided):
        first_difference(lambda x: x * np.nan, np.ones_like, values, values, **TOLERANCES)


def test_nan_is_wrong_where_differences_are_not() -> None:
    found = first_difference(np.exp, lambda x: np.exp(x) * np.nan, x, np.ones_like(x), **TOLERANCES)
    assert found is not None
    assert np.isnan(found.analytical)
