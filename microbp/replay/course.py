"""The course of a call: what it does besides operations, and in which order.

A function may do nothing but operations, and return what they led to. Or it is a whole training
step: it forgets the gradients of the step before, computes a loss, goes back from there, and lets an
optimizer change the parameters. The operations and the way back become a program; what stands
around them is done by calling the same methods again.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from microbp.backward import backward
from microbp.replay.trace import Effect, Impossible, Step, Tracer, difference, is_plain, steps_to
from microbp.tensor import Tensor

__all__ = ["Course", "Trace", "trace_of", "unlike"]

Calls = tuple[partial[Any], ...]


class Course(NamedTuple):
    """What surrounds the program of a training step."""

    before: Calls
    """What is done before its first operation: gradients are forgotten."""

    between: Calls
    """The same, between the operations and the way back."""

    after: Calls
    """What is done once the gradients are there: an optimizer's step, a scheduler's."""

    returned: str
    """``"nothing"``, ``"loss"``, or ``"detached"``: the loss without its history."""

    def __str__(self) -> str:
        """In words."""
        first = [f"# before: {told(call)}\n" for call in (*self.before, *self.between)]
        then = [f"# then: {what}\n" for what in ("the gradients go to their leaves", *map(told, self.after))]
        return "".join([*first, *then])


class Trace(NamedTuple):
    """What a call did."""

    steps: tuple[Step, ...]
    """The operations that count, in their order."""

    dtype: np.dtype[Any]
    """Of what they led to: of what the call returned, or of the loss that it went back from."""

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
    passes = [effect for effect in tracer.effects if is_backward(effect)]
    if not tracer.effects:
        if not isinstance(output, Tensor):
            raise Impossible(f"it returns {type(output).__name__}, not one tensor")
        return Trace(steps_to(output, values, tracer), output.dtype, None)
    for effect in tracer.effects:
        if effect not in passes and not all(can_be_given_again(value, values) for value in arguments_of(effect)):
            raise Impossible(f"it calls {told(effect.call)} with more than numbers and parameters")
    if len(passes) != 1:
        times = "without computing gradients" if not passes else "and computes gradients more than once"
        raise Impossible(f"it calls {told(tracer.effects[0].call)} {times}")
    loss = root_of(passes[0])
    if any(isinstance(value, Tensor) and value.requires_grad for value in values):
        raise Impossible("it computes gradients of an argument, or of what that was computed from")
    steps = steps_to(loss, values, tracer)
    return Trace(steps, loss.dtype, course_of(tracer, passes[0], returned(output, loss)))


def course_of(tracer: Tracer, backward_pass: Effect, what: str) -> Course:
    """The effects of a call in three parts."""
    first = min(node.number for node in tracer.shapes)
    before: list[partial[Any]] = []
    between: list[partial[Any]] = []
    after: list[partial[Any]] = []
    for effect in tracer.effects:
        if effect.number > backward_pass.number:
            after.append(effect.call)
        elif effect is not backward_pass:
            if effect.call.func.__name__ != "zero_grad":
                raise Impossible(f"it calls {told(effect.call)} before it computes gradients")
            (before if effect.number < first else between).append(effect.call)
    return Course(tuple(before), tuple(between), tuple(after), what)


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


def returned(output: Any, loss: Tensor) -> str:
    """What a training step returns, in a word."""
    if output is None:
        return "nothing"
    if output is loss:
        return "loss"
    if isinstance(output, Tensor) and output.array is loss.array and not output._requires_grad:
        return "detached"
    raise Impossible(f"it returns {type(output).__name__}, neither the loss that it goes back from, nor nothing")


def is_method(call: partial[Any]) -> bool:
    """Whether a call is one of a method, so that the first argument is the object that has it."""
    return bool(call.args) and hasattr(type(call.args[0]), call.func.__name__)


def arguments_of(effect: Effect) -> tuple[Any, ...]:
    """What the function or method was given."""
    call = effect.call
    return (*call.args[is_method(call) :], *call.keywords.values())


def can_be_given_again(value: Any, arguments: Sequence[Any]) -> bool:
    """Whether an argument of an effect is the same at each call: a number, or leaves, which are no arguments."""
    if isinstance(value, list | tuple):
        return all(can_be_given_again(part, arguments) for part in value)
    if isinstance(value, Tensor):
        return value.is_leaf and all(value is not other for other in arguments)
    return is_plain(value)


def told(call: partial[Any]) -> str:
    """A call in words."""
    owner = f"{type(call.args[0]).__name__}." if is_method(call) else ""
    return f"{owner}{call.func.__name__}()"


def unlike(first: Trace, second: Trace) -> str | None:
    """How two traces differ, in words; None if they are of the same program."""
    text = difference(first.steps, second.steps)
    if text is not None or (first.course is None and second.course is None):
        return text
    if first.course is None or second.course is None:
        return "one call computed gradients, the next did not"
    calls = [(*course.before, None, *course.between, None, *course.after) for course in (first.course, second.course)]
    if len(calls[0]) == len(calls[1]) and all(map(same, *calls)) and first.course.returned == second.course.returned:
        return None
    return "what it does to gradients and parameters differed in two calls, or was done to other objects"


def same(one: partial[Any] | None, two: partial[Any] | None) -> bool:
    """Whether two calls are of the same method of the same object, with the same arguments."""
    if one is None or two is None:
        return one is two
    return (
        one.func is two.func
        and one.keywords.keys() == two.keywords.keys()
        and alike((*one.args, *one.keywords.values()), (*two.args, *two.keywords.values()))
    )


def alike(one: Any, two: Any) -> bool:
    """Whether two arguments are the same objects, or equal numbers."""
    if isinstance(one, list | tuple):
        return type(one) is type(two) and len(one) == len(two) and all(map(alike, one, two))
    return one is two or (is_plain(one) and is_plain(two) and repr(one) == repr(two))
