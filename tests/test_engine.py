"""The graph and the backward pass."""

from __future__ import annotations

import copy
import gc
import pickle
import subprocess
import sys
import threading
import weakref
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import microbp
from microbp import errors
from microbp.engine import KeystoneNode, Node, collect, numbers
from tests.referee import compare


def leaf(*values: float, dtype: Any = microbp.float64) -> Any:
    return microbp.tensor(list(values), dtype=dtype, requires_grad=True)


def test_chain_rule_by_hand() -> None:
    x = leaf(2.0)
    y = (x * x + 3.0) * x  # y = x^3 + 3x, dy/dx = 3x^2 + 3
    y.backward()
    assert x.grad.tolist() == [15.0]


def test_nodes_are_numbered_in_the_order_of_the_program() -> None:
    x = leaf(1.0)
    first = x * 2.0
    second = first + x
    assert first.grad_fn.number < second.grad_fn.number
    assert [node.op.name for node in collect([second.grad_fn])] == ["add", "mul"]


@pytest.mark.parametrize(
    "function",
    [
        lambda lib, x, y: x * x,
        lambda lib, x, y: x + x,
        lambda lib, x, y: x * x * x - y * x + y,
        lambda lib, x, y: (x * y) / (x + y) - (x * y),
        lambda lib, x, y: ((x * y).exp() + x).tanh() * y,
    ],
)
def test_a_tensor_may_be_used_many_times(function: Any) -> None:
    values = np.array([[0.3, -1.2], [0.7, 2.0]])
    compare(function, values, values[::-1].copy() + 3.0, second_order=True)


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_random_graphs_agree_with_pytorch(data: st.DataObject) -> None:
    shapes = data.draw(st.lists(st.sampled_from([(), (3,), (1, 3), (2, 1), (2, 3), (4, 1, 3)]), min_size=2, max_size=4))
    steps = data.draw(
        st.lists(
            st.tuples(st.sampled_from(["add", "sub", "mul", "tanh", "div"]), st.integers(0, 99), st.integers(0, 99)),
            min_size=1,
            max_size=12,
        )
    )

    def program(lib: Any, *tensors: Any) -> Any:
        values = list(tensors)
        for name, i, j in steps:
            a, b = values[i % len(values)], values[j % len(values)]
            if name == "tanh":
                values.append(a.tanh())
            elif name == "div":
                values.append(a / (b * b + 1.0))
            else:
                values.append(getattr(lib, name)(a, b))
        return values[-1]

    inputs = [np.random.default_rng(k).normal(size=shape) for k, shape in enumerate(shapes)]
    compare(program, *map(np.asarray, inputs), second_order=True)


def test_sixty_doublings_take_sixty_steps() -> None:
    x = leaf(1.0)
    y = x
    for _ in range(60):
        y = y + y
    assert len(collect([y.grad_fn])) == 60
    y.backward()
    assert x.grad.item() == 2.0**60


def test_gradients_add_up_over_calls() -> None:
    x = leaf(3.0)
    for _ in range(3):
        (x * x).backward()
    assert x.grad.item() == 18.0


def test_a_graph_can_be_walked_again_if_it_was_retained() -> None:
    x = leaf(3.0)
    y = x * x
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad.item() == 12.0


def test_a_second_backward_says_what_to_do() -> None:
    x = leaf(3.0)
    y = x * x
    y.backward()
    with pytest.raises(errors.GraphError, match=r"second time.*mul.*test_engine.py:\d+.*retain_graph=True"):
        y.backward()
    assert x.grad.item() == 6.0


def test_backward_of_several_elements_says_what_to_pass() -> None:
    with pytest.raises(errors.ShapeError, match=r"shape \(2,\).*sum\(\).*gradient="):
        (leaf(1.0, 2.0) * 2.0).backward()


def test_backward_with_a_gradient() -> None:
    x = leaf(1.0, 2.0)
    (x * 3.0).backward(microbp.tensor([1.0, 10.0], dtype=microbp.float64))
    assert x.grad.tolist() == [3.0, 30.0]


@pytest.mark.parametrize("shape", [(1,), (3,), (2, 1), ()])
def test_a_starting_gradient_of_another_shape_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(errors.ShapeError, match="starting gradient"):
        (leaf(1.0, 2.0) * 3.0).backward(microbp.ones(shape))


def test_nothing_recorded_is_an_error() -> None:
    with pytest.raises(errors.GraphError, match="requires_grad=True"):
        microbp.tensor(1.0).backward()
    x = leaf(1.0)
    with microbp.no_grad():
        y = x * 2.0
    with pytest.raises(errors.GraphError, match="no_grad"):
        y.backward()


