"""Freeing deep graphs without recursion.

When a node dies, so does its hold on its inputs, and a long chain of nodes would die by a chain
of destructors as deep as itself: too deep for the stack of a thread. One node in 64 has
`release` for its destructor. It hands its inputs to a list and empties the list in a loop, so
that no chain of destructors is longer than from one such node to the next.
"""

from __future__ import annotations

import threading
from typing import Any

__all__ = ["Condemned", "release"]


class Condemned(threading.local):
    """The inputs of dying nodes that still wait to be let go, per thread."""

    def __init__(self) -> None:
        self.inputs: list[tuple[Any, ...]] = []
        self.leaving = False


def release(node: Any) -> None:
    """Let go of the inputs of a dying node, and of all that dies with them."""
    condemned = node.condemned
    condemned.inputs.append(node.inputs)
    node.inputs = ()
    if not condemned.leaving:
        condemned.leaving = True
        try:
            while condemned.inputs:
                condemned.inputs.pop()
        finally:
            condemned.leaving = False
