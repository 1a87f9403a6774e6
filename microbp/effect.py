"""What a training step does besides operations: it forgets gradients, computes and clips them, changes parameters.

Such functions and methods are decorated with `effect`. To those who watch a program in order to do it again, a
call of one is a single event, whatever it does inside: they can call it too.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from typing import Any, Protocol, TypeVar

from microbp.mode import current, members

__all__ = ["EffectObserver", "effect", "told"]

F = TypeVar("F", bound=Callable[..., Any])


class EffectObserver(Protocol):
    """An observer that is told of effects too."""

    def effect(self, call: partial[Any]) -> AbstractContextManager[None]:
        """Something is about to be done.

        Parameters
        ----------
        call : functools.partial
            Does it, as often as it is called: the function, without decoration, and its arguments, with a list in the
            place of a generator.

        Returns
        -------
        context manager
            Inside which it is done.
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
        return told(partial(method, *map(listed, args), **kwargs))

    return wrapper  # type: ignore[return-value]


def listed(value: Any) -> Any:
    """What a generator gives, as a list; anything else as it is."""
    return list(value) if isinstance(value, Generator) else value


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
        for member in members(current.get().observer):
            if hasattr(member, "effect"):
                stack.enter_context(member.effect(call))
        return call()
