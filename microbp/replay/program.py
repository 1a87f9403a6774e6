"""A trace written down as two Python functions: the forward pass, and the backward pass.

They are what one would write by hand: every operation is one call of the forward of its row, every
gradient one call of a rule, in the order in which the engine would run them, so that the results are
the same bit by bit. The text is there to be read: ``print(compiled.source)``.
"""

from __future__ import annotations

import keyword
import linecache
import math
import re
import weakref
from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import count
from typing import Any

import numpy as np

from microbp.ops.formula import sum_to
from microbp.ops.plan import Plan
from microbp.ops.rule import Once, Rule
from microbp.replay.trace import Operand, Step, is_plain
from microbp.tensor import Tensor

__all__ = ["Program"]

serial = count(1)


class Program:
    """The two functions, and what they are to be given.

    Parameters
    ----------
    steps : sequence of Step
        The trace.
    result : int
        Which of these gives the result, from whose gradient the backward goes back.
    arguments : sequence of str
        The names of the arguments.
    requiring : sequence of bool
        Which arguments require grad.
    named : mapping of Tensor to str
        The names of tensors from outside.

    Attributes
    ----------
    inputs : list
        What the forward takes, in order: the numbers of arguments, then tensors from outside.
    needed : list of bool
        Which of these get a gradient.
    guarded : tuple of int
        The places of the inputs whose values the backward uses.
    keeps_output : bool
        Whether the backward uses the value of the result.
    source : str
        The text of both functions.
    forward : callable
        From the arrays of the inputs to the result, and a tuple of what the backward uses.
    backward : callable or None
        From the gradient of the result, and that tuple, to the gradients of the inputs; None for those that need none.
    """

    def __init__(
        self,
        steps: Sequence[Step],
        result: int,
        arguments: Sequence[str],
        requiring: Sequence[bool],
        named: Mapping[Tensor, str],
    ) -> None:
        self.steps = steps
        self.meanings: dict[str, Any] = {"asarray": np.asarray, "own": own, "sum_to": sum_to}
        self.inputs: list[Any] = []
        self.needed: list[bool] = []
        self.words: dict[Any, str] = {}  # of inputs
        operands = [operand for step in steps for operand in step.operands]
        for value in dict.fromkeys(operand.value for operand in operands if operand.kind == "argument"):
            self.words[value] = self.new_name(arguments[value])
            self.needed.append(requiring[value])
            self.inputs.append(value)
        for value in dict.fromkeys(operand.value for operand in operands if operand.kind == "outside"):
            self.words[value] = self.new_name(
                named.get(value, value.name or ("leaf" if value._requires_grad else "constant"))
            )
            self.needed.append(value._requires_grad)
            self.inputs.append(value)
        self.results = [self.new_name(f"{step.op.name}_{k + 1}") for k, step in enumerate(steps)]
        self.result = self.results[result]
        self.plans = self.planned()
        self.has_gradients = self.plans[result] is not None
        self.saved: dict[str, None] = {}  # an ordered set of variables
        self.reached: dict[Any, None] = {}  # the inputs that get a gradient, in the order in which they get it
        self.source = self.text()
        self.guarded = tuple(k for k, value in enumerate(self.inputs) if self.words[value] in self.saved)
        self.keeps_output = self.result in self.saved
        filename = f"<replayed {next(serial)}>"
        weakref.finalize(self, linecache.cache.pop, filename, None)
        linecache.cache[filename] = (len(self.source), None, self.source.splitlines(keepends=True), filename)
        exec(compile(self.source, filename, "exec"), self.meanings)
        self.take_functions()

    def take_functions(self) -> None:
        """Take the functions out of the globals that they see, as they would be cycles there."""
        self.forward: Callable[..., Any] = self.meanings.pop("forward")
        self.backward: Callable[..., Any] | None = self.meanings.pop("backward", None)

    def planned(self) -> list[Plan | None]:
        """What to run for each step in the backward pass; None where no gradient is needed."""
        plans: list[Plan | None] = []
        requires = dict(zip(self.inputs, self.needed, strict=True))
        for step in self.steps:
            bits = 0
            for position, operand in enumerate(step.operands):
                if operand.kind == "step":
                    bits |= (plans[operand.value] is not None) << position
                elif operand.kind != "number":
                    bits |= requires[operand.value] << position
            bits &= step.op.differentiable
            plans.append(step.op.plans[bits] if bits else None)
        return plans

    # -- names ---------------------------------------------------------------------------------

    def new_name(self, wish: str, meaning: Any = None) -> str:
        """A variable like the wish that is not in use yet, with a meaning if it is to stand for a constant."""
        first, *rest = wish.split(".")
        name = re.sub(
            r"\W", "_", "_".join([rest[-1], first, *rest[:-1]] if first.isdigit() and rest else [first, *rest])
        )
        if not name.isidentifier() or keyword.iskeyword(name):
            name = f"p_{name}"
        while name in self.meanings:
            name += "_"
        self.meanings[name] = meaning
        return name

    def name_of(self, wish: str, meaning: Any) -> str:
        """The variable that stands for a function or another constant."""
        found = next((name for name, known in self.meanings.items() if known is meaning), None)
        return self.new_name(wish, meaning) if found is None else found

    def literal(self, value: Any) -> str:
        """A number, or an option, as it is written in Python."""
        if type(value) is tuple:
            return tupled(map(self.literal, value))
        if type(value) is list:
            return f"[{', '.join(map(self.literal, value))}]"
        if type(value) is slice:
            return f"slice({', '.join(map(self.literal, (value.start, value.stop, value.step)))})"
        if value is Ellipsis:
            return "..."
        if isinstance(value, np.dtype) or (type(value) is float and not math.isfinite(value)):
            return self.name_of(str(value), value)
        return repr(value) if is_plain(value) else self.name_of(type(value).__name__.lower(), value)

    def word(self, operand: Operand) -> str:
        """An operand as it is written."""
        if operand.kind == "number":
            return self.literal(operand.value)
        return self.results[operand.value] if operand.kind == "step" else self.words[operand.value]

    def letter(self, number: int, letter: str) -> str:
        """What a letter of a rule stands for, for the step of that number; it is saved, if it is an array."""
        step = self.steps[number]
        if letter == "y":
            word = self.results[number]
        elif letter in step.op.handed_on:
            word = f"{self.results[number]}_{letter}"
        elif letter in step.op.arguments:
            operand = step.operands[step.op.arguments.index(letter)]
            word = self.word(operand)
            if operand.kind == "number":
                return word
        else:
            return self.literal(step.operands[step.op.arguments.index(letter.removesuffix("_shape"))].shape)
        self.saved[word] = None
        return word

    def sharing(self, number: int, rule: Rule, wish: str) -> tuple[str, list[str]]:
        """How a rule is called that shares work with others of the same step, and what is to be said before."""
        assert rule.shares is not None
        shared = f"{self.results[number]}_once"
        call = f"{self.name_of(wish, rule.after)}({shared})"
        return call, [f"    {shared} = {self.name_of('Once', Once)}({self.name_of(rule.shares.__name__, rule.shares)})"]

    def options(self, number: int, names: Sequence[str]) -> list[str]:
        """Options of a step as keyword arguments."""
        return [f"{name}={self.literal(self.steps[number].options[name])}" for name in names]

    # -- the text ------------------------------------------------------------------------------

    def text(self) -> str:
        """Both functions."""
        result = self.result
        backward = self.backward_lines() if self.has_gradients else []
        kept = {*self.words.values(), *self.saved, result}
        lines = [
            f"def forward({', '.join(self.words.values())}):",
            *forgetting(self.forward_lines(), kept),
            f"    return {result}, {tupled(self.saved)}",
        ]
        if backward:
            lines += ["", "", f"def backward(d_{result}, saved):"]
            lines += [f"    {tupled(self.saved)} = saved"] if self.saved else []
            found = [self.gradient(value) if value in self.reached else "None" for value in self.inputs]
            lines += [*backward, f"    return {tupled(found)}"]
        return "\n".join(lines) + "\n"

    def gradient(self, value: Any) -> str:
        """The variable for the gradient of an input."""
        return f"d_{self.words[value]}"

    def forward_lines(self) -> list[str]:
        """The operations, one by one."""
        lines = []
        for number, step in enumerate(self.steps):
            name = self.results[number]
            targets = [
                name,
                *(word if (word := f"{name}_{letter}") in self.saved else "_" for letter in step.op.handed_on),
            ]
            function = self.name_of(step.op.name, step.op.forward)
            given = [*map(self.word, step.operands), *self.options(number, tuple(step.options))]
            lines.append(f"    {', '.join(targets)} = {function}({', '.join(given)})")
            if step.shape == ():
                lines.append(f"    {name} = asarray({name})")
        return lines

    def backward_lines(self) -> list[str]:
        """The rules in the order in which the engine would run them, with the formula of each beside its call."""
        lines = []
        received = {f"d_{self.result}"}
        partly: set[str] = set()  # gradients in memory of the function's own, so that a rule may add to it
        for number in reversed(range(len(self.steps))):
            step, plan, g = self.steps[number], self.plans[number], f"d_{self.results[number]}"
            if plan is None or g not in received:
                continue
            for position, function, _, names, _ in plan.steps:
                operand, rule = step.operands[position], step.op.rule(position)
                argument = re.sub(r"\W", "", step.op.argument(position))
                if rule.shares is None:
                    call = self.name_of(f"{step.op.name}_d{argument}", function)
                else:
                    call, before = self.sharing(number, rule, f"{step.op.name}_d{argument}")
                    lines += [line for line in before if line not in lines]
                given = [g, *(self.letter(number, letter) for letter in rule.letters), *self.options(number, names)]
                product = f"{call}({', '.join(given)})"
                if is_stretched(step):
                    product = f"sum_to({product}, {self.literal(operand.shape)})"
                target = f"d_{self.word(operand)}"
                if step.op.adds is not None and target in partly:
                    given = [target, g, *self.options(number, tuple(step.options))]
                    product = f"{self.name_of(f'{step.op.name}_adds', step.op.adds)}({', '.join(given)})"
                elif target in received:
                    product = f"{target} + {product}"
                elif operand.kind != "step":
                    product = f"own({product}, {g})"
                    self.reached[operand.value] = None
                received.add(target)
                if step.op.adds is not None:
                    partly.add(target)
                lines.append(f"    {target} = {product}  # d{argument} = {' '.join(rule.formula.split())}")
        return lines


