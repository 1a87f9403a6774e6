"""The stack of modes of a thread or task, and what generators do to it.

Blocks nest, so modes form a stack: a ``with`` block pushes one on entry and takes it off on
exit. A generator breaks this order. It can be suspended inside a block, and then its
consumer goes on, enters and leaves blocks of its own, resumes the generator inside them, or
drops it. The rule is the one that a reader of the program expects: **the block of a
generator counts while the generator runs, and not while it is suspended.**

So such a block pushes a `GeneratorMode`, which answers for itself while the generator's frame
is being executed and for the mode below otherwise. All other modes are plain values: whether
operations are recorded is one read of an attribute, and generators cost nothing where there
are none.

A generator that drives a ``with`` block, as `contextlib.contextmanager` makes them, is
suspended for that very block. What it enters belongs to the frame that the block is in.
"""

from __future__ import annotations

import dis
import sys
from collections.abc import Sequence
from contextvars import ContextVar
from functools import lru_cache
from inspect import CO_ASYNC_GENERATOR, CO_GENERATOR
from types import CodeType, FrameType
from typing import Protocol

from microbp.observer import Observer

__all__ = [
    "Cut",
    "Entry",
    "GeneratorMode",
    "Mode",
    "Place",
    "Stay",
    "change",
    "current",
    "enter",
    "leave",
    "opened",
]

Place = tuple[CodeType, int]
"""A place in the program: a code object, and the byte offset of an instruction in it."""

Cut = tuple[str, Place | None]
"""What cut a tensor off from the graph, and where: ``("by detach()", place)``."""

Entry = tuple["Switch", Place | None]
"""A switch, and where it was used."""

CAN_BE_SUSPENDED = CO_GENERATOR | CO_ASYNC_GENERATOR
ENTERING = frozenset({"__enter__", "__exit__", "__aenter__", "__aexit__", "enter_context", "enter_async_context"})
"""Functions that enter and leave blocks for the frame that called them."""


class Switch(Protocol):
    """What a block is entered with.

    Attributes
    ----------
    how : str
        How what is computed inside is cut off from the graph: ``"inside no_grad()"``.
    place : Place or None
        Where it is used, if that is not where blocks are entered.
    stays : sequence of Stay
        Those of the generators that are inside a block of this switch.
    """

    how: str
    place: Place | None
    stays: Sequence[Stay]

    def enter(self, outer: Mode) -> Mode:
        """The mode inside, given the one outside."""


class Mode:
    """One level of the stack of modes: whether operations are recorded, and who is told.

    Attributes
    ----------
    recording : bool
        Whether operations are recorded.
    observer : Observer or None
        Who is told of operations.
    outer : Mode or None
        The mode outside the block.
    cut : Cut or None
        What switched the recording off, if it is off.
    entry : Entry or None
        The block that the mode belongs to.
    settings : tuple of Entry
        What was set inside the block since, of each kind the last (see `set_grad_enabled`).
    """

    __slots__ = ("cut", "entry", "observer", "outer", "recording", "settings")

    def __init__(self, recording: bool, observer: Observer | None = None, outer: Mode | None = None) -> None:
        self.recording = recording
        self.observer = observer
        self.outer = outer
        self.cut: Cut | None = None
        self.entry: Entry | None = None
        self.settings: tuple[Entry, ...] = ()

    def on(self, outer: Mode) -> Mode:
        """The mode of the same block on another one outside."""
        if outer is self.outer or self.entry is None:
            return self
        return with_settings(opened(self.entry, outer), self.settings)

    def after(self, setting: Entry) -> Mode:
        """The mode after something was set inside its block."""
        return with_settings(self, (setting,))


outermost = Mode(recording=True)  # modes never change, so that all threads can share it
current: ContextVar[Mode] = ContextVar("microbp mode", default=outermost)


