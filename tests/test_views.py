"""Views and recorded writes: every handle on the memory has the right values and the right history."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import microbp
from microbp import errors
from tests.referee import compare
from tests.samples import normal


def write_into_a_row(lib: Any, w: Any) -> Any:
    y = w * 1
    y[0] += w[1] * 2
    return (y * y * y).sum()


def write_columns_in_a_loop(lib: Any, w: Any, x: Any) -> Any:
    y = lib.zeros(5, 3, dtype=lib.float64)
    for t in range(3):
        y[:, t] = lib.tanh(x @ w[:, t]) * (t + 1)
    return (y**3).sum()


def write_into_a_view_of_a_view(lib: Any, w: Any) -> Any:
    y = w * w
    rows = y[1:]
    columns = rows.T
    columns.mul_(w[1:].T)
    doubled = rows * 2
    rows.exp_()
    return (y * y).sum() + doubled.sum() + (columns * columns * columns).sum()


def write_past_older_views(lib: Any, w: Any) -> Any:
    y = w * w
    flat, row = y.view(-1), y[0]
    y.mul_(w)
    total = (flat + flat).sum()
    row.add_(w[1])
    return total + (flat**3).sum() + (row * y[2]).sum()


def write_through_chained_indices(lib: Any, w: Any) -> Any:
    y = lib.zeros(2, 3, 4, dtype=lib.float64)
    y[0][1] = w
    y[1][0].copy_(w * w)
    y.transpose(0, 1)[2, :].add_(w * w * w)
    return (y * y * y).sum()


def write_into_other_layouts(lib: Any, w: Any) -> Any:
    y = w.t() * 1
    flat = y.reshape(-1)
    y[0, 0] = w[0, 1] * 3
    y.T[1] *= w[0, :3].sum()
    return (flat**3).sum() + (y**2).sum()


def write_copies_masks_and_zeros(lib: Any, w: Any) -> Any:
    y = w * 1
    y[0, 1:3] = y[1, 1:3].clone() * w[2, :2]
    y[y > 0] = 0.5 * w.sum()
    y[1].zero_()
    return (y * y * w).sum()


def write_into_memory_that_needed_no_gradient(lib: Any, w: Any) -> Any:
    y = lib.ones(3, 4, dtype=lib.float64)
    y[0].mul_(w[0])
    y[1].mul_(w[2])
    assert y.requires_grad
    return (y * y).sum()


def accumulate_in_nested_indices(lib: Any, w: Any) -> Any:
    counts = lib.zeros(2, 2, dtype=lib.float64)
    for k in range(3):
        counts[k % 2][k // 2] += w[k].sum()
    return (counts * counts).sum()


PROGRAMS = [
    (write_into_a_row, [(3, 4)]),
    (write_columns_in_a_loop, [(4, 3), (5, 4)]),
    (write_into_a_view_of_a_view, [(3, 4)]),
    (write_past_older_views, [(3, 4)]),
    (write_through_chained_indices, [(4,)]),
    (write_into_other_layouts, [(3, 4)]),
    (write_copies_masks_and_zeros, [(3, 4)]),
    (write_into_memory_that_needed_no_gradient, [(3, 4)]),
    (accumulate_in_nested_indices, [(3, 4)]),
]


@pytest.mark.parametrize(("program", "shapes"), [pytest.param(*case, id=case[0].__name__) for case in PROGRAMS])
def test_recorded_writes_agree_with_pytorch(program: Any, shapes: list[tuple[int, ...]]) -> None:
    compare(program, *(normal(*shape, seed=k) for k, shape in enumerate(shapes)), second_order=True)


def test_a_write_into_a_view_gives_the_whole_tensor_its_history() -> None:
    w = microbp.tensor([2.0, 3.0], requires_grad=True)
    y = microbp.zeros(3)
    y[:2] = w * w
    assert y.tolist() == [4.0, 9.0, 0.0]
    y.sum().backward()
    assert w.grad.tolist() == [4.0, 6.0]


def test_a_view_whose_path_is_no_view_in_c_order_is_written_through() -> None:
    w = microbp.tensor(np.arange(6.0).reshape(2, 3), requires_grad=True)
    y = (w * 1).T  # in Fortran's order: its transpose flattens without a copy
    y.T.view(-1)[4].mul_(10.0)
    assert y[1, 1].item() == 40.0
    y.sum().backward()
    assert w.grad.tolist() == [[1.0, 1.0, 1.0], [1.0, 10.0, 1.0]]


def test_a_value_kept_before_a_write_into_a_view_of_it_is_refused() -> None:
    w = microbp.tensor([1.0, 2.0], requires_grad=True)
    y = w * 1
    squares = y * y
    y[0] = w[1]
    with pytest.raises(errors.MutationError, match="mul"):
        squares.sum().backward()


def test_a_recorded_write_into_a_view_of_a_leaf_is_refused() -> None:
    w = microbp.ones(3, requires_grad=True)
    with pytest.raises(errors.GraphError, match="view of a leaf that requires grad"):
        w[0].mul_(2.0)
    with microbp.no_grad():
        w[0].mul_(2.0)
    assert w.tolist() == [2.0, 1.0, 1.0]
    assert w.is_leaf


def test_a_recorded_write_into_a_view_taken_without_recording_is_refused() -> None:
    w = microbp.ones(3, requires_grad=True)
    y = w * 1
    with microbp.no_grad():
        view = y[:2]
    with pytest.raises(errors.GraphError, match=r"taken inside no_grad\(\)"):
        view.mul_(w[:2])


def test_views_that_needed_no_gradient_get_the_history_of_their_base() -> None:
    w = microbp.tensor([2.0, 3.0], requires_grad=True)
    y = microbp.ones(3, 2)
    first, second = y[0], y[1]
    first.mul_(w)
    assert y.requires_grad
    assert first.grad_fn is not None
    second.mul_(w)  # PyTorch takes this view for a leaf, and refuses
    assert second.requires_grad
    (first * second).sum().backward()
    assert w.grad.tolist() == [4.0, 6.0]


def test_a_retained_gradient_is_that_of_the_new_value() -> None:
    w = microbp.tensor([1.0, 2.0], requires_grad=True)
    y = w * 1
    y.retain_grad()
    y[0] *= w[1]
    (y * y).sum().backward()
    assert y.grad.tolist() == [4.0, 4.0]


def test_writes_without_recording_reach_all_views() -> None:
    base = microbp.zeros(2, 2)
    row = base[1]
    row[0] = 5.0
    base.T[1] = 7.0
    assert base.tolist() == [[0.0, 7.0], [5.0, 7.0]]
    assert row.tolist() == [5.0, 7.0]
    assert not base.requires_grad


def test_a_view_of_data_that_was_replaced_stays_as_it_was() -> None:
    w = microbp.ones(2, requires_grad=True)
    y = w * 1
    view = y[:1]
    y.data = microbp.zeros(2)
    y.mul_(w)
    assert view.tolist() == [1.0]
    assert (view * 3.0).grad_fn is not None
