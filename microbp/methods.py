"""The methods of a tensor, gathered from where they are defined.

A function that says ``@method("exp")`` is a method of `Tensor` too: ``microbp.exp(x)`` and
``x.exp()`` are the same function. Its file need not be loaded before someone asks for the
method. Type checkers read ``methods.pyi``, which a test writes and keeps true.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib import import_module
from typing import Any, TypeVar

__all__ = ["Methods", "loaded_when_used", "method"]

F = TypeVar("F", bound=Callable[..., Any])


class Methods:
    """What tensors can do beside holding an array, a gradient and a node."""


class Promise:
    """Stands for a method until that is first asked for; then its module is loaded.

    The method takes this place when the whole module is there, so that no other thread can call it before.
    """

    __slots__ = ("function", "module", "name")

    def __init__(self, module: str, name: str) -> None:
        self.module = module
        self.name = name

    def __get__(self, instance: Any, owner: type) -> Any:
        import_module(self.module)  # waits for a thread that is about it already
        setattr(Methods, self.name, self.function)
        return getattr(owner if instance is None else instance, self.name)


def loaded_when_used(module: str, names: Iterable[str]) -> None:
    """Promise methods of these names, which a module defines; those that are there already stay.

    Parameters
    ----------
    module : str
        The module, which says ``@method(name)`` for each.
    names : iterable of str
        Their names.
    """
    for name in names:
        if name not in vars(Methods):
            setattr(Methods, name, Promise(module, name))


def method(name: str) -> Callable[[F], F]:
    """Make a function a method of tensors, under this name."""

    def add(function: F) -> F:
        promise = vars(Methods).get(name)
        if isinstance(promise, Promise):
            promise.function = function
        else:
            setattr(Methods, name, function)
        return function

    return add
