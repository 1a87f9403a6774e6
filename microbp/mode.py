"""What a thread, or an asynchronous task, is doing: recording or not, and who watches.

The mode lives in a context variable, so that no thread or task can switch another's
recording off. Modes form a stack through `Mode.outer`, which a ``with`` block pushes on
entry and pops on exit; the objects that users hold carry no state of their own and can
therefore be entered many times over, by many threads at once.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from types import TracebackType
from typing import Any, NamedTuple, Protocol, Self, TypeVar, overload

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
    "members",
    "no_grad",
    "observe",
    "observing",
    "set_grad_enabled",
    "together",
]

F = TypeVar("F", bound=Callable[..., Any])


class Step(NamedTuple):
    """One step of a backward pass: a rule turned the gradient of a node's output into one for an input of it.

    The gradients are arrays, or tensors where the pass itself is recorded.
    """

    node: Any
    """The node whose rule ran; it still has what it kept."""

    position: int
    """Which of its inputs the step is for."""

    upstream: Any
    """The gradient of the output of the node, dL/dy."""

    product: Any
    """What the rule made of it."""

    contribution: Any
    """The product, summed over the axes along which the input was broadcast."""

    received: Any
    """What the input has received so far, this contribution included."""

    seeds: Any
    """Where the pass began: a mapping of edges to the gradients there."""


class Observer(Protocol):
    """What can be told of every operation, as it is recorded and as its gradient is computed.

    What it raises ends the operation, or the backward pass, which then has changed no gradient.
    """

    def forward(self, node: Any, output: Any) -> None:
        """An operation was recorded and gave this output."""

    def backward(self, step: Step) -> None:
        """A rule gave the gradient of an input."""


class Observers:
    """Several observers as one, told in turn."""

    def __init__(self, observers: tuple[Observer, ...]) -> None:
        self.observers = observers

    def forward(self, node: Any, output: Any) -> None:
        """Tell them of an operation."""
        for observer in self.observers:
            observer.forward(node, output)

    def backward(self, step: Step) -> None:
        """Tell them of a step of the backward pass."""
        for observer in self.observers:
            observer.backward(step)


def members(observer: Observer | None) -> tuple[Observer, ...]:
    """The observers that stand behind one."""
    if observer is None:
        return ()
    return observer.observers if isinstance(observer, Observers) else (observer,)


def together(observers: Iterable[Observer]) -> Observer | None:
    """One observer for any number of them, each told once."""
    distinct = tuple(dict.fromkeys(observers))
    return Observers(distinct) if len(distinct) > 1 else next(iter(distinct), None)


class Mode:
    """One level of the stack of modes: whether operations are recorded, and who is told."""

    __slots__ = ("observer", "outer", "recording")

    def __init__(self, recording: bool, observer: Observer | None = None, outer: Mode | None = None) -> None:
        self.recording = recording
        self.observer = observer
        self.outer = outer


outermost = Mode(recording=True)  # modes never change, so that all threads can share it
current: ContextVar[Mode] = ContextVar("microbp mode", default=outermost)


class ModeSwitch:
    """A ``with`` block, or a decorator of functions and generators, that changes the mode inside."""

    def enter(self, outer: Mode) -> Mode:
        """The mode inside, given the one outside."""
        raise NotImplementedError

    def __enter__(self) -> None:
        current.set(self.enter(current.get()))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        outer = current.get().outer
        if outer is not None:
            current.set(outer)

    def __call__(self, function: F) -> F:
        if inspect.isasyncgenfunction(function):
            raise TypeError("an asynchronous generator cannot be decorated; use a with block around each step in it")
        if inspect.isgeneratorfunction(function):
            wrapper = self._around_generator(function)
        elif inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def wrapper(*args: Any, **kwargs: Any) -> Any:
                with self:
                    return await function(*args, **kwargs)
        else:

            @functools.wraps(function)
            def wrapper(*args: Any, **kwargs: Any) -> Any:
                with self:
                    return function(*args, **kwargs)

        return wrapper  # type: ignore[return-value]

    def _around_generator(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """A generator runs in the mode, its consumer does not: enter at each resumption, leave at each yield."""

        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            generator = function(*args, **kwargs)
            resume, value = generator.send, None
            try:
                while True:
                    try:
                        with self:
                            item = resume(value)
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
                with self:
                    generator.close()

        return wrapper


class Setting(ModeSwitch):
    """A switch that holds from where it is made, unless it turns out to be a ``with`` block or a decorator."""

    _before: Mode | None = None

    def hold(self, mode: Mode) -> None:
        """Change the mode from here on."""
        self._before = current.get()
        current.set(mode)

    def __enter__(self) -> None:
        self._undo()
        super().__enter__()

    def __call__(self, function: F) -> F:
        self._undo()
        return super().__call__(function)

    def _undo(self) -> None:
        """Take back what the constructor did."""
        if self._before is not None:
            current.set(self._before)
            self._before = None


class set_grad_enabled(Setting):
    """Record operations inside the block if `mode`, else not; called on its own, from here on.

    Examples
    --------
    >>> import microbp
    >>> w = microbp.ones(3, requires_grad=True)
    >>> with microbp.set_grad_enabled(False):
    ...     y = w * 2
    >>> y.requires_grad
    False
    """

    def __init__(self, mode: bool) -> None:
        self.mode = mode
        before = current.get()
        self.hold(Mode(mode, before.observer, before.outer))

    def enter(self, outer: Mode) -> Mode:
        return Mode(self.mode, outer.observer, outer)


class no_grad(ModeSwitch):
    """Record nothing inside the block: results have ``requires_grad=False`` and no graph.

    A context manager and a decorator, per thread and per asynchronous task.

    Examples
    --------
    >>> import microbp
    >>> w = microbp.ones(3, requires_grad=True)
    >>> with microbp.no_grad():
    ...     y = w * 2
    >>> y.requires_grad
    False
    """

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


def observing(mode: Mode, observer: Observer | None) -> Mode:
    """A mode, and those outside it as far as the same is observed in them, with another observer."""
    outer = mode.outer
    if outer is not None and outer.observer is mode.observer:
        outer = observing(outer, observer)
    return Mode(mode.recording, observer, outer)


def is_grad_enabled() -> bool:
    """Whether operations on tensors that require grad are recorded here and now.

    Examples
    --------
    >>> is_grad_enabled()
    True
    """
    return current.get().recording
