"""How much memory a training step takes at most: the sizes of mnist, at a batch of 4096.

Each contender runs in an interpreter of its own. After a step on a small batch, which loads what is
loaded late, and with the large batch in memory, its peak is watched over three steps.

    python -m benchmarks.peak_memory [--rounds N] [optimizer ...]
"""

from __future__ import annotations

import gc
import statistics
import tracemalloc
from collections.abc import Collection

from benchmarks.harness import Figure, isolated
from benchmarks.memory import forget_peak, peak, resident
from benchmarks.mlp_steps import CONTENDERS, data_for
from benchmarks.peers import left_out
from benchmarks.report import Goal, Report, Table, alone

SIZES = [784, 256, 128, 10]
BATCH = 4096
# The compiler of jax.jit works in the first step for each size of batch, and would be what is measured.
COMPARED = [name for name in CONTENDERS if name != "jax.jit"]
NUMPY_BASED = ("NumPy by hand", "microbp", "MyGrad", "HIPS autograd")


def growth(name: str, optimizer: str) -> int | None:
    """By how many bytes the peak lies above what is held before the steps, as the system counts."""
    small = CONTENDERS[name](*data_for(8, SIZES), SIZES, optimizer)
    if small is None:
        return None
    small()
    step = CONTENDERS[name](*data_for(BATCH, SIZES), SIZES, optimizer)
    gc.collect()
    before = resident()
    forget_peak()
    for _ in range(3):
        step()
    return peak() - before


def allocated(name: str, optimizer: str) -> int | None:
    """The same as NumPy counts the bytes of its arrays."""
    step = CONTENDERS[name](*data_for(BATCH, SIZES), SIZES, optimizer)
    if step is None:
        return None
    gc.collect()
    tracemalloc.start()
    for _ in range(3):
        step()
    return tracemalloc.get_traced_memory()[1]


def measure(rounds: int, only: Collection[str]) -> Report:
    """The table."""
    report = Report()
    for optimizer in only:
        table = Table(
            f"Peak memory of a step with {optimizer} (4096; 784-256-128-10) above what is held before it, in MB:",
            ("contender", "as the system counts", "as NumPy counts"),
            note=left_out("PyTorch", "MyGrad", "HIPS autograd"),
        )
        medians: dict[str, float] = {}
        for name in COMPARED:
            grown = [isolated(growth, name, optimizer) for _ in range(rounds)]
            if None in grown:
                table.rows.append((name, None, None))
                continue
            megabytes = [count / 1e6 for count in grown]
            medians[name] = statistics.median(megabytes)
            counted = f"{isolated(allocated, name, optimizer) / 1e6:.1f}" if name in NUMPY_BASED else None
            table.rows.append((name, Figure(medians[name], (max(megabytes) - min(megabytes)) / 2), counted))
        report.tables.append(table)
        if "PyTorch" in medians:
            share = medians["microbp"] / medians["PyTorch"]
            report.goals.append(Goal(f"peak memory of a step with {optimizer}, as a multiple of PyTorch's", share, 1.0))
    return report


if __name__ == "__main__":
    alone(measure, __doc__, ("SGD", "Adam"), rounds=3)
