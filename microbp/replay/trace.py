"""What a function does with its arguments, noted while it runs.

A call is nothing but the operations that it does, as long as it changes its arguments by these
alone. They are written down as a list of steps, in which each operand is an argument, the result of an
earlier step, a tensor from outside, or a number. The call itself is not disturbed: it gets its own arguments, and
what it returns, raises and leaves behind is what it would be without anybody watching.

Two calls that gave the same trace are taken to be calls of the same straight-line program. What
differs from call to call, such as a random mask, gives different traces. What cannot be seen in the
operations (a write, a look at a value on which a branch may depend) ends the attempt, with a reason.
What a training step does besides, to forget gradients, compute them and change parameters, is noted as
`effect`s: see `microbp.replay.course`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from microbp import label
from microbp.autograd.bundle import CallRow
from microbp.engine import by_number
from microbp.functions.generator import get_rng_state
from microbp.nn.changes import changes
from microbp.node import Node, held, make_node
from microbp.observer import Step as Contribution
from microbp.ops.op import Op
from microbp.replay.effects import Effect, called, is_inside_block
from microbp.tensor import Tensor, place_of_call
from microbp.version import numbers, writes

__all__ = [
    "Impossible",
    "Operand",
    "Step",
    "Tracer",
    "alike",
    "difference",
    "is_plain",
    "steps_to",
]

MADE_OF = frozenset({"array", "node", "_requires_grad", "_cut", "_version"})
"""The attributes that the result of an operation may have by itself."""

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
    inputs : dict of Node to tuple
        The operands of each. A backward pass lets go of some of those that nodes have.
    unrecorded_nodes : dict of Tensor to Node
        The nodes of the latter, by their results.
    effects : list of Effect
        What it did besides.
    """

    def __init__(self) -> None:
        self.shapes: dict[Node, tuple[int, ...]] = {}
        self.inputs: dict[Node, tuple[Any, ...]] = {}
        self.arrays: dict[int, tuple[Node, np.ndarray[Any, Any]]] = {}  # the results, by the ids of their arrays
        self.unrecorded_nodes: dict[Tensor, Node] = {}
        self.effects: list[Effect] = []
        self.reasons: list[Impossible] = []
        self.busy = False  # with an effect, whatever it is made of
        self.outside = sys._getframe(1).f_code  # the code that calls what is watched
        self.begin()

    def begin(self) -> None:
        """Take everything to be as it should be."""
        self.written = writes.latest
        self.changed = changes.latest
        self.chance = states_of_chance()

    def forward(self, node: Node, output: Tensor) -> None:
        """An operation was recorded."""
        if self.busy:
            return
        self.note(node, node.inputs, output)
        if isinstance(node.op, CallRow):
            self.remark(f"{label.title(node)}{label.at(node)} has a backward of its own")

    def unrecorded(self, op: Op, edges: tuple[Any, ...], options: dict[str, Any], output: Tensor) -> None:
        """An operation was done that needs no gradient."""
        if self.busy:
            return
        node = make_node(op, op.plans[0], *held(edges), options, (), place_of_call())
        self.note(node, edges, output)
        self.unrecorded_nodes[output] = node

    def note(self, node: Node, edges: tuple[Any, ...], output: Tensor) -> None:
        """Note an operation."""
        self.shapes[node] = output.array.shape
        self.inputs[node] = edges
        self.arrays[id(output.array)] = node, output.array

    def backward(self, step: Contribution) -> None:
        """A gradient was computed."""
        self.remark("it computes gradients other than by loss.backward()")

    def remark(self, what: str) -> None:
        """The program did something that cannot be replayed."""
        if not self.busy:
            self.reasons.append(Impossible(what))

    @contextmanager
    def effect(self, call: partial[Any]) -> Iterator[Callable[[Any], None] | None]:
        """The program does something that can be done again as a whole."""
        if self.busy:
            yield None
            return
        self.look()
        if is_inside_block(self.outside):
            self.remark(f"it calls {called(call)} inside a with or try block")
        self.effects.append(Effect(call, next(numbers)))
        self.busy = True
        try:
            yield partial(self.returned, call)
        finally:
            self.busy = False
            self.begin()

    def returned(self, call: partial[Any], result: Any) -> None:
        """It is done, and returned this."""
        if not (result is None or isinstance(result, Tensor)):
            self.reasons.append(Impossible(f"it calls {called(call)}, which returns {type(result).__name__}"))

    def node_of(self, edge: Any) -> Any:
        """The node of the operation that gave an input of another; the edge itself if it came from elsewhere."""
        return self.unrecorded_nodes.get(edge, edge) if isinstance(edge, Tensor) else edge

    def origin(self, tensor: Tensor) -> tuple[Node, bool]:
        """The operation that gave a tensor, and whether the tensor was cut off from it (`Tensor.detach`).

        Raises
        ------
        Impossible
            If there was none, or it is a view, or was given attributes.
        """
        node = self.node_of(tensor.node or tensor)
        detached = node not in self.shapes and not tensor._requires_grad and id(tensor.array) in self.arrays
        if detached:
            node, _ = self.arrays[id(tensor.array)]
        if node not in self.shapes or node.op.view or tensor._base is not None:
            raise Impossible("it returns a view, or what it was given or found")
        if not vars(tensor).keys() <= MADE_OF:
            raise Impossible("it sets attributes of a tensor that it returns, such as its name")
        return node, detached

    def look(self) -> None:
        """Note what the program has left behind since all was as it should be."""
        if writes.latest != self.written:
            self.reasons.append(Impossible("it writes to tensors", lasting=False))
        if changes.latest != self.changed:
            self.reasons.append(Impossible("it changes modules", lasting=False))
        if states_of_chance() != self.chance:
            self.reasons.append(Impossible("it draws random numbers", lasting=False))

    def check(self) -> None:
        """Give up if anything was noticed.

        Raises
        ------
        Impossible
            With the reason.
        """
        self.look()
        if self.reasons:
            raise self.reasons[0]


