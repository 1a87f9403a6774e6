"""Wrong rules, to try those with who are to find them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from microbp.ops.op import Op
from microbp.ops.plan import Plans
from microbp.ops.rule import Rule


class Spoiled(Rule):
    """A rule whose result is changed by a function."""

    def __init__(self, right: Rule, wrong: Callable[[Any], Any]) -> None:
        super().__init__(right.owner, right.argument, right.formula)
        self.right = right
        self.wrong = wrong

    @property
    def letters(self) -> tuple[str, ...]:
        return self.right.letters

    @property
    def options(self) -> tuple[str, ...]:
        return self.right.options

    def at(self, position: int) -> Callable[..., Any]:
        right = self.right.at(position)
        return lambda *values, **options: self.wrong(right(*values, **options))

    def on_tensors(self) -> Rule:
        return self


@contextmanager
def spoiled(row: Op, argument: str, wrong: Callable[[Any], Any]) -> Iterator[None]:
    """The row with a wrong rule for one argument; what the right rule computes is changed by a function."""
    right, plans = row.rules[argument], row.plans
    row.rules[argument], row.plans = Spoiled(right, wrong), Plans(row)
    try:
        yield
    finally:
        row.rules[argument], row.plans = right, plans
