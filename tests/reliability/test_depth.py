"""Depth: no recursion anywhere, and a cost that grows with the number of operations and nothing else.

The chain of a million operations itself is in ``tests/test_lifetime.py``.
"""

from __future__ import annotations

import sys
from typing import Any

import pytest

import microbp
from microbp.engine import collect
from tests.leaves import leaf
from tests.reliability.alone import run

SHALLOW = """
import sys, threading
import microbp
sys.setrecursionlimit(150)
threading.stack_size(256 * 1024)

def main():
    {body}

thread = threading.Thread(target=main)
thread.start()
thread.join()
print("done")
"""


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(
            """
    x = microbp.ones(1, requires_grad=True)
    y = x
    for _ in range(200_000):
        y = y * 1.0
    (g,) = microbp.autograd.grad(y.sum(), x, create_graph=True)
    assert g.item() == 1.0
    del y
    del g
    """,
            id="a recorded backward pass",
        ),
        pytest.param(
            """
    x = microbp.ones(2, 3, requires_grad=True)
    y = x
    for _ in range(30_000):
        y = y.T.T[...].view(-1).reshape(2, 3)
    y.sum().backward()
    assert x.grad.sum().item() == 6.0
    """,
            id="views of views",
            marks=pytest.mark.skipif(
                sys.version_info[:2] == (3, 13),
                reason="Python 3.13 itself runs over such a stack when it frees tuples that are nested so deeply",
            ),
        ),
        pytest.param(
            """
    y = microbp.ones(1, requires_grad=True) * 1.0
    for _ in range(200_000):
        y += 1.0
    y.backward()
    assert y.item() == 200_001.0
    """,
            id="operations in place",
        ),
        pytest.param(
            """
    x = microbp.ones(1, requires_grad=True)
    y = z = x
    for _ in range(100_000):
        y, z = z * 1.0, y + z * 0.0
    (y + z).sum().backward()
    """,
            id="two chains woven into each other",
        ),
        pytest.param(
            """
    x = microbp.ones(1, requires_grad=True)
    y = x
    for _ in range(100_000):
        y = y * 1.0
    y.register_hook(lambda g: 1 / 0)
    try:
        y.sum().backward()
    except ZeroDivisionError:
        pass
    del y
    """,
            id="a backward pass that fails",
        ),
        pytest.param(
            """
    class Twice(microbp.autograd.Function):
        @staticmethod
        def forward(ctx, a):
            return a * 1.0
        @staticmethod
        def backward(ctx, g):
            return g * 1.0
    y = microbp.ones(1, requires_grad=True)
    for _ in range(50_000):
        y = Twice.apply(y)
    y.backward()
    del y
    """,
            id="functions of the user's own",
        ),
    ],
)
def test_deep_graphs_live_and_die_in_a_thread_with_a_small_stack(body: str) -> None:
    assert run(SHALLOW.format(body=body.strip())) == "done"


def test_a_deep_graph_that_is_alive_at_exit_does_no_harm() -> None:
    program = """
    import microbp
    x = microbp.ones(1, requires_grad=True)
    y = x
    for _ in range(300_000):
        y = y + 1.0
    y.node.hooks = [lambda g: y]
    print("done")
    """
    assert run(program) == "done"


class Counter:
    """Counts the steps of backward passes."""

    def __init__(self) -> None:
        self.steps = 0

    def forward(self, node: Any, output: Any) -> None:
        """Nothing is counted here."""

    def backward(self, step: Any) -> None:
        """One rule was run."""
        self.steps += 1


@pytest.mark.parametrize("width", [1, 10, 1000])
def test_fan_out_costs_one_step_for_each_use(width: int) -> None:
    counter, x = Counter(), leaf(2.0)
    total = x * 0.0
    for _ in range(width):
        total = total + x * x
    with microbp.autograd.observe(counter):
        total.backward()
    assert counter.steps == 1 + 4 * width
    assert x.grad.item() == 4.0 * width


def test_sixty_doublings_of_views_and_products_cost_sixty_steps() -> None:
    for double in (lambda y: y + y, lambda y: y * y * 0.5 + y * 0.5, lambda y: y.view(1) + y[:]):
        counter, x = Counter(), leaf(1.0)
        y = x
        for _ in range(60):
            y = double(y)
        with microbp.autograd.observe(counter):
            y.backward()
        assert counter.steps <= 60 * 8
        assert len(collect([y.grad_fn])) <= 60 * 4


def test_ten_thousand_inputs_of_one_operation_each_get_their_part() -> None:
    leaves = [leaf(float(k)) for k in range(10_000)]
    (microbp.cat(leaves) * microbp.arange(10_000.0)).sum().backward()
    assert [t.grad.item() for t in leaves] == [float(k) for k in range(10_000)]
    stacked = microbp.stack([t.detach().requires_grad_() for t in leaves])
    stacked.sum().backward()
    assert stacked.shape == (10_000, 1)
