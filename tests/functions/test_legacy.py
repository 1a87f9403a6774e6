"""The functions for each dtype, by which older scripts make tensors, against PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import microbp
from microbp.errors import DtypeError
from tests.referee import torch

NAMES = ["BoolTensor", "ByteTensor", "CharTensor", "DoubleTensor", "FloatTensor", "HalfTensor", "IntTensor"]
NAMES += ["LongTensor", "ShortTensor"]


@pytest.mark.parametrize("name", NAMES)
def test_values_and_dtype_are_those_of_pytorch(name: str) -> None:
    for values in ([0, 1, 2], [[1], [0]], [], (3, 4), np.array([1, 0])):
        mine, yours = getattr(microbp, name)(values), getattr(torch(), name)(values)
        np.testing.assert_array_equal(mine.numpy(), yours.numpy(), strict=True)


@pytest.mark.parametrize("sizes", [(), (2,), (2, 3), (0, 4)])
def test_integers_are_sizes(sizes: tuple[int, ...]) -> None:
    mine, yours = microbp.FloatTensor(*sizes), torch().FloatTensor(*sizes)
    assert mine.shape == tuple(yours.shape)
    assert mine.dtype == microbp.float32


def test_an_array_is_copied() -> None:
    array = np.array([1.0, 2.0], np.float32)
    t = microbp.FloatTensor(array)
    array[0] = 9.0
    assert t.tolist() == [1.0, 2.0]


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        (([1], [2]), TypeError, "FloatTensor takes one sequence of values, or sizes as integers, got 2 arguments"),
        ((2.5,), TypeError, "got a number: 2.5"),
        (("abc",), DtypeError, "abc"),
    ],
)
def test_wrong_arguments_are_refused(arguments: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        microbp.FloatTensor(*arguments)


def test_the_class_makes_tensors_of_the_default_dtype() -> None:
    for lib in (microbp, torch()):
        t = lib.Tensor([[1, 2], [3, 4]])
        assert t.dtype == lib.float32
        assert t.tolist() == [[1.0, 2.0], [3.0, 4.0]]
        assert tuple(lib.Tensor(2, 3).shape) == (2, 3)
        assert tuple(lib.Tensor().shape) == (0,)
        assert type(t) is lib.Tensor
        weight = lib.nn.Parameter(lib.Tensor(2, 3))  # as in many a layer
        lib.nn.init.ones_(weight)
        weight.sum().backward()
        assert weight.grad.tolist() == [[1.0] * 3] * 2
    with pytest.raises(TypeError, match="Tensor takes one sequence of values"):
        microbp.Tensor([1], [2])
    with pytest.raises(NotImplementedError, match="on the CPU only"):
        microbp.Tensor([1], device="cuda")
