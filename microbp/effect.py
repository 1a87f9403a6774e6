"""What a training step does besides operations: it forgets gradients, computes and clips them, changes parameters.

Such functions and methods are decorated with `effect`. To those who watch a program in order to do it again, a
call of one is a single event, whatever it does inside: they can call it too.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from types import CodeType
from typing import Any, Protocol, TypeVar

from microbp.mode import current, members

__all__ = ["EffectObserver", "effect", "is_effect", "told"]

F = TypeVar("F", bound=Callable[..., Any])


class EffectObserver(Protocol):
    """An observer that is told of effects too."""

    def effect(self, call: partial[Any]) -> AbstractContextManager[Callable[[Any], None] | None]:
        """Something is about to be done.

        Parameters
        ----------
        call : functools.partial
            Does it, as often as it is called: the function, without decoration, and its arguments, with a list in the
            place of a generator or another iterator.

        Returns
        -------
        context manager
            Inside which it is done. On entry it may give a function that is to be called with what the call returned.
        """


def effect(method: F) -> F:
    """Let observers that have a method ``effect`` know of each call of a method.

    Parameters
    ----------
    method : callable
        A function, or a method of a class.

    Returns
    -------
    callable
        To be called like it.

    Examples
    --------
    >>> from contextlib import nullcontext
    >>> from microbp.mode import observe
    >>> class Names:
    ...     def effect(self, call):
    ...         print("about to", call.func.__name__, *call.args[1:])
    ...         return nullcontext()
    >>> class Lamp:
    ...     @effect
    ...     def shine(self, colour):
    ...         return f"{colour} light"
    >>> with observe(Names()):
    ...     Lamp().shine("green")
    about to shine green
    'green light'
    """

    @functools.wraps(method)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        if current.get().observer is None:
            return method(*args, **kwargs)
        return told(partial(method, *map(listed, args), **{name: listed(value) for name, value in kwargs.items()}))

    return wrapper  # type: ignore[return-value]


WRAPPER: CodeType = effect(repr).__code__  # that of all decorated functions


def is_effect(code: CodeType) -> bool:
    """Whether a piece of code is that of functions decorated with `effect`.

    Parameters
    ----------
    code : code object

    Returns
    -------
    bool
    """
    return code is WRAPPER


def listed(value: Any) -> Any:
    """What an iterator gives, as a list; anything else, and an iterator that is used up, as it is."""
    return (list(value) or value) if isinstance(value, Iterator) else value


def told(call: partial[Any]) -> Any:
    """Do something of which observers are told.

    Parameters
    ----------
    call : functools.partial
        Does it.

    Returns
    -------
    What the call returns.
    """
    with ExitStack() as stack:
        aware = [member for member in members(current.get().observer) if hasattr(member, "effect")]
        listeners = [stack.enter_context(member.effect(call)) for member in aware]
        result = call()
        for listener in filter(None, listeners):
            listener(result)
        return result
