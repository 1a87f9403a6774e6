"""Joining along fixed axes, and the axes that are put in for it, against PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import microbp
from microbp.errors import ShapeError
from tests.referee import compare, torch
from tests.samples import normal

STACKS = ["hstack", "vstack", "dstack", "column_stack", "row_stack"]


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", STACKS)
@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (2, 3, 4), (0, 3)])
def test_stacks(name: str, shape: tuple[int, ...]) -> None:
    a, b = normal(*shape), normal(*shape, seed=1)
    compare(lambda lib, a, b: getattr(lib, name)([a, b, a]), a, b, second_order=True)
    compare(lambda lib, a, n: getattr(lib, name)((a, n)), a, np.arange(a.size).reshape(shape))
    compare(lambda lib, a: getattr(lib, name)([a]), a)


@pytest.mark.parametrize("name", STACKS[:4])
def test_stacks_by_numpy(name: str) -> None:
    array = normal(2, 3)
    call = getattr(np, name)
    t = microbp.tensor(array, requires_grad=True)
    for pair in ([t, t], [t, array]):
        result = call(pair)
        assert result.requires_grad
        np.testing.assert_array_equal(result.detach().array, call([array, array]))


def test_vectors_beside_matrices() -> None:
    compare(lambda lib, a, b: (lib.column_stack([a, b]), lib.vstack([a.t(), b])), normal(3, 2), normal(3))
    compare(lambda lib, a, b: lib.hstack([a, b]), normal(3), normal())


@pytest.mark.parametrize("name", STACKS)
def test_refused(name: str) -> None:
    call: Callable[[Any], Any] = getattr(microbp, name)
    with pytest.raises(ShapeError, match="no tensors"):
        call([])
    with pytest.raises(TypeError, match="one tensor"):
        call(microbp.zeros(2))
    with pytest.raises(ShapeError, match="shape"):
        call([microbp.zeros(2, 3, 4), microbp.zeros(5, 6, 7)])
    with pytest.raises(RuntimeError):
        getattr(torch(), name)([torch().zeros(2, 3, 4), torch().zeros(5, 6, 7)])


@pytest.mark.parametrize("name", ["atleast_1d", "atleast_2d", "atleast_3d"])
def test_at_least_so_many_axes(name: str) -> None:
    for shape in [(), (3,), (2, 3), (2, 3, 4), (2, 1, 3, 1)]:
        array = normal(*shape)
        compare(lambda lib, a: getattr(lib, name)(a), array, second_order=True)
        t = microbp.tensor(array)
        assert np.shares_memory(getattr(microbp, name)(t).array, t.array)
        np.testing.assert_array_equal(getattr(np, name)(t).array, getattr(np, name)(array))
    compare(lambda lib, a, b: getattr(lib, name)(a, b), normal(), normal(2))
    compare(lambda lib, a, b: getattr(lib, name)([a, b]), normal(), normal(2))
