"""The report of a run: ``docs/parity.md``, written by ``pytest tests/parity --overwrite``."""

from __future__ import annotations

import math
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.parity import Operation, catalogue

__all__ = ["REPORT", "Report", "rows_of"]

REPORT = Path(__file__).parents[2] / "docs" / "parity.md"

HEAD = """# Operations against PyTorch

Every operation that microbp offers, compared with PyTorch {torch} (NumPy {numpy}, float64) by
`pytest tests/parity --overwrite`, which writes this page. Each is called at least 20 times: contiguous,
transposed, with negative strides and strided memory, with tensors without axes and without elements, broadcast both
ways. The columns give the largest difference found in the values, the gradients and the second gradients, as a part of
1 + the value; the limits are 1e-10, 1e-10 and 1e-8. In brackets, in how many of the calls there is such a gradient to
compare, if not in all: integers have none, and at some points PyTorch gives NaN where there is one, or none at all.
Where a result is float32, as the sine of an integer is, the limit is a few of its last digits.
float32 gives float32 everywhere, in values and gradients.

{count} operations, {calls} calls.
"""


class Report:
    """Gathers what the tests of the catalogue found, and writes it down at the end."""

    def __init__(self) -> None:
        self.found: dict[str, dict[str, Any]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take over what a test recorded."""
        for name, value in report.user_properties if report.when == "call" and report.passed else []:
            if name == "parity" and isinstance(value, dict):
                self.found[value["name"]] = value

    def pytest_sessionfinish(self) -> None:
        """Write the page, if all of the catalogue was tried."""
        operations = catalogue()
        if operations.keys() <= self.found.keys():
            REPORT.write_text(self.page(operations), encoding="utf-8")

    def page(self, operations: dict[str, Operation]) -> str:
        """The whole report."""
        lines = [
            HEAD.format(
                torch=version("torch").split("+")[0],
                numpy=np.__version__,
                count=len(operations),
                calls=sum(self.found[name]["calls"] for name in operations),
            )
        ]
        for family in sorted({one.family for one in operations.values()}):
            lines += [f"## {family.replace('_', ' ').capitalize()}", ""]
            lines += ["| operation | calls | value | gradient | second gradient | note |", "|---|---|---|---|---|---|"]
            lines += [
                row_of(one, self.found[one.name])
                for one in sorted(operations.values(), key=lambda one: one.name)
                if one.family == family
            ]
            lines.append("")
        return "\n".join(lines)


def row_of(one: Operation, found: dict[str, Any]) -> str:
    """An operation as a line of the table."""
    columns = [cell(found, order) for order in ("result", "gradient", "second")]
    return f"| {' | '.join([f'`{one.name}`', str(found['calls']), *columns, one.why])} |"


def cell(found: dict[str, Any], order: str) -> str:
    """The largest difference, and in how many calls it was looked for, if not in all."""
    count = found["compared"].get(order, 0)
    if not count:
        return "–"
    return at_most(found["largest"][order]) + ("" if count == found["calls"] else f" ({count})")


def at_most(value: float) -> str:
    """The next power of ten above a difference; differences vary a little between machines."""
    return "0" if value == 0 else f"1e{math.ceil(math.log10(value))}"


def rows_of(page: str) -> dict[str, int]:
    """The operations of a report, with the number of calls."""
    rows = [line.split("|") for line in page.splitlines() if line.startswith("| `")]
    return {cells[1].strip(" `"): int(cells[2]) for cells in rows}
