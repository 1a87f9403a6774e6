"""What a measurement gives: tables, and the goals that its figures are held against."""

from __future__ import annotations

import argparse
import os
import platform
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import date
from importlib import metadata
from pathlib import Path

from benchmarks.harness import Figure
from benchmarks.peers import versions


@dataclass
class Table:
    """Figures in rows, with a line above that says what they are, and perhaps one below."""

    title: str
    columns: Sequence[str]
    rows: list[Sequence[object]] = field(default_factory=list)
    note: str = ""

    def cells(self) -> list[list[str]]:
        """The heads of the columns and then the rows, as text; a missing figure is a dash."""
        return [list(self.columns), *(["-" if value is None else str(value) for value in row] for row in self.rows)]

    def text(self) -> str:
        """For the terminal."""
        cells = self.cells()
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = []
        for row in cells:
            first, *others = zip(row, widths, strict=True)
            lines.append("  ".join([first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)]))
        return "\n".join([self.title, "", *lines, *([self.note] if self.note else [])]) + "\n"

    def markdown(self) -> str:
        """For the README."""
        head, *rows = ("| " + " | ".join(row) + " |" for row in self.cells())
        rule = "|---" * len(self.columns) + "|"
        return "\n".join([self.title, "", head, rule, *rows, *(["", self.note] if self.note else [])]) + "\n"


@dataclass(frozen=True)
class Goal:
    """A figure, and the bound that it should keep: from above, or from below."""

    what: str
    measured: Figure | float
    bound: float
    from_above: bool = True

    def row(self) -> tuple[object, ...]:
        """The goal as a row of a table."""
        value = self.measured.median if isinstance(self.measured, Figure) else self.measured
        kept = value <= self.bound if self.from_above else value >= self.bound
        shown = self.measured if isinstance(self.measured, Figure) else f"{value:.3g}"
        return (
            self.what,
            f"{'at most' if self.from_above else 'at least'} {self.bound:g}",
            shown,
            "yes" if kept else "no",
        )


@dataclass
class Report:
    """The tables and goals of one question."""

    tables: list[Table] = field(default_factory=list)
    goals: list[Goal] = field(default_factory=list)


Measure = Callable[[int, Collection[str]], Report]


def goals_table(goals: Sequence[Goal]) -> Table:
    """The goals with what was measured."""
    return Table("Goals, and what was measured:", ("what", "goal", "measured", "met"), [goal.row() for goal in goals])


def machine() -> str:
    """The machine and the versions, in a sentence."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    limits = [
        f"{name}={os.environ[name]}" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS") if name in os.environ
    ]
    software = f"Python {platform.python_version()}, NumPy {metadata.version('numpy')}"
    parts = [f"{cores} cores of {processor()}", *limits, software, versions() or "no peers"]
    return ", ".join(parts) + f"; {date.today():%-d %B %Y}."


def processor() -> str:
    """The name that the processor gives itself."""
    listing = Path("/proc/cpuinfo")
    if listing.exists():
        for line in listing.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def alone(measure: Measure, description: str, choices: Collection[str], rounds: int = 15) -> None:
    """The command line of one question: measure, and print."""
    parser = argparse.ArgumentParser(description=description.strip().splitlines()[0])
    parser.add_argument("only", nargs="*", metavar="case", help=f"some of {', '.join(choices)}; else all")
    parser.add_argument("--rounds", type=int, default=rounds)
    options = parser.parse_args()
    unknown = [name for name in options.only if name not in choices]
    if unknown:
        parser.error(f"there is no case {unknown[0]}; choose from {', '.join(choices)}")
    report = measure(options.rounds, options.only or choices)
    for table in [*report.tables, *([goals_table(report.goals)] if report.goals else [])]:
        print(table.text())
