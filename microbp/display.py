"""Tensors in print, as PyTorch prints them.

All numbers of a tensor are printed alike: as whole numbers with a point if they all are
whole, with four decimals otherwise, and in scientific notation if they are very large, very
small, or more than a thousandfold apart. Large tensors show only their edges.
"""

from __future__ import annotations

import math
from contextvars import ContextVar
from typing import Any

import numpy as np

from microbp.dtypes import get_default_dtype
from microbp.errors import OptionError
from microbp.methods import method
from microbp.tensor import Tensor

__all__ = ["get_printoptions", "set_printoptions"]


class PrintOptions:
    """How tensors are printed."""

    def __init__(
        self,
        precision: int = 4,
        threshold: float = 1000,
        edgeitems: int = 3,
        linewidth: int = 80,
        sci_mode: bool | None = None,
    ) -> None:
        self.precision = precision
        self.threshold = threshold
        self.edgeitems = edgeitems
        self.linewidth = linewidth
        self.sci_mode = sci_mode


PROFILES = {
    "default": PrintOptions(),
    "short": PrintOptions(precision=2, edgeitems=2),
    "full": PrintOptions(threshold=math.inf),
}

_options: ContextVar[PrintOptions] = ContextVar("microbp print options", default=PROFILES["default"])


def set_printoptions(
    precision: int | None = None,
    threshold: float | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    profile: str | None = None,
    sci_mode: bool | None = None,
) -> None:
    """Set how tensors are printed, for this thread or task.

    A new thread starts with the usual options, and a task with those of the one that made it; PyTorch has one set of
    options for all.

    Parameters
    ----------
    precision : int, optional
        Decimals; 4 by default.
    threshold : number, optional
        Tensors with more elements are abridged; 1000 by default.
    edgeitems : int, optional
        How many elements an abridged axis shows at either end; 3 by default.
    linewidth : int, optional
        Characters to a line; 80 by default.
    profile : str, optional
        ``"default"``, ``"short"`` or ``"full"``: a set of options to begin with.
    sci_mode : bool, optional
        Always or never use scientific notation. Every call without it leaves the choice to the numbers again.

    Raises
    ------
    OptionError
        If there is no such profile.

    Examples
    --------
    >>> import microbp
    >>> microbp.set_printoptions(precision=2)
    >>> microbp.tensor([1.23456])
    tensor([1.23])
    >>> microbp.set_printoptions(profile="default")
    """
    if profile is not None and profile not in PROFILES:
        raise OptionError(f"there is no print profile {profile!r}, only {', '.join(PROFILES)}")
    given = {"precision": precision, "threshold": threshold, "edgeitems": edgeitems, "linewidth": linewidth}
    start = _options.get() if profile is None else PROFILES[profile]
    changes: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    _options.set(PrintOptions(**{**vars(start), "sci_mode": sci_mode, **changes}))


def get_printoptions() -> dict[str, Any]:
    """How tensors are printed, as the arguments of `set_printoptions`.

    Returns
    -------
    dict of str to object

    Examples
    --------
    >>> get_printoptions()["precision"]
    4
    """
    return dict(vars(_options.get()))


@method("__repr__")
def as_text(self: Tensor) -> str:
    """The values, and what is not usual about the tensor: its dtype, its place in a graph."""
    options = _options.get()
    array = self.array
    prefix = "tensor("
    suffixes = []
    usual = array.dtype in (get_default_dtype(), np.dtype(np.int64), np.dtype(bool))
    if array.size == 0:
        text = "[]"
        if array.ndim != 1:
            suffixes.append(f"size={tuple(array.shape)}")
        usual = array.dtype == get_default_dtype()
    else:
        text = values(array, options, len(prefix))
    if not usual:
        suffixes.append(f"dtype={array.dtype}")
    if self.grad_fn is not None:
        suffixes.append(f"grad_fn=<{self.grad_fn.name()}>")
    elif self.requires_grad:
        suffixes.append("requires_grad=True")
    return with_suffixes(prefix + text, suffixes, len(prefix), options.linewidth)


method("__str__")(as_text)


