"""The methods of a tensor, gathered from where they are defined.

A function that says ``@method("exp")`` is a method of `Tensor` too: ``microbp.exp(x)`` and
``x.exp()`` are the same function. Type checkers read ``methods.pyi``, which a test writes
and keeps true.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

__all__ = ["Methods", "method"]

F = TypeVar("F", bound=Callable[..., Any])


class Methods:
    """What tensors can do beside holding an array, a gradient and a node."""


def method(name: str) -> Callable[[F], F]:
    """Make a function a method of tensors, under this name."""

    def add(function: F) -> F:
        setattr(Methods, name, function)
        return function

    return add
