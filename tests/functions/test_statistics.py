"""Variance and standard deviation together with the mean, against PyTorch; see test_reduction.py for them alone."""

from __future__ import annotations

from typing import Any

import pytest

import microbp
from microbp.errors import DtypeError
from tests.referee import compare
from tests.samples import normal


@pytest.mark.parametrize("name", ["var_mean", "std_mean"])
@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        ((), {}),
        ((False,), {}),
        ((0,), {}),
        ((0, False), {}),
        (((0, 2), True, True), {}),
        ((), {"dim": 1, "correction": 0, "keepdim": True}),
        ((), {"unbiased": False}),
        ((), {"axis": 1}),
    ],
)
def test_with_mean(name: str, arguments: tuple[Any, ...], options: dict[str, Any]) -> None:
    compare(lambda lib, a: getattr(lib, name)(a, *arguments, **options), normal(2, 3, 4), second_order=True)


def test_integers_are_refused() -> None:
    with pytest.raises(DtypeError, match="var needs a floating-point tensor"):
        microbp.var_mean(microbp.tensor([1, 2]))