class Stay:
    """The time that the frame of a generator spends in a block; `frame` is None once it has left."""

    __slots__ = ("awaits", "frame")

    def __init__(self, frame: FrameType) -> None:
        self.frame: FrameType | None = frame
        self.awaits = awaits(frame.f_code) if frame.f_code.co_flags & CO_ASYNC_GENERATOR else frozenset()

    def counts(self) -> bool:
        """Whether the generator is running: being executed, or waiting for what it awaits."""
        frame = self.frame
        if frame is None:
            return False
        return frame.f_back is not None or frame.f_lasti in self.awaits  # a suspended frame has no caller


class GeneratorMode(Mode):
    """The mode of a block in a generator: there while the generator runs.

    All that depends on the mode outside is found out when it is asked for, since a generator
    may be resumed from anywhere.
    """

    __slots__ = ("alone", "stay")

    def __init__(self, outer: Mode, stay: Stay, entry: Entry | None, settings: tuple[Entry, ...] = ()) -> None:
        self.outer = outer
        self.stay = stay
        self.entry = entry
        self.settings = settings
        self.alone = self.inside(outer) if type(outer) is Mode else None

    @property
    def recording(self) -> bool:  # type: ignore[override]
        return self.effective().recording

    @property
    def observer(self) -> Observer | None:  # type: ignore[override]
        return self.effective().observer

    @property
    def cut(self) -> Cut | None:  # type: ignore[override]
        return self.effective().cut

    def effective(self) -> Mode:
        """The plain mode that holds here and now."""
        if self.alone is not None and self.outer is not None:  # no other generator: decided without searching
            return self.alone if self.stay.counts() else self.outer
        _, running, mode = split(self)
        for generator in reversed(running):
            mode = generator.inside(mode)
        return mode

    def inside(self, outer: Mode) -> Mode:
        """What the block makes of a plain mode outside."""
        return with_settings(outer if self.entry is None else opened(self.entry, outer), self.settings)

    def on(self, outer: Mode) -> Mode:
        """The mode of the same block on another one outside."""
        return self if outer is self.outer else GeneratorMode(outer, self.stay, self.entry, self.settings)

    def after(self, setting: Entry) -> Mode:
        """The mode after something was set inside its block."""
        assert self.outer is not None
        return GeneratorMode(self.outer, self.stay, self.entry, last_of_each_kind(self.settings, setting))


def opened(entry: Entry, outer: Mode) -> Mode:
    """The plain mode of a block."""
    mode = entry[0].enter(outer)
    mode.entry = entry
    if not mode.recording:
        mode.cut = (entry[0].how, entry[0].place or entry[1]) if outer.recording else outer.cut
    return mode


def with_settings(mode: Mode, settings: tuple[Entry, ...]) -> Mode:
    """A plain mode after what was set inside its block."""
    for entry in settings:
        inside, mode = mode, opened(entry, mode)
        mode.outer, mode.entry = inside.outer, inside.entry
        mode.settings = last_of_each_kind(inside.settings, entry)
    return mode


def split(top: Mode) -> tuple[list[GeneratorMode], list[GeneratorMode], Mode]:
    """The suspended and the running generators at the top of a stack, the innermost first, and the plain mode below.

    Those that have left their block are left out.
    """
    suspended, running = [], []
    while isinstance(top, GeneratorMode):
        if top.stay.counts():
            running.append(top)
        elif top.stay.frame is not None:
            suspended.append(top)
        assert top.outer is not None
        top = top.outer
    if len(running) > 1:
        running = innermost_first(running)
    return suspended, running, top


def innermost_first(running: list[GeneratorMode]) -> list[GeneratorMode]:
    """Running generators in the order of their frames on the call stack; what waits elsewhere comes last."""
    depths: dict[FrameType | None, int] = {}
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        depths[frame] = len(depths)
        frame = frame.f_back
    return sorted(running, key=lambda mode: depths.get(mode.stay.frame, len(depths)))


def joined(modes: Sequence[Mode], below: Mode) -> Mode:
    """Modes, the innermost first, on top of another mode."""
    for mode in reversed(modes):
        below = mode.on(below)
    return below