def forgetting(lines: Sequence[str], kept: Collection[str]) -> list[str]:
    """The lines of a function, in which each variable is deleted after its last use, so that its memory is free.

    Parameters
    ----------
    lines : sequence of str
        Assignments.
    kept : collection of str
        The variables that stay.

    Returns
    -------
    list of str

    Examples
    --------
    >>> print("\\n".join(forgetting(["    y = f(x)", "    z = g(y)"], {"x", "z"})))
        y = f(x)
        z = g(y)
        del y
    """
    last_use: dict[str, int] = {}
    for number, line in enumerate(lines):
        last_use |= dict.fromkeys(re.findall(r"\w+", line.partition("  # ")[0]), number)
    assigned = dict.fromkeys(name for line in lines for name in re.findall(r"\w+", line.partition(" = ")[0]))
    gone: dict[int, list[str]] = {}
    for name in assigned:
        if name not in kept and name != "_":
            gone.setdefault(last_use[name], []).append(name)
    out = []
    for number, line in enumerate(lines):
        out.append(line)
        if number in gone:
            out.append(f"    del {', '.join(gone[number])}")
    return out


def is_stretched(step: Step) -> bool:
    """Whether the engine would sum the gradients of a step back to the shapes of its operands."""
    if not step.op.broadcasts:
        return False
    shapes = {operand.shape for operand in step.operands}
    numbers = any(operand.kind == "number" for operand in step.operands)
    return len(step.operands) > 2 or (len(shapes) > 1 and not numbers)


def tupled(words: Any) -> str:
    """Words as a tuple is written."""
    listed = list(words)
    return f"({', '.join(listed)}{',' if len(listed) == 1 else ''})"


def own(contribution: Any, g: Any) -> Any:
    """A contribution to a leaf, in memory that belongs to it alone."""
    return contribution * 1 if contribution is g or contribution.base is not None else contribution
