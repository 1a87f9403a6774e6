"""What a thread, or an asynchronous task, is doing: recording or not, and who watches.

The mode lives in a context variable, so that no thread or task can switch another's
recording off. Modes form a stack (`microbp.stack`), on which a ``with`` block pushes one. The
objects that users hold can be entered many times over, by many threads at once.
"""

from __future__ import annotations

import copy
import functools
import inspect
import sys
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar, overload

from microbp.observer import Observer, Step, members, together
from microbp.stack import CAN_BE_SUSPENDED, ENTERING, Mode, Place, Stay, change, current, enter, leave, opened

__all__ = [
    "Mode",
    "ModeSwitch",
    "Observer",
    "Setting",
    "Step",
    "current",
    "enable_grad",
    "inference_mode",
    "is_grad_enabled",
    "look_at_values",
    "members",
    "no_grad",
    "observe",
    "remark",
    "set_grad_enabled",
    "tell_unrecorded",
    "together",
]

F = TypeVar("F", bound=Callable[..., Any])


class ModeSwitch:
    """A ``with`` block, or a decorator of functions and generators, that changes the mode inside."""

    how = "inside a block"
    place: Place | None = None
    stays: Sequence[Stay] = ()

    def enter(self, outer: Mode) -> Mode:
        """The mode inside, given the one outside."""
        raise NotImplementedError

    def __enter__(self) -> None:
        frame = sys._getframe(1)
        code = frame.f_code
        top = current.get()
        try:
            if type(top) is Mode and not code.co_flags & CAN_BE_SUSPENDED and code.co_name not in ENTERING:
                current.set(opened((self, (code, frame.f_lasti)), top))
            else:
                enter(self, frame)
        except BaseException:  # Ctrl-C, just when the mode is set
            current.set(top)
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        top = current.get()
        outer, entry = top.outer, top.entry
        if type(top) is Mode and outer is not None and entry is not None and entry[0] is self and not self.stays:
            current.set(outer)
        else:
            leave(self, sys._getframe(1))

    def __call__(self, function: F) -> F:
        inside = Decoration(self, function)
        if inspect.isasyncgenfunction(function):
            wrapper = around_asynchronous_generator(inside, function)
        elif inspect.isgeneratorfunction(function):
            wrapper = around_generator(inside, function)
        elif inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def wrapper(*args: Any, **kwargs: Any) -> Any:
                with inside:
                    return await function(*args, **kwargs)
        else:

            @functools.wraps(function)
            def wrapper(*args: Any, **kwargs: Any) -> Any:
                with inside:
                    return function(*args, **kwargs)

        return wrapper  # type: ignore[return-value]


class Decoration(ModeSwitch):
    """A switch around every call of a function."""

    def __init__(self, switch: ModeSwitch, function: Callable[..., Any]) -> None:
        code = getattr(function, "__code__", None)
        self.switch = switch
        self.how = f"{switch.how} as a decorator"
        self.place = None if code is None else (code, 0)

    def enter(self, outer: Mode) -> Mode:
        return self.switch.enter(outer)


def around_generator(switch: ModeSwitch, function: Callable[..., Any]) -> Callable[..., Any]:
    """A generator runs in the mode, its consumer does not: enter at each resumption, leave at each yield."""

    def run(resume: Callable[..., Any], *values: Any) -> Any:
        with switch:
            return resume(*values)

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        generator = function(*args, **kwargs)
        resume, value = generator.send, None
        try:
            while True:
                try:
                    item = run(resume, value)
                except StopIteration as stop:
                    return stop.value
                try:
                    value = yield item
                    resume = generator.send
                except GeneratorExit:
                    raise
                except BaseException as error:
                    resume, value = generator.throw, error
        finally:
            run(generator.close)

    return wrapper


def around_asynchronous_generator(switch: ModeSwitch, function: Callable[..., Any]) -> Callable[..., Any]:
    """The same for an asynchronous generator."""

    async def run(resume: Callable[..., Any], *values: Any) -> Any:
        with switch:
            return await resume(*values)

    @functools.wraps(function)
    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        generator = function(*args, **kwargs)
        resume, value = generator.asend, None
        try:
            while True:
                try:
                    item = await run(resume, value)
                except StopAsyncIteration:
                    return
                try:
                    value = yield item
                    resume = generator.asend
                except GeneratorExit:
                    raise
                except BaseException as error:
                    resume, value = generator.athrow, error
        finally:
            await run(generator.aclose)

    return wrapper


class Setting(ModeSwitch):
    """A switch that holds from where it is made, unless it turns out to be a ``with`` block or a decorator."""

    _before: Mode | None = None
    _after: Mode | None = None

    def hold(self, reaching_out: bool = False) -> None:
        """Change the mode from here on; to be called by the constructor.

        To the end of the innermost block, or, if the change reaches out, of the blocks around it too in which the same
        observers are told.
        """
        before, frame = current.get(), sys._getframe(2)
        change(copy.copy(self), (frame.f_code, frame.f_lasti), reaching_out)
        self._before, self._after = before, current.get()

    def __enter__(self) -> None:
        self._undo()
        super().__enter__()

    def __call__(self, function: F) -> F:
        self._undo()
        return super().__call__(function)

    def _undo(self) -> None:
        """Take back what the constructor did."""
        if self._before is not None and self._after is current.get():
            current.set(self._before)
        self._before = self._after = None


