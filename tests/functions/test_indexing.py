"""Indexing, assignment and their relatives, against PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import microbp
from microbp.errors import DtypeError, ShapeError
from tests.referee import compare
from tests.samples import normal

MASK = np.array([[True, False, True], [False, False, True]])

INDICES: dict[str, Callable[[Any], Any]] = {
    "integer": lambda lib: 1,
    "negative": lambda lib: -1,
    "integers": lambda lib: (1, 2, 0),
    "slice": lambda lib: slice(1, None),
    "step": lambda lib: (slice(None), slice(0, 3, 2)),
    "beyond": lambda lib: slice(1, 99),
    "empty slice": lambda lib: slice(2, 1),
    "ellipsis": lambda lib: (Ellipsis, 0),
    "only ellipsis": lambda lib: Ellipsis,
    "none": lambda lib: None,
    "none inside": lambda lib: (slice(None), None, 1),
    "true": lambda lib: True,
    "false": lambda lib: False,
    "list": lambda lib: [1, 0, 1],
    "list of bools": lambda lib: [True, False],
    "range": lambda lib: (range(2), 1),
    "array": lambda lib: np.array([1, 1]),
    "array of int32": lambda lib: (slice(None), np.array([1, 1], dtype=np.int32)),
    "tensor": lambda lib: lib.tensor([[0, 1], [1, 0]]),
    "negative tensor": lambda lib: lib.tensor([-1, -2]),
    "0-d tensor": lambda lib: lib.tensor(1),
    "0-d tensors": lambda lib: (lib.tensor(1), slice(None), lib.tensor(-1)),
    "numpy integer": lambda lib: np.int64(1),
    "mask": lambda lib: lib.tensor(MASK),
    "mask of one axis": lambda lib: (slice(None), lib.tensor([True, False, True])),
    "mask and integers": lambda lib: (lib.tensor(MASK), lib.tensor([0, 1, 3])),
    "two lists": lambda lib: ([0, 1], [2, 0]),
    "broadcast": lambda lib: (lib.tensor([[0], [1]]), lib.tensor([2, 0, 1])),
    "apart": lambda lib: ([0, 1], slice(None), [2, 0]),
    "side by side": lambda lib: (slice(None), [0, 1], [2, 0]),
    "integer before": lambda lib: (0, slice(None), [1, 2]),
    "integer after": lambda lib: ([1, 0], slice(None), 2),
    "integer beside": lambda lib: (slice(None), 2, [0, 1]),
    "integer, ellipsis": lambda lib: (0, Ellipsis, [1, 2]),
    "array, ellipsis, integer": lambda lib: ([0, 1, 1], Ellipsis, 3),
    "none and integer": lambda lib: (1, None, [1, 2]),
    "none and array": lambda lib: (None, [1, 0]),
    "empty tensor": lambda lib: lib.tensor([], dtype=lib.int64),
}


@pytest.mark.parametrize("name", INDICES)
def test_getitem(name: str) -> None:
    compare(lambda lib, a: a[INDICES[name](lib)], normal(2, 3, 4), second_order=True)


@pytest.mark.parametrize("name", INDICES)
def test_setitem(name: str) -> None:
    array = normal(2, 3, 4)

    def write(lib: Any, a: Any) -> Any:
        t = a.detach().clone()
        t[INDICES[name](lib)] = 7
        t[INDICES[name](lib)] += 1
        return t

    compare(write, array)

    def recorded(lib: Any, a: Any, v: Any) -> Any:
        y = a * 1
        y[INDICES[name](lib)] = v
        return y

    compare(recorded, array, 2.5 if name == "false" else np.array(2.5), second_order=True)


@given(st.data())
def test_basic_indices_of_any_kind(data: Any) -> None:
    shape = data.draw(st.lists(st.integers(1, 4), min_size=1, max_size=4))
    index: list[Any] = []
    for size in shape[: data.draw(st.integers(0, len(shape)))]:
        kind = data.draw(st.sampled_from(["integer", "slice", "list", "none"]))
        if kind == "integer":
            index.append(data.draw(st.integers(-size, size - 1)))
        elif kind == "list":
            index.append(data.draw(st.lists(st.integers(-size, size - 1), min_size=2, max_size=2)))
        else:
            index += [None] * (kind == "none")
            bound = st.none() | st.integers(-size - 1, size + 1)
            index.append(slice(data.draw(bound), data.draw(bound), data.draw(st.none() | st.integers(1, 3))))
    if data.draw(st.booleans()):
        index.append(Ellipsis)
    compare(lambda lib, a: a[tuple(index)], normal(*shape))


@pytest.mark.parametrize("name", ["integer", "integers", "slice", "step", "ellipsis", "none inside", "0-d tensor"])
def test_basic_indices_give_views(name: str) -> None:
    t = microbp.zeros(2, 3, 4)
    view = t[INDICES[name](microbp)]
    assert np.shares_memory(view.array, t.array)
    view[...] = 5
    assert t.sum().item() == 5 * view.numel()


def test_writes_through_chains_of_views() -> None:
    t = microbp.zeros(2, 3, 4)
    t[1][0][2] = 1
    assert t[1, 0, 2].item() == 1
    confusion = microbp.zeros(2, 2, dtype=microbp.int64)
    for truth, guess in [(0, 1), (1, 1), (0, 1)]:
        confusion[truth][guess] += 1
    assert confusion.tolist() == [[0, 2], [0, 1]]


def test_index_arrays_are_copied() -> None:
    t = microbp.tensor(normal(3), requires_grad=True)
    places = np.array([0, 1])
    y = t[places]
    places[:] = 2
    y.sum().backward()
    assert t.grad.tolist() == [1, 1, 0]
    mask = microbp.tensor([True, False, False])
    t.grad = None
    y = t[mask]
    mask[1] = True
    y.sum().backward()
    assert t.grad.tolist() == [1, 0, 0]


def test_labels_pick_log_probabilities() -> None:
    target = np.array([2, 0, 2])
    compare(lambda lib, a: -lib.log_softmax(a, 1)[range(3), target].mean(), normal(3, 4), second_order=True)


def test_repeated_indices_add_up() -> None:
    compare(lambda lib, a: a[[0, 0, 0, 1]] ** 2, normal(2, 3), second_order=True)


@pytest.mark.parametrize(
    ("index", "message"),
    [
        (5, "index 5 is out of bounds for axis 0 with size 2"),
        ((0, -4), "index -4 is out of bounds for axis 1 with size 3"),
        ([0, 2], "index 2 is out of bounds for axis 0 with size 2"),
        ((0, 0, 0), "too many indices"),
        ((0, 0, [0]), "too many indices"),
        (1.0, "an index is an integer"),
        ("a", "an index is an integer"),
        ([0.5], "must hold integers or bools, got float64"),
        (np.array([0, 1], dtype=np.uint8), "mask or numbers"),
        ((0, [slice(None)]), "write slices in a tuple"),
        (np.array([True, False, True]), "boolean index"),
    ],
)
def test_impossible_indices(index: Any, message: str) -> None:
    t = microbp.zeros(2, 3)
    with pytest.raises(IndexError, match=message):
        t[index]
    with pytest.raises(IndexError, match=message):
        t[index] = 0


@pytest.mark.parametrize("index", [[[0, 1], [2, 0]], [slice(1, None), 0], [0, None], [..., 1]])
def test_a_list_of_indices_is_taken_for_a_tuple_with_a_warning(index: list[Any]) -> None:
    t = microbp.arange(6).reshape(2, 3)
    with pytest.warns(UserWarning, match="taken for a tuple of indices"):
        found = t[index]
    assert found.tolist() == t[tuple(index)].tolist()


def test_a_list_of_tensors_is_taken_for_a_tuple_with_a_warning() -> None:
    t = microbp.arange(6).reshape(2, 3)
    with pytest.warns(UserWarning, match="taken for a tuple of indices"):
        assert t[[microbp.tensor([0, 1]), microbp.tensor([2, 0])]].tolist() == [2, 3]


def test_writing_to_false_writes_nothing() -> None:
    t = microbp.zeros(2, requires_grad=True)
    t[False] = microbp.ones(2, requires_grad=True)
    assert t.tolist() == [0, 0]


def test_negative_steps_are_refused() -> None:
    with pytest.raises(ValueError, match="step must be greater than zero"):
        microbp.zeros(3)[::-1]
    with pytest.raises(ValueError, match="step must be greater than zero"):
        microbp.zeros(3)[::0]


def test_iteration_is_by_index() -> None:
    compare(lambda lib, a: [row * k for k, row in enumerate(a)], normal(3, 2))
    assert [float(value) for value in microbp.tensor([1.0, 2.0])] == [1, 2]


def test_setitem_in_a_loop_keeps_the_gradient() -> None:
    def predict(lib: Any, x: Any, w: Any) -> Any:
        y = lib.zeros(4, 3, dtype=x.dtype)
        for t in range(3):
            y[:, t] = x[:, t] * w[t]
        return y

    compare(predict, normal(4, 3), normal(3), second_order=True)


def test_setitem_shapes() -> None:
    compare(lambda lib, a, b: assigned(a, 0, b), normal(3, 2), normal(1, 1, 2))
    compare(lambda lib, a, b: assigned(a, slice(1, None), b), normal(3, 2), normal(1, 2))
    compare(lambda lib, a, b: assigned(a, (0, 1), b), normal(3, 2), normal(1))
    compare(lambda lib, a, b: assigned(a, lib.tensor(MASK.T), b), normal(3, 2), normal(3))


def assigned(a: Any, index: Any, value: Any) -> Any:
    """A tensor after an assignment."""
    y = a * 1
    y[index] = value
    return y


def test_setitem_converts_to_the_dtype_of_the_tensor() -> None:
    t = microbp.zeros(2, dtype=microbp.int64)
    t[0] = 2.7
    assert t.tolist() == [2, 0]
    y = microbp.zeros(2)
    v = microbp.tensor(3.0, dtype=microbp.float64, requires_grad=True)
    y[0] = v
    y.sum().backward()
    assert y.dtype == np.float32
    assert v.grad.dtype == np.float64
    y = microbp.zeros(2)
    y[:] = np.array([1.0, 2.0])
    assert y.tolist() == [1, 2]


def test_setitem_on_a_leaf_is_refused_while_recording() -> None:
    t = microbp.zeros(2, requires_grad=True)
    with pytest.raises(RuntimeError, match="leaf"):
        t[0] = 1
    with microbp.no_grad():
        t[0] = 1
    assert t.tolist() == [1, 0]


def test_setitem_is_seen_by_the_guard() -> None:
    x = microbp.ones(2, requires_grad=True)
    y = x * 2
    z = y * y
    y[0] = 3
    with pytest.raises(RuntimeError, match="changed in place"):
        z.sum().backward()


def test_setitem_of_a_misfit() -> None:
    with pytest.raises(ShapeError, match=r"\(2, 3\)"):
        microbp.zeros(2, 3)[0] = microbp.zeros(2)
    with pytest.raises(ShapeError):
        (microbp.zeros(2, 3, requires_grad=True) * 1)[0] = microbp.zeros(2)


def test_select_and_narrow() -> None:
    compare(
        lambda lib, a: (lib.select(a, 1, -1), a.select(0, 1), lib.narrow(a, 2, 1, 2), a.narrow(-1, -2, 2)),
        normal(2, 3, 4),
    )
    with pytest.raises(IndexError, match="start 2 and length 3"):
        microbp.narrow(microbp.zeros(4), 0, 2, 3)


def test_index_select() -> None:
    index = np.array([1, 1, 0])
    compare(
        lambda lib, a, i: (lib.index_select(a, 1, i), a.index_select(-1, i)), normal(2, 3, 4), index, second_order=True
    )
    compare(lambda lib, a: lib.index_select(a, 0, lib.tensor(1)), normal(2, 3))
    with pytest.raises(IndexError, match="at most 1 dimension"):
        microbp.index_select(microbp.zeros(2), 0, microbp.tensor([[0]]))


@pytest.mark.parametrize("dim", [0, 1, -1])
def test_gather(dim: int) -> None:
    index = np.array([[0, 1, 1], [1, 0, 0]])
    compare(lambda lib, a, i: (lib.gather(a, dim, i), a.gather(dim, i[:1])), normal(2, 3), index, second_order=True)


def test_impossible_gathers() -> None:
    t = microbp.zeros(2, 3)
    with pytest.raises(ShapeError, match=r"index \(3, 1\) does not fit input \(2, 3\)"):
        t.gather(1, microbp.zeros(3, 1, dtype=microbp.int64))
    with pytest.raises(IndexError, match="index 3 is out of bounds for dimension 1 of size 3"):
        t.gather(1, microbp.tensor([[3]]))
    with pytest.raises(IndexError, match="index -1"):
        t.gather(1, microbp.tensor([[-1]]))
    with pytest.raises(DtypeError, match="must hold integers, got float32"):
        t.gather(1, microbp.zeros(1, 1))


def test_take() -> None:
    compare(lambda lib, a, i: (lib.take(a, i), a.take(i)), normal(2, 3), np.array([[0, 5], [5, -1]]), second_order=True)


def test_masks() -> None:
    compare(lambda lib, a, m: (lib.masked_select(a, m), a.masked_fill(m, -1.5)), normal(2, 3), MASK, second_order=True)
    compare(lambda lib, a, m: (a.masked_select(m), lib.masked_fill(a, m, float("-inf"))), normal(3), MASK)
    compare(lambda lib, a, m, v: a.masked_fill(m, v), normal(2, 3), MASK, normal())
    compare(lambda lib, a, m: a.masked_fill(m, 2), np.arange(6).reshape(2, 3), MASK)
    with pytest.raises(DtypeError, match="truth values"):
        microbp.zeros(2).masked_fill(microbp.zeros(2), 1)
    with pytest.raises(ShapeError, match="number or a 0-d tensor"):
        microbp.zeros(2).masked_fill(microbp.tensor([True, False]), microbp.zeros(2))
    with pytest.raises(DtypeError, match="cannot be stored"):
        microbp.tensor([1]).masked_fill(microbp.tensor([True]), 0.5)


@pytest.mark.parametrize(
    "choose",
    [
        lambda t, mask: t.masked_fill(mask, 0.0),
        lambda t, mask: t.masked_select(mask),
        lambda t, mask: microbp.where(mask, 0.0, t),
    ],
)
def test_a_later_write_to_a_mask_does_not_change_the_gradient(choose: Any) -> None:
    def gradient(write: bool) -> Any:
        mask = np.array([True, False, True])
        t = microbp.tensor([1.0, 2.0, 3.0], requires_grad=True)
        out = choose(t, mask)
        if write:
            mask[...] = ~mask
        out.sum().backward()
        return t.grad.tolist()

    assert gradient(write=True) == gradient(write=False)


@pytest.mark.parametrize("name", ["masked_fill", "masked_select"])
def test_a_later_write_to_a_mask_tensor_does_not_change_the_gradient(name: str) -> None:
    mask = microbp.tensor([True, False, True])
    t = microbp.tensor([1.0, 2.0, 3.0], requires_grad=True)
    out = getattr(t, name)(mask, *([0.0] if name == "masked_fill" else []))
    mask.fill_(False)
    out.sum().backward()
    assert t.grad.tolist() == ([0, 1, 0] if name == "masked_fill" else [1, 0, 1])


def test_masked_fill_in_place_is_recorded() -> None:
    t = microbp.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    y = t * 2
    y.masked_fill_(microbp.tensor([True, False]), 7)
    assert y.tolist() == [[7, 4], [7, 8]]
    y.sum().backward()
    assert t.grad.tolist() == [[0, 2], [0, 2]]
    with pytest.raises(ShapeError, match="cannot be broadcast"):
        microbp.zeros(2).masked_fill_(microbp.tensor([True] * 3), 1)


def test_gather_refuses_sparse_gradients() -> None:
    with pytest.raises(NotImplementedError, match="sparse_grad=False"):
        microbp.gather(microbp.ones(2), 0, microbp.tensor([0]), sparse_grad=True)
