"""What the stepper's page shows, as data: one frame for each step, and the arrays that they share.

The page itself computes nothing but the sums that a reader asks for, from these numbers.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from microbp.viz import formula
from microbp.viz.boxes import captions, plain
from microbp.viz.lesson import gradient_name, sentences
from microbp.viz.step import Step, Trace
from microbp.viz.sums import coefficients
from microbp.viz.text import shape_text
from microbp.viz.view import Operation, TensorBox

__all__ = ["Arrays", "frames_of"]

Frame = dict[str, Any]


class Arrays:
    """The arrays of a page, each stored once.

    Parameters
    ----------
    max_elems : int
        Of larger arrays only a corner is stored.
    digits : int
        How many digits of each number.
    """

    def __init__(self, max_elems: int, digits: int) -> None:
        self.max_elems = max_elems
        self.digits = digits
        self.stored: list[dict[str, Any]] = []
        self.places: dict[Any, int] = {}

    def add(self, array: Any) -> int:
        """Store an array, unless it is stored already; its place."""
        array = np.asarray(array)
        key = (array.shape, array.dtype.str, array.tobytes())
        if key not in self.places:
            self.places[key] = len(self.stored)
            self.stored.append(self.written(array))
        return self.places[key]

    def written(self, array: Any) -> dict[str, Any]:
        """Shape, numbers, and of a corner its size and how large the numbers are that it belongs to."""
        written: dict[str, Any] = {"s": list(array.shape)}
        table = array.reshape(-1, array.shape[-1]) if array.ndim else array.reshape(1, 1)
        if array.size > self.max_elems:
            rows, columns = self.corner(*table.shape)
            finite = np.abs(array[np.isfinite(array)]) if array.dtype.kind == "f" else np.abs(array)
            table = table[:rows, :columns]
            written |= {"w": [rows, columns], "m": self.number(finite.max()) if finite.size else 0}
        written["d"] = [self.number(value) for value in table.reshape(-1).tolist()]
        return written

    def corner(self, rows: int, columns: int) -> tuple[int, int]:
        """How many rows and columns of a large array are stored."""
        side = math.isqrt(self.max_elems)
        if columns <= side:
            return max(self.max_elems // columns, 1), columns
        kept = min(rows, side)
        return kept, min(columns, self.max_elems // kept)

    def number(self, value: Any) -> Any:
        """A number in so many digits; what is not finite has no place in JSON, and becomes a script's word for it."""
        if not isinstance(value, float | np.floating):
            return int(value)
        if not math.isfinite(value):
            return str(float(value)).replace("inf", "Infinity").replace("nan", "NaN")
        short = float(f"{value:.{self.digits}g}")
        return int(short) if short == int(short) and abs(short) < 1e15 else short


def frames_of(trace: Trace, arrays: Arrays, drawn: set[str]) -> list[Frame]:
    """The forward steps, then those of the backward pass.

    Parameters
    ----------
    trace : Trace
    arrays : Arrays
        Where the numbers are put.
    drawn : set of str
        The ids in the drawing, in which modules may be closed.
    """
    homes = {op.id: home(op, drawn) for op in trace.view.operations}
    frames = [forward_frame(op, arrays) for op in trace.view.operations]
    frames += [backward_frame(step, arrays) for step in trace]
    for frame in frames:
        frame["n"][0] = homes.get(frame["n"][0], frame["n"][0])
    return frames


def home(op: Operation, drawn: set[str]) -> str:
    """Where an operation is in the drawing: itself, or the closed box that it is in."""
    if op.id in drawn or not drawn:
        return op.id
    around = [call.id for call in reversed(op.call.path() if op.call else [])]
    return next((id for id in around if id in drawn), "earlier")


def panel(role: str, caption: str, array: Any, arrays: Arrays) -> Frame:
    """One matrix."""
    return {"r": role, "c": caption, "a": arrays.add(array)}


