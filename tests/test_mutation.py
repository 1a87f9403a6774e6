"""Values that change between the forward and the backward pass are refused, or the gradient is right."""

from __future__ import annotations

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
