"""Order, ranks and running extremes, against PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import microbp
from microbp.errors import RangeError
from tests.referee import compare, torch
from tests.samples import normal

CALLS: dict[str, Callable[[Any, Any], Any]] = {
    "sort": lambda lib, a: tuple(lib.sort(a)),
    "sort an axis, descending": lambda lib, a: tuple(a.sort(0, descending=True)),
    "sort stably": lambda lib, a: tuple(lib.sort(a, dim=1, stable=True)),
    "sort, by position": lambda lib, a: tuple(a.sort(-2, True)),
    "sort by axis": lambda lib, a: tuple(a.sort(axis=1)),
    "argsort": lambda lib, a: lib.argsort(a),
    "argsort descending": lambda lib, a: a.argsort(dim=0, descending=True),
    "msort": lambda lib, a: lib.msort(a),
    "kthvalue": lambda lib, a: tuple(lib.kthvalue(a, 2)),
    "kthvalue kept": lambda lib, a: tuple(a.kthvalue(1, 0, True)),
    "median": lambda lib, a: lib.median(a),
    "median method": lambda lib, a: a[0].median(),
    "median along an axis": lambda lib, a: tuple(lib.median(a, 1)),
    "median kept": lambda lib, a: tuple(a.median(dim=-1, keepdim=True)),
    "median kept, by NumPy's names": lambda lib, a: tuple(a.median(axis=0, keepdims=True)),
    "topk": lambda lib, a: tuple(lib.topk(a, 2)),
    "topk smallest": lambda lib, a: tuple(a.topk(2, 1, largest=False)),
    "cummax": lambda lib, a: tuple(lib.cummax(a, 1)),
    "cummin": lambda lib, a: tuple(a.cummin(dim=-1)),
    "max": lambda lib, a: tuple(a.max(0)),
    "min kept": lambda lib, a: tuple(a.min(1, keepdim=True)),
}


@pytest.mark.parametrize("name", CALLS)
def test_calls(name: str) -> None:
    compare(CALLS[name], normal(2, 3, 4), second_order=True)
    compare(lambda lib, a: CALLS[name](lib, (a * a).permute(1, 2, 0).flip(0)), normal(4, 3, 3), second_order=True)
    compare(CALLS[name], np.random.default_rng(0).permutation(24).reshape(2, 3, 4))
    t = microbp.randn(2, 3, 4)
    result = CALLS[name](microbp, t)
    for part in result if isinstance(result, tuple) else (result,):
        assert part.dtype in (np.float32, np.int64)


@pytest.mark.parametrize(
    "call",
    [
        lambda lib, a: tuple(a.sort()),
        lambda lib, a: a.argsort(0, True),
        lambda lib, a: tuple(a.kthvalue(1)),
        lambda lib, a: a.median(),
        lambda lib, a: tuple(a.median(-1)),
        lambda lib, a: tuple(a.cummax(0)),
        lambda lib, a: tuple(a.topk(1)),
    ],
)
def test_numbers(call: Callable[[Any, Any], Any]) -> None:
    compare(call, normal(), second_order=True)
    compare(call, np.array(np.nan))


@pytest.mark.parametrize(
    "call",
    [
        lambda lib, a: tuple(a.sort()),
        lambda lib, a: tuple(a.sort(0, True)),
        lambda lib, a: a.median(),
        lambda lib, a: tuple(a.median(1)),
        lambda lib, a: tuple(a.cummax(0)),
    ],
)
def test_empty_tensors(call: Callable[[Any, Any], Any]) -> None:
    compare(call, normal(0, 3))


def test_results_have_names() -> None:
    for result in (microbp.arange(3).sort(), microbp.arange(3).kthvalue(1), microbp.arange(3).median(0)):
        assert result._fields == ("values", "indices")


@pytest.mark.parametrize("descending", [False, True])
def test_equal_elements_keep_their_order(descending: bool) -> None:
    array = np.array([[1, 0, 1, 0, 1, 1], [2, 2, 2, 2, 2, 2]], dtype=np.float64)
    compare(lambda lib, a: tuple(lib.sort(a, stable=True, descending=descending)), array, second_order=True)
    compare(lambda lib, a: lib.argsort(a, stable=True, descending=descending), array.astype(bool))


@pytest.mark.parametrize("descending", [False, True])
def test_nan_counts_as_the_largest(descending: bool) -> None:
    array = np.array([3, np.nan, 1, np.inf, -np.inf, np.nan, 2])
    compare(lambda lib, a: tuple(lib.sort(a, stable=True, descending=descending)), array)


def test_nan_wins_the_median() -> None:
    array = np.array([[3, 1, np.nan, np.nan], [2, 0, 1, 5]])
    compare(lambda lib, a: (*a.median(1), *a.median(0), *a.median(1, keepdim=True)), array, second_order=True)
    compare(lambda lib, a: lib.stack([lib.median(a), lib.median(a[1])]), array, second_order=True)


def test_elements_that_equal_the_median_share_its_gradient() -> None:
    compare(lambda lib, a: lib.median(a), np.array([2.0, 1.0, 2.0, 5.0, 2.0]), second_order=True)
    compare(lambda lib, a: lib.median(a * a), np.array([[1.0, -1.0], [0.0, 3.0]]), second_order=True)


@pytest.mark.parametrize("name", ["cummax", "cummin"])
def test_running_extremes_with_ties_and_nan(name: str) -> None:
    array = np.array([[1, 1, 0, 2, 2, -1, -1], [1, np.nan, 3, np.nan, 0, 5, -2]])
    compare(lambda lib, a: tuple(getattr(a, name)(1)), array, second_order=True)
    compare(lambda lib, a: tuple(getattr(a, name)(0)), array.T.copy())


@given(st.data())
def test_ranks_agree(data: Any) -> None:
    shape = data.draw(st.lists(st.integers(1, 4), min_size=1, max_size=3))
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    k = data.draw(st.integers(1, shape[axis]))

    def call(lib: Any, a: Any) -> Any:
        return (*a.kthvalue(k, axis), *a.median(axis), *a.topk(k, axis), *a.sort(axis), a.median())

    compare(call, normal(*shape))


@pytest.mark.parametrize("largest", [False, True])
def test_the_first_of_equal_elements_is_among_the_top(largest: bool) -> None:
    array = np.random.default_rng(0).integers(0, 20, (3, 200, 2)).astype(np.float64)
    for k in (0, 1, 37, 199, 200):
        order = np.argsort(-array if largest else array, 1, kind="stable")[:, :k]
        values, indices = microbp.tensor(array).topk(k, 1, largest=largest)
        np.testing.assert_array_equal(indices.array, order)
        np.testing.assert_array_equal(values.array, np.take_along_axis(array, order, 1))
    array[0, 5, 0] = np.nan
    compare(lambda lib, a: lib.topk(a.detach(), 37, 1, largest=largest).values, array)


def test_the_first_of_equal_elements_has_the_rank() -> None:
    t = microbp.tensor([2.0, 1.0, 2.0, 2.0, 1.0])
    assert [t.kthvalue(k).indices.item() for k in range(1, 6)] == [1, 1, 0, 0, 0]
    assert t.median(0).indices.item() == 0
    assert microbp.tensor([2.0, float("nan"), float("nan")]).kthvalue(3).indices.item() == 1


@pytest.mark.parametrize(
    "call",
    [
        lambda t: t.sort(),
        lambda t: t.topk(2),
        lambda t: t.kthvalue(1),
        lambda t: t.kthvalue(1, keepdim=True),
        lambda t: t.median(0),
        lambda t: t.max(0),
        lambda t: t.max(0, keepdim=True),
        lambda t: t.cummax(0),
    ],
)
def test_writing_to_the_indices_changes_no_gradient(call: Callable[[Any], Any]) -> None:
    x, y = (microbp.tensor([3.0, 1.0, 2.0], requires_grad=True) for _ in range(2))
    values, indices = call(x)
    indices.array[...] = 0
    values.sum().backward()
    call(y)[0].sum().backward()
    assert x.grad.tolist() == y.grad.tolist()


REFUSED: list[tuple[Callable[[Any], Any], type[Exception], str]] = [
    (lambda lib: lib.zeros(3).kthvalue(4), RangeError, "k=4 is not from 1 to 3, the size of dimension 0"),
    (lambda lib: lib.zeros(3).kthvalue(0), RangeError, "k=0"),
    (lambda lib: lib.zeros(0, 3).median(0), RangeError, r"\(0, 3\) has no elements along dimension 0"),
    (lambda lib: lib.zeros(0, 3).kthvalue(1, 0), RangeError, "k=1"),
    (lambda lib: lib.zeros(3).sort(1), IndexError, "got 1"),
    (lambda lib: lib.zeros(3).median(-2), IndexError, "got -2"),
    (lambda lib: lib.zeros(3).cummin(3), IndexError, "got 3"),
]


@pytest.mark.parametrize(("call", "error", "message"), REFUSED)
def test_refused(call: Callable[[Any], Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call(microbp)
    with pytest.raises((RuntimeError, IndexError)):
        call(torch())


def test_no_median_of_no_integers() -> None:
    with pytest.raises(RangeError, match="no elements to choose from"):
        microbp.zeros(0, dtype=microbp.int64).median()


def test_float32_and_half() -> None:
    for dtype in (microbp.float16, microbp.float32):
        t = microbp.tensor([3.0, 1.0, 2.0], dtype=dtype, requires_grad=True)
        (t.median() + t.sort().values[0] + t.cummax(0).values.sum()).backward()
        assert t.grad.dtype == dtype
        assert t.grad.tolist() == [3, 1, 1]


@pytest.mark.parametrize(
    "call",
    [
        lambda a: np.sort(a),
        lambda a: np.sort(a, axis=0),
        lambda a: np.sort(a, axis=None),
        lambda a: np.argsort(a, axis=0),
        lambda a: np.argsort(a, axis=None, kind="stable"),
    ],
)
def test_numpy_sorts_tensors(call: Callable[[Any], Any]) -> None:
    array = normal(3, 4)
    np.testing.assert_array_equal(call(microbp.tensor(array)).array, call(array))
