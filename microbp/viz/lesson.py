"""A step of the backward pass in words, for the page and for the terminal."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from microbp.viz.sums import worked_example
from microbp.viz.text import shape_text

__all__ = ["axes_text", "gradient_name", "print_step", "print_trace", "sentences", "sum_text"]

SHOWN = 8  # terms of a sum that are written out in a terminal


def gradient_name(name: str) -> str:
    """What the gradient of a tensor is called."""
    return f"∂L/∂{name}"


def axes_text(axes: Iterable[int]) -> str:
    """Axes in words."""
    axes = tuple(axes)
    return f"axis {axes[0]}" if len(axes) == 1 else f"axes {' and '.join(map(str, axes))}"


def sentences(step: Any) -> str:
    """What happens in a step."""
    if step.kind == "seed":
        one = "1" if step.contribution.size == 1 and step.contribution.item() == 1 else "the gradient that was given"
        return f"The backward pass starts at the loss L, which is {step.output} here: ∂L/∂L = {one}.{hooks(step)}"
    gradient = gradient_name(step.input)
    if step.kind == "broadcast":
        what = (
            f"In the forward, {step.input} was repeated along {axes_text(step.reduce_axes)} to fit the other argument. "
            f"So what comes back is summed over {axes_text(step.reduce_axes)}: "
            f"{shape_text(step.upstream.shape)} → {shape_text(step.contribution.shape)}."
        )
    elif step.kind == "local" and (step.local == 1).all():
        what = f"{step.op} sends the upstream gradient back to {step.input} as it is: its local derivative is 1."
    elif step.kind == "local":
        each = "" if step.upstream.size == 1 else ", element by element"
        what = (
            f"{step.op} sends back to {step.input}: its upstream gradient times its local derivative "
            f"∂{step.output}/∂{step.input}{each}."
        )
    elif step.kind == "sum":
        what = (
            f"{step.input} goes into {step.output} many times, along {axes_text(step.reduce_axes)}, so it gets "
            f"the sum of the upstream gradient over {axes_text(step.reduce_axes)}: "
            f"{shape_text(step.upstream.shape)} → {shape_text(step.contribution.shape)}."
        )
    elif step.kind == "product":
        what = f"{step.op} sends back to {step.input}: the matrix product {step.named.split(' = ', 1)[1]}."
    elif step.kind == "output":
        what = f"{step.output} is one of several outputs; their gradients go to the backward of {step.input} together."
    elif step.kind == "function":
        what = f"{step.op}.backward, a function of your own, returned this for {step.input}."
    else:
        what = f"{step.op} sends back to {step.input}: {step.named.split(' = ', 1)[1]}."
    return f"{what} {arrival(step, gradient)}{hooks(step)}"


def hooks(step: Any) -> str:
    """A warning where ``backward()`` would do more than is shown."""
    if not step.hooked or step.received < step.expected:
        return ""
    return f" The hooks of {step.input} are not called here; if one changes the gradient, backward() goes on with that."


def arrival(step: Any, gradient: str) -> str:
    """What has arrived at the input by then."""
    if step.accumulated is None:
        return "That has the shape of the output; the next step undoes the broadcast."
    if step.expected == 1:
        return f"Nothing else comes to {step.input}: {gradient} is complete."
    if step.received == 1:
        return f"It is the first of {step.expected} contributions, as {step.input} is used {times(step.expected)}."
    if step.received < step.expected:
        return f"It is added to what came before: {step.received} of {step.expected} received."
    return (
        f"It is added to what came before: all {step.expected} received, {gradient} is complete and may be passed on."
    )


def times(count: int) -> str:
    """How often."""
    return "twice" if count == 2 else f"{count} times"


def sum_text(terms: list[tuple[float, float]], limit: int = SHOWN) -> str:
    """A sum of products with its numbers: ``0.13·(−0.15) + 0.2·0.4``."""
    parts = []
    for left, right in terms[:limit]:
        parts.append(signed(left) if right == 1.0 else f"{signed(left)}·{signed(right)}")
    if len(terms) > limit:
        parts.append(f"… {len(terms) - limit} more")
    return " + ".join(parts)


def signed(value: float) -> str:
    """A number, in brackets if it is negative."""
    text = f"{value:.4g}".replace("-", "−")
    return f"({text})" if value < 0 else text


def place_text(index: tuple[int, ...]) -> str:
    """An index in brackets."""
    return f"[{','.join(map(str, index))}]" if index else ""


def array_text(array: Any, indent: str) -> str:
    """An array, in few digits."""
    if not isinstance(array, np.ndarray):
        return f"{indent}{array}"
    text = np.array2string(array, precision=4, threshold=144, edgeitems=3, max_line_width=110)
    return "\n".join(indent + line for line in text.split("\n"))


def print_step(step: Any) -> str:
    """A step as text for a terminal: sentence, rule, matrices, and one number worked out."""
    where = f"   {step.file}:{step.line}" if step.file else ""
    inside = f"   in {step.module}" if step.module else ""
    head = (
        f"step {step.index}: {step.output}"
        if step.kind == "seed"
        else f"step {step.index}: {step.output} → {step.input}"
    )
    lines = [f"{head}{inside}{where}", f"  {sentences(step)}"]
    if step.kind == "seed":
        return "\n".join([*lines, array_text(step.accumulated, "    ")])
    lines += [f"  {step.named}", f"  {step.shaped}"]
    for title, array in matrices(step):
        lines += [f"  {title} {shape_text(np.shape(array))}".rstrip(), array_text(array, "    ")]
    example = worked_example(step)
    if example is not None:
        index, terms = example
        value = signed(float(step.contribution[index]))
        lines.append(f"  for example {gradient_name(step.input)}{place_text(index)}: {sum_text(terms)} = {value}")
    if step.accumulated is not None:
        sign = "=" if step.received == 1 else "+="
        lines.append(f"  {gradient_name(step.input)} {sign} contribution, {step.received} of {step.expected} received")
        if step.received > 1:
            lines.append(array_text(step.accumulated, "    "))
    return "\n".join(lines)


def matrices(step: Any) -> list[tuple[str, Any]]:
    """What is shown of a step, with titles."""
    found: list[tuple[str, Any]] = []
    if step.upstream is not None:
        title = "what came back" if step.kind == "broadcast" else f"upstream {gradient_name(step.output)}"
        found.append((title, step.upstream))
    if step.local is not None:
        found.append((f"local derivative ∂{step.output}/∂{step.input}", step.local))
    elif step.factors is not None:
        found += [(f"factor {name}", array) for name, array in step.factors if array is not step.upstream]
    else:
        found += step.operands.items()
    found.append(("contribution", step.contribution))
    return found


def print_trace(steps: Iterable[Any]) -> str:
    """All steps, one after the other."""
    return "\n\n".join(map(print_step, steps))
