"""Tensors taken apart, against PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import microbp
from microbp.errors import OptionError, ShapeError
from tests.referee import compare, torch
from tests.samples import normal

SPLITS: dict[str, Callable[[Any, Any], Any]] = {
    "split": lambda lib, a: lib.split(a, 2),
    "split unevenly": lambda lib, a: a.split(3, dim=-1),
    "split by more than there is": lambda lib, a: a.split(99, 1),
    "split by sizes": lambda lib, a: a.split([1, 0, 3], 0),
    "split by sizes, function": lambda lib, a: lib.split(a, (2, 2, 1), dim=1),
    "split by name": lambda lib, a: a.split(split_size=2, dim=1),
    "split_with_sizes": lambda lib, a: a.split_with_sizes((4, 1), 1),
    "chunk": lambda lib, a: lib.chunk(a, 2),
    "chunk unevenly": lambda lib, a: a.chunk(3, dim=1),
    "chunk into fewer": lambda lib, a: a.chunk(4, 1),
    "chunk into all": lambda lib, a: a.chunk(99, -1),
    "tensor_split": lambda lib, a: lib.tensor_split(a, 3, dim=1),
    "tensor_split into empty ones": lambda lib, a: a.tensor_split(6),
    "tensor_split at indices": lambda lib, a: a.tensor_split((1, 3), 1),
    "tensor_split backwards": lambda lib, a: a.tensor_split([3, 1, -1, 9], 1),
    "tensor_split at a tensor": lambda lib, a: a.tensor_split(lib.tensor([1, 3])),
    "tensor_split by a tensor": lambda lib, a: a.tensor_split(lib.tensor(2)),
    "tensor_split by name": lambda lib, a: lib.tensor_split(a, indices=(1,), dim=1),
    "hsplit": lambda lib, a: lib.hsplit(a, 5),
    "hsplit at indices": lambda lib, a: a.hsplit([1, 2]),
    "vsplit": lambda lib, a: a.vsplit(2),
    "vsplit function": lambda lib, a: lib.vsplit(a, (3,)),
    "dsplit": lambda lib, a: lib.dsplit(a, 3),
    "dsplit method": lambda lib, a: a.dsplit([1]),
    "unbind": lambda lib, a: lib.unbind(a),
    "unbind last": lambda lib, a: a.unbind(-1),
}


@pytest.mark.parametrize("name", SPLITS)
def test_splits(name: str) -> None:
    array = normal(4, 5, 3)
    compare(SPLITS[name], array, second_order=True)
    compare(lambda lib, a: SPLITS[name](lib, a.transpose(0, 2).flip(1).transpose(0, 2)), array)
    parts = SPLITS[name](microbp, microbp.tensor(array))
    assert type(parts) is tuple
    assert all(type(part) is microbp.Tensor for part in parts)


@pytest.mark.parametrize("name", SPLITS)
def test_parts_are_views(name: str) -> None:
    t = microbp.zeros(4, 5, 3)
    for part in SPLITS[name](microbp, t):
        if part.numel():
            assert np.shares_memory(part.array, t.array)
            part += 1
    assert t.sum().item() == sum(part.numel() for part in SPLITS[name](microbp, microbp.zeros(4, 5, 3)))


def test_a_recorded_write_into_a_part_reaches_the_whole() -> None:
    def write(lib: Any, a: Any, v: Any) -> Any:
        y = a * 1
        left = y.narrow(1, 0, 2) if lib is not microbp else y.split([2, 3], 1)[0]  # PyTorch forbids it for splits
        left.mul_(v)
        return y

    compare(write, normal(4, 5), normal(4, 2), second_order=True)


@pytest.mark.parametrize(
    "call",
    [
        lambda lib, a: a.split(1),
        lambda lib, a: a.split(0),
        lambda lib, a: a.split([]),
        lambda lib, a: a.split([0, 0]),
        lambda lib, a: a.chunk(3),
        lambda lib, a: a.tensor_split(2),
        lambda lib, a: a.split(2, 1),
        lambda lib, a: a.unbind(1),
    ],
)
def test_empty_tensors(call: Callable[[Any, Any], Any]) -> None:
    compare(call, normal(0, 3))
    assert microbp.zeros(0, 3).unbind() == ()


REFUSED: list[tuple[Callable[[Any], Any], type[Exception], str]] = [
    (lambda lib: lib.zeros(5).split([2, 2]), ShapeError, r"\[2, 2\] add up to 4, not to 5"),
    (lambda lib: lib.zeros(5).split([6, -1]), OptionError, "must not be negative"),
    (lambda lib: lib.zeros(5).split(0), OptionError, "must be positive, got 0 for dimension 0 of size 5"),
    (lambda lib: lib.zeros(5).split(-1), OptionError, "must be positive"),
    (lambda lib: lib.tensor(1.0).split(1), ShapeError, "at least 1 dimension"),
    (lambda lib: lib.tensor(1.0).chunk(1), ShapeError, "at least 1 dimension"),
    (lambda lib: lib.tensor(1.0).unbind(), IndexError, "without dimensions"),
    (lambda lib: lib.zeros(5).chunk(0), OptionError, "chunks must be positive"),
    (lambda lib: lib.zeros(5).tensor_split(0), OptionError, "must be positive"),
    (lambda lib: lib.zeros(5).hsplit(2), ShapeError, "dimension 0 of size 5 cannot be divided into 2"),
    (lambda lib: lib.zeros(5).vsplit(2), ShapeError, r"at least 2 dimensions, got shape \(5,\)"),
    (lambda lib: lib.zeros(5, 2).dsplit(2), ShapeError, "at least 3 dimensions"),
    (lambda lib: lib.zeros(5).split(2, 1), IndexError, "out of range"),
    (lambda lib: lib.zeros(5).unbind(-2), IndexError, "out of range"),
]


@pytest.mark.parametrize(("call", "error", "message"), REFUSED)
def test_refused(call: Callable[[Any], Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call(microbp)
    with pytest.raises((RuntimeError, IndexError)):
        call(torch())


def test_tensor_split_wants_one_way_to_split() -> None:
    with pytest.raises(TypeError, match="one of"):
        microbp.tensor_split(microbp.zeros(3), 2, sections=2)
    with pytest.raises(TypeError, match="one of"):
        microbp.zeros(3).tensor_split()


@pytest.mark.parametrize(
    "call",
    [
        lambda a: np.split(a, 2),
        lambda a: np.split(a, [1, 3], axis=1),
        lambda a: np.array_split(a, 3),
        lambda a: np.array_split(a, 3, axis=1),
        lambda a: np.hsplit(a, [2]),
        lambda a: np.vsplit(a, 4),
        lambda a: np.dsplit(a, 3),
    ],
)
def test_numpy_splits_tensors(call: Callable[[Any], Any]) -> None:
    array = normal(4, 5, 3)
    t = microbp.tensor(array, requires_grad=True)
    for mine, yours in zip(call(t), call(array), strict=True):
        np.testing.assert_array_equal(mine.detach().array, yours)
        assert mine.requires_grad
    with pytest.raises(ShapeError, match="5 cannot be divided into 2"):
        np.split(t, 2, axis=1)
