"""Random programs, differentiated by the engine and by a reference that goes along every path on its own.

The reference has rules of its own, written out below, and knows nothing of topological order,
broadcasting rules or plans: from the loss it follows each use of each value, multiplies by the local
derivative, and adds up at the leaves what arrives there (the sum over all paths in Griewank &
Walther, *Evaluating Derivatives*, 2nd ed., section 3.2).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import microbp
from microbp.autograd import check_graph, grad
from microbp.tensor import wrap

SHAPES = [(), (3,), (2, 1), (2, 3), (1, 1)]
EXAMPLES = settings(max_examples=150, deadline=None, derandomize=True, database=None)


@dataclass(frozen=True)
class Operation:
    """How the program computes, how NumPy does, and what each operand gets of a gradient."""

    ours: Callable[..., Any]
    theirs: Callable[..., Any]
    rules: tuple[Callable[..., Any], ...]


OPERATIONS = {
    "add": Operation(lambda a, b: a + b, np.add, (lambda g, a, b: g, lambda g, a, b: g)),
    "sub": Operation(lambda a, b: a - b, np.subtract, (lambda g, a, b: g, lambda g, a, b: -g)),
    "mul": Operation(lambda a, b: a * b, np.multiply, (lambda g, a, b: g * b, lambda g, a, b: g * a)),
    "tanh": Operation(lambda a: a.tanh(), np.tanh, (lambda g, a: g / np.cosh(a) ** 2,)),
    "sin": Operation(lambda a: a.sin(), np.sin, (lambda g, a: g * np.cos(a),)),
    "half": Operation(lambda a: a / 2 + 1, lambda a: a / 2 + 1, (lambda g, a: g / 2,)),
    "mean": Operation(lambda a: a.mean(), np.mean, (lambda g, a: np.full(a.shape, g / a.size),)),
    "flat": Operation(lambda a: a.reshape(-1)[:1], lambda a: a.reshape(-1)[:1], (lambda g, a: first_of(g, a),)),
    "line": Operation(lambda a: a.sum(), np.sum, (lambda g, a: np.full(a.shape, g),)),
}


def first_of(g: Any, a: Any) -> Any:
    """Zeros but for the first element."""
    found = np.zeros(a.size)
    found[0] = g[0]
    return found.reshape(a.shape)


@dataclass(frozen=True)
class Program:
    """Leaves, some of which need a gradient, and steps: an operation and the numbers of the values that it takes."""

    leaves: list[Any]
    needed: list[bool]
    steps: list[tuple[str, tuple[int, ...]]]

    def run(self, leaves: list[Any], ours: bool) -> list[Any]:
        """All values, one after the other."""
        values = list(leaves)
        for name, operands in self.steps:
            operation = OPERATIONS[name]
            values.append((operation.ours if ours else operation.theirs)(*(values[k] for k in operands)))
        return values


@st.composite
def programs(draw: st.DrawFn) -> Program:
    """Up to ten steps on up to three leaves; values are used once, often, twice by one step, or not at all."""
    count = draw(st.integers(1, 3))
    shapes = [draw(st.sampled_from(SHAPES)) for _ in range(count)]
    grid = st.integers(-40, 40).map(lambda number: number / 32)
    leaves = [np.array([draw(grid) for _ in range(int(np.prod(shape)))]).reshape(shape) for shape in shapes]
    needed = [True, *(draw(st.booleans()) for _ in range(count - 1))]
    steps: list[tuple[str, tuple[int, ...]]] = []
    for number in range(draw(st.integers(1, 10))):
        name = draw(st.sampled_from(sorted(OPERATIONS)))
        recent = st.integers(max(0, count + number - 4), count + number - 1)
        steps.append((name, tuple(draw(recent) for _ in OPERATIONS[name].rules)))
    return Program(leaves, needed, steps)


def along_every_path(program: Program) -> list[Any]:
    """The gradients of the sum of the last value by all values."""
    values = program.run(program.leaves, ours=False)
    found = [np.zeros(np.shape(value)) for value in values]

    def follow(number: int, g: Any) -> None:
        """One path, from a value on towards the leaves."""
        found[number] = found[number] + g
        if number >= len(program.leaves):
            name, operands = program.steps[number - len(program.leaves)]
            given = [np.asarray(values[k]) for k in operands]
            for operand, rule in zip(operands, OPERATIONS[name].rules, strict=True):
                follow(
                    operand, gathered(np.asarray(rule(g, *given)), np.shape(values[operand]), np.shape(values[number]))
                )

    follow(len(values) - 1, np.ones(np.shape(values[-1])))
    return found


def gathered(g: Any, shape: tuple[int, ...], broadcast: tuple[int, ...]) -> Any:
    """What an operand gets, element by element, of a gradient with the shape that it was broadcast to."""
    if g.shape == shape:
        return g
    found = np.zeros(shape)
    g = np.broadcast_to(g, broadcast)
    for place in np.ndindex(broadcast):
        inner = place[len(place) - len(shape) :]
        found[tuple(0 if size == 1 else k for k, size in zip(inner, shape, strict=True))] += g[place]
    return found


def recorded(program: Program) -> tuple[list[Any], list[Any]]:
    """The leaves as tensors, and all values."""
    leaves = [wrap(a.copy()).requires_grad_(need) for a, need in zip(program.leaves, program.needed, strict=True)]
    return leaves, program.run(leaves, ours=True)


@EXAMPLES
@given(programs())
def test_gradients_are_sums_over_all_paths(program: Program) -> None:
    leaves, values = recorded(program)
    expected = along_every_path(program)
    np.testing.assert_allclose(values[-1].array, program.run(program.leaves, ours=False)[-1], rtol=1e-13)
    if not values[-1].requires_grad:
        return
    loss = values[-1].sum()
    loss.backward(retain_graph=True)
    loss.backward()
    for t, g in zip(leaves, expected, strict=False):
        if t.grad is None:
            assert not t.requires_grad or not g.any()
        else:
            np.testing.assert_allclose(t.grad.array, 2 * g, rtol=1e-10, atol=1e-12)
            assert t.grad.shape == t.shape
    memory = [t.grad.array for t in leaves if t.grad is not None]
    assert not any(np.may_share_memory(a, b) for k, a in enumerate(memory) for b in memory[:k])


@EXAMPLES
@given(programs())
def test_gradients_of_values_on_the_way_are_too(program: Program) -> None:
    _, values = recorded(program)
    if not values[-1].requires_grad:
        return
    inner = [k for k, value in enumerate(values) if value.requires_grad]
    expected = along_every_path(program)
    for create_graph in (False, True):
        found = grad(
            values[-1].sum(),
            [values[k] for k in inner],
            create_graph=create_graph,
            retain_graph=True,
            allow_unused=True,
        )
        for k, g in zip(inner, found, strict=True):
            if g is None:
                assert not expected[k].any()
            else:
                np.testing.assert_allclose(g.array, expected[k], rtol=1e-10, atol=1e-12)


@settings(EXAMPLES, max_examples=50)
@given(programs())
def test_second_derivatives_agree_with_differences_of_sums_over_all_paths(program: Program) -> None:
    leaves, values = recorded(program)
    if not values[-1].requires_grad:
        return
    (g,) = grad(values[-1].sum(), leaves[:1], create_graph=True, allow_unused=True)
    if g is None or not g.requires_grad:
        return
    (second,) = grad(g.sum(), leaves[:1], allow_unused=True, materialize_grads=True)
    assert second is not None
    step = 1e-5
    for place in np.ndindex(program.leaves[0].shape):
        sides = []
        for way in (step, -step):
            moved = program.leaves[0].copy()
            moved[place] += way
            sides.append(
                along_every_path(Program([moved, *program.leaves[1:]], program.needed, program.steps))[0].sum()
            )
        np.testing.assert_allclose(second.array[place], (sides[0] - sides[1]) / (2 * step), rtol=1e-5, atol=1e-6)


@settings(EXAMPLES, max_examples=50)
@given(programs())
def test_every_rule_of_a_random_graph_is_right(program: Program) -> None:
    _, values = recorded(program)
    if values[-1].grad_fn is not None:
        assert check_graph(values[-1]).unchecked == ()


def test_a_value_that_everything_after_it_uses_gets_the_gradients_of_all_uses() -> None:
    x = microbp.tensor(1.5, dtype=microbp.float64, requires_grad=True)
    y, value, slope = x, 1.5, 1.0
    for _ in range(10):
        y = y * y / 2 + x
        value, slope = value * value / 2 + 1.5, value * slope + 1
    (found,) = grad(y, x)
    assert found is not None
    np.testing.assert_allclose(found.array, slope, rtol=1e-12)
