"""The gradient of one argument of a row: its formula, and the function that computes it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import CodeType
from typing import Any

from microbp.ops.formula import Row, compile_formula, is_elementwise

__all__ = ["Rule"]


class Rule:
    """The gradient of one argument: a formula, and the function that computes it.

    Parameters
    ----------
    owner : Row
        The row that the rule belongs to.
    argument : str
        The argument whose gradient the rule computes.
    formula : str
        A Python expression in the letters of the row.
    arrays_only : bool
        Whether the written function takes arrays only. Where the pass itself is recorded, the formula runs.
    shares : callable, optional
        A function of ``g`` and other letters, whose result the written function takes in the place of ``g``.
    """

    def __init__(
        self,
        owner: Row,
        argument: str,
        formula: str,
        arrays_only: bool = False,
        shares: Callable[..., Any] | None = None,
    ) -> None:
        self.owner = owner
        self.argument = argument
        self.formula = formula
        self.arrays_only = arrays_only
        self.shares = shares
        self.written: Callable[..., Any] | None = None
        self._function: Callable[..., Any] | None = None

    @property
    def function(self) -> Callable[..., Any]:
        """The function that the backward pass calls: the written one, else the formula itself."""
        if self._function is None:
            self._function = self.written or self.from_formula()
        return self._function

    def from_formula(self) -> Callable[..., Any]:
        """The formula as a function of the letters that it names, ``g`` first."""
        return compile_formula(self.formula, self.owner, f"{self.owner.name}.{self.argument}")

    def at(self, position: int) -> Callable[..., Any]:
        """The function for the argument at a position: told ``k``, where it asks for that.

        Parameters
        ----------
        position : int
            Counted from 0.

        Returns
        -------
        callable
        """
        if self.shares is not None:
            return self.after(Once(self.shares))
        if "k" in keyword_only(self.function.__code__) and self.owner.variadic:
            return partial(self.function, k=position)
        return self.function

    def after(self, once: Once) -> Callable[..., Any]:
        """The function of a rule that shares its first part: of the letters of that part, then of its own."""
        function, count = self.function, len(positional(once.function.__code__))

        def rule(*values: Any) -> Any:
            return function(once(*values[:count]), *values[count:])

        return rule

    @property
    def letters(self) -> tuple[str, ...]:
        """The names, after ``g``, that the function asks for by position."""
        own = positional(self.function.__code__)[1:]
        return own if self.shares is None else (*positional(self.shares.__code__)[1:], *own)

    @property
    def options(self) -> tuple[str, ...]:
        """The options of the row that the function asks for by keyword."""
        asked = keyword_only(self.function.__code__)
        return tuple(name for name in asked if name != "k") if self.owner.variadic else asked

    @property
    def is_elementwise(self) -> bool:
        """Whether each element of the gradient comes from the elements at the same place alone.

        Told from the formula, which then consists of operators and elementwise functions only.
        """
        return is_elementwise(
            self.formula, {"g", "y", *self.owner.arguments, *self.owner.handed_on, *self.owner.options}
        )

    def on_tensors(self) -> Rule:
        """The rule by which the backward pass is recorded."""
        return Rule(self.owner, self.argument, self.formula) if self.arrays_only else self


class Once:
    """What several rules share, computed when the first of them asks, and anew only for other values."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.given: tuple[Any, ...] = ()
        self.result: Any = None

    def __call__(self, *values: Any) -> Any:
        if not self.given or any(value is not given for value, given in zip(values, self.given, strict=True)):
            self.result, self.given = self.function(*values), values
        return self.result


def positional(code: CodeType) -> tuple[str, ...]:
    """The names of the positional parameters of a function."""
    return code.co_varnames[: code.co_argcount]


def variadic(code: CodeType) -> str:
    """The name of the parameter that takes any number of values."""
    return code.co_varnames[code.co_argcount + code.co_kwonlyargcount]


def keyword_only(code: CodeType) -> tuple[str, ...]:
    """The names of the keyword-only parameters of a function."""
    return code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
