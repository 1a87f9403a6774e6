"""Writes that the Tensor API does not see: a debug mode that compares what the graph kept with copies of it.

Every write through a tensor is counted, so that the backward pass refuses a value that was
overwritten. A write through the NumPy array behind a tensor, ``t.array[...] = 0``, or through
another array on the same memory, counts nowhere. In this mode an operation copies what it keeps
as it is recorded, and in the backward pass, before its rules run, the values must still be those
of the copies, bit for bit.

The copies travel with the node: its kept values become a `Guarded` tuple, and its plan one that
looks at them before it hands out the rules. So the backward pass may run outside the block,
the copies are freed with what they are copies of, and other graphs pay nothing.
"""

from __future__ import annotations

import math
import threading
import weakref
from collections.abc import Iterator
from typing import Any

import numpy as np

from microbp import label
from microbp.autograd.bundle import Call, PickRow
from microbp.errors import MutationError
from microbp.mode import Mode, ModeSwitch, members, together
from microbp.node import Node
from microbp.ops.plan import Plan, PlanStep

__all__ = ["detect_mutation"]

Array = np.ndarray[Any, Any]
Steps = tuple[PlanStep, ...]


class detect_mutation(ModeSwitch):
    """See writes to the memory of tensors that go past the Tensor API, for graphs that are recorded inside the block.

    Writes through tensors are always seen. Those through ``t.array``, an array given to `from_numpy`, or any view or
    buffer of it are seen in this mode only: if they change what the backward pass of such a graph needs, it raises
    `MutationError`, inside the block or after it.

    A context manager and a decorator, per thread and per asynchronous task. It keeps a second copy of everything that
    the graph keeps and is meant for debugging; outside of it nothing is copied or compared.

    Examples
    --------
    >>> import microbp
    >>> w = microbp.tensor([1.0, 2.0], requires_grad=True)
    >>> with detect_mutation():
    ...     loss = (w * w).sum()
    >>> w.array[1] = 5.0
    >>> loss.backward()
    Traceback (most recent call last):
    microbp.errors.MutationError: mul (recorded at ...) needs its argument 'a' ((2,) float32) as it was at version ...,
    but its memory was written to since, past the Tensor API: through t.array, or an array, a view or a buffer that
    shares it. ... The first of 1 changed elements is [1]: 2.0 became 5.0
    """

    def __init__(self) -> None:
        self.observer = Copies()

    def enter(self, outer: Mode) -> Mode:
        observers = members(outer.observer)
        if not any(isinstance(observer, Copies) for observer in observers):
            observers = (*observers, self.observer)
        return Mode(outer.recording, together(observers), outer)


class Copies:
    """The observer that copies what nodes keep."""

    def __init__(self) -> None:
        self.nodes: weakref.WeakSet[Node] = weakref.WeakSet()
        self.copies: weakref.WeakValueDictionary[int, Copy] = weakref.WeakValueDictionary()
        self.lock = threading.Lock()

    def forward(self, node: Node, output: Any) -> None:
        """Copy what a node keeps."""
        with self.lock:
            self.guard(node)
            if isinstance(node.op, PickRow):
                self.guard(node.inputs[0])  # the call that this is one output of

    def backward(self, step: Any) -> None:
        """Nothing: the nodes themselves look at their copies."""

    def guard(self, node: Node) -> None:
        """Put the guard before a node's rules, if it keeps anything that could change."""
        self.nodes.add(node)  # for the notes of module calls, which tell lines and names
        if node.kept is None or isinstance(node.kept, Guarded):
            return
        copies = tuple([(key, self.copy(array)) for key, array in arrays_of(node)])
        if copies:
            node.kept = Guarded(node.kept)
            node.kept.copies = copies
            node.plan = GuardedPlan(node, self)

    def copy(self, array: Array) -> Copy:
        """A copy of an array; the same for all that keep the array while it stays as it is."""
        copy = self.copies.get(id(array))
        if copy is None or copy.array is not array or copy.change() is not None:
            self.copies[id(array)] = copy = Copy(array)
        return copy

    def alive(self) -> list[Node]:
        """The nodes recorded so far that still exist."""
        with self.lock:
            return list(self.nodes)


class Guarded(tuple[Any, ...]):
    """The values that a node keeps, with copies of them, and of the arrays in its options."""

    copies: tuple[tuple[str | int, Copy], ...]


class GuardedPlan(Plan):
    """The plan of a node, which lets its rules run only if what the node keeps is as it was."""

    def __init__(self, node: Node, observer: Copies) -> None:
        self.__dict__.update(node.plan.__dict__)
        self.plan = node.plan
        self.node = weakref.ref(node)
        self.observer = observer

    @property
    def steps(self) -> Steps:  # type: ignore[override]
        """The rules."""
        self.check()
        return self.plan.steps

    @property
    def steps_on_tensors(self) -> Steps:  # type: ignore[override]
        """The rules for a pass that is itself recorded."""
        self.check()
        return self.plan.steps_on_tensors

    def check(self) -> None:
        """Refuse to go on if anything was changed."""
        node = self.node()
        if node is None or not isinstance(node.kept, Guarded):
            return
        for key, copy in node.kept.copies:
            change = copy.change()
            if change is not None:
                if isinstance(key, int):
                    text = node.kept[0].overwritten(key, None)
                else:
                    text = label.overwritten(node, self.observer.alive(), key, None)
                raise MutationError(f"{text}. {change}")


class Copy:
    """An array, and what it was when the copy was made."""

    __slots__ = ("__weakref__", "array", "then")

    def __init__(self, array: Array) -> None:
        self.array = array
        self.then = distinct(array).copy()

    def change(self) -> str | None:
        """How the array differs from the copy, bit for bit; None if it does not."""
        now = distinct(self.array)
        if now.shape != self.then.shape or now.dtype != self.then.dtype:
            return f"The array was {label.describe(self.then)} and is {label.describe(now)}"
        differs = (rows_of_bytes(now) != rows_of_bytes(self.then)).any(axis=1)
        if not differs.any():
            return None
        place = np.unravel_index(int(differs.argmax()), now.shape)
        return (
            f"The first of {int(differs.sum())} changed elements is {list(map(int, place))}: {self.then[place]} became "
            f"{now[place]}"
        )


def arrays_of(node: Node) -> Iterator[tuple[str | int, Array]]:
    """The arrays that the rules of a node will read, each with its letter or option, or its number in a call."""
    assert node.kept is not None
    for letter, value in zip(node.plan.letters, node.kept, strict=True):
        if isinstance(value, np.ndarray):
            yield letter, value
        elif isinstance(value, Call):
            yield from enumerate(value.kept)
    for name, value in node.options.items():
        for array in arrays_in(value):
            yield name, array


def arrays_in(value: Any) -> Iterator[Array]:
    """The arrays in an option."""
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, tuple | list):
        for part in value:
            yield from arrays_in(part)
    elif isinstance(value, dict):
        yield from arrays_in(tuple(value.values()))


def distinct(array: Array) -> Array:
    """An array without the repetitions of a broadcast, which are the same memory."""
    return array[tuple([slice(0, 1) if step == 0 else slice(None) for step in array.strides])]


def rows_of_bytes(array: Array) -> Array:
    """The bytes of each element, in an array of shape (elements, bytes of one)."""
    flat = np.frombuffer(array.tobytes(), np.uint8)
    return flat.reshape(math.prod(array.shape), array.itemsize)
