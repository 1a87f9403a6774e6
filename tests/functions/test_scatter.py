"""Values written and added at positions, against PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import microbp
from microbp.errors import DtypeError, GraphError, MutationError, OptionError, RangeError, ShapeError
from tests.referee import compare, torch
from tests.samples import normal

COLUMNS = np.array([[2, 0], [1, 3], [3, 0]])  # no position twice
AGAIN = np.array([[2, 2, 0, 2], [1, 1, 1, 0]])
MASK = np.array([[True, False, True, False], [False, False, True, True], [True, True, False, False]])

# On a tensor of shape (3, 4), with values of shape (3, 4): both forms of each are tried.
CALLS: dict[str, tuple[str, Callable[[Any, Any], tuple[Any, ...]], dict[str, Any]]] = {
    "scatter": ("scatter", lambda lib, v: (1, lib.tensor(COLUMNS), cut(lib, v, 3, 2)), {}),
    "scatter along rows": ("scatter", lambda lib, v: (0, lib.tensor([[2, 0, 1], [0, 1, 2]]), cut(lib, v, 2, 3)), {}),
    "scatter last axis": ("scatter", lambda lib, v: (-1, lib.tensor(COLUMNS[:1]), cut(lib, v[:2], 1, 2)), {}),
    "scatter a number": ("scatter", lambda lib, v: (1, lib.tensor(AGAIN), 2.5), {}),
    "scatter a named number": ("scatter", lambda lib, v: (1, lib.tensor(AGAIN)), {"value": 2}),
    "scatter nothing": ("scatter", lambda lib, v: (1, lib.tensor(COLUMNS[:0]), cut(lib, v, 0, 2)), {}),
    "scatter_add": ("scatter_add", lambda lib, v: (1, lib.tensor(AGAIN), cut(lib, v, 2, 4)), {}),
    "scatter_add along rows": (
        "scatter_add",
        lambda lib, v: (0, lib.tensor([[2, 2, 1, 0], [2, 1, 1, 1]]), cut(lib, v, 2, 4)),
        {},
    ),
    "scatter_add nothing": ("scatter_add", lambda lib, v: (1, lib.tensor(AGAIN[:, :0]), cut(lib, v, 2, 0)), {}),
    "index_add": ("index_add", lambda lib, v: (0, lib.tensor([2, 0, 2]), v), {}),
    "index_add scaled": ("index_add", lambda lib, v: (1, lib.tensor([1, 1]), v[:, 1:3]), {"alpha": -2.5}),
    "index_add one": ("index_add", lambda lib, v: (1, lib.tensor(2), v[:, 1:2]), {}),
    "index_add nothing": ("index_add", lambda lib, v: (1, lib.tensor(COLUMNS[0, :0]), v[:, :0]), {}),
    "index_copy": ("index_copy", lambda lib, v: (1, lib.tensor([3, 0]), v[:, 1:3]), {}),
    "index_copy from the end": ("index_copy", lambda lib, v: (-2, lib.tensor([1]), v[:1]), {}),
    "index_fill": ("index_fill", lambda lib, v: (1, lib.tensor([3, -4]), 2.5), {}),
    "index_fill with a tensor": ("index_fill", lambda lib, v: (0, lib.tensor([1, 1]), v[0, 0]), {}),
    "index_fill nothing": ("index_fill", lambda lib, v: (0, lib.tensor(COLUMNS[0, :0]), 1), {}),
    "index_put": ("index_put", lambda lib, v: ((lib.tensor([0, 2]), lib.tensor([1, -1])), v[0, :2]), {}),
    "index_put rows": ("index_put", lambda lib, v: ((lib.tensor([2, 0]),), v[1]), {}),
    "index_put a number": ("index_put", lambda lib, v: ([lib.tensor(MASK)], v[0, 0]), {}),
    "index_put accumulated": (
        "index_put",
        lambda lib, v: ((lib.tensor([1, 1, 0]), lib.tensor([[2], [-2]])), v[1:, :3]),
        {"accumulate": True},
    ),
    "index_put rows accumulated": ("index_put", lambda lib, v: ((lib.tensor([2, 2]),), v[:2], True), {}),
    "index_put by mask accumulated": ("index_put", lambda lib, v: ((lib.tensor(MASK),), v[0, 1], True), {}),
    "masked_scatter": ("masked_scatter", lambda lib, v: (lib.tensor(MASK), v), {}),
    "masked_scatter broadcast": ("masked_scatter", lambda lib, v: (lib.tensor(MASK[0]), v), {}),
    "masked_scatter nothing": ("masked_scatter", lambda lib, v: (lib.tensor(MASK) & False, v), {}),
}


def cut(lib: Any, values: Any, *shape: int) -> Any:
    """Values for an index of this shape: PyTorch differentiates only where there are no others."""
    return values if lib is microbp else values[: shape[0], : shape[1]]


@pytest.mark.parametrize("name", CALLS)
def test_calls(name: str) -> None:
    function, arguments, options = CALLS[name]
    a, v = normal(3, 4), normal(3, 4, seed=1)

    def anew(lib: Any, a: Any, v: Any) -> Any:
        given = arguments(lib, v * v)
        return getattr(lib, function)(a, *given, **options), getattr(a.exp(), function)(*given, **options)

    compare(anew, a, v, second_order=True)

    def in_place(lib: Any, a: Any, v: Any) -> Any:
        y = a + a
        changed = getattr(y, f"{function}_")(*arguments(lib, v * v), **options)
        assert changed is y
        return y * y

    compare(in_place, a, v, second_order=True)
    compare(lambda lib, a, v: anew(lib, a.t().reshape(3, 4), v.flip(0)), a, v)


@pytest.mark.parametrize("name", CALLS)
def test_dtypes_and_memory(name: str) -> None:
    function, arguments, options = CALLS[name]
    t, v = microbp.zeros(3, 4), microbp.ones(3, 4)
    result = getattr(t, function)(*arguments(microbp, v), **options)
    assert result.dtype == np.float32
    assert not np.shares_memory(result.array, t.array)
    assert (t == 0).all()
    assert getattr(t, f"{function}_")(*arguments(microbp, v), **options) is t
    np.testing.assert_array_equal(t.array, result.array)
    leaf = microbp.zeros(3, 4, requires_grad=True)
    with pytest.raises(GraphError, match="leaf that requires grad"):
        getattr(leaf, f"{function}_")(*arguments(microbp, v), **options)
    assert (leaf == 0).all()


def test_integers() -> None:
    def call(lib: Any, a: Any) -> Any:
        places = lib.tensor([[0, 1, 1]])
        return (
            a.scatter(0, places, 1.5),
            a.scatter_add(0, places, a),
            a.index_add(0, lib.tensor([1, 1]), a, alpha=3),
            a.index_fill(1, lib.tensor([0]), 7),
        )

    compare(call, np.arange(6).reshape(2, 3))
    with pytest.raises(DtypeError, match="alpha must be an integer"):
        microbp.arange(3).index_add(0, microbp.tensor([0]), microbp.tensor([1]), alpha=0.5)


def test_numbers() -> None:
    def call(lib: Any, a: Any, v: Any) -> Any:
        none, one, two = lib.tensor(AGAIN[0, :0]), lib.tensor([0]), lib.tensor([0, 0])
        results = (
            a.scatter(0, one[0], v),
            a.scatter(0, one, v),
            a.scatter(0, one, 3.5),
            a.scatter_add(0, one, v.reshape(1)),
            a.scatter_add(0, none, v.reshape(1)[:0]),
            a.index_copy(0, one, v),
            a.index_fill(0, one, v),
            a.gather(0, one),
            a.gather(0, one[0]),
            a.index_select(0, one),
        )
        if lib is microbp:  # PyTorch refuses the one, and cannot differentiate the other
            assert a.index_add(0, two, lib.stack([v, v])).item() == (a + 2 * v).item()
            assert a.index_fill(0, none, v).item() == a.item()
        return results

    compare(call, normal(), normal(seed=1), second_order=True)


def test_values_that_are_written_twice() -> None:
    x = microbp.zeros(3, requires_grad=True)
    source = microbp.tensor([1.0, 2.0], requires_grad=True)
    y = x.scatter(0, microbp.tensor([1, 1]), source)
    assert y[1].item() in (1, 2)
    y.sum().backward()
    assert x.grad.tolist() == [1, 0, 1]
    assert source.grad.tolist() == [1, 1]  # as in PyTorch


@pytest.mark.filterwarnings("ignore:The reduce argument")
def test_scatter_with_reduction() -> None:
    a, v = normal(3, 4), normal(3, 4, seed=1)

    def call(lib: Any, a: Any, v: Any) -> Any:
        a, v, places = a.detach(), v.detach(), lib.tensor(AGAIN)
        return tuple(
            getattr(a.clone(), name)(1, places, given, reduce=reduce)
            for name in ("scatter", "scatter_")
            for given in (v, 1.5)
            for reduce in ("add", "multiply")
        )

    compare(call, a, v)
    with pytest.raises(NotImplementedError, match="'multiply' has no gradient"):
        microbp.tensor(a, requires_grad=True).scatter(1, microbp.tensor(AGAIN), 1.5, reduce="multiply")
    x = microbp.zeros(2, requires_grad=True)
    x.scatter(0, microbp.tensor([1, 1]), 2.0, reduce="add").sum().backward()
    assert x.grad.tolist() == [1, 1]
    with pytest.raises(OptionError, match="'mean'"):
        x.scatter(0, microbp.tensor([1]), 2.0, reduce="mean")


def test_positions_changed_later_change_no_gradient() -> None:
    for name in ("scatter", "scatter_add", "index_add", "index_copy", "gather", "index_select"):
        x, source = microbp.zeros(3, requires_grad=True), microbp.ones(2, requires_grad=True)
        places = microbp.tensor([1, 2])
        y = getattr(x, name)(0, places, *[source] * (name not in ("gather", "index_select")))
        places.zero_()
        loss = (y * microbp.arange(1.0, 1 + y.numel())).sum()
        loss.backward()
        expected = [2, 3] if source.grad is not None else [0, 1, 2]
        assert (x if source.grad is None else source).grad.tolist() == expected, name


def test_source_changed_before_backward() -> None:
    x, source = microbp.zeros(3, requires_grad=True), microbp.ones(3, requires_grad=True) * 2
    y = (source * source).sum() + x.scatter_add(0, microbp.tensor([0, 1, 1]), source).sum()
    source.scatter_(0, microbp.tensor([0]), 5.0)
    with pytest.raises(MutationError, match="changed in place"):
        y.backward()


REFUSED: list[tuple[Callable[[Any], Any], type[Exception], str]] = [
    (lambda lib: lib.zeros(3).scatter(0, lib.tensor([3]), 1.0), RangeError, "index 3 is out of bounds.*0 of size 3"),
    (lambda lib: lib.zeros(3).scatter(0, lib.tensor([-1]), 1.0), RangeError, "index -1 is out of bounds"),
    (lambda lib: lib.zeros(3).scatter(0, lib.tensor([0, 1]), lib.ones(1)), ShapeError, r"index \(2,\).*src \(1,\)"),
    (lambda lib: lib.zeros(3).scatter(0, lib.tensor([0, 1]), lib.tensor(1.0)), ShapeError, r"src \(\)"),
    (lambda lib: lib.zeros(2, 3).scatter(1, lib.tensor([[0]] * 3), 1.0), ShapeError, r"index \(3, 1\).*input \(2, 3\)"),
    (lambda lib: lib.zeros(2, 3).scatter(1, lib.tensor([0]), 1.0), ShapeError, r"index \(1,\)"),
    (lambda lib: lib.zeros(3).scatter(0, lib.tensor([0]), lib.ones(1).double()), DtypeError, "float64"),
    (lambda lib: lib.zeros(3).scatter(0, lib.tensor([0.0]), 1.0), DtypeError, "must hold integers"),
    (lambda lib: lib.zeros(3).scatter(0, lib.tensor([0])), TypeError, "either src or value|invalid combination"),
    (lambda lib: lib.zeros(3).scatter_add(0, lib.tensor([0]), 1.0), TypeError, "tensor of values|must be Tensor"),
    (lambda lib: lib.zeros(3).index_add(0, lib.tensor([0]), lib.ones(2)), ShapeError, r"\(2,\) must have shape \(1,\)"),
    (lambda lib: lib.zeros(3).index_add(0, lib.tensor([-1]), lib.ones(1)), RangeError, "-1 is out of bounds"),
    (lambda lib: lib.zeros(3).index_add(0, lib.tensor([0]), lib.ones(1).double()), DtypeError, "same dtype"),
    (lambda lib: lib.zeros(3).index_add(0, lib.tensor([[0]]), lib.ones(1)), ShapeError, "at most 1 dimension"),
    (lambda lib: lib.zeros(2, 3).index_copy(0, lib.tensor([0]), lib.ones(1, 2)), ShapeError, r"shape \(1, 3\)"),
    (lambda lib: lib.zeros(3).index_copy(0, lib.tensor([5]), lib.ones(1)), RangeError, "5 is out of bounds"),
    (lambda lib: lib.zeros(3).index_fill(0, lib.tensor([3]), 1), RangeError, "3 is out of bounds"),
    (lambda lib: lib.zeros(3).index_fill(0, lib.tensor([0]), lib.ones(1)), ShapeError, "0-d"),
    (lambda lib: lib.zeros(3).index_put((lib.tensor([3]),), lib.ones(1)), IndexError, "out of bounds|out of range"),
    (lambda lib: lib.zeros(3).index_put((lib.tensor([3]),), lib.ones(1), True), IndexError, "out of bounds"),
    (lambda lib: lib.zeros(3).index_put((lib.tensor([0, 1]),), lib.ones(3)), ShapeError, "3"),
    (lambda lib: lib.zeros(3).index_put((lib.tensor([0]),), lib.ones(1).double()), DtypeError, "same dtype"),
    (lambda lib: lib.zeros(3).masked_scatter(lib.ones(3) > 0, lib.ones(2)), ShapeError, "2 elements for the 3 true"),
    (lambda lib: lib.zeros(3).masked_scatter(lib.ones(3) > 0, lib.ones(3).double()), DtypeError, "same dtype"),
    (lambda lib: lib.zeros(3).masked_scatter_(lib.ones(2) > 0, lib.ones(3)), ShapeError, "broadcast|must match"),
    (lambda lib: lib.zeros(2, 3).index_select(1, lib.tensor([-1])), RangeError, "-1 is out of bounds"),
    (lambda lib: lib.zeros(2, 3).take_along_dim(lib.tensor([0]), 1), ShapeError, "equally many"),
    (lambda lib: lib.zeros(2, 3).take_along_dim(lib.tensor([[0]] * 3), 1), ShapeError, r"\(3, 1\) do not fit"),
]


@pytest.mark.parametrize(("call", "error", "message"), REFUSED)
def test_refused(call: Callable[[Any], Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call(microbp)
    with pytest.raises((RuntimeError, IndexError, TypeError)):
        call(torch())


def test_refused_beyond_pytorch() -> None:
    with pytest.raises(RangeError, match="take_along_dim: index 3 is out of bounds"):
        microbp.zeros(2, 3).take_along_dim(microbp.tensor([[3]]), 1)
    with pytest.raises(TypeError, match="tuple of index tensors"):
        microbp.zeros(3).index_put(microbp.tensor([0]), microbp.ones(1))


@pytest.mark.parametrize(
    "call",
    [
        lambda lib, a: lib.take_along_dim(a, lib.tensor([[0, 2], [1, -1]]), dim=1),
        lambda lib, a: a.take_along_dim(lib.tensor([[0, 1, 1, 0], [1, 1, 0, 0], [-2, 1, 1, 1]])[:, :3], 0),
        lambda lib, a: a.take_along_dim(lib.tensor([[2]]), -1),
        lambda lib, a: a[:1].take_along_dim(lib.tensor([[2], [0], [0]]), 1),
        lambda lib, a: a.take_along_dim(lib.tensor([5, 0, 0])),
        lambda lib, a: a.take_along_dim(a.argmax(1, keepdim=True), 1),
    ],
)
def test_take_along_dim(call: Callable[[Any, Any], Any]) -> None:
    compare(call, normal(2, 3), second_order=True)


def test_numpy_takes_along_an_axis() -> None:
    array = normal(2, 3)
    t = microbp.tensor(array, requires_grad=True)
    places = np.argsort(array, axis=1)
    for given in (places, microbp.tensor(places)):
        taken = np.take_along_axis(t, given, 1)
        np.testing.assert_array_equal(taken.detach().array, np.sort(array, 1))
    assert taken.requires_grad


def test_gradients_of_positions_along_any_axis() -> None:
    """Sums at positions agree with NumPy's, whichever way they are computed."""
    for shape, index in [
        ((4, 3, 2), np.array([3, 1, 3, -1])),
        ((4, 3, 2), (slice(None), np.array([[2, 2], [0, -3]], dtype=np.int8))),
        ((4, 3, 2), (slice(None), slice(None), np.array([1, 1, 0]))),
        ((4, 3, 2), (np.array([0, 0]), np.array([2, 2]), np.array([-1, 1]))),
        ((4, 3, 2), (np.array([0, 0]), np.array([2, 2]))),
        ((4, 3, 2), (np.array([[0], [0]]), slice(None), np.array([1, 1]))),
        ((4, 3, 2), (slice(1, None), np.array([1, 1]))),
        ((300, 3), np.arange(300).astype(np.int16).repeat(2)),
    ]:
        x = microbp.tensor(normal(*shape), requires_grad=True)
        y = x[index]
        weights = normal(*y.shape, seed=1)
        (y * microbp.tensor(weights)).sum().backward()
        expected = np.zeros(shape)
        np.add.at(expected, index, weights)
        np.testing.assert_allclose(x.grad.array, expected, rtol=1e-13, atol=1e-13)
