"""Does the time per operation stay the same while the graph grows to a million operations, and what does a node hold?

A chain of additions on 8x8 arrays: forward, backward and the death of the graph, for microbp and PyTorch by
turns. The bytes of a node are what the process has grown by during the forward, in an interpreter of its own.

    python -m benchmarks.graph_growth [--rounds N] [length ...]
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Collection
from typing import Any

from benchmarks.harness import Figure, isolated, take_turns
from benchmarks.memory import resident
from benchmarks.peers import left_out, peer
from benchmarks.report import Goal, Report, Table, alone

LENGTHS = {"1000": 1_000, "10000": 10_000, "100000": 100_000, "1000000": 1_000_000}
LIBRARIES = {"microbp": "microbp", "PyTorch": "torch"}


def chain(lib: Any, length: int) -> Callable[[], object]:
    """Forward, backward and the death of a chain."""
    x, c = lib.full((8, 8), 0.1, requires_grad=True), lib.full((8, 8), 0.12)
    start = lib.ones(8, 8)

    def run() -> object:
        y = x
        for _ in range(length):
            y = y + c
        x.grad = None
        y.backward(start)
        return x.grad

    return run


def bytes_a_node(module: str, length: int) -> float:
    """What the process grows by during the forward, for each operation."""
    lib = peer(module)
    x, c = lib.full((8, 8), 0.1, requires_grad=True), lib.full((8, 8), 0.12)
    kept = [x + c for _ in range(1_000)]  # fills the pools of the allocators
    gc.collect()
    before = resident()
    y = x
    for _ in range(length):
        y = y + c
    grown = resident() - before
    assert kept
    return grown / length


def measure(rounds: int, only: Collection[str]) -> Report:
    """The table."""
    libraries = {name: peer(module) for name, module in LIBRARIES.items() if peer(module) is not None}
    if "PyTorch" in libraries:
        libraries["PyTorch"].set_num_threads(1)
    table = Table(
        "A chain of additions on 8x8 arrays, forward, backward and the death of the graph, on one core:",
        ("operations", "microbp, µs an operation", "PyTorch, µs an operation", "PyTorch / microbp"),
        note=left_out("PyTorch"),
    )
    each: dict[str, Figure] = {}
    report = Report([table])
    for name in only:
        length = LENGTHS[name]
        contenders = {who: chain(lib, length) for who, lib in libraries.items()}
        times = take_turns(contenders, rounds if length < 100_000 else min(rounds, 3))
        each[name] = times.figure(lambda mine, length=length: mine / length * 1e6, "microbp")
        theirs = "PyTorch" in times
        faster = times.ratio("PyTorch", "microbp") if theirs else None
        per_operation = times.figure(lambda mine, length=length: mine / length * 1e6, "PyTorch") if theirs else None
        table.rows.append((f"{length:,}", each[name], per_operation, faster))
        if length == max(LENGTHS.values()) and faster is not None:
            report.goals.append(Goal(f"chain of {length:,}, times faster than PyTorch", faster, 2.0, from_above=False))
    if len(each) == len(LENGTHS):
        medians = [figure.median for figure in each.values()]
        report.goals.append(Goal("time per operation, 10^6 operations to 10^3", medians[-1] / medians[0], 1.2))
    length = max(LENGTHS[name] for name in only)
    held = {who: isolated(bytes_a_node, LIBRARIES[who], length) for who in libraries}
    report.tables.append(
        Table(
            f"What the process grows by for each of {length:,} additions, 8x8 array (256 bytes) included:",
            ("library", "bytes"),
            [(who, f"{held[who]:.0f}" if who in held else None) for who in LIBRARIES],
            left_out("PyTorch"),
        )
    )
    report.goals.append(Goal("bytes a node, 8x8 array included", held["microbp"], 450))
    return report


if __name__ == "__main__":
    alone(measure, __doc__, LENGTHS, rounds=7)
