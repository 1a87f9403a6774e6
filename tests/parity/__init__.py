"""The catalogue of operations, each with the calls by which it is compared with PyTorch.

Each family has a module here. An operation is a public function under the name that it has in
both libraries, with a generator of calls::

    @operation("logsumexp")
    def logsumexp(make: Values) -> Calls:
        yield call(make.normal(3, 4), dim=1)
        yield call(make.normal(0, 3), dim=1, keepdim=True)

The generator runs once for each memory layout of `LAYOUTS`; the arrays that `make` gives have
that layout, and other values each time. ``tests/parity/test_parity.py`` runs every call under
both libraries and compares values, gradients and second gradients; ``docs/parity.md`` is the
report of such a run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import numpy as np

from tests.parity.values import LAYOUTS, Values

__all__ = ["Call", "Calls", "Dtype", "Operation", "Values", "alias", "call", "catalogue", "operation"]


@dataclass(frozen=True)
class Dtype:
    """A dtype as an argument: each library has its own object for it."""

    name: str


@dataclass
class Call:
    """One call: arguments in which arrays stand for tensors, in lists and tuples too.

    Attributes
    ----------
    arguments, options
        Those of the call.
    constants : tuple of int
        The numbers of the floating-point arrays, in the order in which they appear, that need no gradient.
    written : tuple of int
        The numbers of the arrays, in that order, that the call writes to. Their new values are compared; all other
        arrays must stay as they are.
    order : int
        Up to which derivatives PyTorch has the right numbers: 2, or 1 at a place where its second ones are NaN, say.
    """

    arguments: tuple[Any, ...]
    options: dict[str, Any] = field(default_factory=dict)
    constants: tuple[int, ...] = ()
    written: tuple[int, ...] = ()
    order: int = 2

    def __repr__(self) -> str:
        parts = [*map(brief, self.arguments), *(f"{name}={brief(value)}" for name, value in self.options.items())]
        return f"({', '.join(parts)})"

    def arrays(self) -> list[Any]:
        """All arrays, in the order in which they appear."""
        return [leaf for leaf in leaves((self.arguments, self.options)) if isinstance(leaf, np.ndarray)]

    def dtypes(self) -> list[str]:
        """The names of the dtypes among the arguments."""
        return [leaf.name for leaf in leaves((self.arguments, self.options)) if isinstance(leaf, Dtype)]

    def rebuilt(self, lib: Any, tensors: list[Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments and options with tensors in place of the arrays, and the library's dtypes."""
        waiting = iter(tensors)
        arguments, options = replaced((self.arguments, self.options), lib, waiting)
        return arguments, options


Calls = Iterator[Call]


@dataclass
class Operation:
    """A public function, and how it is tried.

    Attributes
    ----------
    name : str
        Where it is found in both libraries: ``exp``, ``nn.functional.relu``, ``Tensor.view_as``.
    family : str
        The module of the catalogue that it stands in.
    generate : callable
        Gives the calls, for a source of values.
    torch : callable or None
        ``torch(lib, *arguments, **options)``: how PyTorch computes the same, where it has no such function.
    twice : callable or None
        The same for the second gradients only, where PyTorch's function has none.
    second_order : bool
        Whether second gradients are compared.
    why : str
        Why they are not.
    broadcasts : bool
        Whether two arguments are broadcast against each other; then calls must do so both ways.
    no_scalar, no_empty : str
        Why there is no call with a tensor without axes, or without elements.
    in_place : bool
        Whether it is a method that writes its result into its tensor. Then it gets a copy of the first array, so that
        the write is recorded, and must return that very tensor.
    keeps_dtype : bool
        Whether float32 stays float32; False for what converts to another dtype.
    """

    name: str
    family: str
    generate: Callable[[Values], Calls]
    torch: Callable[..., Any] | None = None
    twice: Callable[..., Any] | None = None
    script: Callable[..., Any] | None = None
    second_order: bool = True
    why: str = ""
    broadcasts: bool = False
    no_scalar: str = ""
    no_empty: str = ""
    in_place: bool = False
    keeps_dtype: bool = True

    def calls(self) -> list[tuple[str, Call]]:
        """All calls, with the layout of their arrays."""
        return [(layout, one) for layout in LAYOUTS for one in self.generate(Values(layout, self.name))]

    def run(self, lib: Any, one: Call, tensors: list[Any]) -> Any:
        """Make a call under one of the libraries."""
        arguments, options = one.rebuilt(lib, tensors)
        if self.in_place:
            arguments = (arguments[0].clone(), *arguments[1:])
        if self.torch is not None and lib.__name__ == "torch":
            return self.torch(lib, *arguments, **options)
        if self.script is not None:
            return self.script(lib, *arguments, **options)
        function = lib
        for part in self.name.split("."):
            function = getattr(function, part)
        result = function(*arguments, **options)
        assert not self.in_place or result is arguments[0], f"{self.name} returns another tensor"
        return result


registered: dict[str, Operation] = {}


def operation(*names: str, **traits: Any) -> Callable[[Callable[[Values], Calls]], Callable[[Values], Calls]]:
    """Enter an operation in the catalogue, under each of its names, by the generator of its calls."""

    def enter(generate: Callable[[Values], Calls]) -> Callable[[Values], Calls]:
        family = traits.pop("family", generate.__module__.removeprefix(f"{__name__}."))
        for name in names:
            assert name not in registered, f"{name} is in the catalogue already"
            registered[name] = Operation(name, family, generate, **traits)
        return generate

    return enter


def call(
    *arguments: Any, constants: tuple[int, ...] = (), written: tuple[int, ...] = (), order: int = 2, **options: Any
) -> Call:
    """A call with these arguments and options."""
    return Call(arguments, options, constants, written, order)


def catalogue() -> dict[str, Operation]:
    """All operations by name, family by family."""
    for module in sorted(iter_modules(__path__), key=lambda module: module.name):
        if not module.name.startswith(("test_", "conftest")):
            import_module(f"{__name__}.{module.name}")
    return registered


def alias(name: str, other: str) -> None:
    """Enter another name of an operation that is in the catalogue already."""
    assert name not in registered, f"{name} is in the catalogue already"
    registered[name] = replace(registered[other], name=name)


def leaves(value: Any) -> Iterator[Any]:
    """What stands in nested tuples, lists and dicts."""
    if isinstance(value, dict):
        value = tuple(value.values())
    if isinstance(value, tuple | list):
        for item in value:
            yield from leaves(item)
    else:
        yield value


def replaced(value: Any, lib: Any, tensors: Iterator[Any]) -> Any:
    """Nested tuples, lists and dicts with tensors in place of arrays."""
    if isinstance(value, dict):
        return {name: replaced(item, lib, tensors) for name, item in value.items()}
    if isinstance(value, tuple | list):
        return type(value)(replaced(item, lib, tensors) for item in value)
    if isinstance(value, Dtype):
        return getattr(lib, value.name)
    return next(tensors) if isinstance(value, np.ndarray) else value


def brief(value: Any) -> str:
    """An argument in a few letters."""
    if isinstance(value, np.ndarray):
        return f"{value.dtype}{list(value.shape)}"
    if isinstance(value, tuple | list):
        return f"{type(value).__name__}({', '.join(map(brief, value))})"
    return repr(value)
