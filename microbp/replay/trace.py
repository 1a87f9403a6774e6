"""What a function does with its arguments, noted while it runs.

A call is nothing but the operations that it does, as long as it changes its arguments by these
alone. They are written down as a list of steps, in which each operand is an argument, the result of an
earlier step, a tensor from outside, or a number. The call itself is not disturbed: it gets its own arguments, and
what it returns, raises and leaves behind is what it would be without anybody watching.

Two calls that gave the same trace are taken to be calls of the same straight-line program. What
differs from call to call, such as a random mask, gives different traces. What cannot be seen in the
operations (a write, a look at a value on which a branch may depend) ends the attempt, with a reason.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

import numpy as np

from microbp import label
from microbp.autograd.bundle import CallRow
from microbp.engine import Node, by_number, make_node
from microbp.functions.generator import get_rng_state
from microbp.nn.changes import changes
from microbp.observer import Step as Contribution
from microbp.ops.op import Op
from microbp.tensor import Tensor, place_of_call
from microbp.version import writes

__all__ = ["Impossible", "Operand", "Step", "Tracer", "difference", "trace_of"]

PLAIN = frozenset({int, float, bool, str, type(None), type(Ellipsis)})
"""Types of numbers and options that are the same in two calls if they are equal."""


class Impossible(Exception):  # noqa: N818 - an outcome, no error of anybody's
    """A call cannot be replayed; the text says why.

    Attributes
    ----------
    lasting : bool
        Whether it will be the same with other calls; else another thread or the arguments may be the cause.
    """

    def __init__(self, text: str, lasting: bool = True) -> None:
        super().__init__(text)
        self.lasting = lasting


class Operand(NamedTuple):
    """What a step is applied to."""

    kind: str
    """``"argument"``, ``"step"``, ``"outside"`` or ``"number"``."""

    value: Any
    """The number of the argument or of the step, the tensor from outside, or the Python number itself."""

    shape: tuple[int, ...]
    """Its shape; ``()`` for a number."""


class Step(NamedTuple):
    """One operation: a row, its operands and options, and the shape of its result."""

    op: Op
    operands: tuple[Operand, ...]
    options: dict[str, Any]
    shape: tuple[int, ...]
    where: str
    """The user's line, in words; or nothing."""


class Tracer:
    """Watches a call: which operations it does, and what it does besides.

    Attributes
    ----------
    shapes : dict of Node to tuple of int
        The operations, and the shapes of their results. Those that no gradient is needed of have nodes too, which
        belong to no graph.
    unrecorded_nodes : dict of Tensor to Node
        The nodes of the latter, by their results.
    """

    def __init__(self) -> None:
        self.shapes: dict[Node, tuple[int, ...]] = {}
        self.unrecorded_nodes: dict[Tensor, Node] = {}
        self.reasons: list[str] = []
        self.written = writes.latest
        self.changed = changes.latest
        self.chance = states_of_chance()

    def forward(self, node: Node, output: Tensor) -> None:
        """An operation was recorded."""
        self.shapes[node] = output.array.shape
        if isinstance(node.op, CallRow):
            self.remark(f"{label.title(node)}{label.at(node)} has a backward of its own")

    def unrecorded(self, op: Op, edges: tuple[Any, ...], options: dict[str, Any], output: Tensor) -> None:
        """An operation was done that needs no gradient."""
        node = make_node(op, op.plans[0], edges, options, (), place_of_call())
        self.shapes[node] = output.array.shape
        self.unrecorded_nodes[output] = node

    def backward(self, step: Contribution) -> None:
        """A gradient was computed."""
        self.remark("it computes gradients")

    def remark(self, what: str) -> None:
        """The program did something that cannot be replayed."""
        self.reasons.append(what)

    def node_of(self, edge: Any) -> Any:
        """The node of the operation that gave an input of another; the edge itself if it came from elsewhere."""
        return self.unrecorded_nodes.get(edge, edge) if isinstance(edge, Tensor) else edge

    def check(self) -> None:
        """Give up if anything was noticed.

        Raises
        ------
        Impossible
            With the reason.
        """
        if self.reasons:
            raise Impossible(self.reasons[0])
        if writes.latest != self.written:
            raise Impossible("it writes to tensors", lasting=False)
        if changes.latest != self.changed:
            raise Impossible("it changes modules", lasting=False)
        if states_of_chance() != self.chance:
            raise Impossible("it draws random numbers", lasting=False)


