"""The gradient of one tensor, explained: every way from the loss to it, rule by rule, and the sum over the ways.

A gradient is a sum over paths: along each path through the graph, one multiplies with the
local derivatives that one meets. The backward pass never lists the paths, of which there may
be very many; it adds up where they meet. Here they are listed, where they are few.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from microbp.errors import GraphError
from microbp.ops.formula import sum_to
from microbp.tensor import Tensor
from microbp.viz.lesson import array_text, gradient_name, place_text, signed, sum_text
from microbp.viz.step import Step, Trace
from microbp.viz.sums import worked_example
from microbp.viz.text import shape_text
from microbp.viz.trace import shown, trace, undisturbed

__all__ = ["Explanation", "Path", "explain"]


@dataclass(frozen=True, slots=True, eq=False)
class Path:
    """One way from the loss to a tensor.

    Attributes
    ----------
    steps : tuple of Step
        The rules on the way, from the loss on.
    gradient : array
        What the tensor's gradient would be if there were no other way.
    """

    steps: tuple[Step, ...]
    gradient: Any

    def __str__(self) -> str:
        names = [self.steps[0].output, *(step.input for step in self.steps)] if self.steps else []
        return " → ".join(names)


@dataclass(frozen=True, slots=True, eq=False)
class Explanation:
    """Why the gradient of a tensor is what it is; printed, a text.

    Attributes
    ----------
    name : str
        The tensor's.
    gradient : array
        dL/dt for the tensor t.
    steps : tuple of Step
        Every rule on a way from the loss to the tensor, in the order of the pass.
    count : int
        How many ways there are.
    paths : tuple of Path
        The ways; none if there are more than were asked for.
    """

    name: str
    gradient: Any
    steps: tuple[Step, ...]
    count: int
    paths: tuple[Path, ...]

    def __str__(self) -> str:
        gradient = gradient_name(self.name)
        ways = "one way" if self.count == 1 else f"{self.count:,} ways"
        lines = [f"{gradient} {shape_text(self.gradient.shape)}: {ways} from the loss to {self.name}"]
        for step in self.steps:
            lines += ["", *rule_lines(step)]
        lines.append("")
        if self.count > 1 and self.paths:
            for number, path in enumerate(self.paths, 1):
                lines += [f"way {number}: {path}", array_text(path.gradient, "    ")]
        title = "the sum over the ways" if self.count > 1 else "in the end"
        return "\n".join([*lines, f"{title}: {gradient} =", array_text(self.gradient, "    ")])


def rule_lines(step: Step) -> Iterator[str]:
    """A rule and one number of what it gives, worked out."""
    where = f"   {step.file}:{step.line}" if step.file else ""
    yield f"{step.output} → {step.input}{where}"
    yield f"  {step.named}"
    yield f"  {step.shaped}"
    example = worked_example(step)
    if example is not None:
        index, terms = example
        value = signed(float(step.contribution[index]))
        yield f"  at {place_text(index) or 'its only element'}: {sum_text(terms)} = {value}"
    elif step.upstream is None or step.upstream.size <= 16:
        yield array_text(step.contribution, "    ")


def explain(tensor: Tensor, loss: Tensor, *, model: Any = None, max_paths: int = 8) -> Explanation:
    """Explain the gradient of a loss with respect to one tensor.

    Nothing is changed, and it works as `trace_backward` does.

    Parameters
    ----------
    tensor : Tensor
        A leaf, or an intermediate result.
    loss : Tensor
        Of one element.
    model : Module, optional
        Gives names; by default the modules that were called do.
    max_paths : int
        How many ways from the loss to the tensor are gone through one by one; if there are
        more, only their number is told.

    Returns
    -------
    Explanation
        ``print`` it.

    Raises
    ------
    GraphError
        If the loss does not depend on the tensor, or the graph was freed.
    StaleGraphError
        If a tensor of the graph was changed since the forward.

    Examples
    --------
    >>> import microbp
    >>> x = microbp.tensor(3.0, requires_grad=True)
    >>> x.name = "x"
    >>> print(microbp.viz.explain(x, x * x.exp()))
    ∂L/∂x scalar: 2 ways from the loss to x
    <BLANKLINE>
    mul_1 → x   ...
      ∂L/∂x = ∂L/∂mul_1 × exp_1
      scalar = scalar × scalar
      at its only element: 1·20.09 = 20.09
    <BLANKLINE>
    mul_1 → exp_1   ...
      ∂L/∂exp_1 = ∂L/∂mul_1 × x
      scalar = scalar × scalar
      at its only element: 1·3 = 3
    <BLANKLINE>
    exp_1 → x   ...
      ∂L/∂x = ∂L/∂exp_1 × exp_1
      scalar = scalar × scalar
      at its only element: 3·20.09 = 60.26
    <BLANKLINE>
    way 1: mul_1 → x
        20.0855
    way 2: mul_1 → exp_1 → x
        60.2566
    the sum over the ways: ∂L/∂x =
        80.3421
    """
    found, boxes = trace(loss, None, model, "explain")
    wanted = boxes.get(tensor.grad_fn or tensor)
    onward = steps_towards(found, wanted)
    start = found[0]
    if wanted == start.nodes[0]:
        return Explanation(start.output, start.accumulated, (), 1, (Path((), start.accumulated),))
    if wanted is None or not onward:
        raise GraphError("explain(): the loss does not depend on this tensor, or not in a way that gradients go")
    arrivals = [step for step in found if step.nodes[1:2] == (wanted,) and step.accumulated is not None]
    count = counts_from(start.nodes[0], onward)[wanted]
    paths: tuple[Path, ...] = ()
    if count <= max_paths:
        with undisturbed():
            paths = tuple(walk(found, wanted, onward))
    return Explanation(arrivals[-1].input, arrivals[-1].accumulated, tuple(onward), count, paths)


def walk(found: Trace, wanted: str | None, onward: Sequence[Step]) -> Iterator[Path]:
    """Every way from the loss to a tensor, and what comes along it."""
    ways: dict[str, list[Step]] = {}
    for step in onward:
        ways.setdefault(step.nodes[2], []).append(step)
    stack: list[tuple[str, Any, Any]] = [(found[0].nodes[0], found[0].accumulated, None)]
    while stack:
        here, gradient, behind = stack.pop()
        if here == wanted:
            steps = []
            while behind is not None:
                behind, step = behind
                steps.append(step)
            yield Path(tuple(reversed(steps)), shown(gradient))
            continue
        for step in reversed(ways[here]):
            with np.errstate(all="ignore"):
                passed = step.pull(gradient)  # type: ignore[misc]
            if step.accumulated is None:
                passed = sum_to(passed, found[step.index + 1].contribution.shape)
            stack.append((step.nodes[1], passed, (behind, step)))


def steps_towards(steps: Trace, wanted: str | None) -> list[Step]:
    """The rules on a way to a tensor, in the order of the pass."""
    reached = {wanted}
    found = []
    for step in reversed(steps):
        if step.kind not in ("seed", "broadcast") and step.nodes[1] in reached:
            reached.add(step.nodes[2])
            found.append(step)
    return found[::-1]


def counts_from(start: str, steps: Sequence[Step]) -> dict[str, int]:
    """How many ways there are from the loss to each tensor."""
    counts = {start: 1}
    for step in steps:
        counts[step.nodes[1]] = counts.get(step.nodes[1], 0) + counts.get(step.nodes[2], 0)
    return counts
