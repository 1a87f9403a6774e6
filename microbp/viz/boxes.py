"""The boxes of the drawing as HTML-like labels and tooltips."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Container, Iterable
from typing import Any

import numpy as np

from microbp.viz.fold import Closed, Earlier
from microbp.viz.formula import parse, settled
from microbp.viz.style import GRADIENT, MUTED
from microbp.viz.text import escape_html, fits, matrix, number, shape_text, shorten, summary
from microbp.viz.view import Argument, Operation, TensorBox

__all__ = [
    "captions",
    "closed_label",
    "contribution_text",
    "earlier_label",
    "edge_label",
    "operation_label",
    "operation_tip",
    "tensor_label",
    "tensor_tip",
]

NAME_LENGTH = 48
CAPTION_LENGTH = 20  # of a name in a formula
FORMULA_LENGTH = 64
BLANK = "&#160;"
NEGATIVE = re.compile(r"-[\d.]+(e[+-]?\d+)?|-inf")


def font(text: str, *, size: float | None = None, colour: str | None = None, tag: str = "") -> str:
    """Marked-up text."""
    attributes = (f' POINT-SIZE="{size:g}"' if size else "") + (f' COLOR="{colour}"' if colour else "")
    text = f"<{tag}>{text}</{tag}>" if tag else text
    return f"<FONT{attributes}>{text}</FONT>" if attributes else text


def table(rows: Iterable[str], padding: int = 1) -> str:
    """One cell below the other."""
    cells = "".join(f"<TR><TD>{row}</TD></TR>" for row in rows)
    return f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="{padding}">{cells}</TABLE>'


def grid(array: Any, colour: str | None) -> str:
    """A small matrix in columns.

    A box may be wider than its numbers, and its cells grow with it. Numbers of one width,
    filled up with blanks, stay below each other in the middle of their cells.
    """
    texts = matrix(array)
    widths = [max(map(width, column)) for column in zip(*texts, strict=True)]
    rows = (
        "<TR>"
        + "".join(
            f"<TD>{font(BLANK * (1 + most - width(text)) + text + BLANK, size=9, colour=colour)}</TD>"
            for text, most in zip(row, widths, strict=True)
        )
        + "</TR>"
        for row in texts
    )
    return f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="1" CELLPADDING="1">{"".join(rows)}</TABLE>'


def width(text: str) -> int:
    """The width of a number in blanks: a digit is as wide as two, signs and points as one."""
    return sum(2 if sign.isalnum() else 1 for sign in text)


def numbers(array: Any, colour: str | None = None) -> str:
    """An array: written out if it is small, else its mean and spread."""
    if fits(array) and array.size > 1:
        return grid(array, colour)
    return font(matrix(array)[0][0] if fits(array) else summary(array), size=9, colour=colour)


def tensor_label(
    box: TensorBox,
    *,
    values: bool,
    grads: str,
    times: int,
    ink: str | None = None,
    sign: str = "",
    lines: Iterable[str] = (),
) -> str:
    """The label of a tensor.

    Parameters
    ----------
    box : TensorBox
    values : bool
        Whether to show the values.
    grads : {"none", "auto", "all"}
        Whether to show the gradient; ``auto`` is silent where an intermediate result has none.
    times : int
        How many tensors the box stands for.
    ink : str or None
        The colour of all text, in a coloured box.
    sign : str
        Put before the name.
    lines : iterable of str
        More to be said.
    """
    many = f" ×{times}" if times > 1 else ""
    rows = [font(sign + escape_html(shorten(box.name, NAME_LENGTH)) + many, tag="B", size=11)]
    facts = [shape_text(box.shape), box.dtype]
    unknown = "freed by backward()" if box.kind == "input" else "shape unknown"
    if box.parts > 1:
        unknown = f"{box.parts} tensors"
    rows.append(font(" ".join(fact for fact in facts if fact) or unknown, size=8.5, colour=ink or MUTED))
    if box.changed:
        rows.append(font("changed since the forward", size=8.5, colour=ink or GRADIENT, tag="I"))
    if values and box.value is not None and times == 1:
        rows.append(numbers(box.value))
    if grads != "none" and box.requires_grad and times == 1:
        gradient = box.derivative if box.grad is None else box.grad
        colour = ink or GRADIENT
        if gradient is not None and fits(gradient) and gradient.size == 1:
            rows.append(font(f"grad {number(gradient.item())}", size=9, colour=colour))
        elif gradient is not None:
            rows += [font("grad", size=8.5, colour=colour), numbers(gradient, colour)]
        elif box.kind != "result" or grads == "all":
            rows.append(font("grad: not computed", size=8.5, colour=ink or MUTED, tag="I"))
    rows += [font(escape_html(line), size=8.5, colour=ink) for line in lines]
    return f"<{table(rows)}>"


def tensor_tip(box: TensorBox) -> str:
    """The tooltip of a tensor."""
    lines = [f"{box.name}: {shape_text(box.shape)} {box.dtype}".rstrip()]
    for what, array in (("values", box.value), ("grad", box.grad)):
        if array is not None and array.dtype.kind == "f" and array.size and not fits(array):
            lines.append(f"{what}: {summary(array)}, from {number(array.min())} to {number(array.max())}")
    if box.derivative is not None and box.grad is None:
        lines.append("the gradient was worked out for this picture; the graph does not store it")
    return "\n".join(lines)


def operation_label(
    op: Operation,
    *,
    captions: dict[str, str],
    formulas: bool,
    attrs: int | None,
    saved: bool,
    times: int,
    ink: str | None = None,
    sign: str = "",
    lines: Iterable[str] = (),
) -> str:
    """The label of an operation.

    Parameters
    ----------
    op : Operation
    captions : dict of str to str
        What the letters of the row are called in the picture.
    formulas : bool
        Show the derivatives.
    attrs : int or None
        Show the options, each in at most so many characters.
    saved : bool
        Show what the operation keeps for the backward pass.
    times : int
        How many operations the pill stands for.
    ink : str or None
        The colour of all text, in a coloured pill.
    sign : str
        Put before the name.
    lines : iterable of str
        More to be said.
    """
    many = f" ×{times}" if times > 1 else ""
    rows = [font(sign + escape_html(op.name) + many, tag="B", size=10)]
    written_out = caption(op, captions, times)
    if written_out:
        rows.append(font(escape_html(written_out), size=9))
    traits = [trait for trait in op.traits if trait != "checkpoint"]
    if traits:
        rows.append(font(", ".join(traits), size=8.5, tag="I"))
    if formulas:
        values = {argument.name: argument.number for argument in op.arguments if argument.tensor is None}
        rules = [derivative(argument, captions, values) for argument in op.arguments if argument.formula]
        rows += [font(escape_html(shorten(rule, FORMULA_LENGTH)), size=8.5, colour=ink or GRADIENT) for rule in rules]
    if attrs is not None:
        rows += [font(escape_html(line), size=8.5) for line in options_text(op.options, attrs)]
    if saved:
        rows.append(font(escape_html(kept_text(op)), size=8.5, tag="I"))
    rows += [font(escape_html(line), size=8.5) for line in lines]
    return f"<{table(rows, padding=0)}>"


def operation_tip(op: Operation, *, source: bool, attrs: int) -> str:
    """The tooltip of an operation: what it computes, the derivatives, and where the program calls it."""
    lines = [f"{op.name} = {op.formula}"]
    lines += options_text(op.options, attrs)
    lines += [argument.formula for argument in op.arguments if argument.formula]
    if "checkpoint" in op.traits:
        lines.append("in a checkpoint: keeps nothing, and is run again for the backward pass")
    if source and op.place is not None:
        lines.append(f"{op.place[0]}:{op.place[1]}")
    return "\n".join(lines)


def kept_text(op: Operation) -> str:
    """What an operation keeps for the backward pass, in the letters of its row."""
    if op.kept is None:
        return "kept values freed"
    again = ", is run again" if "checkpoint" in op.traits else ""
    return f"keeps {', '.join(op.kept) or 'nothing'}{again}"


def caption(op: Operation, captions: dict[str, str], times: int) -> str:
    """What an operation computes, if that has numbers or options in it that its name does not tell: ``x[:, 0]``.

    Long formulas are left to the tooltip, unless a Python number is in them.
    """
    with_number = any(argument.tensor is None for argument in op.arguments)
    names = set() if with_number else names_in(op.formula).intersection(op.options)
    if not with_number and not names:
        return ""
    options = {name: option_text(op.options[name], bare=f"[{name}]" in op.formula) for name in names}
    if times > 1 and options:
        return ""  # repeated calls may differ in them
    text = substitute(op.formula, {**captions, **options})
    return shorten(text, NAME_LENGTH) if with_number else text if len(text) <= CAPTION_LENGTH + 8 else ""


@functools.cache
def names_in(formula: str) -> frozenset[str]:
    """The names in a formula; none if that is in words."""
    try:
        parts = ast.walk(ast.parse(formula, mode="eval"))
    except SyntaxError:
        return frozenset()
    return frozenset(part.id for part in parts if isinstance(part, ast.Name))


def option_text(value: Any, bare: bool = False) -> str:
    """An option as one writes it in a formula; an index is `bare` of brackets around it."""
    if isinstance(value, tuple) and value and (bare or any(isinstance(part, slice) for part in value)):
        return ", ".join(map(option_text, value))
    if isinstance(value, slice):
        bounds = ["" if bound is None else str(bound) for bound in (value.start, value.stop, value.step)]
        return ":".join(bounds if bounds[2] else bounds[:2])
    if isinstance(value, np.ndarray):
        return f"[{value.size} places]"
    if isinstance(value, tuple):
        return f"({', '.join(map(option_text, value))}{',' if len(value) == 1 else ''})"
    return "..." if value is Ellipsis else plain(value)


def captions(op: Operation, hidden: Container[TensorBox]) -> dict[str, str]:
    """What the letters of a row are called in the picture, where a letter has one meaning.

    A row's own letters would be taken for the user's names. What is hidden, or stands for
    several tensors, is a dot.
    """
    letters = [argument.name for argument in op.arguments]
    called = {a.name: written(a.number) if a.tensor is None else called_in(a.tensor, hidden) for a in op.arguments}
    called = {letter: name for letter, name in called.items() if letters.count(letter) == 1}
    several = next((letter.partition("[")[0] for letter in letters if "[" in letter), None)
    if several is not None:
        called[several] = "…"  # any number of arguments under one letter
    shapes = {f"{letter}_shape": f"{name}.shape" for letter, name in called.items()}
    return {**shapes, **called, "y": called_in(op.output, hidden)}


def called_in(tensor: TensorBox, hidden: Container[TensorBox]) -> str:
    """The name of a tensor in a formula."""
    return "·" if tensor in hidden else shorten(tensor.name, CAPTION_LENGTH)


def derivative(argument: Argument, captions: dict[str, str], values: dict[str, Any]) -> str:
    """A rule in the names of the picture, its Python numbers put in: ``dL/dx = g * w``."""
    assert argument.formula is not None
    rule = settled(parse(argument.formula.split(" = ", 1)[1]), values)
    return f"dL/d{captions.get(argument.name, argument.name)} = {substitute(ast.unparse(rule), captions)}"


def substitute(formula: str, captions: dict[str, str]) -> str:
    """A formula with numbers and names in the place of its letters: ``x ** 2``."""

    class Insert(ast.NodeTransformer):
        def visit_Name(self, node: ast.Name) -> ast.expr:
            name = captions.get(node.id, node.id)
            # A negative number is an expression, so that it gets brackets where it needs them.
            return ast.parse(name, mode="eval").body if NEGATIVE.fullmatch(name) else ast.Name(name)

    return ast.unparse(Insert().visit(ast.parse(formula, mode="eval")))


def written(value: Any) -> str:
    """A Python number as one writes it, in few digits."""
    return f"{value:.4g}" if isinstance(value, float) and np.isfinite(value) else repr(value)


def options_text(options: dict[str, Any], limit: int) -> list[str]:
    """Options as ``name = value``."""
    return [f"{name} = {shorten(plain(value), limit)}" for name, value in options.items()]


def plain(value: Any) -> str:
    """A value in words that are the same in every process."""
    if isinstance(value, np.ndarray):
        return f"array {value.shape} {value.dtype}"
    if isinstance(value, tuple | list):
        return f"({', '.join(map(plain, value))})"
    if isinstance(value, np.dtype):
        return str(value)
    if value is None or value is Ellipsis or isinstance(value, bool | int | float | complex | str | slice | np.generic):
        return repr(value)
    return getattr(value, "__name__", type(value).__name__)


def closed_label(closed: Closed, times: int, *, ink: str | None = None, lines: Iterable[str] = ()) -> str:
    """The label of a module call that is drawn as one box."""
    call = closed.call
    many = f" ×{times}" if times > 1 else ""
    rows = [font(escape_html(shorten(call.name, NAME_LENGTH)) + many, tag="B", size=11)]
    if call.kind != call.name:
        rows.append(font(escape_html(call.kind), size=9))
    shown = closed.parameters[:4]
    rows += [
        font(f"{escape_html(short(p.name, call.name))} {shape_text(p.shape)}", size=8.5, colour=ink or MUTED)
        for p in shown
    ]
    if len(closed.parameters) > len(shown):
        rows.append(font(f"and {len(closed.parameters) - len(shown)} more", size=8.5, colour=ink or MUTED))
    rows.append(font(counted(len(closed.operations), "operation"), size=8.5, colour=ink or MUTED, tag="I"))
    rows += [font(escape_html(line), size=8.5, colour=ink) for line in lines]
    return f"<{table(rows)}>"


def short(name: str, owner: str) -> str:
    """A parameter's name inside its module."""
    return shorten(name.removeprefix(owner.split("#")[0] + "."), NAME_LENGTH)


def earlier_label(earlier: Earlier) -> str:
    """The label of what is too much to be drawn."""
    rows = [font("earlier", tag="B", size=11), font(counted(earlier.operations, "operation"), size=9)]
    if earlier.parameters:
        rows.append(font(counted(earlier.parameters, "parameter"), size=9))
    return f"<{table(rows)}>"


def counted(count: int, what: str) -> str:
    """A number of things."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def contribution_text(array: Any) -> str:
    """What one use of a tensor adds to its gradient, in one line."""
    if array.size == 1:
        return f"grad + {number(array.item())}".replace("+ -", "− ")
    if array.ndim == 1 and array.size <= 3:
        return f"grad + [{', '.join(matrix(array)[0])}]"
    return f"grad + ({summary(array)})"


def edge_label(lines: Iterable[tuple[str, str]]) -> str:
    """Lines of text, each in its colour."""
    return f"<{'<BR/>'.join(font(escape_html(text), size=8.5, colour=colour) for text, colour in lines)}>"
