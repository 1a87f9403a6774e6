"""The graph and the backward pass."""

from __future__ import annotations

import _thread
import sys
import time
from contextlib import nullcontext
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import microbp
from microbp import errors
from microbp.engine import collect
from microbp.mode import Step, observe
from microbp.node import Node
from microbp.ops.indexing import getitem, put_add
from tests.leaves import leaf
from tests.referee import compare


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


def test_second_derivatives_through_create_graph() -> None:
    x = leaf(2.0)
    (x * x * x).backward(create_graph=True)
    assert x.grad.item() == 12.0
    x.grad.backward()  # 3x^2 + d/dx 3x^2
    assert x.grad.item() == 24.0


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


def test_a_thread_may_run_nothing_but_a_method(monkeypatch: pytest.MonkeyPatch) -> None:
    """Then there is no user's line to be found on the stack."""
    failures: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", failures.append)
    y = leaf(1.0) * 1.0
    _thread.start_new_thread(y.mul_, (2.0,))
    until = time.monotonic() + 20
    while y.item() != 2.0 and not failures and time.monotonic() < until:
        time.sleep(0.001)
    assert not failures
    assert y.item() == 2.0


def test_an_observer_is_told_of_every_step() -> None:
    class Recorder:
        def __init__(self) -> None:
            self.told: list[Any] = []

        def forward(self, node: Node, output: Any) -> None:
            self.told.append((node.op.name, output.tolist()))

        def backward(self, step: Step) -> None:
            gradients = [float(g) for g in (step.upstream, step.product, step.contribution, step.received)]
            assert step.seeds == {y.grad_fn: 1.0}
            self.told.append((step.node.op.name, step.position, *gradients))

    recorder = Recorder()
    x = microbp.tensor(3.0, requires_grad=True)
    with microbp.autograd.observe(recorder):
        y = x * x
        y.backward()
    assert recorder.told == [("mul", 9.0), ("mul", 0, 1.0, 3.0, 3.0, 3.0), ("mul", 1, 1.0, 3.0, 3.0, 6.0)]
    x * x
    assert len(recorder.told) == 3


PARTS: dict[str, Any] = {
    "positions": lambda x: [x[t] for t in range(len(x))],
    "iteration": lambda x: list(x),
    "unbind": lambda x: x.unbind(0),
    "unbind along another axis": lambda x: x.unbind(1),
    "chunk": lambda x: x.chunk(len(x)),
    "split": lambda x: x.split(1),
    "split by sizes": lambda x: x.split([1] * len(x)),
    "tensor_split": lambda x: x.tensor_split(len(x)),
    "select and narrow": lambda x: [x.select(0, t) if t % 2 else x.narrow(0, t, 1) for t in range(len(x))],
    "overlapping ranges": lambda x: [x[t : t + 3] for t in range(len(x) - 2)],
}


@pytest.mark.parametrize("name", PARTS)
def test_the_work_of_the_gradient_of_all_parts_grows_with_their_number(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[int] = []
    forward = put_add.forward

    def counted(a: Any, **options: Any) -> Any:
        y = forward(a, **options)
        made.append(y.size)
        return y

    monkeypatch.setattr(put_add, "forward", counted)
    for steps in (8, 64):
        for of in (lambda x: x, lambda x: x * 1.0):  # of a leaf, of a node
            made.clear()
            x = microbp.ones(steps, 5, requires_grad=True)
            scaled = [(k + 1) * part for k, part in enumerate(PARTS[name](of(x)))]
            sum(part.sum() for part in scaled).backward()
            assert sum(made) == x.numel()  # one array, whatever the number of steps


def test_the_backward_of_a_recurrent_network_makes_one_array_for_the_inputs_of_all_its_steps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[tuple[int, ...]] = []
    forward = put_add.forward

    def counted(a: Any, **options: Any) -> Any:
        made.append(options["shape"])
        return forward(a, **options)

    monkeypatch.setattr(put_add, "forward", counted)
    microbp.nn.RNN(3, 4)(microbp.randn(64, 2, 3))[0].sum().backward()
    assert made.count((64, 2, 4)) == 1


@pytest.mark.parametrize("name", PARTS)
def test_parts_have_the_gradients_that_pytorch_finds(name: str) -> None:
    def loss(lib: Any, x: Any) -> Any:
        h = x.mean() + x[0].sum()
        for k, part in enumerate(PARTS[name](x * x)):
            h = (h * 0.5 + part * (k - 1.5)).tanh().sum()
        return h + (x * x)[-1].sum()

    compare(loss, np.random.default_rng(0).normal(size=(5, 4)), second_order=True)


class Memory:
    """An observer that keeps all arrays that it is told of, with copies as they were then."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.known: list[tuple[Any, Any]] = []

    def forward(self, node: Any, output: Any) -> None: ...

    def backward(self, step: Step) -> None:
        self.steps.append(step)
        arrays = (step.upstream, step.product, step.contribution, step.received)
        self.known += [(array, np.array(array)) for array in arrays]


def test_observers_are_told_of_the_gradient_of_each_part() -> None:
    x, memory = leaf(1.0, 2.0, 3.0), Memory()
    first, second, third = x
    with observe(memory):
        (first * 4.0 + second * 5.0 + third * 6.0).backward()
    told = [(step.contribution.tolist(), step.received.tolist()) for step in memory.steps if step.node.op is getitem]
    assert told == [([0, 0, 6], [0, 0, 6]), ([0, 5, 0], [0, 5, 6]), ([4, 0, 0], [4, 5, 6])]


INDEX = st.sampled_from([0, -1, slice(1, 3), slice(None, None, 2), (..., 1), (slice(None), 2), np.array([1, 1, 0])])


@settings(max_examples=100)
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30), INDEX, st.integers(0, 4)), min_size=1, max_size=14))
def test_no_array_that_anyone_else_knows_is_added_to(program: list[tuple[int, int, Any, int]]) -> None:
    values = np.random.default_rng(1).uniform(-1.0, 1.0, (5, 4, 4))

    def run(observed: bool) -> tuple[list[Any], list[tuple[Any, Any]]]:
        tensors: list[Any] = [microbp.tensor(value, requires_grad=True) for value in values[:2]]
        tensors += [tensors[0] * 1.0, tensors[1] * 2.0]
        for first, second, index, kind in program:
            a, b = tensors[first % len(tensors)], tensors[second % len(tensors)]
            part = a[index]
            tensors.append((a + b, a * b, a + part.sum(), a * 1.0 + part.mean(), a.T)[kind])
        known: list[tuple[Any, Any]] = []  # arrays that others know, with copies as they were then
        for tensor in tensors:
            tensor.register_hook(lambda g: known.append((g.array, g.array.copy())))
            tensor.retain_grad()
        seeds = [microbp.tensor(value) for value in values[2:]]
        known += [(seed.array, seed.array.copy()) for seed in seeds]
        memory = Memory()
        with observe(memory) if observed else nullcontext():
            microbp.autograd.backward([tensors[-1], tensors[2], tensors[3]], seeds)
        return [tensor.grad for tensor in tensors], [*known, *memory.known]

    plain, known = run(False)
    assert all(array.tobytes() == copy.tobytes() for array, copy in known)
    seen, known = run(True)
    assert all(array.tobytes() == copy.tobytes() for array, copy in known)
    for ours, theirs in zip(plain, seen, strict=True):
        assert (ours is None) == (theirs is None)
        assert ours is None or np.array_equal(ours.array, theirs.array)
