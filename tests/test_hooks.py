"""Hooks, retained gradients, targets, and who owns the memory of a gradient."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import microbp
from microbp import errors
from tests.leaves import leaf
from tests.referee import compare


@pytest.mark.parametrize("with_hook", [False, True])
def test_a_tensor_that_was_to_keep_its_gradient_may_be_gone(with_hook: bool) -> None:
    x = microbp.ones(3, requires_grad=True)
    if with_hook:
        x.register_hook(lambda g: g)
    y = x * 2
    y.retain_grad()
    total = y.sum()
    del y
    total.backward()
    assert x.grad is not None
    assert x.grad.tolist() == [2.0, 2.0, 2.0]


def test_retain_grad() -> None:
    x = leaf(2.0)
    y = x * 3.0
    y.retain_grad()
    (y * y).backward()
    assert y.grad.item() == 12.0
    with pytest.raises(errors.GraphError, match="requires grad"):
        microbp.ones(1).retain_grad()


def test_a_retained_gradient_adds_up_is_its_own_and_follows_the_handle() -> None:
    def program(lib: Any, x: Any) -> Any:
        y = x * 3.0
        y.retain_grad()
        z = y + 0.0
        z.retain_grad()
        for _ in range(2):
            (z * z).sum().backward(retain_graph=True)
        y.grad.mul_(10.0)
        moved = x * 3.0
        moved.retain_grad()
        moved.mul_(2.0)
        (moved * moved).sum().backward()
        return y.grad, z.grad, moved.grad, x.grad

    compare(program, np.array([2.0, -1.0]))


def test_detach_shares_memory_and_leaves_the_graph() -> None:
    x = leaf(2.0)
    y = (x * 3.0).detach()
    assert y.is_leaf
    assert not y.requires_grad
    d = x.detach()
    with microbp.no_grad():
        d.zero_()
    assert x.item() == 0.0


def test_inputs_limits_who_gets_a_gradient() -> None:
    a, b = leaf(2.0), leaf(3.0)
    h = a * b
    (h * a).backward(inputs=[b, h])
    assert a.grad is None
    assert b.grad.item() == 4.0
    assert h.grad.item() == 2.0


def test_hooks_see_and_replace_gradients() -> None:
    seen = []
    x = leaf(2.0)
    y = x * 3.0
    handle = y.register_hook(lambda g: seen.append(g.item()))
    x.register_hook(lambda g: g * 10.0)
    (y * 2.0).backward()
    assert seen == [2.0]
    assert x.grad.item() == 60.0
    handle.remove()
    (x * 3.0 * 2.0).backward()
    assert seen == [2.0]


def test_hooks_keep_what_they_are_given() -> None:
    def program(lib: Any, x: Any, y: Any) -> Any:
        seen: list[Any] = []
        shared = lib.ones(2, dtype=lib.float64)
        x.register_hook(lambda g: shared)
        y.register_hook(seen.append)
        h = x * y
        first = h.register_hook(lambda g: (seen.append(g), first.remove())[-1])
        h.register_hook(seen.append)
        for _ in range(2):
            h.sum().backward(retain_graph=True)
        return x.grad, y.grad, shared, *seen

    compare(program, np.array([1.0, 2.0]), np.array([3.0, 4.0]))


def test_a_hook_must_return_a_gradient_that_fits() -> None:
    for wrong in (lambda g: 3.0, lambda g: g[0], lambda g: g.float()):
        x = leaf(1.0, 2.0)
        x.register_hook(wrong)
        with pytest.raises((TypeError, errors.ShapeError), match="hook"):
            (x * x).sum().backward()


def test_inputs_that_are_no_leaves_have_gradients_of_their_own() -> None:
    a, b = leaf(1.0), leaf(2.0)
    first, second = a * 1.0, b * 1.0
    start = microbp.ones(1, dtype=microbp.float64)
    for _ in range(2):
        (first + second).backward(start, inputs=[first, second], retain_graph=True)
        first.backward(start, inputs=[first], retain_graph=True)
    assert (first.grad.item(), second.grad.item(), start.item()) == (4.0, 2.0, 1.0)
    assert a.grad is None


def test_a_target_gets_its_gradient_as_its_hooks_left_it_and_nothing_else_is_computed() -> None:
    x, unneeded = leaf(2.0), leaf(1.0)
    calls = []
    h = x * 3.0
    h.register_hook(lambda g: g * 10.0)
    side = unneeded * 1.0
    side.register_hook(calls.append)
    (g,) = microbp.autograd.grad((h * side).sum(), h)
    assert g.item() == 10.0
    assert not calls, "the side that leads to no target is left alone"


def test_a_gradient_is_refused_where_it_cannot_be_added() -> None:
    x, y = leaf(1.0, 2.0), leaf(1.0, 2.0)
    x.grad = microbp.ones(1, dtype=microbp.float64).expand(2)
    with pytest.raises(errors.MutationError, match="read-only"):
        (x * y).sum().backward()
    assert y.grad is None, "all or nothing"
    x.grad = microbp.ones(2, dtype=microbp.float64)
    x.data = microbp.ones(3, dtype=microbp.float64)
    with pytest.raises(errors.ShapeError, match=r"\(3,\).*\(2,\)"):
        x.sum().backward()


def test_a_starting_gradient_of_another_dtype_is_converted() -> None:
    for create_graph in (False, True):
        x = leaf(1.0, 2.0, dtype=microbp.float32)
        (x * x).backward(microbp.ones(2, dtype=microbp.float64), create_graph=create_graph)
        assert x.grad.dtype == microbp.float32


def test_an_accumulated_gradient_counts_as_written() -> None:
    x = leaf(1.0, 2.0)
    (x * x).sum().backward()
    loss = (x.grad * leaf(1.0, 1.0) * x.grad).sum()
    (x * x).sum().backward()
    with pytest.raises(errors.MutationError):
        loss.backward()


def test_leaves_can_be_copied_and_pickled_and_nothing_else() -> None:
    x = leaf(1.0, 2.0)
    x.name = "x"
    (x * x).sum().backward()
    x.register_hook(lambda g: g)
    for copied in (copy.deepcopy(x), pickle.loads(pickle.dumps(x))):
        assert (copied.tolist(), copied.grad.tolist(), copied.name) == ([1.0, 2.0], [2.0, 4.0], "x")
        assert copied.requires_grad
        copied.data.zero_()
        copied.grad.zero_()
    assert (x.tolist(), x.grad.tolist()) == ([1.0, 2.0], [2.0, 4.0])
    for made in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(errors.GraphError, match=r"computed by mul.*detach"):
            made(x * 2.0)
    shared = copy.deepcopy([x, x])
    assert shared[0] is shared[1]


def test_a_hook_after_accumulation_sees_the_leaf_with_its_gradient() -> None:
    w, v = leaf(1.0, 2.0), leaf(3.0, 4.0)
    seen: list[Any] = []

    def step(p: Any) -> None:
        seen.append(p.grad.tolist())
        with microbp.no_grad():
            p -= p.grad
        p.grad = None

    handle = w.register_post_accumulate_grad_hook(step)
    (w * v).sum().backward()
    assert seen == [[3.0, 4.0]]
    assert w.grad is None
    assert w.tolist() == [-2.0, -2.0]
    assert v.grad.tolist() == [1.0, 2.0]
    handle.remove()
    (w * v).sum().backward()
    assert len(seen) == 1
    assert w.grad.tolist() == [3.0, 4.0]


def test_a_hook_after_accumulation_may_run_a_backward_pass() -> None:
    w, v = leaf(2.0), leaf(3.0)
    handle = w.register_post_accumulate_grad_hook(lambda p: (v * v).sum().backward())
    (w * 1).sum().backward()
    (w * 1).sum().backward()
    assert w.grad.tolist() == [2.0]
    assert v.grad.tolist() == [12.0]
    handle.remove()
    assert microbp.autograd.grad((w * w).sum(), w)[0].tolist() == [4.0]


def test_only_leaves_that_require_grad_accumulate() -> None:
    for tensor in (leaf(1.0) * 2, microbp.ones(1)):
        with pytest.raises(errors.GraphError, match="leaf that requires grad"):
            tensor.register_post_accumulate_grad_hook(print)
