"""The course of a call: what it does besides operations, and in which order.

A function may do nothing but operations, and return what they led to. Or it is a whole training
step: it forgets the gradients of the step before, computes a loss, goes back from there, and lets an
optimizer change the parameters. The operations and the way back become a program; what stands
around them is done by calling the same methods again.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from microbp.autograd.tree import map_leaves, tensors_of
from microbp.backward import backward
from microbp.node import Node
from microbp.replay.effects import Effect, called
from microbp.replay.trace import Impossible, Step, Tracer, alike, difference, is_plain, steps_to
from microbp.tensor import Tensor

__all__ = ["Course", "Returned", "Trace", "trace_of", "unlike"]

Calls = tuple[partial[Any], ...]


@dataclass(frozen=True)
class Returned:
    """A tensor that a training step returns.

    Attributes
    ----------
    number : int
        Which operation gave it.
    detached : bool
        Whether it has no history.
    """

    number: int
    detached: bool


class Course(NamedTuple):
    """What surrounds the program of a training step."""

    before: Calls
    """What is done before its first operation: gradients are forgotten."""

    between: Calls
    """The same, between the operations and the way back."""

    after: Calls
    """What is done once the gradients are there: an optimizer's step, a scheduler's."""

    late: frozenset[int]
    """The arguments that are used after that. The program uses them before, so they must not be what was changed."""

    output: Any
    """What is returned: a `Returned`, or a tuple, list or dict of these, and of numbers; or None."""

    def __str__(self) -> str:
        """In words."""
        first = [f"# before: {called(call)}\n" for call in (*self.before, *self.between)]
        then = [f"# then: {what}\n" for what in ("the gradients go to their leaves", *map(called, self.after))]
        return "".join([*first, *then])


class Trace(NamedTuple):
    """What a call did."""

    steps: tuple[Step, ...]
    """The operations that count, in their order."""

    result: int
    """The number of that which gave what the call returned, or the loss that it went back from."""

    dtype: np.dtype[Any]
    """Of that result."""

    course: Course | None
    """What else it did; None for nothing."""


def trace_of(output: Any, values: Sequence[Any], tracer: Tracer) -> Trace:
    """What a call did that was watched by a tracer and returned this.

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
        If it cannot be replayed.
    """
    tracer.check()
    if tracer.effects:
        return training_trace(output, values, tracer)
    if not isinstance(output, Tensor):
        raise Impossible(f"it returns {type(output).__name__}, not one tensor")
    node, detached = tracer.origin(output)
    if detached:
        raise Impossible("it returns a result that was cut off from its history")
    steps, numbers = steps_to([node], values, tracer)
    return Trace(steps, numbers[node], output.dtype, None)


def training_trace(output: Any, values: Sequence[Any], tracer: Tracer) -> Trace:
    """The same for a call that did more than operations."""
    passes = [effect for effect in tracer.effects if is_backward(effect)]
    for effect in tracer.effects:
        if effect not in passes and not all(can_be_given_again(value, values) for value in effect.arguments):
            raise Impossible(f"it calls {called(effect.call)} with more than numbers and parameters")
    if len(passes) != 1:
        times = "without computing gradients" if not passes else "and computes gradients more than once"
        raise Impossible(f"it calls {called(tracer.effects[0].call)} {times}")
    loss = root_of(passes[0])
    if any(isinstance(value, Tensor) and value.requires_grad for value in values):
        raise Impossible("it computes gradients of an argument, or of what that was computed from")
    first, _ = tracer.origin(loss)
    require_rebuildable(output)
    others = {tensor: tracer.origin(tensor) for tensor in tensors_of(output)}
    through = gone_through(first, tracer)
    if any(tensor.requires_grad and node not in through for tensor, (node, _) in others.items()):
        raise Impossible("it returns what no backward pass has gone through")
    steps, numbers = steps_to([first, *(node for node, _ in others.values())], values, tracer)
    returned = {tensor: Returned(numbers[node], detached) for tensor, (node, detached) in others.items()}
    tree = map_leaves(lambda leaf: returned[leaf] if isinstance(leaf, Tensor) else leaf, output)
    late = used_late(tracer, passes[0], steps, numbers)
    course = course_of(tracer, passes[0], min(node.number for node in numbers), late, tree)
    return Trace(steps, numbers[first], loss.dtype, course)


def require_rebuildable(output: Any) -> None:
    """Give up if what is returned is not a tensor or a number, or tuples, lists and dicts of these.

    Raises
    ------
    Impossible
        If it is something else, or has it inside.
    """
    if type(output) is dict and is_plain(list(output)):
        parts = list(output.values())
    elif type(output) in {tuple, list} or (isinstance(output, tuple) and hasattr(output, "_fields")):
        parts = list(output)
    elif isinstance(output, Tensor) or is_plain(output):
        return
    else:
        raise Impossible(f"it returns {type(output).__name__}, not tensors and numbers")
    for part in parts:
        require_rebuildable(part)


def course_of(tracer: Tracer, backward_pass: Effect, first: int, late: frozenset[int], output: Any) -> Course:
    """The effects of a call in three parts; `first` is the number of its first operation."""
    before: list[partial[Any]] = []
    between: list[partial[Any]] = []
    after: list[partial[Any]] = []
    for effect in tracer.effects:
        if effect.number > backward_pass.number:
            after.append(effect.call)
        elif effect is not backward_pass:
            if effect.call.func.__name__ != "zero_grad":
                raise Impossible(f"it calls {called(effect.call)} before it computes gradients")
            if effect.number > first and not all(effect.arguments):
                raise Impossible(f"it calls {called(effect.call)} with set_to_none=False on the way to the loss")
            (before if effect.number < first else between).append(effect.call)
    return Course(tuple(before), tuple(between), tuple(after), late, output)


def gone_through(first: Node, tracer: Tracer) -> set[Node]:
    """The operations of a call that a backward pass from one of them visits, and frees."""
    found = {first}
    stack = [first]
    while stack:
        node = stack.pop()
        for position, edge in enumerate(tracer.inputs[node]):
            if node.op.differentiable >> position & 1 and edge in tracer.shapes and edge not in found:
                found.add(edge)
                stack.append(edge)
    return found


def used_late(
    tracer: Tracer, backward_pass: Effect, steps: Sequence[Step], numbers: Mapping[Node, int]
) -> frozenset[int]:
    """The arguments that are used after parameters were changed.

    Raises
    ------
    Impossible
        If what was found elsewhere is used then, as the program does all operations before.
    """
    changed = min((e.number for e in tracer.effects if e.number > backward_pass.number), default=math.inf)
    late = [steps[number] for node, number in numbers.items() if node.number > changed]
    for step in late:
        if any(operand.kind == "outside" for operand in step.operands):
            raise Impossible(f"{step.op.name}{step.where} comes after parameters were changed")
    return frozenset(operand.value for step in late for operand in step.operands if operand.kind == "argument")


def is_backward(effect: Effect) -> bool:
    """Whether an effect is a backward pass."""
    return effect.call.func is inspect.unwrap(backward)


def root_of(backward_pass: Effect) -> Tensor:
    """What a backward pass began at, if it did as ``loss.backward()`` does."""
    given = inspect.signature(backward).bind(*backward_pass.call.args, **backward_pass.call.keywords).arguments
    root = given.pop("tensors")
    if not isinstance(root, Tensor) or any(value not in (None, False) for value in given.values()):
        raise Impossible("it computes gradients other than by loss.backward()")
    return root


def can_be_given_again(value: Any, arguments: Sequence[Any]) -> bool:
    """Whether an argument of an effect is the same at each call: a number, or leaves, which are no arguments."""
    if isinstance(value, list | tuple):
        return all(can_be_given_again(part, arguments) for part in value)
    if isinstance(value, Tensor):
        return value.is_leaf and all(value is not other for other in arguments)
    return is_plain(value)


def unlike(first: Trace, second: Trace) -> str | None:
    """How two traces differ, in words; None if they are of the same program."""
    text = difference(first.steps, second.steps)
    if text is not None or (first.course is None and second.course is None):
        return text
    if first.course is None or second.course is None:
        return "one call computed gradients, the next did not"
    calls = [(*course.before, None, *course.between, None, *course.after) for course in (first.course, second.course)]
    if len(calls[0]) != len(calls[1]) or not all(map(same, *calls)):
        return "what it does to gradients and parameters differed in two calls, or was done to other objects"
    if repr(first.course.output) != repr(second.course.output):
        return "it returned different things in two calls"
    return None


def same(one: partial[Any] | None, two: partial[Any] | None) -> bool:
    """Whether two calls are of the same method of the same object, with the same arguments."""
    if one is None or two is None:
        return one is two
    return (
        one.func is two.func
        and one.keywords.keys() == two.keywords.keys()
        and alike((*one.args, *one.keywords.values()), (*two.args, *two.keywords.values()))
    )