def states_of_chance() -> tuple[Any, ...]:
    """What the generators of random numbers are about to give."""
    _, numbers, place, *_ = np.random.get_state()
    random = sys.modules.get("random")  # Python's own, which only a program that imports it can use
    return get_rng_state().tolist(), random and random.getstate(), np.asarray(numbers).tolist(), place


def trace_of(output: Any, values: Sequence[Any], tracer: Tracer) -> tuple[Step, ...]:
    """The operations of a call that was watched by a tracer and returned this.

    Parameters
    ----------
    output : object
        What it returned.
    values : sequence
        Its arguments.
    tracer : Tracer

    Raises
    ------
    Impossible
        If the output is not the result of operations, or one of these cannot be replayed.
    """
    tracer.check()
    if not isinstance(output, Tensor):
        raise Impossible(f"it returns {type(output).__name__}, not one tensor")
    last = tracer.node_of(output.node or output)
    if last not in tracer.shapes or last.op.view or output._base is not None:
        raise Impossible("it returns a view, or what it was given or found")
    arguments = {value.grad_fn or value: k for k, value in enumerate(values) if isinstance(value, Tensor)}
    nodes = used_by(last, arguments, tracer)
    numbers = {node: number for number, node in enumerate(nodes)}
    steps = []
    for node in nodes:
        where = label.at(node, nodes)
        if not is_plain(node.options):
            raise Impossible(f"{label.title(node)}{where} depends on more than its operands")
        operands = []
        for edge in map(tracer.node_of, node.inputs):
            if type(edge) in PLAIN:
                operands.append(Operand("number", edge, ()))
            elif edge in arguments:
                operands.append(Operand("argument", arguments[edge], values[arguments[edge]].array.shape))
            elif edge in numbers:
                operands.append(Operand("step", numbers[edge], tracer.shapes[edge]))
            elif isinstance(edge, Node) or edge._base is not None:
                raise Impossible(f"{label.title(node)}{where} uses a result of operations outside of the function")
            else:
                operands.append(Operand("outside", edge, edge.array.shape))
        steps.append(Step(node.op, tuple(operands), node.options, tracer.shapes[node], where))
    return tuple(steps)


def used_by(last: Node, arguments: Collection[Any], tracer: Tracer) -> list[Node]:
    """The nodes of a call that the last of them was computed from, in the order of their creation."""
    found = {last}
    stack = [last]
    while stack:
        for edge in map(tracer.node_of, stack.pop().inputs):
            if isinstance(edge, Node) and edge in tracer.shapes and edge not in arguments and edge not in found:
                found.add(edge)
                stack.append(edge)
    return sorted(found, key=by_number)


def is_plain(value: Any) -> bool:
    """Whether a value consists of numbers and text, so that it can be compared with another, and written down."""
    if isinstance(value, dict):
        return all(map(is_plain, value.values()))
    if type(value) in {tuple, list}:
        return all(map(is_plain, value))
    if type(value) is slice:
        return is_plain((value.start, value.stop, value.step))
    return type(value) in PLAIN or isinstance(value, np.dtype)


def difference(first: Sequence[Step], second: Sequence[Step]) -> str | None:
    """How two traces differ, in words; None if they are of the same program."""
    for one, two in zip(first, second, strict=False):
        if one.op is not two.op or len(one.operands) != len(two.operands):
            return f"one call did {one.op.name}{one.where} where the next did {two.op.name}{two.where}"
        for a, b in zip(one.operands, two.operands, strict=True):
            if a.kind == b.kind == "outside" and a.value is not b.value:
                return (
                    f"{one.op.name}{one.where} uses a tensor that the function makes anew each time, by other means "
                    "than operations on its arguments: a constant, a mask"
                )
            if a.kind != b.kind or a.shape != b.shape or (a.kind != "outside" and repr(a.value) != repr(b.value)):
                return f"{one.op.name}{one.where} was not given the same in two calls: {a.value} and {b.value}"
        if repr(one.options) != repr(two.options):
            return f"{one.op.name}{one.where} had other options in two calls: {one.options} and {two.options}"
    return None if len(first) == len(second) else f"one call did {len(first)} operations, the next {len(second)}"
