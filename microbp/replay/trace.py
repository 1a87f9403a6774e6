"""What a function does with its arguments, read off the graph of one call.

A graph holds everything that a call did to its tensors, as long as it did that by recorded
operations alone. To see the operations on arguments that require no grad too, the call is given
*handles*: tensors on the same memory that do. Afterwards the graph is a list of steps, in which each
operand is an argument, the result of an earlier step, a tensor from outside, or a number.

Two calls that gave the same trace are taken to be calls of the same straight-line program. What
differs from call to call, such as a random mask, gives different traces. What cannot be seen in a
graph (a write, a look at a value on which a branch may depend) ends the attempt, with a reason.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

import numpy as np

from microbp import label
from microbp.autograd.bundle import CallRow
from microbp.autograd.tree import tensors_of
from microbp.engine import Node, by_number
from microbp.functions.generator import get_rng_state
from microbp.observer import Step as Contribution
from microbp.ops import shape as shaping
from microbp.ops.op import Op
from microbp.tensor import Tensor, apply, wrap
from microbp.version import writes

__all__ = ["Impossible", "Operand", "Step", "Tracer", "difference", "handle_of", "settle", "trace_of"]

PLAIN = frozenset({int, float, bool, str, type(None), type(Ellipsis)})
"""Types of numbers and options that are the same in two calls if they are equal."""


class Impossible(Exception):  # noqa: N818 - an outcome, no error of anybody's
    """A call cannot be replayed; the text says why."""


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
    """Watches a call: which operations it does, and what of it a graph does not show."""

    def __init__(self) -> None:
        self.shapes: dict[Node, tuple[int, ...]] = {}
        self.reasons: list[str] = []
        self.written = writes.latest
        self.chance = states_of_chance()

    def forward(self, node: Node, output: Tensor) -> None:
        """An operation was recorded."""
        self.shapes[node] = output.array.shape
        if isinstance(node.op, CallRow):
            self.reasons.append(f"{label.title(node)}{label.at(node)} has a backward of its own")

    def backward(self, step: Contribution) -> None:
        """A gradient was computed."""
        self.reasons.append("it computes gradients")

    def looked(self) -> None:
        """The program looked at values."""
        self.reasons.append("it looks at values, as item(), an if on a tensor, or a check of probabilities does")

    def check(self) -> None:
        """Give up if anything was noticed.

        Raises
        ------
        Impossible
            With the reason.
        """
        if writes.latest != self.written:
            self.reasons.append("it writes to tensors")
        if states_of_chance() != self.chance:
            self.reasons.append("it draws random numbers")
        if any(node.hooks is not None or node.retain is not None for node in self.shapes):
            self.reasons.append("it registers hooks or retains gradients")
        if self.reasons:
            raise Impossible(self.reasons[0])


def states_of_chance() -> tuple[Any, ...]:
    """What the generators of random numbers are about to give."""
    _, numbers, place, *_ = np.random.get_state()
    random = sys.modules.get("random")  # Python's own, which only a program that imports it can use
    return get_rng_state().tolist(), random and random.getstate(), np.asarray(numbers).tolist(), place


def handle_of(argument: Any) -> Any:
    """What stands for an argument in a traced call: the same values, under an identity of its own."""
    if not isinstance(argument, Tensor):
        return argument
    if argument.requires_grad:
        return apply(shaping.reshape, argument, shape=argument.array.shape)
    handle = wrap(argument.array)
    handle._version = argument._versioned()
    handle._requires_grad = argument.array.dtype.kind == "f"
    return handle


def trace_of(output: Any, handles: Sequence[Any], tracer: Tracer) -> tuple[Step, ...]:
    """The operations of a call that was given handles, was watched by a tracer, and returned this.

    Raises
    ------
    Impossible
        If the output is not the result of recorded operations, or one of these cannot be replayed.
    """
    tracer.check()
    if not isinstance(output, Tensor):
        raise Impossible(f"it returns {type(output).__name__}, not one tensor")
    arguments = {handle.node or handle: k for k, handle in enumerate(handles) if isinstance(handle, Tensor)}
    if output.node not in tracer.shapes or output.node in arguments or output._base is not None:
        raise Impossible("it returns a view, or what it was given or found")
    nodes = used_by(output.node, tracer.shapes, arguments)
    numbers = {node: number for number, node in enumerate(nodes)}
    steps = []
    for node in nodes:
        where = label.at(node, nodes)
        if not is_plain(node.options):
            raise Impossible(f"{label.title(node)}{where} depends on more than its operands")
        operands = []
        for edge in node.inputs:
            if type(edge) in PLAIN:
                operands.append(Operand("number", edge, ()))
            elif edge in arguments:
                operands.append(Operand("argument", arguments[edge], handles[arguments[edge]].array.shape))
            elif edge in numbers:
                operands.append(Operand("step", numbers[edge], tracer.shapes[edge]))
            elif isinstance(edge, Node) or edge._base is not None:
                raise Impossible(f"{label.title(node)}{where} uses a result of operations outside of the function")
            else:
                operands.append(Operand("outside", edge, edge.array.shape))
        steps.append(Step(node.op, tuple(operands), node.options, tracer.shapes[node], where))
    return tuple(steps)


def used_by(last: Node, among: Collection[Node], arguments: Collection[Any]) -> list[Node]:
    """The nodes, among these, that the last was computed from, in the order of their creation."""
    found = {last}
    stack = [last]
    while stack:
        for edge in stack.pop().inputs:
            if isinstance(edge, Node) and edge in among and edge not in arguments and edge not in found:
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


def settle(output: Any, handles: Sequence[Any], tracer: Tracer) -> None:
    """Cut those tensors of an output off from the graph that would not be in it, had the handles required no grad."""
    forced = {handle for handle in handles if isinstance(handle, Tensor) and handle.node is None}
    for tensor in tensors_of(output):
        if tensor in forced:
            tensor._requires_grad = False
        elif tensor.node in tracer.shapes:
            edges = (edge for node in used_by(tensor.node, tracer.shapes, ()) for edge in node.inputs)
            if not any(is_reason(edge, tracer, forced) for edge in edges):
                tensor.node, tensor._requires_grad = None, False


def is_reason(edge: Any, tracer: Tracer, forced: Collection[Tensor]) -> bool:
    """Whether an edge is a reason to record what was computed from it."""
    if isinstance(edge, Node):
        return edge not in tracer.shapes
    return isinstance(edge, Tensor) and edge._requires_grad and edge not in forced