class set_grad_enabled(Setting):
    """Record operations inside the block if `mode`, else not; called on its own, from here on.

    Parameters
    ----------
    mode : bool
        Whether to record.

    Examples
    --------
    >>> import microbp
    >>> w = microbp.ones(3, requires_grad=True)
    >>> with microbp.set_grad_enabled(False):
    ...     y = w * 2
    >>> y.requires_grad
    False
    """

    how = "inside set_grad_enabled(False)"

    def __init__(self, mode: bool) -> None:
        self.mode = mode
        self.hold()

    def enter(self, outer: Mode) -> Mode:
        return Mode(self.mode, outer.observer, outer)


class no_grad(ModeSwitch):
    """Record nothing inside the block: results have ``requires_grad=False`` and no graph.

    A context manager and a decorator, per thread and per asynchronous task. In a generator the block counts while
    the generator runs, and not while it is suspended, except for a generator that is itself made into a block, as by
    `contextlib.contextmanager`: that switches what is inside its block.

    Parameters
    ----------
    function : callable, optional
        What to run in such a block whenever it is called, as a decorator without brackets has it.

    Examples
    --------
    >>> import microbp
    >>> w = microbp.ones(3, requires_grad=True)
    >>> with microbp.no_grad():
    ...     y = w * 2
    >>> y.requires_grad
    False
    """

    how = "inside no_grad()"

    @overload
    def __new__(cls) -> Self: ...
    @overload
    def __new__(cls, function: F) -> F: ...  # type: ignore[misc]
    def __new__(cls, function: Callable[..., Any] | None = None) -> Any:
        switch = super().__new__(cls)
        return switch if function is None else switch(function)

    def enter(self, outer: Mode) -> Mode:
        return Mode(False, outer.observer, outer)


class enable_grad(no_grad):
    """Record inside the block, also within `no_grad`.

    Parameters
    ----------
    function
        As for `no_grad`.

    Examples
    --------
    >>> import microbp
    >>> w = microbp.ones(3, requires_grad=True)
    >>> with microbp.no_grad(), microbp.enable_grad():
    ...     y = w * 2
    >>> y.requires_grad
    True
    """

    def enter(self, outer: Mode) -> Mode:
        return Mode(True, outer.observer, outer)


class inference_mode(ModeSwitch):
    """`no_grad` under the name that PyTorch gives to its stricter form.

    Parameters
    ----------
    mode : bool
        False records, as outside.

    Examples
    --------
    >>> import microbp
    >>> with microbp.inference_mode():
    ...     microbp.is_grad_enabled()
    False
    """

    how = "inside inference_mode()"

    @overload
    def __new__(cls, mode: bool = True) -> Self: ...
    @overload
    def __new__(cls, mode: F) -> F: ...  # type: ignore[misc]
    def __new__(cls, mode: Any = True) -> Any:
        switch = super().__new__(cls)
        return switch if isinstance(mode, bool) else switch._decorate(mode)

    def __init__(self, mode: bool = True) -> None:
        self.mode = mode

    def _decorate(self, function: F) -> F:
        self.mode = True
        return self(function)

    def enter(self, outer: Mode) -> Mode:
        return Mode(not self.mode and outer.recording, outer.observer, outer)


class observe(ModeSwitch):
    """Tell an observer of every operation inside the block, besides those that are told already.

    Parameters
    ----------
    observer : Observer
        An object with the methods ``forward(node, output)`` and ``backward(step)``.

    Examples
    --------
    >>> import microbp
    >>> class Names:
    ...     def forward(self, node, output):
    ...         print(node.op.name, output.item())
    ...
    ...     def backward(self, step):
    ...         print(step.node.op.name, step.position, step.contribution)
    >>> x = microbp.tensor(3.0, requires_grad=True)
    >>> with observe(Names()):
    ...     (x * 2.0).backward()
    mul 6.0
    mul 0 2.0
    """

    def __init__(self, observer: Observer) -> None:
        self.observer = observer

    def enter(self, outer: Mode) -> Mode:
        return Mode(outer.recording, together((*members(outer.observer), self.observer)), outer)


def look_at_values() -> None:
    """Say that the program looks at values, so that what it does next may depend on them."""
    if current.get().observer is not None:
        remark("it looks at values, as item(), an if on a tensor, or a check of probabilities does")


def remark(what: str) -> None:
    """Say of the program what no record of its operations shows, to observers that have a method ``remark(what)``."""
    for member in members(current.get().observer):
        if hasattr(member, "remark"):
            member.remark(what)


def tell_unrecorded(op: Any, edges: tuple[Any, ...], options: dict[str, Any], output: Any) -> None:
    """Tell of an operation that needs no gradient: observers that have a method ``unrecorded`` take these arguments."""
    for member in members(current.get().observer):
        if hasattr(member, "unrecorded"):
            member.unrecorded(op, edges, options, output)


def is_grad_enabled() -> bool:
    """Whether operations on tensors that require grad are recorded here and now.

    Returns
    -------
    bool

    Examples
    --------
    >>> is_grad_enabled()
    True
    """
    return current.get().recording
