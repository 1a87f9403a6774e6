"""What a row keeps in the forward and which rules it runs backward, depending on which arguments need a gradient."""

from __future__ import annotations

from collections.abc import Callable
from operator import itemgetter
from typing import Any, Protocol

from microbp.ops.formula import Row, names_in
from microbp.ops.rule import Once, Rule

__all__ = ["Plan", "PlanStep"]

PlanStep = tuple[int, Callable[..., Any], Callable[..., Any], tuple[str, ...], int | None]
"""How the gradient of one argument is computed: see `Plan.steps`."""


class RowWithRules(Row, Protocol):
    """What a plan knows of a row."""

    rules: dict[str, Rule]
    letters: dict[str, Rule]
    differentiable: int

    def rule(self, position: int) -> Rule:
        """The rule of the argument at a position."""


class Plan:
    """What to keep in the forward and which rules to run, for one set of arguments that need a gradient.

    Parameters
    ----------
    owner : RowWithRules
        The row.
    needed : int
        Bit k is set if argument k needs a gradient.

    Attributes
    ----------
    letters : tuple of str
        The letters of which values are kept, in the order of `keep`, then those of `shapes`.
    keep : callable
        Picks the kept values out of ``(y, *arguments, *handed_on)``.
    shapes : tuple of int
        The arguments of which only the shape is kept.
    steps : tuple
        For each argument that needs a gradient ``(position, function, pick, options, only)``: `pick` picks the values
        for the function out of the kept ones. Most functions take one value, or none, and no option, and are called
        without picking: `only` is then the place of the value, or -1; else None.
    steps_on_tensors : tuple
        The same for a backward pass that is itself recorded.
    letters_on_tensors : set of str
        The letters that such a pass uses.
    constants : tuple of int
        The arguments that need no gradient; of rows with any number of arguments, none are named.
    has_constants : bool
        Whether there are any, or may be.
    guarded : tuple of int
        The arguments that are kept and must not be changed before the backward pass; not labels, say, that only second
        derivatives use.
    guarded_on_tensors : tuple of int
        All arguments that are kept, none of which may be changed before a pass that is itself recorded.
    keeps_output : bool
        Whether the output itself is kept.
    """

    def __init__(self, owner: RowWithRules, needed: int) -> None:
        needed &= owner.differentiable
        rules = [(position, owner.rule(position)) for position in range(needed.bit_length()) if needed >> position & 1]
        on_tensors = [(position, rule.on_tensors()) for position, rule in rules]
        self.letters_on_tensors = {letter for _, rule in on_tensors for letter in rule.letters}
        named = {letter for _, rule in rules for letter in rule.letters} | self.letters_on_tensors
        for letter in self.letters_on_tensors.intersection(owner.handed_on):
            named |= names_in(owner.letters[letter].formula)  # to compute it anew for second derivatives
        order = ("y", *owner.arguments, *owner.handed_on)
        values = [letter for letter in order if letter in named]
        shaped = [name for name in owner.arguments if f"{name}_shape" in named]
        self.letters = (*values, *(f"{name}_shape" for name in shaped))
        self.keep = picker([order.index(letter) for letter in values])
        self.shapes = tuple(owner.arguments.index(name) for name in shaped)
        self.make_steps(rules, on_tensors)
        self.constants = () if owner.variadic else tuple(k for k in range(len(owner.arguments)) if not needed >> k & 1)
        self.has_constants = owner.variadic or bool(self.constants)
        used = {letter for _, rule in rules for letter in rule.letters}.union(owner.rules)
        kept = [letter for letter in values if letter in owner.arguments]
        self.guarded = tuple(owner.arguments.index(letter) for letter in kept if letter in used)
        self.guarded_on_tensors = tuple(owner.arguments.index(letter) for letter in kept)
        self.keeps_output = "y" in values

    def make_steps(self, rules: list[tuple[int, Rule]], on_tensors: list[tuple[int, Rule]]) -> None:
        """Set the steps once and for all."""
        self.steps = tuple(self.step(*pair) for pair in rules)
        self.steps_on_tensors = tuple(self.step(*pair) for pair in on_tensors)

    def step(self, position: int, rule: Rule) -> PlanStep:
        """How the backward pass computes the gradient of one argument."""
        places = [self.letters.index(letter) for letter in rule.letters]
        only = None if len(places) > 1 or rule.options else places[0] if places else -1
        return position, rule.at(position), picker(places), rule.options, only


class SharingPlan(Plan):
    """The plan of a row whose rules share work: steps anew for each visit, so that none sees another's results."""

    def make_steps(self, rules: list[tuple[int, Rule]], on_tensors: list[tuple[int, Rule]]) -> None:
        """Keep the rules."""
        self.rules, self.rules_on_tensors = rules, on_tensors

    @property
    def steps(self) -> tuple[PlanStep, ...]:  # type: ignore[override]
        """The rules for one visit."""
        return self.visit(self.rules)

    @property
    def steps_on_tensors(self) -> tuple[PlanStep, ...]:  # type: ignore[override]
        """The rules for one visit of a pass that is itself recorded."""
        return self.visit(self.rules_on_tensors)

    def visit(self, rules: list[tuple[int, Rule]]) -> tuple[PlanStep, ...]:
        """The steps of these rules, with one run of what they share."""
        once = {rule.shares: Once(rule.shares) for _, rule in rules if rule.shares is not None}
        steps = []
        for position, rule in rules:
            _, function, pick, options, only = self.step(position, rule)
            if rule.shares is not None:
                function = rule.after(once[rule.shares])
            steps.append((position, function, pick, options, only))
        return tuple(steps)


class Plans(dict[int, Plan]):
    """The plans of a row, made when first asked for; the key has bit k set if argument k needs a gradient."""

    def __init__(self, owner: RowWithRules) -> None:
        super().__init__()
        self.owner = owner

    def __missing__(self, needed: int) -> Plan:
        sharing = any(rule.shares is not None for rule in self.owner.rules.values())
        plan = (SharingPlan if sharing else Plan)(self.owner, needed)
        if needed < 1 << 16:  # rows with any number of arguments would fill the table without end
            self[needed] = plan
        return plan


def picker(places: list[int]) -> Callable[[tuple[Any, ...]], tuple[Any, ...]]:
    """A fast function from a tuple to the tuple of its items at these places."""
    if len(places) > 1:
        return itemgetter(*places)
    first = places[0] if places else 0
    return itemgetter(slice(first, first + len(places)))