def states_of_chance() -> tuple[Any, ...]:
    """What the generators of random numbers are about to give."""
    _, numbers, place, *_ = np.random.get_state()
    random = sys.modules.get("random")  # Python's own, which only a program that imports it can use
    return get_rng_state().array.tobytes(), random and random.getstate(), np.asarray(numbers).tobytes(), place


def steps_to(
    results: Sequence[Node], values: Sequence[Any], tracer: Tracer
) -> tuple[tuple[Step, ...], dict[Node, int]]:
    """The operations of a call that was watched by a tracer and that led to some results.

    Parameters
    ----------
    results : sequence of Node
        The operations that gave them.
    values : sequence
        The arguments of the call.
    tracer : Tracer

    Returns
    -------
    tuple of Step, dict of Node to int
        The operations in the order in which they were done, and the number of each.

    Raises
    ------
    Impossible
        If one of them cannot be replayed.
    """
    arguments = {value.grad_fn or value: k for k, value in enumerate(values) if isinstance(value, Tensor)}
    nodes = used_by(results, arguments, tracer)
    numbers = {node: number for number, node in enumerate(nodes)}
    steps = []
    for node in nodes:
        where = label.at(node, nodes)
        if not is_constant(node.options):
            raise Impossible(f"{label.title(node)}{where} depends on more than its operands")
        operands = []
        for edge in map(tracer.node_of, tracer.inputs[node]):
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
    return tuple(steps), numbers


def used_by(results: Sequence[Node], arguments: Collection[Any], tracer: Tracer) -> list[Node]:
    """The nodes of a call that some of them were computed from, these included, in the order of their creation."""
    found = set(results)
    stack = [*found]
    while stack:
        for edge in map(tracer.node_of, tracer.inputs[stack.pop()]):
            if isinstance(edge, Node) and edge in tracer.shapes and edge not in arguments and edge not in found:
                found.add(edge)
                stack.append(edge)
    return sorted(found, key=by_number)


def is_plain(value: Any) -> bool:
    """Whether a value consists of numbers and text, so that it can be compared with another, and written down."""
    if type(value) is dict:
        return all(map(is_plain, value.values()))
    if type(value) in {tuple, list}:
        return all(map(is_plain, value))
    if type(value) is slice:
        return is_plain((value.start, value.stop, value.step))
    return type(value) in PLAIN or isinstance(value, np.dtype)


def is_constant(value: Any) -> bool:
    """Whether an option never changes: it is plain, or made of what rows make once and share, and nobody writes to."""
    if type(value) is dict:
        return all(map(is_constant, value.values()))
    if isinstance(value, tuple):
        return all(map(is_constant, value))
    if isinstance(value, np.ndarray):
        return value.base is None and not value.flags.writeable
    return is_plain(value) or type(value).__module__.startswith("microbp.ops.")


def alike(one: Any, two: Any) -> bool:
    """Whether two options, or arguments of an effect, are the same objects, or equal numbers."""
    if isinstance(one, dict):
        return isinstance(two, dict) and list(one) == list(two) and alike((*one.values(),), (*two.values(),))
    if isinstance(one, list | tuple):
        return type(one) is type(two) and len(one) == len(two) and all(map(alike, one, two))
    return one is two or (is_plain(one) and is_plain(two) and repr(one) == repr(two))


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
        if not alike(one.options, two.options):
            return f"{one.op.name}{one.where} had other options in two calls: {one.options} and {two.options}"
    return None if len(first) == len(second) else f"one call did {len(first)} operations, the next {len(second)}"