def enter(switch: Switch, frame: FrameType) -> None:
    """Push the mode of a block that a frame enters, wherever that frame may be suspended.

    Suspended generators move to the top, so that they count when they are resumed inside the block.
    """
    owner = owner_of(frame)
    place = (owner.f_code, owner.f_lasti)
    suspended, running, below = split(current.get())
    outer = joined(running, below)
    if can_be_suspended(owner):
        stay = Stay(owner)
        vars(switch).setdefault("stays", []).append(stay)  # in one step, for threads may share the switch
        inside: Mode = GeneratorMode(outer, stay, (switch, place))
    else:
        inside = opened((switch, place), outer)
    current.set(joined(suspended, inside))


def leave(switch: Switch, frame: FrameType) -> None:
    """Take off the mode that a frame entered with this switch: that one, and no other.

    A generator may leave its block in another thread, where it is closed; then only its stay ends.
    """
    owner = owner_of(frame)
    mode = None
    stay = next((stay for stay in reversed(switch.stays) if stay.frame is owner), None)
    if stay is None:
        mode = find(switch)
        if mode is None and switch.stays:
            stay = switch.stays[-1]  # the exit was handed on to another frame
    if stay is not None:
        vars(switch)["stays"].remove(stay)
        stay.frame = None
    suspended, running, below = split(current.get())
    if mode is not None:
        below = without(mode, below)
    current.set(joined(suspended, joined(running, below)))


def find(switch: Switch) -> Mode | None:
    """The innermost plain mode that was entered with a switch."""
    mode: Mode | None = current.get()
    while mode is not None and (type(mode) is not Mode or mode.entry is None or mode.entry[0] is not switch):
        mode = mode.outer
    return mode


def without(gone: Mode, top: Mode) -> Mode:
    """A stack from which one mode was taken out."""
    above = []
    while top is not gone:
        above.append(top)
        assert top.outer is not None
        top = top.outer
    assert gone.outer is not None
    return joined(above, gone.outer)


def change(setting: Switch, place: Place, reaching_out: bool) -> None:
    """Change the mode that holds here, to the end of its block, as a block of the setting would.

    If the change reaches out, change the modes outside too, as far as their observer is the same.
    """
    suspended, running, below = split(current.get())
    mode = joined(running, below)
    inside: list[Mode] = []
    while reaching_out and mode.outer is not None and mode.outer.observer is mode.observer:
        inside.append(mode)
        mode = mode.outer
    current.set(joined(suspended, joined(inside, mode.after((setting, place)))))


def last_of_each_kind(settings: tuple[Entry, ...], entry: Entry) -> tuple[Entry, ...]:
    """Settings, and a new one in place of the one of its kind."""
    return (*(other for other in settings if type(other[0]) is not type(entry[0])), entry)


def owner_of(frame: FrameType) -> FrameType:
    """The frame that a block belongs to, given the one that enters or leaves it.

    That is another one if the frame only acts for its caller: a method ``__enter__``, or a
    generator that drives a ``with`` block or a fixture of pytest.
    """
    caller = frame.f_back
    while caller is not None and (acts_for_caller(frame) or (can_be_suspended(frame) and acts_for_caller(caller))):
        frame, caller = caller, caller.f_back
    return frame


def can_be_suspended(frame: FrameType) -> bool:
    """Whether a frame is that of a generator."""
    return bool(frame.f_code.co_flags & CAN_BE_SUSPENDED)


def acts_for_caller(frame: FrameType) -> bool:
    """Whether a frame enters and leaves blocks for the one that called it."""
    return frame.f_code.co_name in ENTERING or frame.f_globals.get("__name__") == "_pytest.fixtures"


@lru_cache
def awaits(code: CodeType) -> frozenset[int]:
    """Where the code of an asynchronous generator waits for something, as opposed to where it yields."""
    places: set[int] = set()
    for instruction in dis.get_instructions(code):
        if instruction.opname == "RESUME" and (instruction.arg or 0) & 3 == 3:
            places |= {instruction.offset, instruction.offset - 2}  # the one or the other, by the version of Python
    return frozenset(places)
