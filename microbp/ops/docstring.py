"""The docstring of a row: what its author wrote, the row's formulas, and the sections that its data tells.

Elementwise rows have one contract, so it is written here once, and not with each of them. A section
that a row's author did write stands as it is. Nothing is composed before someone reads it.
"""

from __future__ import annotations

import re
from inspect import cleandoc
from typing import Any

__all__ = ["Docstring", "formulas"]

TITLE = r"(?m)^(\w[\w ]*)\n-{3,}$\n"


class Docstring:
    """The ``__doc__`` of a class of rows, and of each row its own.

    Parameters
    ----------
    of_class : str, optional
        What the class itself says.
    """

    def __init__(self, of_class: str | None) -> None:
        self.of_class = of_class

    def __get__(self, row: Any, owner: type | None = None) -> str | None:
        return self.of_class if row is None else composed(row)


def composed(row: Any) -> str | None:
    """What the author wrote, with the formulas below it and the sections that are missing.

    Examples
    --------
    >>> from microbp.ops.elementwise import log
    >>> print(composed(log).split("Examples")[0].rstrip())
    Natural logarithm: -inf at 0, NaN below.
    <BLANKLINE>
        y = log(a)
        g = dL/dy
        dL/da = g / a
    <BLANKLINE>
    Parameters
    ----------
    a : Tensor
        Of any shape; ``input=`` names it too. Integers are taken in the default dtype.
    <BLANKLINE>
    Returns
    -------
    Tensor
        Of the shape and the dtype of `a`, or of the default dtype.
    """
    written = row.forward.__doc__
    if written is None:  # Python was told to leave docstrings out
        return None
    prose, *parts = re.split(TITLE, cleandoc(written))
    sections = dict(zip(parts[::2], parts[1::2], strict=True))
    if row.is_elementwise and (len(row.arguments) == 1 or (len(row.arguments) == 2 and row.broadcasts)):
        sections = {**contract(row), **sections}
    below = "\n".join(f"    {line}" for line in formulas(row))
    texts = [prose, below, *(f"{title}\n{'-' * len(title)}\n{text}" for title, text in sections.items())]
    return "\n\n".join(text.rstrip() for text in texts)


def formulas(row: Any) -> list[str]:
    """The forward of a row and the gradients of its arguments, a line each."""
    rules = [f"dL/d{rule.argument} = {rule.formula}" for rule in row.rules.values()]
    letters = [f"{name} = {letter.formula}" for name, letter in row.letters.items()]
    return [f"y = {row.formula}", *letters, *(["g = dL/dy"] if rules else []), *rules]


def contract(row: Any) -> dict[str, str]:
    """The sections of an elementwise row of one argument, or of two that are broadcast, by their titles."""
    names = row.arguments
    if len(names) == 1:
        taken = f"{names[0]} : Tensor\n    Of any shape; ``input=`` names it too."
        given = f"Of the shape and the dtype of `{names[0]}`"
        if row.floating:
            taken, given = f"{taken} Integers are taken in the default dtype.", f"{given}, or of the default dtype"
        if gives_bool(row):
            given = f"Of the shape of `{names[0]}` and of dtype bool"
        return {"Parameters": taken, "Returns": f"Tensor\n    {given}."}
    taken = (
        f"{', '.join(names)} : Tensor or number\n    One of them a tensor; broadcast against each other, and brought "
        f"to a common{' floating-point' if row.floating else ''} dtype.\n    ``input=`` and ``other=`` name them too."
    )
    given = f"Of the shape to which they are broadcast, and of {'dtype bool' if gives_bool(row) else 'that dtype'}"
    return {
        "Parameters": taken,
        "Returns": f"Tensor\n    {given}.",
        "Raises": "ShapeError\n    If the shapes cannot be broadcast against each other.",
    }


def gives_bool(row: Any) -> bool:
    """Whether the output holds truth values, whatever the arguments hold: so the types of NumPy's function say."""
    return {types[-1] for types in getattr(row.numpy, "types", ()) if "O" not in types} == {"?"}
