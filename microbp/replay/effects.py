"""What a call that is watched did besides operations, and where it did it."""

from __future__ import annotations

import dis
import sys
from functools import partial
from types import CodeType, FrameType
from typing import Any, NamedTuple

from microbp.effect import is_effect

__all__ = ["Effect", "called", "is_inside_block", "is_method"]


class Effect(NamedTuple):
    """Something that a call did besides operations, by a function or method that is an `effect`."""

    call: partial[Any]
    """Does it again."""

    number: int
    """When: after all operations with smaller numbers."""

    @property
    def arguments(self) -> tuple[Any, ...]:
        """What the function or method was given."""
        return (*self.call.args[is_method(self.call) :], *self.call.keywords.values())


def is_method(call: partial[Any]) -> bool:
    """Whether a call is one of a method, so that the first argument is the object that has it."""
    return bool(call.args) and hasattr(type(call.args[0]), call.func.__name__)


def called(call: partial[Any]) -> str:
    """A call in words."""
    owner = f"{type(call.args[0]).__name__}." if is_method(call) else ""
    return f"{owner}{call.func.__name__}()"


def is_inside_block(outside: CodeType) -> bool:
    """Whether the effect that is about to be done is called in a ``with`` or ``try`` block.

    There the program may handle an error that the effect raises, or does it in another mode, as in `no_grad`: to do the
    effect again is not all that there is to do.

    Parameters
    ----------
    outside : code object
        That of the caller of the program, whose own blocks do not count.

    Returns
    -------
    bool
    """
    frame: FrameType | None = sys._getframe()
    while frame is not None and not is_effect(frame.f_code):
        frame = frame.f_back
    frame = None if frame is None else frame.f_back
    while frame is not None and frame.f_code is not outside:
        blocks = dis.Bytecode(frame.f_code).exception_entries  # type: ignore[attr-defined]
        if any(block.start <= frame.f_lasti < block.end for block in blocks):
            return True
        frame = frame.f_back
    return False
