"""Turned, shifted, repeated, spread over a grid: against PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import microbp
from microbp.errors import DtypeError, OptionError, ShapeError
from tests.referee import compare, torch
from tests.samples import normal

CALLS: dict[str, Callable[[Any, Any], Any]] = {
    "movedim": lambda lib, a: lib.movedim(a, 0, 2),
    "movedim of several": lambda lib, a: a.movedim((0, -1), (1, 0)),
    "moveaxis": lambda lib, a: a.moveaxis(-1, 0),
    "moveaxis function": lambda lib, a: lib.moveaxis(a, (2, 1, 0), (0, 1, 2)),
    "flip": lambda lib, a: lib.flip(a, (0, -1)),
    "flip method": lambda lib, a: a.flip(0, 1),
    "flip list": lambda lib, a: a.flip([1]),
    "flip nothing": lambda lib, a: a.flip(()),
    "flip by name": lambda lib, a: lib.flip(a, dims=[0]),
    "fliplr": lambda lib, a: lib.fliplr(a),
    "flipud": lambda lib, a: a.flipud(),
    "roll": lambda lib, a: lib.roll(a, 5),
    "roll back": lambda lib, a: a.roll(-1, 1),
    "roll axes": lambda lib, a: a.roll(shifts=(1, -7), dims=(0, -1)),
    "roll twice": lambda lib, a: a.roll((1, 1), (1, 1)),
    "rot90": lambda lib, a: lib.rot90(a),
    "rot90 twice": lambda lib, a: a.rot90(2, (1, 2)),
    "rot90 thrice": lambda lib, a: a.rot90(3, [0, 2]),
    "rot90 back": lambda lib, a: a.rot90(-1, dims=(-1, 0)),
    "rot90 not": lambda lib, a: a.rot90(4),
    "repeat": lambda lib, a: a.repeat(2, 1, 3),
    "repeat along new axes": lambda lib, a: a.repeat((2, 2, 1, 1, 2)),
    "repeat never": lambda lib, a: a.repeat(1, 0, 1),
    "tile": lambda lib, a: lib.tile(a, (2,)),
    "tile method": lambda lib, a: a.tile(2, 1, 1, 2),
    "tile by name": lambda lib, a: lib.tile(a, dims=(1, 2)),
    "tile nothing": lambda lib, a: a.tile(()),
    "repeat_interleave": lambda lib, a: lib.repeat_interleave(a, 2),
    "repeat_interleave once": lambda lib, a: a.repeat_interleave(1, dim=1),
    "repeat_interleave never": lambda lib, a: a.repeat_interleave(0, 0),
    "repeat_interleave axis": lambda lib, a: a.repeat_interleave(3, dim=-1),
    "repeat_interleave by one": lambda lib, a: a.repeat_interleave(lib.tensor([2]), dim=1),
    "repeat_interleave by each": lambda lib, a: a.repeat_interleave(lib.tensor([2, 0, 1]), dim=1, output_size=3),
}
VIEWS = {"movedim", "movedim of several", "moveaxis", "moveaxis function"}


@pytest.mark.parametrize("name", CALLS)
def test_calls(name: str) -> None:
    compare(CALLS[name], normal(2, 3, 4), second_order=True)
    compare(lambda lib, a: CALLS[name](lib, a.permute(1, 2, 0)[1:]), normal(4, 3, 3), second_order=True)
    compare(CALLS[name], np.arange(24).reshape(2, 3, 4))
    t = microbp.zeros(2, 3, 4, dtype=microbp.float32)
    result = CALLS[name](microbp, t)
    assert result.dtype == np.float32
    assert np.shares_memory(result.array, t.array) == (name in VIEWS)


@pytest.mark.parametrize(
    "call",
    [
        lambda lib, a: a.movedim(0, 0),
        lambda lib, a: a.flip(0),
        lambda lib, a: a.flip(()),
        lambda lib, a: a.roll(3),
        lambda lib, a: a.repeat(2, 3),
        lambda lib, a: a.repeat(()),
        lambda lib, a: a.tile(2),
        lambda lib, a: a.repeat_interleave(3),
    ],
)
def test_numbers(call: Callable[[Any, Any], Any]) -> None:
    compare(call, normal(), second_order=True)


@pytest.mark.parametrize(
    "call",
    [
        lambda lib, a: a.flip(0, 1),
        lambda lib, a: a.roll(1),
        lambda lib, a: a.roll(1, 0),
        lambda lib, a: a.rot90(),
        lambda lib, a: a.repeat(2, 2),
        lambda lib, a: a.repeat_interleave(2, 1),
        lambda lib, a: a.repeat_interleave(lib.tensor([1, 2, 3]), 1),
    ],
)
def test_empty_tensors(call: Callable[[Any, Any], Any]) -> None:
    compare(call, normal(0, 3), second_order=True)


def test_repeat_interleave_of_counts_alone() -> None:
    for counts in ([1, 0, 2], []):
        compare(lambda lib, n: lib.repeat_interleave(n), np.array(counts, dtype=np.int64))


def test_counts_changed_later_change_no_gradient() -> None:
    x = microbp.ones(2, requires_grad=True)
    counts = microbp.tensor([1, 2])
    y = x.repeat_interleave(counts)
    counts[0] = 7
    y.sum().backward()
    assert x.grad.tolist() == [1, 2]


@pytest.mark.parametrize("indexing", ["ij", "xy"])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_meshgrid(indexing: str, count: int) -> None:
    arrays = [normal(3), normal(), normal(2, seed=1)][:count]
    compare(lambda lib, *a: lib.meshgrid(*a, indexing=indexing), *arrays, second_order=True)
    compare(lambda lib, *a: lib.meshgrid(a, indexing=indexing), *arrays)
    x = [microbp.tensor(a) for a in arrays]
    assert all(np.shares_memory(a.array, b.array) for a, b in zip(x, microbp.meshgrid(x), strict=True))


@pytest.mark.filterwarnings("ignore:torch.meshgrid")
def test_meshgrid_counts_rows_first_by_default() -> None:
    compare(lambda lib, a, b: lib.meshgrid(a, b), normal(2), normal(3))


REFUSED: list[tuple[Callable[[Any], Any], type[Exception], str]] = [
    (lambda lib: lib.movedim(lib.zeros(2, 3), (0, 0), (0, 1)), ShapeError, "twice"),
    (lambda lib: lib.movedim(lib.zeros(2, 3), (0, 1), (0,)), ShapeError, "equally many"),
    (lambda lib: lib.zeros(3).flip(0, 0), ShapeError, "twice"),
    (lambda lib: lib.zeros(3).flip(1), IndexError, "got 1"),
    (lambda lib: lib.zeros(3).flip(), TypeError, "sizes|missing"),
    (lambda lib: lib.zeros(3).fliplr(), ShapeError, "at least 2 dimensions"),
    (lambda lib: lib.tensor(1.0).flipud(), ShapeError, "at least 1 dimension"),
    (lambda lib: lib.zeros(2, 3).roll((1, 2)), ShapeError, "a shift for each dimension"),
    (lambda lib: lib.zeros(2, 3).roll((1, 2), 0), ShapeError, "a shift for each dimension"),
    (lambda lib: lib.tensor(1.0).roll(1, 0), IndexError, "without dimensions"),
    (lambda lib: lib.zeros(2, 3).rot90(1, (0, 0)), ShapeError, "twice"),
    (lambda lib: lib.zeros(2, 3).rot90(1, (0,)), ShapeError, "2 dimensions"),
    (lambda lib: lib.zeros(3).rot90(1, (0, 0)), ShapeError, "twice"),
    (lambda lib: lib.zeros(2, 2).repeat(2), ShapeError, r"\(2,\) names fewer dimensions"),
    (lambda lib: lib.zeros(2, 2).repeat(-1, 2), ShapeError, "-1 times"),
    (lambda lib: lib.zeros(2, 2).tile(-1), ShapeError, "-1 times"),
    (lambda lib: lib.zeros(3).repeat_interleave(-1), OptionError, "got -1"),
    (lambda lib: lib.zeros(3).repeat_interleave(lib.tensor([1, 2])), ShapeError, "each of the 3 slices"),
    (lambda lib: lib.zeros(3).repeat_interleave(lib.tensor([1.0])), DtypeError, "float32"),
    (lambda lib: lib.zeros(3).repeat_interleave(2, output_size=5), ShapeError, "has size 6 along dimension 0, not 5"),
    (lambda lib: lib.meshgrid(lib.zeros(2, 2), indexing="ij"), ShapeError, r"tensors\[0\].*\(2, 2\)"),
    (lambda lib: lib.meshgrid(lib.zeros(2), lib.zeros(2).double(), indexing="ij"), DtypeError, "float64"),
    (lambda lib: lib.meshgrid(lib.zeros(2), indexing="yx"), OptionError, "'yx'"),
    (lambda lib: lib.meshgrid([], indexing="ij"), ShapeError, "no tensors"),
]


@pytest.mark.parametrize(("call", "error", "message"), REFUSED)
def test_refused(call: Callable[[Any], Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call(microbp)
    with pytest.raises((RuntimeError, IndexError, TypeError, ValueError)):
        call(torch())


NUMPY: list[Callable[[Any], Any]] = [
    lambda a: np.flip(a),
    lambda a: np.flip(a, 1),
    lambda a: np.flip(a, (0, 2)),
    lambda a: np.fliplr(a),
    lambda a: np.flipud(a),
    lambda a: np.roll(a, 3),
    lambda a: np.roll(a, 1, axis=1),
    lambda a: np.roll(a, 1, axis=(0, 2)),
    lambda a: np.roll(a, (1, 2), axis=1),
    lambda a: np.rot90(a),
    lambda a: np.rot90(a, k=3, axes=(1, 2)),
    lambda a: np.tile(a, 2),
    lambda a: np.tile(a, (2, 1, 1, 2)),
    lambda a: np.repeat(a, 2),
    lambda a: np.repeat(a, [1, 0, 2], axis=1),
    lambda a: np.moveaxis(a, 0, -1),
    lambda a: np.moveaxis(a, [0, 1], [1, 2]),
]


@pytest.mark.parametrize("call", NUMPY)
def test_numpy_rearranges_tensors(call: Callable[[Any], Any]) -> None:
    array = normal(2, 3, 4)
    result = call(microbp.tensor(array, requires_grad=True))
    assert result.requires_grad
    np.testing.assert_array_equal(result.detach().array, call(array))


def test_numpy_makes_grids_of_tensors() -> None:
    a, b = normal(3), normal(2)
    for options in ({}, {"indexing": "ij"}, {"copy": False}):
        grids = np.meshgrid(microbp.tensor(a), microbp.tensor(b), **options)
        for mine, yours in zip(grids, np.meshgrid(a, b, **options), strict=True):
            np.testing.assert_array_equal(mine.array, yours)
    with pytest.raises(NotImplementedError, match="sparse"):
        np.meshgrid(microbp.tensor(a), sparse=True)
