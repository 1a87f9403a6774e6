"""What the doctor says: findings, each with a place, a number and a remedy."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass

__all__ = ["Finding", "Findings"]

WIDTH = 100


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, in plain language.

    Attributes
    ----------
    kind : str
        What it is, always in the same words: ``"vanishing gradients"``, ``"dead ReLUs"``, ...
    where : str
        The layer, parameter or operation that it is about.
    number : float
        The number that triggered it; `text` says what it counts or measures.
    text : str
        What was found.
    remedy : str
        What to do about it.
    """

    kind: str
    where: str
    number: float
    text: str
    remedy: str

    def __str__(self) -> str:
        found = textwrap.fill(f"{self.kind}, {self.where}: {self.text}", WIDTH)
        return f"{found}\n{textwrap.fill(f'-> {self.remedy}', WIDTH, subsequent_indent='   ')}"


class Findings(list[Finding]):
    """A list of findings that prints as a report.

    Examples
    --------
    >>> print(Findings())
    nothing found
    >>> print(Findings([Finding("dead ReLUs", "after '0'", 0.5, "8 of 16 units are silent.", "Lower the rate.")]))
    1 finding
     1. dead ReLUs, after '0': 8 of 16 units are silent.
        -> Lower the rate.
    """

    @property
    def kinds(self) -> list[str]:
        """What was found, each kind once, in order."""
        return list(dict.fromkeys(finding.kind for finding in self))

    def __str__(self) -> str:
        if not self:
            return "nothing found"
        title = f"{len(self)} finding" + ("" if len(self) == 1 else "s")
        blocks = [textwrap.indent(str(finding), "    ") for finding in self]
        return "\n".join([title, *(f"{number:2d}. {block[4:]}" for number, block in enumerate(blocks, 1))])

    __repr__ = __str__