def test_gradients_of_leaves_are_their_own_memory() -> None:
    a, b = leaf(1.0, 2.0), leaf(3.0, 4.0)
    start = microbp.ones(2, dtype=microbp.float64)
    (a + b).backward(start)
    a.grad.mul_(10.0)
    assert b.grad.tolist() == [1.0, 1.0]
    assert start.tolist() == [1.0, 1.0]
    c = leaf(1.0, 2.0)
    c.backward(start)
    c.grad.mul_(5.0)
    assert start.tolist() == [1.0, 1.0]
    d = leaf(1.0, 2.0)
    d.reshape(2, 1).reshape(2).backward(start)
    d.grad.mul_(5.0)
    assert start.tolist() == [1.0, 1.0]


@pytest.mark.parametrize("dtype", [microbp.float32, microbp.float64])
def test_python_numbers_never_change_the_dtype(dtype: Any) -> None:
    x = leaf(1.0, 2.0, dtype=dtype)
    y = ((2.0 * x + 1 - x / 3) ** 2 * 0.5).sum()
    assert y.dtype == dtype
    y.backward()
    assert x.grad.dtype == dtype


def test_mixed_dtypes_meet_in_a_recorded_conversion() -> None:
    x = leaf(1.0, 2.0, dtype=microbp.float32)
    y = x * microbp.tensor([3.0, 4.0], dtype=microbp.float64)
    assert y.dtype == microbp.float64
    y.sum().backward()
    assert x.grad.dtype == microbp.float32
    assert x.grad.tolist() == [3.0, 4.0]


def test_a_gradient_that_nobody_needs_is_not_computed() -> None:
    x, w = microbp.ones(4, 3), leaf(1.0, 2.0, 3.0, dtype=microbp.float32)
    y = x * w
    assert [position for position, *_ in y.grad_fn.plan.steps] == [1]
    assert y.grad_fn.plan.letters == ("a",), "only what a rule asks for is kept"


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


def test_second_derivatives_through_create_graph() -> None:
    x = leaf(2.0)
    (x * x * x).backward(create_graph=True)
    assert x.grad.item() == 12.0
    x.grad.backward()  # 3x^2 + d/dx 3x^2
    assert x.grad.item() == 24.0


# -- depth and memory ------------------------------------------------------------------------

CHAIN = """
import sys, threading
import microbp
sys.setrecursionlimit(200)
def run(backward):
    x = microbp.ones(1, requires_grad=True)
    y = x
    for _ in range({depth}):
        y = y * 1.0
    if backward:
        y.backward()
        assert x.grad.item() == 1.0
    del y
run(True)
run(False)
threading.stack_size({stack})
thread = threading.Thread(target=run, args=(False,))
thread.start()
thread.join()
x = microbp.ones(1, requires_grad=True)
alive = x
for _ in range({depth}):
    alive = alive * 1.0
print("done")
"""


@pytest.mark.parametrize(("depth", "stack"), [(1_000_000, 256 * 1024)])
def test_a_chain_of_a_million_operations_lives_and_dies_without_recursion(depth: int, stack: int) -> None:
    """Forward, backward, dropped with and without backward, in a thread with a small stack, alive at exit."""
    script = CHAIN.format(depth=depth, stack=stack)
    finished = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=280, check=False)
    assert (finished.returncode, finished.stdout.strip(), finished.stderr) == (0, "done", "")


@pytest.mark.parametrize("stride", [1, 2, 3, 5, 64, 128])
def test_no_pattern_of_numbers_misses_the_nodes_that_stop_a_chain_of_destructors(stride: int) -> None:
    x = leaf(1.0)
    y, since, longest = x, 0, 0
    for _ in range(5000):
        y = y * 1.0
        since = 0 if isinstance(y.grad_fn, KeystoneNode) else since + 1
        longest = max(longest, since)
        for _ in range(stride - 1):
            next(numbers)
    assert longest < 400


def test_a_thousand_training_steps_leak_no_object() -> None:
    model = microbp.nn.Sequential(microbp.nn.Linear(4, 8), microbp.nn.Tanh(), microbp.nn.Linear(8, 3))
    optimizer = microbp.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    x, target = microbp.randn(16, 4), microbp.randint(0, 3, (16,))

    def step() -> None:
        optimizer.zero_grad()
        loss = microbp.nn.functional.cross_entropy(model(x), target)
        loss.backward()
        optimizer.step()
        model(x)  # a forward that is dropped
        with pytest.raises(errors.ShapeError):
            model(x) @ x

    for _ in range(5):
        step()
    gc.collect()
    gc.disable()
    try:
        before = len(gc.get_objects())
        for _ in range(1000):
            step()
        grown = len(gc.get_objects()) - before
    finally:
        gc.enable()
    assert grown < 50, f"{grown} objects have leaked in 1000 steps"


