"""Colours and lines of the drawing.

The hues are those of Okabe and Ito's palette, which people with any common form of colour
blindness can tell apart; lines and shapes repeat what the colours say, so that a picture
survives a black-and-white printer.

Source: M. Okabe, K. Ito, *Color Universal Design* (2008), https://jfly.uni-koeln.de/color/
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Iterator

__all__ = [
    "CLUSTER",
    "CLUSTER_LINE",
    "FONT",
    "GRADIENT",
    "INK",
    "KINDS",
    "LINE",
    "MODULE",
    "MUTED",
    "OPERATION",
    "STEPS",
    "UNKNOWN",
    "ZERO",
    "Scale",
]

FONT = "Helvetica,Arial,sans-serif"
INK = "#1F2933"
MUTED = "#66727F"
LINE = "#5B6774"
GRADIENT = "#B03A00"

# kind: (what the legend says, fill, line, style, width)
KINDS = {
    "parameter": ("parameter (learned)", "#D6E8F7", "#0072B2", "rounded,filled", 1.8),
    "frozen": ("frozen parameter, or buffer", "#E9F1F8", "#0072B2", "rounded,filled,dashed", 1.2),
    "leaf": ("leaf with gradient", "#D6E8F7", "#0072B2", "rounded,filled", 1.8),
    "input": ("input or constant", "#F1F1EE", "#77756E", "rounded,filled,dashed", 1.0),
    "result": ("intermediate result", "#FFFFFF", "#8794A1", "rounded,filled", 1.0),
    "root": ("result", "#FFEFC7", "#C77700", "rounded,filled", 2.2),
}
OPERATION = ("operation", "#D9F0E6", "#00805E")
MODULE = ("module, closed", "#EFE3EE", "#8A4F7D")
CLUSTER = ("#F6F8FA", "#FFFFFF")
CLUSTER_LINE = "#B5BFC9"

UNKNOWN = "#D9D9D9"
ZERO = ":".join(["#FFFFFF", "#E0E0E0"] * 6)
STEPS = ("#FFF7E8", "#FCDDB0", "#F7B27A", "#EC8150", "#C4472C", "#8E2424")  # light to dark, even in grey


class Scale:
    """A logarithmic scale of colours with round bounds, the darkest for the largest.

    Parameters
    ----------
    sizes : iterable of float
        What is to be shown; only what is positive and finite counts.

    Examples
    --------
    >>> [bound for _, bound in Scale([0.02, 0.3]).steps()]
    [0.02, 0.05, 0.1, 0.2]
    """

    def __init__(self, sizes: Iterable[float]) -> None:
        shown = [size for size in sizes if size > 0 and math.isfinite(size)] or [1.0]
        low, high = min(shown), max(shown)
        self.bounds = next(bounds for bounds in scales(high) if bounds[0] <= low)
        self.lowest = max(bisect_right(self.bounds, low) - 1, 0)

    def colours(self, size: float) -> tuple[str, str]:
        """Fill and ink for a size."""
        if not math.isfinite(size):
            return "#000000", "#FFFFFF"
        step = max(bisect_right(self.bounds, size) - 1, 0)
        return STEPS[step], "#FFFFFF" if step >= len(STEPS) - 2 else INK

    def steps(self) -> Iterator[tuple[str, float]]:
        """The colours that occur, each with the smallest size that it stands for."""
        yield from list(zip(STEPS, self.bounds, strict=True))[self.lowest :]


def scales(high: float) -> Iterator[tuple[float, ...]]:
    """Bounds of ever coarser scales up to a size: a third of a decade apart, a half, one, two, ... decades."""
    decade = math.floor(math.log10(high))
    count = len(STEPS)
    for leading in ((1, 2, 5), (1, 3)):
        numbers = [float(f"{digit}e{power}") for power in range(decade - count, decade + 1) for digit in leading]
        yield tuple([number for number in numbers if number <= high][-count:])
    apart = 1
    while True:
        yield tuple([10.0 ** max(decade - apart * step, -400) for step in reversed(range(count))])
        apart += 1
