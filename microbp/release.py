"""Freeing graphs: deep ones without recursion, and constants as soon as they are of no more use.

When a node dies, so does its hold on its inputs, and a long chain of nodes would die by a chain
of destructors as deep as itself: too deep for the stack of a thread. One node in 64 has
`release` for its destructor. It hands its inputs to a list and empties the list in a loop, so
that no chain of destructors is longer than from one such node to the next.

A node that has run keeps its inputs, so that the graph can still be drawn, but no arrays for it:
of constants, which no other node keeps alive, it has a weak reference only.
"""

from __future__ import annotations

import threading
import weakref
from typing import Any

from microbp.version import Onlooker

__all__ = ["Condemned", "CutOff", "release", "weakly"]


class Condemned(threading.local):
    """The inputs of dying nodes that still wait to be let go, per thread."""

    def __init__(self) -> None:
        self.inputs: list[Any] = []
        self.leaving = False


def release(node: Any) -> None:
    """Let go of the inputs of a dying node, and of all that dies with them."""
    condemned = node.condemned
    condemned.inputs.append(getattr(node, "first", None))  # a failed copy leaves a node half made
    condemned.inputs.append(getattr(node, "second", None))
    node.first = node.second = None
    if not condemned.leaving:
        condemned.leaving = True
        try:
            while condemned.inputs:
                condemned.inputs.pop()
        finally:
            condemned.leaving = False


def weakly(edge: Any) -> Any:
    """A weak reference to a constant; edges of other kinds are left as they are."""
    if not isinstance(edge, Onlooker) or edge._requires_grad:
        return edge
    return weakref.ref(edge) if edge._cut is None else CutOff(edge)


class CutOff(weakref.ref[Any]):
    """A constant that had lost its history: when it is gone, there is still this to tell where."""

    __slots__ = ("_cut", "dtype", "shape")

    def __init__(self, constant: Any) -> None:
        self._cut = constant._cut
        self.dtype = constant.dtype
        self.shape = constant.shape
