"""Numbers and names as text: short numbers, small matrices, escapes."""

from __future__ import annotations

import html
import math
from typing import Any

import numpy as np

__all__ = ["bytes_text", "escape_html", "escape_string", "matrix", "number", "shape_text", "shorten", "summary"]

LARGEST = 4  # rows and columns of a matrix that is written out
NOISE = 1e-6  # how small beside the largest a number is that may well be rounding


def escape_html(text: str) -> str:
    """Text for an HTML-like label; a backslash would start an escape sequence there, and control signs are not XML."""
    lines = ["".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in line) for line in text.split("\n")]
    return "<BR/>".join(html.escape(line, quote=True).replace("\\", "&#92;") for line in lines)


def escape_string(text: str) -> str:
    """Text for a quoted attribute such as a tooltip: no escape sequence, no entity."""
    kept = "".join(c if c == "\n" or c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    return kept.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\\", "\\\\")


def shorten(text: str, limit: int) -> str:
    """At most `limit` characters."""
    return text if len(text) <= limit else text[: max(limit - 1, 0)] + "…"


def shape_text(shape: tuple[int, ...] | None) -> str:
    """A shape in words that a newcomer can read; nothing if it is not known."""
    if shape is None:
        return ""
    return str(tuple(int(size) for size in shape)) if shape else "scalar"


def bytes_text(count: float) -> str:
    """A number of bytes in a unit that suits it.

    Examples
    --------
    >>> bytes_text(96), bytes_text(1500), bytes_text(4_000_000)
    ('96 B', '1.5 kB', '4 MB')
    """
    size, unit = float(count), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if size < 999.5:
            break
        size, unit = size / 1000, larger
    return f"{size:.3g} {unit}"


def number(value: float) -> str:
    """A number in at most eight characters.

    Examples
    --------
    >>> number(0.123456), number(-1234567.0), number(3.0), number(1e-9)
    ('0.123', '-1.23e+06', '3', '1e-09')
    """
    return matrix(np.asarray(value))[0][0]


def matrix(array: Any) -> list[list[str]]:
    """The entries of an array of at most two dimensions, with as many decimals as its largest needs."""
    rows = np.atleast_2d(array).tolist()
    if array.dtype.kind not in "f":
        return [[str(value) for value in row] for row in rows]
    finite = [abs(value) for row in rows for value in row if math.isfinite(value)]
    largest = max(finite, default=0.0)
    noise = largest * NOISE
    if not largest or all(value == int(value) and value < 1e5 for value in finite):
        pattern = ".0f"
    elif 1e-3 <= largest < 1e5:
        pattern = f".{min(max(2 - math.floor(math.log10(largest)), 0), 4)}f"
    else:
        pattern = ".2g" if largest < 1e-3 else ".3g"
    return [[entry(value, pattern, noise) for value in row] for row in rows]


def entry(value: float, pattern: str, noise: float) -> str:
    """One entry; zero is ``0``, and what is not zero never reads as zero, if only as ``≈0``."""
    if not math.isfinite(value):
        return str(value)
    if value == 0:
        return "0"
    if abs(value) < noise:
        return "≈0"
    text = format(value, pattern)
    return format(value, ".0e") if not text.strip("-0.") else text


def fits(array: Any) -> bool:
    """Whether an array is small enough to be written out."""
    return array.ndim <= 2 and array.size > 0 and all(size <= LARGEST for size in array.shape)


def summary(array: Any) -> str:
    """Mean ± standard deviation of an array, and how much of it is not finite."""
    if array.size == 0:
        return "empty"
    if array.dtype.kind not in "f":
        return f"{array.min()} … {array.max()}"
    finite = array[np.isfinite(array)].astype(np.float64)
    parts = []
    if finite.size:
        alike = finite.min() == finite.max()
        parts.append(f"all {number(finite[0])}" if alike else mean_and_spread(finite))
    if finite.size < array.size:
        parts.append(f"{array.size - finite.size} of {array.size} not finite")
    return ", ".join(parts)


def mean_and_spread(array: Any) -> str:
    """Mean ± standard deviation; of the mean no more digits than the spread leaves meaning to."""
    _, exponent = math.frexp(float(np.abs(array).max()))
    scaled = np.ldexp(array, -exponent)  # the squares of the largest numbers would be too large
    mean, spread = (math.ldexp(float(value), exponent) for value in (scaled.mean(), scaled.std()))
    if spread > 0 and math.isfinite(spread):
        mean = round(mean, 2 - math.floor(math.log10(spread)))
    return f"{number(mean)} ± {number(spread)}"
