"""Values that change between the forward and the backward pass are refused, or the gradient is right."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

import microbp
from microbp import errors
from tests.leaves import leaf
from tests.referee import compare


def test_a_changed_value_is_refused() -> None:
    x = leaf(1.0, 2.0)
    y = x * 2.0
    z = (y * y).sum()
    y.add_(1.0)
    with pytest.raises(errors.MutationError):
        z.backward()


def test_an_optimizer_step_between_two_backwards_is_refused() -> None:
    w = leaf(1.0, 2.0)
    loss = (w * w).sum()
    loss.backward(retain_graph=True)
    microbp.optim.SGD([w], lr=0.1).step()
    with pytest.raises(errors.MutationError, match="changed in place"):
        loss.backward()


def test_a_value_changed_through_data_or_a_view_is_refused() -> None:
    for change in (lambda t: t.data.mul_(2.0), lambda t: t.detach().zero_()):
        w = leaf(1.0, 2.0)
        loss = (w * w).sum()
        change(w)
        with pytest.raises(errors.MutationError):
            loss.backward()
    w = leaf(1.0, 2.0)
    with microbp.no_grad():
        view = w[:1]
    loss = (w * w).sum()
    view.fill_(7.0)
    with pytest.raises(errors.MutationError):
        loss.backward()


def test_a_graph_keeps_the_values_of_a_leaf_that_is_given_other_data() -> None:
    w, other = leaf(1.0, 2.0), leaf(5.0, 6.0)
    loss = (w * w).sum() + (other * 2.0).sum()
    w.data = microbp.tensor([7.0, 8.0], dtype=microbp.float64)
    other.data = w.data
    loss.backward(retain_graph=True)
    assert w.grad.tolist() == [2.0, 4.0]
    assert other.grad.tolist() == [2.0, 2.0]
    with pytest.raises(errors.MutationError, match="other data"):
        loss.backward(create_graph=True)
    with pytest.raises(errors.DtypeError, match="int64"):
        w.data = microbp.tensor([1, 2])


def test_a_changed_output_that_its_rule_needs_is_refused() -> None:
    x = leaf(1.0, 2.0)
    y = x.exp()
    z = (y + 1.0).sum()
    y.mul_(2.0)
    with pytest.raises(errors.MutationError, match=r"exp.*its output"):
        z.backward()


def test_a_view_from_before_a_recorded_change_has_the_new_history() -> None:
    for view_of in (lambda t: t[0:1], lambda t: t.view(2, 1), lambda t: t.reshape(1, 2), lambda t: t.unsqueeze(0)):
        for use in (lambda view: (view * 2.0).sum(), lambda view: view.sum() * 2.0):
            x = leaf(1.0, 2.0)
            y = x * 1.0
            view = view_of(y)
            y.mul_(x)
            use(view).backward()
            assert x.grad.tolist() == [4.0, 8.0 if view.numel() == 2 else 0.0]
        x = leaf(1.0, 2.0)
        y = x * 1.0
        view = view_of(y)
        y.mul_(3.0)
        view.backward(microbp.ones_like(view))
        assert x.grad.tolist() == [3.0, 3.0 if view.numel() == 2 else 0.0]


def test_second_derivatives_after_a_write() -> None:
    def program(lib: Any, x: Any, w: Any) -> Any:
        total = 0.0
        for _ in range(3):
            (g,) = lib.autograd.grad((x @ w.T).tanh().sum(), x, create_graph=True)
            loss = (g * g).sum()
            (step,) = lib.autograd.grad(loss, w)
            with lib.no_grad():
                w -= 0.1 * step
            total = total + loss.detach()
        y = x * 2.0
        y.add_(1.0)
        (slope,) = lib.autograd.grad((y**3).sum(), y, create_graph=True)
        return total, slope.sum() * 1.0

    compare(program, np.array([[0.3, -0.2]]), np.array([[0.5, 0.1], [0.2, 0.7]]))


def test_a_changed_value_that_no_rule_needs_does_no_harm() -> None:
    x = leaf(1.0, 2.0)
    y = x * 2.0
    z = (y + 1.0).sum()
    y.add_(1.0)
    z.backward()
    assert x.grad.tolist() == [2.0, 2.0]


def test_in_place_moves_the_handle_on() -> None:
    def program(lib: Any, x: Any) -> Any:
        y = x * 2.0
        y.mul_(x)
        y += x
        y.exp_()
        return y * x

    compare(program, np.array([0.3, -0.4, 0.5]))


def test_a_leaf_that_requires_grad_is_not_changed_in_place() -> None:
    x = leaf(1.0)
    with pytest.raises(errors.GraphError, match="no_grad"):
        x.add_(1.0)
    with microbp.no_grad():
        x.add_(1.0)
    assert x.item() == 2.0
    assert x.is_leaf


def test_other_data_that_gradients_would_not_fit_is_refused() -> None:
    w = leaf(1.0, 2.0)
    y = w * 2.0
    for data in (microbp.ones(5, dtype=y.dtype), microbp.ones(2, dtype=microbp.float32)):
        with pytest.raises(errors.ShapeError, match=r"in place of \(2,\) float64, which mul computed"):
            y.data = data
    y.sum().backward()
    assert w.grad.tolist() == [2.0, 2.0]


@pytest.mark.parametrize("shape", [(5,), (1, 2), ()])
def test_a_leaf_that_was_given_data_of_another_shape_gets_no_gradient_of_the_old(shape: tuple[int, ...]) -> None:
    w = leaf(1.0, 2.0)
    v = leaf(3.0, 4.0)
    loss = (w * v).sum()
    w.data = microbp.ones(shape, dtype=w.dtype)
    with pytest.raises(errors.ShapeError, match=r"the shape \(2,\).*other data since.*anew"):
        loss.backward(retain_graph=True)
    with pytest.raises(errors.ShapeError, match="other data since"):
        microbp.autograd.grad(loss, w)
    assert w.grad is None
    assert v.grad is None


def test_the_memory_that_a_tensor_had_before_it_was_given_other_data_is_still_watched() -> None:
    def old_memory(alias_of: Any, change: Any, of_leaf: bool, kept_output: bool = False) -> None:
        w = leaf(1.0, 2.0)
        y = w if of_leaf else w.exp() if kept_output else w * 1.0
        with microbp.no_grad():
            alias = alias_of(y)
        loss = y.sum() if kept_output else (y * y).sum()
        for _ in range(2):
            y.data = microbp.tensor([5.0, 6.0], dtype=microbp.float64)
        change(alias)
        with pytest.raises(errors.MutationError):
            loss.backward()

    for alias_of in (lambda t: t.detach(), lambda t: t.data, lambda t: t[:1], lambda t: t.view(2, 1).T):
        for change in (lambda t: t.data.add_(1.0), lambda t: t.detach().__setitem__(0, 9.0)):
            old_memory(alias_of, change, of_leaf=True)
            old_memory(alias_of, change, of_leaf=False)
            old_memory(alias_of, change, of_leaf=False, kept_output=True)


def test_writes_to_other_data_are_none_to_the_old() -> None:
    for of in (lambda w: w, lambda w: w * 1.0):
        w = leaf(1.0, 2.0)
        y = of(w)
        loss = (y * y).sum()
        other = microbp.tensor([5.0, 6.0], dtype=microbp.float64)
        y.data = other
        other.add_(1.0)
        with microbp.no_grad():
            y.mul_(2.0)
        loss.backward()
        assert w.grad.tolist() == [2.0, 4.0]
        loss = (y * y).sum()
        other.add_(1.0)
        with pytest.raises(errors.MutationError):
            loss.backward()


def test_what_is_remembered_of_old_data_does_not_grow() -> None:
    w = leaf(1.0, 2.0)
    for _ in range(20):
        (w * w).sum().backward()
        w.data = w.data - 0.1 * w.grad
        w.data += 0.1
    assert len(w._former) <= 1


def test_a_view_that_was_given_other_data_is_one_no_longer() -> None:
    w = leaf(1.0, 2.0)
    y = w * 1.0
    view = y[:1]
    other = leaf(5.0) * 1.0
    view.data = other
    other.mul_(3.0)
    assert view.tolist() == [15.0]
    assert y.tolist() == [1.0, 2.0]
    y.mul_(2.0)
    (view * view).sum().backward()
    assert w.grad.tolist() == [30.0, 0.0]  # of the new values, by the old history


def test_a_view_whose_base_was_given_other_data_is_not_changed_in_place() -> None:
    w = leaf(1.0, 2.0)
    y = w * 1.0
    view = y[:1]
    y.data = microbp.tensor([5.0, 6.0], dtype=microbp.float64)
    with pytest.raises(errors.GraphError, match="given other data"):
        view.mul_(2.0)
    y.mul_(2.0)
    assert view.tolist() == [1.0]
    (view * view).sum().backward()
    assert w.grad.tolist() == [2.0, 0.0]


def test_a_view_that_missed_a_recorded_change_of_a_base_with_other_data_is_refused() -> None:
    y = leaf(1.0, 2.0) * 1.0
    view = y[:1]
    y.mul_(2.0)
    y.data = microbp.tensor([5.0, 6.0], dtype=microbp.float64)
    with pytest.raises(errors.GraphError, match="given other data"):
        view * 2.0


def test_writes_after_detaching_in_place_are_seen() -> None:
    x = leaf(1.0, 2.0)
    y = x * 2.0
    loss = (y * y).sum()
    y.detach_()
    y.add_(1.0)
    with pytest.raises(errors.MutationError):
        loss.backward()


def test_a_shallow_copy_is_on_the_same_memory_and_its_writes_are_seen() -> None:
    x, w = microbp.tensor([1.0, 2.0], dtype=microbp.float64), leaf(3.0, 4.0)
    x.name = "x"
    loss = (w * x).sum()
    twin = copy.copy(x)
    assert (twin.name, twin.requires_grad, copy.copy(w).requires_grad) == ("x", False, True)
    assert type(copy.copy(microbp.nn.Parameter(x))) is microbp.nn.Parameter
    twin.add_(1.0)
    assert x.tolist() == [2.0, 3.0]
    with pytest.raises(errors.MutationError):
        loss.backward()
    with pytest.raises(errors.GraphError, match="only leaves"):
        copy.copy(w * 2.0)
