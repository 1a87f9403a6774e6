"""Colours and lines of the drawing.

The hues are those of Okabe and Ito's palette, which people with any common form of colour
blindness can tell apart; lines and shapes repeat what the colours say, so that a picture
survives a black-and-white printer.

Source: M. Okabe, K. Ito, *Color Universal Design* (2008), https://jfly.uni-koeln.de/color/
"""

from __future__ import annotations

import math

__all__ = [
    "CLUSTER",
    "FONT",
    "GRADIENT",
    "INK",
    "KINDS",
    "MUTED",
    "OPERATION",
    "UNKNOWN",
    "ZERO",
    "gradient_colour",
    "gradient_scale",
]

FONT = "Helvetica,Arial,sans-serif"
INK = "#1F2933"
MUTED = "#66727F"
GRADIENT = "#B03A00"

# kind: (what the legend says, fill, line, style, width)
KINDS = {
    "parameter": ("parameter (learned)", "#D6E8F7", "#0072B2", "rounded,filled", 1.8),
    "frozen": ("parameter (frozen)", "#E9F1F8", "#0072B2", "rounded,filled,dashed", 1.2),
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
SCALE = ("#FFF7E8", "#FCDDB0", "#F7B27A", "#EC8150", "#CF4F33", "#9A2A2A")  # light to dark, even in grey


def gradient_scale(sizes: list[float]) -> tuple[float, float]:
    """The decades that the colour scale spans."""
    logs = [math.log10(size) for size in sizes if size > 0 and math.isfinite(size)]
    low, high = (math.floor(min(logs)), math.ceil(max(logs))) if logs else (0, 1)
    return low, max(high, low + 1)


def gradient_colour(size: float, low: float, high: float) -> tuple[str, str]:
    """Fill and ink for a gradient of this root mean square."""
    if not math.isfinite(size):
        return "#000000", "#FFFFFF"
    place = (math.log10(size) - low) / (high - low)
    step = min(int(place * len(SCALE)), len(SCALE) - 1)
    return SCALE[step], "#FFFFFF" if step >= len(SCALE) - 2 else INK
