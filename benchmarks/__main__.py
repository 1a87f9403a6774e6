"""All questions one after the other, each in an interpreter of its own, and the goals with what was measured.

python -m benchmarks [--rounds N] [--write] [question ...]
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from pathlib import Path

from benchmarks import (
    architectures,
    data_loading,
    graph_growth,
    import_time,
    mlp,
    peak_memory,
    per_operation,
    scalars,
)
from benchmarks.harness import isolated
from benchmarks.report import Report, goals_table, machine

# What each question is asked of, and its rounds at the most, where they take long.
QUESTIONS: dict[str, tuple[Callable[..., Report], list[str], int]] = {
    "mlp": (mlp.measure, list(mlp.WORKLOADS), 25),
    "architectures": (architectures.measure, list(architectures.NETWORKS), 25),
    "scalars": (scalars.measure, ["xor"], 25),
    "per_operation": (per_operation.measure, list(per_operation.OPERATIONS), 25),
    "graph_growth": (graph_growth.measure, list(graph_growth.LENGTHS), 7),
    "peak_memory": (peak_memory.measure, ["SGD", "Adam"], 3),
    "import_time": (import_time.measure, list(import_time.MODULES), 15),
    "data_loading": (data_loading.measure, list(data_loading.CASES), 25),
}
README = Path(__file__).with_name("README.md")
BETWEEN_MARKERS = re.compile(r"(?<=<!-- tables -->\n).*(?=<!-- end of tables -->)", re.DOTALL)


def main() -> None:
    """Measure, print, and write the tables where that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument("questions", nargs="*", metavar="question", help=f"some of {', '.join(QUESTIONS)}; else all")
    parser.add_argument("--rounds", type=int, default=25, help="for every question, at the most")
    parser.add_argument("--write", action="store_true", help="write the tables into benchmarks/README.md")
    options = parser.parse_args()
    unknown = [name for name in options.questions if name not in QUESTIONS]
    if unknown:
        parser.error(f"there is no question {unknown[0]}; choose from {', '.join(QUESTIONS)}")
    if options.write and options.questions:
        parser.error("--write takes all questions, so that the tables are of one day")
    tables, goals = [], []
    for name in options.questions or QUESTIONS:
        measure, cases, rounds = QUESTIONS[name]
        report = isolated(measure, min(rounds, options.rounds), cases)
        for table in report.tables:
            print(table.text(), flush=True)
        tables += report.tables
        goals += report.goals
    summary = goals_table(goals)
    about = (
        f"{machine()} Each figure is the median of up to {options.rounds} rounds ± half the distance of the quartiles."
    )
    print(f"{summary.text()}\n{about}")
    if options.write:
        written = "\n".join([f"{about}\n", summary.markdown(), *(table.markdown() for table in tables)])
        README.write_text(BETWEEN_MARKERS.sub(lambda _: f"\n{written}\n", README.read_text()))


if __name__ == "__main__":
    main()
