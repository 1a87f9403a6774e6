"""Pooling by norms: signs, zeros, infinity, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import microbp
from microbp.errors import DtypeError, OptionError, ShapeError
from microbp.nn import functional as F
from tests.referee import compare


@pytest.mark.parametrize(
    ("values", "p"), [([[-1.0, -2.0, 3.0, -4.0]], 3), ([[0.0, 0.0, 3.0, -4.0]], 2), ([[0.0, 0.0, 1.0, 2.0]], 1)]
)
def test_negative_numbers_and_zeros_as_in_pytorch(values: Any, p: float) -> None:
    compare(lambda lib, x: lib.nn.functional.lp_pool1d(x, p, 2), np.array(values))


def test_infinity_in_one_window_leaves_the_others_alone() -> None:
    y = F.lp_pool1d(microbp.tensor([[1.0, float("inf"), 3.0, 4.0]]), 2, 2)
    assert y.tolist() == [[float("inf"), 5.0]]


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: F.lp_pool2d(microbp.ones(6, 6), 2, 2), ShapeError, r"lp_pool2d: input must have shape \(N, C, H, W\)"),
        (lambda: F.lp_pool1d(microbp.ones(1, 3), 2, 4), ShapeError, "lp_pool1d: a window that reaches over 4 elements"),
        (lambda: F.lp_pool1d(microbp.ones(1, 3), 2, 0), OptionError, "lp_pool1d: kernel_size must be positive"),
        (lambda: F.lp_pool1d(microbp.ones(1, 3).long(), 2, 2), DtypeError, "lp_pool1d needs a floating-point tensor"),
        (lambda: F.lp_pool1d(microbp.ones(1, 3), "2", 2), TypeError, "lp_pool1d: norm_type must be a number, got str"),
        (lambda: F.lp_pool1d(microbp.ones(1, 3), 0, 2), OptionError, "lp_pool1d: norm_type must not be 0"),
    ],
)
def test_refused_with_a_clear_text(call: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        call()