def test_a_graph_dies_by_reference_counting() -> None:
    gc.disable()
    try:
        x = leaf(1.0, 2.0)
        y = ((x * x).exp() + x.tanh()).sum()
        node = weakref.ref(y.grad_fn)
        del y
        assert node() is None
    finally:
        gc.enable()


def test_a_loss_kept_after_backward_keeps_no_arrays_alive() -> None:
    w = microbp.ones(3, 3, requires_grad=True)
    x = microbp.ones(2, 3)
    loss = ((x @ w).exp() * 2.0).sum()
    data = weakref.ref(x)
    loss.backward()
    assert all(node.kept is None for node in collect([loss.grad_fn]))
    del x
    assert data() is None


def test_drops_in_any_order_free_everything() -> None:
    alive = []
    x = leaf(1.0)
    y = x
    for _ in range(1000):
        y = y * 1.0
        alive.append(weakref.ref(y.grad_fn))
    middle = y + 1.0
    del y
    assert all(ref() is not None for ref in alive)
    del middle
    assert all(ref() is None for ref in alive)


# -- mutation --------------------------------------------------------------------------------


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


def test_a_view_from_before_a_change_in_place_is_refused() -> None:
    def before_and_after(base: Any, view: Any, change: Any) -> None:
        change(base)
        for use in (lambda: view * 2.0, lambda: view.sum(), lambda: view.backward(microbp.ones_like(view))):
            with pytest.raises(errors.MutationError, match="Take the view again"):
                use()

    for view_of in (lambda t: t[0:1], lambda t: t.view(2, 1), lambda t: t.reshape(1, 2), lambda t: t.unsqueeze(0)):
        y = leaf(1.0, 2.0) * 2.0
        before_and_after(y, view_of(y), lambda t: t.mul_(3.0))
    h, x = microbp.zeros(3, 2, dtype=microbp.float64), leaf(1.0, 2.0)
    row = h[0]
    h[0] = x
    with pytest.raises(errors.MutationError, match="Take the view again"):
        row.sum()
    h[0].sum().backward()
    assert x.grad.tolist() == [1.0, 1.0]


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


# -- errors ----------------------------------------------------------------------------------


def test_shapes_that_do_not_fit_name_the_operation_and_both_arguments() -> None:
    with pytest.raises(errors.ShapeError, match=r"add\(a: \(2, 3\) float32, b: \(4,\) float32\)"):
        microbp.ones(2, 3) + microbp.ones(4)
    with pytest.raises(errors.ShapeError, match=r"matmul.*\(2, 3\).*\(4, 5\)"):
        microbp.ones(2, 3) @ microbp.ones(4, 5)


def test_integers_cannot_require_grad() -> None:
    with pytest.raises(errors.DtypeError, match="only floating-point tensors can require grad, got int64"):
        microbp.tensor([1, 2]).requires_grad_()
    with pytest.raises(RuntimeError):
        microbp.tensor([True], requires_grad=True)


def test_a_gradient_must_fit_its_tensor() -> None:
    x = leaf(1.0, 2.0)
    with pytest.raises(errors.ShapeError, match=r"\(3,\).*\(2,\)"):
        x.grad = microbp.ones(3, dtype=microbp.float64)
    with pytest.raises(errors.DtypeError):
        x.grad = microbp.ones(2)


# -- threads and observers -------------------------------------------------------------------


def test_eight_threads_lose_no_update_of_a_shared_leaf() -> None:
    w = leaf(1.0)

    def work() -> None:
        for _ in range(200):
            (w * 2.0).backward()

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert w.grad.item() == 8 * 200 * 2.0


def test_a_thread_may_run_nothing_but_a_method() -> None:
    x, done = leaf(1.0), []
    thread = threading.Thread(target=lambda: done.append(x.exp()))
    thread.start()
    thread.join()
    assert done[0].grad_fn.place is not None


def test_an_observer_is_told_of_every_step() -> None:
    class Recorder:
        def __init__(self) -> None:
            self.told: list[Any] = []

        def forward(self, node: Node, output: Any) -> None:
            self.told.append((node.op.name, output.tolist()))

        def backward(self, node: Node, position: int, upstream: Any, contribution: Any, received: Any) -> None:
            self.told.append((node.op.name, position, float(upstream), float(contribution), float(received)))

    recorder = Recorder()
    x = microbp.tensor(3.0, requires_grad=True)
    with microbp.autograd.observe(recorder):
        y = x * x
        y.backward()
    assert recorder.told == [("mul", 9.0), ("mul", 0, 1.0, 3.0, 3.0), ("mul", 1, 1.0, 3.0, 6.0)]
    x * x
    assert len(recorder.told) == 3