def forward_frame(op: Operation, arrays: Arrays) -> Frame:
    """An operation of the forward: its inputs and its output."""
    names = {name: plain(value) for name, value in op.options.items()} | captions(op, ())
    try:
        text = formula.written(formula.parse(op.formula), names)
    except SyntaxError:  # a forward in words
        text = op.formula
    tensors: dict[str, TensorBox] = {a.tensor.id: a.tensor for a in op.arguments if a.tensor is not None}
    parts: list[Any] = [
        panel("input", tensor.name, tensor.value, arrays) for tensor in tensors.values() if tensor.value is not None
    ]
    if op.output.value is not None:
        parts += ["→", panel("output", op.output.name, op.output.value, arrays)]
    inputs = " and ".join(tensor.name for tensor in tensors.values())
    output = f"{op.output.name} {shape_text(op.output.shape)}".rstrip() if op.output.shape != () else op.output.name
    return {
        "k": "forward",
        "t": op.output.name,
        "s": f"Forward: {op.name} computes {output}{f' from {inputs}' if inputs else ''}.",
        "f": [f"{op.output.name} = {text}"],
        "o": op.name,
        "m": "" if op.call is None else op.call.name,
        "w": "" if op.place is None else f"{op.place[0]}:{op.place[1]}",
        "p": parts,
        "n": [op.id, op.output.id, *tensors],
        "e": [
            f"{op.id}_{op.output.id}_out",
            *(f"{a.tensor.id}_{op.id}_{a.position}" for a in op.arguments if a.tensor is not None),
        ],
    }


def backward_frame(step: Step, arrays: Arrays) -> Frame:
    """A step of the backward pass."""
    gradient = "∂L/∂L" if step.kind == "seed" else gradient_name(step.input)
    frame: Frame = {
        "k": step.kind,
        "t": gradient,
        "s": sentences(step),
        "f": list(dict.fromkeys([step.formula, step.named, step.shaped])),
        "o": step.op,
        "m": step.module,
        "w": f"{step.file}:{step.line}" if step.file else "",
        "p": parts_of(step, gradient, arrays),
        "n": list(step.nodes),
        "e": [f"{step.nodes[1]}_{step.nodes[0]}_{step.input_index}"] if step.kind != "seed" else [],
        "g": gradient,
    }
    if step.accumulated is not None:
        frame["r"] = [step.received, step.expected]
    rule = sum_of(step, arrays)
    if rule:
        frame["x"] = rule
    return frame


def parts_of(step: Step, gradient: str, arrays: Arrays) -> list[Any]:
    """The matrices of a step with the signs between them."""
    if step.kind == "seed":
        return [panel("accumulated", gradient, step.accumulated, arrays)]
    if step.kind == "broadcast":
        upstream = panel("wide", "what came back", step.upstream, arrays)
    else:
        upstream = panel("upstream", gradient_name(step.output), step.upstream, arrays)
    parts: list[Any]
    if step.local is not None:
        parts = [upstream, "×", panel("local", f"∂{step.output}/∂{step.input}", step.local, arrays)]
    elif step.factors is not None:
        factors = [
            upstream if array is step.upstream else panel("factor", name, array, arrays) for name, array in step.factors
        ]
        parts = [factors[0], "·", factors[1]]
        if upstream not in factors:
            parts = [upstream, "→", *parts]
    else:
        others = [panel("operand", name, array, arrays) for name, array in step.operands.items()]
        parts = [upstream, *(["and", *others] if others else []), "Σ" if step.reduce_axes else "→"]
        return [*parts, panel("contribution", gradient, step.contribution, arrays), *arrival(step, gradient, arrays)]
    return [*parts, "=", panel("contribution", gradient, step.contribution, arrays), *arrival(step, gradient, arrays)]


def arrival(step: Step, gradient: str, arrays: Arrays) -> list[Any]:
    """How the contribution is added to what came before."""
    if step.accumulated is None:
        return []
    found = panel("accumulated", gradient, step.accumulated, arrays)
    if step.earlier is None:
        return [":=", found]
    return ["+", panel("earlier", f"{gradient} so far", step.earlier, arrays), "=", found]


def sum_of(step: Step, arrays: Arrays) -> Frame:
    """From which numbers the page can write out the sum behind one element."""
    if step.kind in ("sum", "broadcast"):
        return {"t": "sum", "u": arrays.add(step.upstream), "x": list(step.reduce_axes)}
    if step.kind == "local":
        return {"t": "local", "u": arrays.add(step.upstream), "l": arrays.add(step.local)}
    if step.factors is not None:
        return {"t": "product", "a": arrays.add(step.factors[0][1]), "b": arrays.add(step.factors[1][1])}
    found = coefficients(step)
    if found is None:
        return {}
    return {
        "t": "rule",
        "u": arrays.add(step.upstream),
        "n": [len(row) for row in found],
        "i": [place for row in found for place, _ in row],
        "c": arrays.add(np.array([value for row in found for _, value in row])),
    }
