"""What a graph keeps for the backward pass: each piece of memory once, and as much as is really there."""

from __future__ import annotations

import gc
import re
import tracemalloc
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import microbp
from microbp import Tensor, nn
from microbp.autograd import Function
from microbp.utils.checkpoint import checkpoint
from microbp.viz import make_dot, memory_table
from microbp.viz.held import memory_of
from tests.viz.networks import Recurrent, alive, counting, examples, settle


def allocated(compute: Callable[[], Tensor]) -> tuple[Tensor, int]:
    """A result, and the bytes of all arrays that were made for it and are still there."""
    gc.collect()
    tracemalloc.start()
    try:
        result = compute()
        gc.collect()
        arrays = tracemalloc.DomainFilter(True, np.lib.tracemalloc_domain)
        traces = tracemalloc.take_snapshot().filter_traces([arrays]).traces
        return result, sum(trace.size for trace in traces)
    finally:
        tracemalloc.stop()


def perceptron(x: Tensor) -> Callable[[], Tensor]:
    model = alive(nn.Sequential(nn.Linear(16, 32), nn.Tanh(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 4)))
    target, criterion = alive(microbp.arange(len(x)) % 4), alive(nn.CrossEntropyLoss())
    return lambda: criterion(model(x), target)


def convolutions(x: Tensor) -> Callable[[], Tensor]:
    model = alive(nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(4, 3)))
    return lambda: model(x.reshape(-1, 1, 4, 4)).square().mean()


def views(x: Tensor) -> Callable[[], Tensor]:
    w = alive(microbp.ones(16, requires_grad=True))
    return lambda: ((x * w).T.reshape(-1)[3:].exp().view(-1, 1) * 2.0).sum()


@pytest.mark.parametrize("network", [perceptron, convolutions, views])
def test_the_total_is_what_is_really_allocated(network: Any) -> None:
    compute = network(alive(microbp.randn(64, 16)))
    compute().backward()  # what is made once and for all is made now
    loss, size = allocated(compute)
    totals = memory_table(loss).totals
    there_before = 64 * 16 * 4 + (64 * 8 if network is perceptron else 0)  # the input, and the labels
    made_before = 16 if network is convolutions else 0  # the places of the pooling windows, which are kept for good
    assert totals["computed"] + totals["input"] - there_before - made_before == size - loss.nbytes
    assert totals["computed"] > 2_000


def test_what_two_operations_keep_is_counted_once() -> None:
    x = microbp.ones(100, requires_grad=True)
    y = x.exp()  # keeps its output
    table = memory_table((y * y).sum())
    assert table.total == 400
    exp, mul, _ = table.rows
    assert (exp.nbytes, mul.nbytes) == (400, 0)
    assert [held.first for held in mul.held] == [False, False]
    assert "counted above" in str(table)


def test_views_keep_all_that_they_are_views_of() -> None:
    x = microbp.ones(100, requires_grad=True)
    big = x * 2
    table = memory_table((big[:10] * big[10:20]).sum())
    assert table.total == 400
    a = np.zeros((3, 4))
    for view in (a.T, a[1:, ::2], np.broadcast_to(a, (2, 3, 4)), np.lib.stride_tricks.sliding_window_view(a, (2, 2))):
        assert memory_of(view) is a


def test_parameters_and_inputs_are_told_apart() -> None:
    model = alive(nn.Linear(8, 4))
    table = memory_table(model(alive(microbp.randn(16, 8).requires_grad_(False))).tanh().sum())
    assert table.totals == {"computed": 16 * 4 * 4, "parameter": 0, "input": 16 * 8 * 4}
    x = alive(microbp.randn(16, 8).requires_grad_())
    assert memory_table(model(x).sum()).totals == {"computed": 0, "parameter": (16 * 8 + 8 * 4) * 4, "input": 0}


def test_a_checkpoint_keeps_its_arguments_only() -> None:
    model = alive(nn.Sequential(nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 8), nn.Tanh()))
    x = alive(microbp.randn(32, 8))
    open_, closed = model(x * 1.0).sum(), checkpoint(model, x * 1.0, use_reentrant=False).sum()
    assert memory_table(open_).total == 2 * 32 * 8 * 4
    table = memory_table(closed)
    assert table.totals == {"computed": 0, "parameter": 0, "input": 32 * 8 * 4}
    assert "nothing: is run again" in str(table)
    source = make_dot(closed, show_saved=True).source
    assert source.count("is run again") >= 4
    assert "operation in a checkpoint" in source


def test_a_function_of_the_users_own_keeps_what_it_saved() -> None:
    class Cube(Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor) -> Tensor:
            ctx.save_for_backward(x * x)
            return x**3

        @staticmethod
        def backward(ctx: Any, g: Tensor) -> Tensor:
            return g * 3 * ctx.saved_tensors[0]

    assert memory_table(Cube.apply(microbp.ones(50, requires_grad=True)).sum()).total == 200


def test_a_freed_graph_keeps_nothing_and_says_why() -> None:
    loss = examples["perceptron"]()
    assert memory_table(loss).total > 0
    loss.backward()
    table = memory_table(loss)
    assert table.total == 0
    assert "were freed by an earlier backward()" in str(table)


def test_the_table_by_module() -> None:
    loss = settle(Recurrent(3))(counting(1, 2)).sum()
    table = memory_table(loss)
    assert list(table.by_module()) == ["shared", "Recurrent", "shared#2", "shared#3", ""]
    assert sum(table.by_module().values()) == table.total
    assert repr(table) == f"<MemoryTable of {len(table.rows)} operations, {table.total} B computed and kept>"


@pytest.mark.parametrize("name", examples)
def test_any_graph_has_a_table_and_colours(name: str) -> None:
    root = examples[name]()
    table = memory_table(root)
    assert str(table).splitlines()[0].startswith("output")
    ElementTree.fromstring(table._repr_html_())
    for depth in (None, 0, 1):
        assert b"</svg>" in make_dot(root, color_by="memory", depth=depth).pipe("svg")


def test_the_drawing_shows_the_figures_of_the_table() -> None:
    model = alive(nn.Sequential(nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 1)))
    loss = model(alive(microbp.randn(32, 8))).square().mean()
    table = memory_table(loss)
    for options in ({}, {"depth": 1}, {"depth": 0}):
        source = make_dot(loss, color_by="memory", **options).source
        shown = [float(size) * (1000 if unit else 1) for size, unit in re.findall(r">keeps ([\d.]+) (k?)B", source)]
        assert sum(shown) == pytest.approx(table.total, rel=0.01)
        assert "each piece of memory counted once" in source


def test_what_is_no_tensor() -> None:
    with pytest.raises(TypeError, match="got int"):
        memory_table(3)  # type: ignore[arg-type]
