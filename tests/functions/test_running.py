"""Running sums and products, and differences, against PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import microbp
from microbp.errors import OptionError, ShapeError
from tests.referee import compare
from tests.samples import normal


def test_cumsum() -> None:
    compare(lambda lib, a: (a.cumsum(0), lib.cumsum(a, -1)), normal(2, 3, 4))
    compare(lambda lib, a: lib.cumsum(a, 0), normal())


@pytest.mark.parametrize("row", [[2.0, 3.0, 4.0], [2.0, 0.0, 4.0], [0.0, 3.0, 0.0], [0.0, 0.0, 0.0], [5.0], []])
def test_cumprod_with_zeros(row: list[float]) -> None:
    compare(lambda lib, a: a.cumprod(0), np.array(row), second_order=True)
    compare(lambda lib, a: lib.cumprod(a, -1), np.array([row, row]), second_order=True)


def test_cumprod_in_all_forms() -> None:
    compare(lambda lib, a: (a.cumprod(0), lib.cumprod(a, 1), a.cumprod(dim=-1)), normal(2, 3, 4), second_order=True)
    compare(lambda lib, a: lib.cumprod(a, 0), normal())
    compare(lambda lib, a: (a.cumprod(0), a.cumprod(0, dtype=lib.float32)), np.array([1, 2, 200], np.uint8))
    with pytest.raises(IndexError, match="but got 2"):
        microbp.ones(2, 3).cumprod(2)


def test_third_derivative_of_cumprod() -> None:
    t = microbp.tensor([2.0, 0.0, 3.0, 0.0], dtype=microbp.float64, requires_grad=True)
    (first,) = microbp.autograd.grad(t.cumprod(0)[3], t, create_graph=True)
    (second,) = microbp.autograd.grad(first[1], t, create_graph=True)
    (third,) = microbp.autograd.grad(second[3], t)
    assert third.tolist() == [3, 0, 2, 0]


@pytest.mark.parametrize("options", [{}, {"n": 0}, {"n": 2}, {"n": 9}, {"dim": 0}, {"dim": 1, "n": 3}])
def test_diff(options: dict[str, Any]) -> None:
    compare(lambda lib, a: (lib.diff(a, **options), a.diff(**options)), normal(2, 4, 3), second_order=True)


def test_diff_with_more_around() -> None:
    compare(lambda lib, a, b: lib.diff(a, prepend=b), normal(3, 4), normal(3, 2), second_order=True)
    compare(lambda lib, a, b: lib.diff(a, dim=0, append=b), normal(3, 4), normal(1, 4), second_order=True)
    compare(lambda lib, a, b: lib.diff(a, 2, 0, b, a), normal(3, 4), normal(1, 4), second_order=True)


def test_diff_of_other_dtypes() -> None:
    compare(lambda lib, a: lib.diff(a), np.array([1, 4, 9]))
    compare(lambda lib, a: lib.diff(a), np.array([True, True, False]))
    compare(lambda lib, a: lib.diff(a), normal(0))


def test_diff_refuses() -> None:
    with pytest.raises(ShapeError, match="at least one dimension"):
        microbp.diff(microbp.tensor(1.0))
    with pytest.raises(OptionError, match="n must not be negative"):
        microbp.diff(microbp.ones(3), -1)


def test_numpys_functions() -> None:
    array = normal(3, 4)
    t = microbp.tensor(array)
    for function, options in [
        (np.cumsum, {"axis": 1}),
        (np.cumprod, {}),
        (np.cumprod, {"axis": 0}),
        (np.diff, {}),
        (np.diff, {"n": 2, "axis": 0}),
        (np.diff, {"prepend": array[:, :1]}),
    ]:
        np.testing.assert_allclose(function(t, **options).numpy(), function(array, **options))
