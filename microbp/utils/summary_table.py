"""A summary as text: the table of layers, and the totals below it."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

from microbp.utils.call_tree import Layer

__all__ = ["COLUMNS", "NEEDS_INPUT", "ROW_SETTINGS", "Table", "readable"]

COLUMNS = {
    "input_size": "Input Shape",
    "output_size": "Output Shape",
    "num_params": "Param #",
    "params_percent": "Param %",
    "kernel_size": "Kernel Shape",
    "groups": "Groups",
    "mult_adds": "Mult-Adds",
    "trainable": "Trainable",
}
NEEDS_INPUT = frozenset({"input_size", "output_size", "mult_adds"})
ROW_SETTINGS = ("depth", "var_names", "ascii_only", "hide_recursive_layers")

UNITS = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


class Table:
    """How the rows are shown.

    Parameters
    ----------
    root : Layer
        The row of the model.
    columns : sequence of str
        Of `COLUMNS`.
    width : int
        The width of a column.
    depth : int
        How far down rows are shown; what is below is counted in the last row shown.
    settings : collection of str
        Of `ROW_SETTINGS`.
    weights : bool
        Whether the parameters of each row are listed below it.
    """

    def __init__(
        self, root: Layer, columns: Sequence[str], width: int, depth: int, settings: Collection[str], weights: bool
    ) -> None:
        self.root = root
        self.columns = columns
        self.width = width
        self.depth = depth
        self.settings = settings
        self.weights = weights
        longest = max(len(self.title(row)) + 5 * row.depth + 1 for row in root.walk())
        self.name_width = 40 if longest < 40 else math.ceil(longest / 5) * 5

    def title(self, row: Layer) -> str:
        """What a row is called."""
        name = f" ({row.var_name or row.class_name})" if "var_names" in self.settings else ""
        number = f": {row.depth}-{row.depth_index}" if "depth" in self.settings and row.depth else ""
        return f"{row.class_name}{name}{number}"

    def indent(self, depth: int) -> str:
        """The lines that lead to a row."""
        ascii_only = "ascii_only" in self.settings
        if depth < 2:
            return "" if depth == 0 else "+ " if ascii_only else "├─"
        return ("|    " if ascii_only else "│    ") * (depth - 1) + ("+ " if ascii_only else "└─")

    def line(self, name: str, values: dict[str, str]) -> str:
        """A line of the table."""
        cells = "".join(f" {values.get(column, ''):<{self.width}}" for column in self.columns)
        return f"{name:<{self.name_width}}{cells}".rstrip()

    @property
    def divider(self) -> str:
        """A line between the parts."""
        return "=" * (self.name_width + len(self.columns) * self.width)

    def lines(self) -> Iterator[str]:
        """The table, line by line."""
        var_name = " (var_name)" if "var_names" in self.settings else ""
        number = ":depth-idx" if "depth" in self.settings else ""
        yield self.divider
        yield self.line(f"Layer (type{var_name}{number})", COLUMNS)
        yield self.divider
        for row in self.root.walk():
            if row.depth > self.depth or ("hide_recursive_layers" in self.settings and row.is_recursive):
                continue
            last = row.depth == self.depth or row.is_leaf_layer
            values = {column: CELLS[column](row, last, self.root) for column in self.columns}
            yield self.line(self.indent(row.depth) + self.title(row), values)
            if self.weights:
                for name, p in row.parameters.items():
                    values = {"kernel_size": shape_text(p.shape), "num_params": f"{p.numel():,}"}
                    yield self.line(self.indent(row.depth + 1) + name, values)


def params_text(row: Layer, last: bool) -> str:
    """The number of parameters; in parentheses if all of them are frozen."""
    if not row.num_params:
        return "--"
    if row.is_recursive:
        return "(recursive)"
    count = row.counted(whole=last)
    if not count:
        return "--"
    return f"{count:,}" if row.counted(whole=last, trainable=True) else f"({count:,})"


def percent_text(row: Layer, last: bool, root: Layer) -> str:
    """The part of all parameters that is in a row."""
    if row.num_params and row.is_recursive:
        return "(recursive)"
    count = row.counted(whole=last)
    return f"{count / root.num_params:>7.2%}" if count else f"{'--':>7}"


def trainable_text(row: Layer) -> str:
    """Whether the parameters require grad: all, none, or some of them."""
    if not row.num_params:
        return "--"
    if 0 < row.trainable_params < row.num_params:
        return "Partial"
    return str(row.trainable_params > 0)


def macs_text(row: Layer, last: bool) -> str:
    """The multiplications and additions of a row."""
    count = sum(each.macs for each in row.walk()) if last else row.macs
    return f"{count:,}" if count else "--"


def shape_text(shape: Any) -> str:
    """A shape, or a number, as it is shown."""
    if shape is None:
        return "--"
    return str(list(shape)) if isinstance(shape, tuple | list) else str(shape)


CELLS: dict[str, Callable[[Layer, bool, Layer], str]] = {
    "input_size": lambda row, last, root: shape_text(row.input_size),
    "output_size": lambda row, last, root: shape_text(row.output_size),
    "num_params": lambda row, last, root: params_text(row, last),
    "params_percent": percent_text,
    "kernel_size": lambda row, last, root: shape_text(getattr(row.module, "kernel_size", None)),
    "groups": lambda row, last, root: shape_text(getattr(row.module, "groups", None)),
    "mult_adds": lambda row, last, root: macs_text(row, last),
    "trainable": lambda row, last, root: trainable_text(row),
}


def readable(title: str, number: int, unit: str = "") -> str:
    """A line of a total, in thousands, millions, ... of a unit if it is large."""
    for factor, prefix in UNITS:
        if number >= factor:
            return f"{title} ({prefix}{unit}): {number / factor:,.2f}"
    return f"{title}{f' ({unit})' if unit else ''}: {number}"