@method("__format__")
def formatted(self: Tensor, specification: str) -> str:
    """A tensor without dimensions formats as the number that it holds: ``f"{loss:.3f}"``."""
    if self.array.ndim == 0:
        return format(self.array.item(), specification)
    if specification:
        raise TypeError(
            f"a tensor of shape {tuple(self.shape)} takes no format specification, got {specification!r}; "
            "format its elements, or one number: t.item()"
        )
    return str(self)


def values(array: np.ndarray[Any, Any], options: PrintOptions, indent: int) -> str:
    """The numbers of an array in nested brackets."""
    abridged = array.size > options.threshold
    shown = edges(array, options.edgeitems) if abridged else array
    style = Style(shown, options)
    return nested(array, style, options, indent, abridged)


def edges(array: np.ndarray[Any, Any], edgeitems: int) -> np.ndarray[Any, Any]:
    """What an abridged array shows."""
    for axis, size in enumerate(array.shape):
        if size > 2 * edgeitems:
            ends = [*range(edgeitems), *range(size - edgeitems, size)]
            array = array.take(ends, axis)
    return array


class Style:
    """How the numbers of one array are printed: all in one notation and to one width."""

    def __init__(self, array: np.ndarray[Any, Any], options: PrintOptions) -> None:
        self.precision = options.precision
        self.floating = array.dtype.kind == "f"
        self.whole = True
        self.scientific = False
        self.width = 1
        if not self.floating:
            self.width = max(len(str(value)) for value in array.ravel().tolist())
            return
        finite = array[np.isfinite(array) & (array != 0)].astype(np.float64)
        if finite.size == 0:
            return
        sizes = np.abs(finite)
        smallest, largest = float(sizes.min()), float(sizes.max())
        self.whole = bool((finite == np.ceil(finite)).all())
        if options.sci_mode is None:
            self.scientific = largest > 1000 * smallest or largest > 1e8 or smallest < 1e-4
        else:
            self.scientific = options.sci_mode
        self.width = max(len(self.number(value)) for value in finite.tolist())

    def number(self, value: Any) -> str:
        """One number, not yet padded."""
        if not self.floating:
            return str(value)
        if self.scientific:
            return f"{value:.{self.precision}e}"
        if self.whole:
            return f"{value:.0f}." if math.isfinite(value) else f"{value:.0f}"
        return f"{value:.{self.precision}f}"

    def __call__(self, value: Any) -> str:
        return self.number(value).rjust(self.width)


def nested(array: np.ndarray[Any, Any], style: Style, options: PrintOptions, indent: int, abridged: bool) -> str:
    """An array in brackets: numbers across the line, all other axes downwards."""
    if array.ndim == 0:
        return style(array.item())
    edge = options.edgeitems
    if array.ndim == 1:
        if abridged and array.size > 2 * edge:
            head, tail = array[:edge].tolist() if edge else [], array[-edge:].tolist() if edge else []
            numbers = [*map(style, head), " ...", *map(style, tail)]
        else:
            numbers = [style(value) for value in array.tolist()]
        fit = max(1, math.floor((options.linewidth - indent) / (style.width + 2)))
        lines = [", ".join(numbers[start : start + fit]) for start in range(0, len(numbers), fit)]
        return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"
    if abridged and len(array) > 2 * edge:
        parts = [nested(part, style, options, indent + 1, abridged) for part in array[:edge]]
        parts += ["...", *(nested(part, style, options, indent + 1, abridged) for part in array[len(array) - edge :])]
    else:
        parts = [nested(part, style, options, indent + 1, abridged) for part in array]
    return "[" + ("," + "\n" * (array.ndim - 1) + " " * (indent + 1)).join(parts) + "]"


def with_suffixes(text: str, suffixes: list[str], indent: int, linewidth: int) -> str:
    """The text with what follows the numbers, on a new line where the last one is full."""
    column = len(text) - text.rfind("\n") + 1
    for suffix in suffixes:
        if column + len(suffix) + 2 > linewidth:
            text += ",\n" + " " * indent + suffix
            column = indent + len(suffix)
        else:
            text += ", " + suffix
            column += len(suffix) + 2
    return text + ")"
