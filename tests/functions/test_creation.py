"""Making tensors: values, dtypes, shared memory and refusals, against PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import microbp
from microbp.errors import DtypeError, ShapeError
from tests.referee import compare, torch

MADE: dict[str, Callable[[Any], Any]] = {
    "zeros": lambda lib: lib.zeros(2, 3),
    "zeros tuple": lambda lib: lib.zeros((2, 3)),
    "zeros list": lambda lib: lib.zeros([2, 3]),
    "zeros nothing": lambda lib: lib.zeros(()),
    "zeros empty": lambda lib: lib.zeros(0, 3),
    "ones": lambda lib: lib.ones(3),
    "ones int": lambda lib: lib.ones(3, dtype=lib.int32),
    "ones bool": lambda lib: lib.ones(2, 2, dtype=lib.bool),
    "full int": lambda lib: lib.full((2,), 2),
    "full float": lambda lib: lib.full((2,), 2.0),
    "full bool": lambda lib: lib.full([2], True),
    "full dtype": lambda lib: lib.full((2, 1), 2, dtype=lib.float64),
    "full nan": lambda lib: lib.full((), float("nan")),
    "eye": lambda lib: lib.eye(3),
    "eye wide": lambda lib: lib.eye(2, 3, dtype=lib.int64),
    "arange": lambda lib: lib.arange(5),
    "arange float": lambda lib: lib.arange(5.0),
    "arange from": lambda lib: lib.arange(2, 5),
    "arange step": lambda lib: lib.arange(1, 10, 4),
    "arange down": lambda lib: lib.arange(5, 0, -2),
    "arange nothing": lambda lib: lib.arange(0),
    "arange fractions": lambda lib: lib.arange(0, 1, 0.1),
    "arange names": lambda lib: lib.arange(start=1, end=4),
    "arange dtype": lambda lib: lib.arange(3, dtype=lib.float64),
    "arange to int": lambda lib: lib.arange(0.0, 5.0, 1.0, dtype=lib.int32),
    "linspace": lambda lib: lib.linspace(0, 1, 5),
    "linspace down": lambda lib: lib.linspace(3, -10, steps=7, dtype=lib.float64),
    "linspace one": lambda lib: lib.linspace(2, 3, 1),
    "linspace none": lambda lib: lib.linspace(2, 3, 0),
    "zeros_like": lambda lib: lib.zeros_like(lib.tensor([1, 2])),
    "ones_like": lambda lib: lib.ones_like(lib.tensor([[1.5]])),
    "ones_like dtype": lambda lib: lib.ones_like(lib.tensor([1, 2]), dtype=lib.float64),
    "full_like": lambda lib: lib.full_like(lib.tensor([1, 2]), 7),
    "full_like float": lambda lib: lib.full_like(lib.tensor([1.0, 2.0]), 7),
    "full_like dtype": lambda lib: lib.full_like(lib.tensor([1, 2]), 0.5, dtype=lib.float32),
    "tensor number": lambda lib: lib.tensor(2),
    "tensor float": lambda lib: lib.tensor(2.5),
    "tensor bool": lambda lib: lib.tensor(True),
    "tensor list": lambda lib: lib.tensor([[1, 2], [3, 4]]),
    "tensor mixed": lambda lib: lib.tensor([1, 2.5]),
    "tensor bools": lambda lib: lib.tensor([True, False]),
    "tensor bools and ints": lambda lib: lib.tensor([True, 2]),
    "tensor nothing": lambda lib: lib.tensor([]),
    "tensor nested nothing": lambda lib: lib.tensor([[], []]),
    "tensor tuple": lambda lib: lib.tensor((1.0, 2.0)),
    "tensor range": lambda lib: lib.tensor(range(3)),
    "tensor array": lambda lib: lib.tensor(np.arange(3, dtype=np.float64)),
    "tensor array int32": lambda lib: lib.tensor(np.arange(3, dtype=np.int32)),
    "tensor numpy number": lambda lib: lib.tensor(np.float64(1.5)),
    "tensor numpy numbers": lambda lib: lib.tensor([np.float64(1.5), np.float64(2)]),
    "tensor float32 numbers": lambda lib: lib.tensor([np.float32(1.5), 2.0]),
    "tensor int32 numbers": lambda lib: lib.tensor([np.int32(1)]),
    "tensor of tensors": lambda lib: lib.tensor([lib.tensor(1.0), lib.tensor(2.0)]),
    "tensor of doubles": lambda lib: lib.tensor([lib.tensor(1.0, dtype=lib.float64), 2.0]),
    "tensor dtype": lambda lib: lib.tensor([1.9, -1.9], dtype=lib.int64),
    "tensor too large": lambda lib: lib.tensor([1e300, -1e300, 1.0]),
    "tensor to bool": lambda lib: lib.tensor([0, 2], dtype=lib.bool),
    "as_tensor": lambda lib: lib.as_tensor([1.0, 2.0]),
    "as_tensor dtype": lambda lib: lib.as_tensor(np.arange(3), dtype=lib.float32),
    "as_tensor tensor dtype": lambda lib: lib.as_tensor(lib.tensor([1, 2]), dtype=lib.float64),
}


@pytest.mark.parametrize("name", MADE)
def test_made(name: str) -> None:
    compare(MADE[name], rtol=1e-6)


@pytest.mark.parametrize(
    "dtype", [np.float16, np.float32, np.float64, np.int8, np.int16, np.int32, np.int64, np.uint8, bool]
)
def test_dtypes_of_arrays_are_kept(dtype: Any) -> None:
    assert microbp.tensor(np.ones(2, dtype)).dtype == dtype
    assert microbp.from_numpy(np.ones(2, dtype)).dtype == dtype


def test_default_dtype_decides() -> None:
    microbp.set_default_dtype(microbp.float64)
    try:
        for made in (
            microbp.zeros(2),
            microbp.tensor(1.5),
            microbp.rand(2),
            microbp.arange(2.0),
            microbp.full((1,), 0.5),
        ):
            assert made.dtype == np.float64
        assert microbp.tensor([1]).dtype == np.int64
    finally:
        microbp.set_default_dtype(microbp.float32)


def test_tensor_copies_and_the_others_share() -> None:
    array = np.zeros(2)
    copied, shared, also = microbp.tensor(array), microbp.from_numpy(array), microbp.as_tensor(array)
    array[0] = 1
    assert copied.tolist() == [0, 0]
    assert shared.tolist() == also.tolist() == [1, 0]
    shared[1] = 2
    assert array.tolist() == [1, 2]
    t = microbp.zeros(2)
    assert microbp.as_tensor(t) is t
    assert not np.shares_memory(microbp.tensor(t).array, t.array)


def test_as_tensor_keeps_the_graph() -> None:
    t = microbp.ones(2, requires_grad=True)
    microbp.as_tensor(t, dtype=microbp.float64).sum().backward()
    assert t.grad.tolist() == [1, 1]


def test_foreign_byte_order_is_converted() -> None:
    for made in (microbp.tensor, microbp.from_numpy, microbp.as_tensor):
        t = made(np.array([1.0, 2.0], dtype=">f8"))
        assert t.dtype == np.float64
        assert t.dtype.isnative
        assert t.tolist() == [1, 2]


@pytest.mark.parametrize(
    "data",
    [None, "text", [None], ["a"], object(), [1.0, "a"], {1: 2}, 1j, np.array([None]), np.array(["a"]), np.array([1j])],
)
def test_what_is_no_number_is_refused(data: Any) -> None:
    with pytest.raises(DtypeError, match="cannot make a tensor"):
        microbp.tensor(data)
    with pytest.raises(TypeError):
        microbp.as_tensor(data)


def test_ragged_lists_are_refused() -> None:
    with pytest.raises(ShapeError, match="different shapes"):
        microbp.tensor([[1, 2], [3]])
    with pytest.raises(ValueError, match="different shapes"):
        microbp.tensor([microbp.zeros(2), microbp.zeros(3)])


def test_unknown_dtypes_are_refused() -> None:
    with pytest.raises(DtypeError, match="no dtype complex64"):
        microbp.zeros(2, dtype="complex64")
    with pytest.raises(DtypeError):
        microbp.from_numpy(np.zeros(2, np.uint16))
    with pytest.raises(TypeError, match="takes a NumPy array"):
        microbp.from_numpy([1.0])


def test_requires_grad() -> None:
    made = [
        microbp.tensor([1.0], requires_grad=True),
        microbp.zeros(2, requires_grad=True),
        microbp.ones(2, requires_grad=True),
        microbp.empty(2, requires_grad=True),
        microbp.full((2,), 0.5, requires_grad=True),
        microbp.eye(2, requires_grad=True),
        microbp.arange(2.0, requires_grad=True),
        microbp.linspace(0, 1, 2, requires_grad=True),
        microbp.zeros_like(microbp.zeros(2), requires_grad=True),
        microbp.randn(2, requires_grad=True),
        microbp.rand(2, requires_grad=True),
    ]
    assert all(t.requires_grad and t.is_leaf for t in made)
    for make in (lambda: microbp.tensor([1], requires_grad=True), lambda: microbp.arange(3, requires_grad=True)):
        with pytest.raises(RuntimeError, match="only floating-point tensors can require grad"):
            make()
    source = microbp.ones(2, requires_grad=True)
    assert not microbp.tensor(source).requires_grad
    assert not microbp.zeros_like(source).requires_grad


def test_devices() -> None:
    assert microbp.zeros(2, device="cpu").device == microbp.device("cpu")
    for make in (microbp.zeros, microbp.rand, microbp.arange, microbp.tensor, microbp.as_tensor):
        with pytest.raises(NotImplementedError, match="CPU only"):
            make(2, device="cuda")


def test_impossible_sizes() -> None:
    with pytest.raises(ShapeError, match=r"zeros: sizes must not be negative, got \(2, -1\)"):
        microbp.zeros(2, -1)
    with pytest.raises(TypeError, match="sizes must be integers"):
        microbp.ones(2.5)
    with pytest.raises(ValueError, match="step must not be 0"):
        microbp.arange(0, 1, 0)
    with pytest.raises(ValueError, match="leads from 0 away from 3"):
        microbp.arange(0, 3, -1)
    with pytest.raises(TypeError, match="unexpected keyword"):
        microbp.zeros(2, pin_memory=True)


def test_sizes_may_be_tensors_and_numpy_integers() -> None:
    assert microbp.zeros(np.int64(2), microbp.tensor(3)).shape == (2, 3)
    assert microbp.arange(microbp.tensor(3)).tolist() == [0, 1, 2]


def test_empty() -> None:
    assert microbp.empty(2, 3).shape == microbp.empty((2, 3)).shape == (2, 3)
    like = microbp.empty_like(microbp.zeros(2, dtype=microbp.int32))
    assert (like.shape, like.dtype) == ((2,), np.int32)


def test_whole_ranges_are_exact() -> None:
    lib = torch()
    for start, end, step in [(0, 2**53 + 2, 2**51), (-(2**40), 2**40, 2**38), (7, -7, -3)]:
        assert microbp.arange(start, end, step).tolist() == lib.arange(start, end, step).tolist()
