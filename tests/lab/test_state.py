"""How much a step changed parameters, of every kind of number."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import microbp
from microbp import lab, nn

CASES = [
    (np.bool_, [True, False], [False, False]),
    (np.int8, [100, 100, -128], [-100, 100, 127]),
    (np.uint8, [1, 200], [2, 255]),
    (np.float16, [60000.0, 300.0], [-60000.0, 300.0]),
    (np.float32, [1.0, 2.0], [1.5, 2.0]),
    (np.float64, [1.0, 2.0], [1.0, 2.0 + 1e-12]),
]


def ratios(first: Any, second: Any) -> Any:
    """What is recorded of a parameter that is one tensor at a step, and another at the next."""
    model = nn.Module()
    model.p = nn.Parameter(first, requires_grad=False)
    rec = lab.watch(model)
    rec.step(0.0)
    model.p = nn.Parameter(second, requires_grad=False)
    rec.step(0.0)
    return rec.history["update_ratio/p"]


def by_hand(before: list[Any], after: list[Any]) -> Any:
    """The norm of the change over the norm before it, in double precision."""
    earlier, later = np.array(before, np.float64), np.array(after, np.float64)
    return np.linalg.norm(later - earlier) / np.linalg.norm(earlier)


@pytest.mark.parametrize(("dtype", "before", "after"), CASES, ids=[case[0].__name__ for case in CASES])
def test_update_ratios_neither_overflow_nor_wrap_around(dtype: Any, before: list[Any], after: list[Any]) -> None:
    found = ratios(microbp.tensor(np.array(before, dtype)), microbp.tensor(np.array(after, dtype)))
    np.testing.assert_allclose(found, [np.nan, by_hand(before, after)], rtol=1e-6)


def test_update_ratios_of_a_parameter_that_gets_another_dtype_are_right() -> None:
    before, after = [300.0, 300.0], [300.0, 301.0]
    half, single = (microbp.tensor(np.array(v, dtype)) for v, dtype in ((before, np.float16), (after, np.float32)))
    np.testing.assert_allclose(ratios(half, single), [np.nan, by_hand(before, after)], rtol=1e-6)
