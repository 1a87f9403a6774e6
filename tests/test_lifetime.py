"""How graphs live and die: depth, memory, no leaks."""

from __future__ import annotations

import gc
import itertools
import subprocess
import sys
import weakref
from collections.abc import Callable
from typing import Any

import pytest

import microbp
from microbp import errors
from microbp.engine import collect
from microbp.node import KINDS, KeystoneNode
from microbp.version import numbers
from tests.leaves import leaf

constant = microbp.tensor([3.0, 4.0], dtype=microbp.float64)

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


@pytest.mark.parametrize("step", [1, 64, 377, 610, 987, 1597, 2584, 3342, 4098])
def test_a_keystone_comes_after_621_nodes_at_the_latest(step: int) -> None:
    """Whatever the step between the numbers of a chain: the worst are here, and what is near the golden ratio."""
    found = [k for k in range(2 * len(KINDS)) if KINDS[k * step % len(KINDS)] is KeystoneNode]
    assert max(after - before for before, after in itertools.pairwise(found)) <= 621


@pytest.mark.parametrize(
    "operation", [lambda y: y + constant, lambda y: y * 2.0, lambda y: y.tanh()], ids=["two", "number", "one"]
)
def test_a_chain_is_one_object_an_operation_for_the_collector(operation: Callable[[Any], Any]) -> None:
    y = operation(leaf(1.0))
    gc.collect()
    before = len(gc.get_objects())
    for _ in range(100):
        y = operation(y)
    gc.collect()  # finds out that the kept values hold nothing
    assert len(gc.get_objects()) - before < 105


def test_a_node_knows_its_inputs_however_many_there_are() -> None:
    x, c = leaf(1.0, 2.0), constant
    y = x.exp()
    assert y.grad_fn.inputs == (x,)
    assert (y + c).grad_fn.inputs == (y.grad_fn, c)
    assert (2.0 * y).grad_fn.inputs == (2.0, y.grad_fn)
    assert microbp.where(c > 0, y, x).grad_fn.inputs[1:] == (y.grad_fn, x)
    assert microbp.cat([y, c]).grad_fn.inputs == (y.grad_fn, c)
    assert microbp.cat([y]).grad_fn.inputs == (y.grad_fn,)
    assert microbp.cat([c, y, c]).grad_fn.inputs == (c, y.grad_fn, c)


@pytest.mark.parametrize(
    "function",
    [
        lambda x, constant: x + constant,
        lambda x, constant: constant + x,
        lambda x, constant: microbp.where(constant > 0, x, constant),
        lambda x, constant: microbp.cat([x, constant]),
        lambda x, constant: microbp.cat([constant, x]),
        lambda x, constant: microbp.cat([x, constant, x]),
    ],
)
def test_a_node_that_has_run_keeps_no_constant_alive(function: Callable[[Any, Any], Any]) -> None:
    constant = microbp.tensor([3.0, 4.0], dtype=microbp.float64)
    loss = function(leaf(1.0, 2.0), constant).sum()
    gone = weakref.ref(constant)
    del constant
    assert gone() is not None
    loss.backward()
    assert gone() is None


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
