"""When memory was written to: what the backward pass asks before it uses a value that was kept.

A rule may ask for a value of the forward pass. If the program has written to that memory since,
the rule would compute a wrong gradient from it; the pass refuses to. No memory is locked or
compared for this: whatever writes to a tensor notes the time, and a node that kept one of its
values compares that with its own.

Source: the version counters of PyTorch, "In-place correctness checks" in its notes on autograd
mechanics, here drawn from the one clock that also numbers the nodes.
"""

from __future__ import annotations

import itertools
import os
import threading
import weakref
from typing import Any

__all__ = ["Onlooker", "Version", "numbers", "overwritten_value", "write", "writes"]

numbers = itertools.count()  # the clock: nodes and writes are numbered in the order in which they come about


class Version:
    """When one piece of memory was last written to; shared by all tensors and nodes that look at it.

    Writes draw their numbers from the same counter as nodes, so that a node and a write can
    be told apart as earlier and later.

    Attributes
    ----------
    written : int
        The number of the last write; -1 before the first.
    moved : int
        The number of the last node that a recorded operation in place made for it; -1 before the first.
    """

    __slots__ = ("__weakref__", "moved", "written")

    def __init__(self) -> None:
        self.moved = -1
        self.written = -1

    def write(self) -> None:
        """Note a write."""
        self.written = write()


class Onlooker:
    """What looks at memory and knows of the writes to it: a tensor, or the node that computed one.

    Attributes
    ----------
    _version : Version or None
        The record of the writes to its memory; None before anything shares or changes that.
    """

    __slots__: tuple[str, ...] = ()
    _requires_grad: bool
    _cut: Any  # of tensors that do not require grad
    _version: Version | None = None
    _since: int = -1  # when it was given this memory
    _former: tuple[tuple[int, int, weakref.ref[Version]], ...] = ()  # others before it: from when, to when, and writes

    def look_elsewhere(self, version: Version, number: int) -> None:
        """Look at other memory from now on.

        Nodes that kept values of the memory before are still to hear of writes to it, as long as anything is left that
        could write there.
        """
        former = [entry for entry in self._former if entry[2]() is not None]
        if self._version is not None:
            former.append((self._since, number, weakref.ref(self._version)))
        self._former, self._since, self._version = tuple(former), number, version  # type: ignore[misc]  # of subclasses

    def version_at(self, number: int) -> Version | None:
        """The record of the writes to the memory that it looked at when something of this number was made."""
        if self._version is None or number > self._since:
            return self._version
        return next((reference() for start, end, reference in self._former if start < number < end), None)


class Writes:
    """The latest write of all, and the latest that was recorded.

    A graph that is younger than the first has not been touched, and as long as there was none
    of the second kind, no view can be out of date: most programs need not look any further.
    """

    __slots__ = ("latest", "moved")

    def __init__(self) -> None:
        self.latest = -1
        self.moved = -1


writes = Writes()
writing = threading.Lock()
if hasattr(os, "register_at_fork"):  # a child process must not inherit the lock as another thread happens to hold it
    os.register_at_fork(before=writing.acquire, after_in_parent=writing.release, after_in_child=writing.release)


def write() -> int:
    """The number of a write that is about to happen."""
    with writing:  # a thread that drew its number earlier must not be the last to note it
        writes.latest = number = next(numbers)
    return number


def overwritten_value(node: Any, on_tensors: bool = False) -> tuple[str, int] | None:
    """The letter of a value that a node's rules use and that was overwritten after it was kept, and when; or None.

    Where the pass is itself recorded, rules may use more.
    """
    guarded = node.plan.guarded_on_tensors if on_tensors else node.plan.guarded
    kept = [(node.op.argument(position), node.inputs[position]) for position in guarded]
    if node.plan.keeps_output:
        kept.append(("y", node))
    for letter, edge in kept:
        version = edge.version_at(node.number) if isinstance(edge, Onlooker) else None  # Python numbers have none
        if version is not None and version.written > node.number:
            return letter, version.written
    return None
