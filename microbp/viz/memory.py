"""What the backward pass costs in memory: a table of what each operation keeps for it.

A forward pass allocates its results, and most of them could be forgotten at once, if the rules
of the backward pass did not need them. The table tells who keeps what.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from microbp.tensor import Tensor
from microbp.viz.dot import tensors_of
from microbp.viz.held import Held
from microbp.viz.style import FONT, MUTED
from microbp.viz.text import bytes_text, shape_text
from microbp.viz.view import Operation, look

__all__ = ["MemoryRow", "MemoryTable", "memory_table"]

TOTALS = {
    "computed": "computed, kept for backward() alone",
    "parameter": "parameters, which are there anyway",
    "input": "inputs and constants, such as data and masks",
}


@dataclass(frozen=True, slots=True)
class MemoryRow:
    """What one operation keeps.

    Attributes
    ----------
    operation, output : str
        The operation, and the name of its output.
    module : str
        The innermost module call that it belongs to; empty if there is none.
    place : (str, int) or None
        File and line where the program calls it.
    held : tuple of Held
        The arrays that it keeps.
    nbytes : int
        Of the memory that was computed and that no older operation keeps.
    is_freed, is_checkpoint : bool
        Whether it keeps nothing any more, or keeps nothing until it is run again.
    """

    operation: str
    output: str
    module: str
    place: tuple[str, int] | None
    held: tuple[Held, ...]
    nbytes: int
    is_freed: bool
    is_checkpoint: bool


class MemoryTable:
    """The memory that a graph keeps for its backward pass; prints as a table.

    Attributes
    ----------
    rows : tuple of MemoryRow
        One for each operation, the oldest first.
    totals : dict of str to int
        The bytes by kind of memory: ``computed`` by the forward pass, of a ``parameter``, or of an ``input``. Each
        piece of memory is counted once.
    """

    def __init__(self, operations: Sequence[Operation]) -> None:
        self.rows = tuple(map(row_of, operations))
        self.totals = dict.fromkeys(TOTALS, 0)
        for row in self.rows:
            for held in row.held:
                self.totals[held.kind] += held.nbytes if held.first else 0

    @property
    def total(self) -> int:
        """The bytes that were computed by the forward pass and are kept for the backward pass alone."""
        return self.totals["computed"]

    def by_module(self) -> dict[str, int]:
        """The bytes that were computed and are kept, by the innermost module call."""
        found: dict[str, int] = {}
        for row in self.rows:
            found[row.module] = found.get(row.module, 0) + row.nbytes
        return found

    def cells(self) -> list[tuple[str, ...]]:
        """The table as text, the head first, a line for each array; operations that keep nothing are left out."""
        cells: list[tuple[str, ...]] = [("output", "operation", "module", "keeps", "shape", "dtype", "bytes", "")]
        for row in self.rows:
            first = (row.output, row.operation, row.module)
            lines = [("nothing: is run again", "", "", "", "")] if row.is_checkpoint else []
            lines += map(cells_of, row.held)
            cells += [(*(("", "", "") if number else first), *line) for number, line in enumerate(lines)]
        return cells

    def summary(self) -> list[str]:
        """The totals in words."""
        lines = [f"{text}: {bytes_text(self.totals[kind])}" for kind, text in TOTALS.items()]
        freed = sum(row.is_freed for row in self.rows)
        if freed:
            lines.append(f"{freed} of {len(self.rows)} operations were freed by an earlier backward(); ask before it")
        return lines

    def __str__(self) -> str:
        cells = self.cells()
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in cells]
        return "\n".join([*lines, "", *self.summary()])

    def __repr__(self) -> str:
        return f"<MemoryTable of {len(self.rows)} operations, {bytes_text(self.total)} computed and kept>"

    def _repr_html_(self) -> str:
        """The table for a notebook."""
        head, *body = self.cells()
        cell = "padding:1px 8px;text-align:left"
        titles = "".join(f'<th style="{cell}">{escape(title)}</th>' for title in head)
        rows = ("".join(f'<td style="{cell}">{escape(text)}</td>' for text in row) for row in body)
        lines = "".join(f'<div style="color:{MUTED}">{escape(line)}</div>' for line in self.summary())
        inner = "".join(f"<tr>{row}</tr>" for row in [titles, *rows])
        return f'<div style="font-family:{FONT}"><table>{inner}</table>{lines}</div>'


def memory_table(var: Tensor | Sequence[Tensor], *, model: Any = None, params: Any = None) -> MemoryTable:
    """Tell what each operation of a graph keeps for the backward pass, in bytes.

    A value that several operations keep is counted once, at the first of them; a view counts as the memory that it
    is a view of. Parameters and inputs are listed, but they are there anyway.

    Parameters
    ----------
    var : Tensor or sequence of Tensor
        What the graph computes, usually the loss. Call it before ``backward()``, which frees what is kept.
    model : Module, optional
        Gives names; by default the modules that were called do.
    params : mapping of str to Tensor, optional
        Names that take precedence.

    Returns
    -------
    MemoryTable
        Prints as a table; a notebook shows it as one.

    Raises
    ------
    TypeError
        If `var` is no tensor.

    Examples
    --------
    >>> import microbp
    >>> x = microbp.tensor([1.0, 2.0], requires_grad=True)
    >>> print(memory_table((x.exp() * 2).tanh().sum(), params={"x": x}))
    output  operation  module  keeps       shape  dtype    bytes
    exp_1   exp                y = exp_1   (2,)   float32  8 B
    tanh_1  tanh               y = tanh_1  (2,)   float32  8 B
    <BLANKLINE>
    computed, kept for backward() alone: 16 B
    parameters, which are there anyway: 0 B
    inputs and constants, such as data and masks: 0 B
    """
    return MemoryTable(look(tensors_of(var), model=model, params=params, values=False, gradients="none").operations)


def row_of(op: Operation) -> MemoryRow:
    """What an operation keeps."""
    return MemoryRow(
        operation=op.name,
        output=op.output.name,
        module="" if op.call is None else op.call.name,
        place=op.place,
        held=op.held,
        nbytes=sum(held.nbytes for held in op.held if held.first and held.kind == "computed"),
        is_freed=op.kept is None,
        is_checkpoint="checkpoint" in op.traits,
    )


def cells_of(held: Held) -> tuple[str, str, str, str, str]:
    """An array that is kept: which, shape, dtype, bytes, and whose they are if not its own."""
    name = f"{held.letter} = {held.name}" if held.name else held.letter
    note = "counted above" if not held.first else "" if held.kind == "computed" else held.kind
    return name, shape_text(held.shape), held.dtype, bytes_text(held.nbytes), note
