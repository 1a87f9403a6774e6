"""Where elements are, which are different, and how often they occur, against PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import microbp
from microbp.errors import DtypeError, OptionError, RangeError, ShapeError
from tests.referee import compare, torch
from tests.samples import normal

SPARSE = np.array([[0.0, 1.5, 0.0], [-2.0, 0.0, np.nan]])


@pytest.mark.parametrize("array", [SPARSE, SPARSE != 0, np.arange(4), np.zeros((0, 2)), np.array(3.0), np.array(0)])
def test_nonzero(array: Any) -> None:
    compare(lambda lib, a: (lib.nonzero(a), a.nonzero(), lib.argwhere(a), a.argwhere()), array)
    compare(lambda lib, a: (*lib.nonzero(a, as_tuple=True), *a.nonzero(as_tuple=True)), array)


def test_nonzero_is_an_index() -> None:
    compare(lambda lib, a: a[(a > 0).nonzero(as_tuple=True)], normal(3, 4), second_order=True)


UNIQUE: dict[str, Callable[[Any, Any], Any]] = {
    "values": lambda lib, a: lib.unique(a),
    "inverse": lambda lib, a: lib.unique(a, return_inverse=True),
    "counts": lambda lib, a: a.unique(return_counts=True),
    "all": lambda lib, a: a.unique(True, True, True),
    "rows": lambda lib, a: lib.unique(a, dim=0),
    "columns": lambda lib, a: a.unique(return_inverse=True, return_counts=True, dim=-1),
}


@pytest.mark.parametrize("name", UNIQUE)
@pytest.mark.parametrize("dtype", [np.int64, np.int32, np.float32, bool])
def test_unique(name: str, dtype: Any) -> None:
    array = np.array([[2, 0, 2], [1, 0, 1], [2, 0, 2]]).astype(dtype)
    compare(lambda lib, a: UNIQUE[name](lib, a.detach()), array)


def test_unique_of_vectors_and_numbers() -> None:
    compare(lambda lib, a: a.unique(return_inverse=True, return_counts=True, dim=0), np.array([3, 1, 3]))
    compare(lambda lib, a: a.unique(return_inverse=True, return_counts=True), np.array(3))
    compare(lambda lib, a: a.unique(return_inverse=True, return_counts=True), np.array([], dtype=np.int64))
    compare(lambda lib, a: lib.unique(a.detach(), return_counts=True), np.array([np.nan, 1, np.nan]))


def test_the_gradient_of_unique_goes_to_the_first() -> None:
    x = microbp.tensor([3.0, 1.0, 3.0], requires_grad=True)
    (x.unique() * microbp.tensor([1.0, 10.0])).sum().backward()
    assert x.grad.tolist() == [10, 1, 0]


def test_bincount() -> None:
    def call(lib: Any, n: Any, w: Any) -> Any:
        w = w.detach()
        return (
            lib.bincount(n),
            n.bincount(minlength=9),
            n.bincount(minlength=1),
            n.bincount(w),
            n.bincount(weights=w.float(), minlength=9),
            n.bincount(n),
            n.int().bincount(),
            n[:0].bincount(),
            n[:0].bincount(w[:0], minlength=2),
        )

    compare(call, np.array([3, 0, 3, 5, 0]), normal(5))


def test_weights_get_a_gradient_from_bincount() -> None:
    w = microbp.tensor([1.0, 2.0, 3.0], requires_grad=True)
    totals = microbp.bincount(microbp.tensor([1, 0, 1]), w)
    assert totals.tolist() == [2, 4]
    (totals * totals).sum().backward()
    assert w.grad.tolist() == [8, 4, 8]


EDGES = np.array([1.0, 3.0, 3.0, 5.0])


@pytest.mark.parametrize(
    "options",
    [{}, {"right": True}, {"side": "right"}, {"side": "left"}, {"right": True, "side": "right"}, {"out_int32": True}],
)
def test_searchsorted(options: dict[str, Any]) -> None:
    values = np.array([[0.0, 3.0, 9.0], [5.0, 1.0, 2.0]])
    compare(lambda lib, e, v: (lib.searchsorted(e, v, **options), lib.searchsorted(e, 3.0, **options)), EDGES, values)
    batch = np.sort(normal(2, 3, 4), -1)
    compare(lambda lib, e, v: lib.searchsorted(e, v, **options), batch, normal(2, 3, 5))
    compare(lambda lib, e, v: lib.searchsorted(e, v, **options), batch, normal(2, 3, 0))
    compare(lambda lib, e, v: lib.searchsorted(e, v, **options), np.array([1, 3, 5]), np.array([[3, 4], [0, 5]]))


def test_searchsorted_with_a_sorter() -> None:
    def call(lib: Any, e: Any, v: Any) -> Any:
        return lib.searchsorted(e, v, sorter=e.argsort())

    compare(call, np.array([5.0, 1.0, 3.0]), normal(4))
    compare(call, normal(2, 3), normal(2, 5))


def test_float32_boundaries_are_compared_in_float32() -> None:
    third = microbp.tensor([1 / 3], dtype=microbp.float32)
    assert microbp.searchsorted(third, 1 / 3, right=True).item() == 1
    assert microbp.searchsorted(third, 1 / 3).item() == 0


def test_bucketize() -> None:
    def call(lib: Any, e: Any, v: Any) -> Any:
        return (
            lib.bucketize(v, e),
            lib.bucketize(v, e, right=True),
            lib.bucketize(3.0, e, right=True),
            lib.bucketize(v, e, out_int32=True),
            lib.bucketize(v.reshape(2, 2), e[:0]),
        )

    compare(call, EDGES, np.array([3.0, 0.0, 9.0, 1.0]))


REFUSED: list[tuple[Callable[[Any], Any], type[Exception], str]] = [
    (lambda lib: lib.zeros(2).bincount(), DtypeError, "float32"),
    (lambda lib: lib.tensor([[1]]).bincount(), ShapeError, r"\(1, 1\)"),
    (lambda lib: lib.tensor([2, -1]).bincount(), RangeError, "-1 at position 1"),
    (lambda lib: lib.tensor([1]).bincount(minlength=-1), OptionError, "got -1"),
    (lambda lib: lib.tensor([1]).bincount(lib.ones(2)), ShapeError, r"\(2,\) must have the shape of input \(1,\)"),
    (lambda lib: lib.searchsorted(lib.zeros(2, 3), lib.zeros(3, 3)), ShapeError, "all but the last"),
    (lambda lib: lib.searchsorted(lib.zeros(2, 3), lib.zeros(2)), ShapeError, "all but the last"),
    (lambda lib: lib.searchsorted(lib.zeros(3), 1.0, right=True, side="left"), OptionError, "contradict"),
    (lambda lib: lib.searchsorted(lib.zeros(3), 1.0, side="up"), OptionError, "'up'"),
    (lambda lib: lib.searchsorted(lib.zeros(3), 1.0, sorter=lib.tensor([0])), ShapeError, "sorter"),
    (lambda lib: lib.bucketize(lib.zeros(3), lib.zeros(1, 3)), ShapeError, r"1 dimension, got shape \(1, 3\)"),
    (lambda lib: lib.unique(lib.zeros(3), dim=1), IndexError, "got 1"),
]


@pytest.mark.parametrize(("call", "error", "message"), REFUSED)
def test_refused(call: Callable[[Any], Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call(microbp)
    with pytest.raises((RuntimeError, IndexError, NotImplementedError)):
        call(torch())


def test_numpy_searches_tensors() -> None:
    array = np.array([[0, 3, 3], [1, 0, 5]])
    t = microbp.tensor(array)
    calls: list[Callable[[Any], Any]] = [
        lambda a: np.argwhere(a),
        lambda a: np.flatnonzero(a),
        lambda a: np.unique(a),
        lambda a: np.unique(a, axis=0),
        lambda a: np.bincount(a[0], minlength=6),
        lambda a: np.searchsorted(a[0], a[1], side="right"),
    ]
    for call in calls:
        np.testing.assert_array_equal(call(t).array, call(array))
    for mine, yours in zip(np.nonzero(t), np.nonzero(array), strict=True):
        np.testing.assert_array_equal(mine.array, yours)
    values, inverse, counts = np.unique(t, return_inverse=True, return_counts=True)
    np.testing.assert_array_equal(values.array[inverse.array], array)
    assert counts.sum().item() == 6
