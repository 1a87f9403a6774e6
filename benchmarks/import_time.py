"""How long does an import take? Fresh interpreters by turns, each timing one import from within.

python -m benchmarks.import_time [--rounds N] [module ...]
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Collection

from benchmarks.harness import Times
from benchmarks.peers import left_out, peer
from benchmarks.report import Goal, Report, Table, alone

MODULES = ("numpy", "microbp", "torch", "jax", "mygrad", "autograd")


def seconds_of(module: str) -> float:
    """The time of one import in a fresh interpreter; its start-up does not count."""
    program = f"import time; start = time.perf_counter(); import {module}; print(time.perf_counter() - start)"
    # Compiled modules are kept from the first import on, as they are where a package is installed.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, env=environment)
    return float(done.stdout)


def measure(rounds: int, only: Collection[str]) -> Report:
    """The table."""
    modules = [name for name in dict.fromkeys(["numpy", *only]) if peer(name) is not None]
    for name in modules:
        seconds_of(name)  # compiles what is not compiled yet, and brings the files into memory
    times = Times((name, []) for name in modules)
    for turn in range(rounds):
        for k in range(len(modules)):
            name = modules[(k + turn) % len(modules)]
            times[name].append(seconds_of(name))
    table = Table(
        "Import in a fresh interpreter (the start of the interpreter not counted):",
        ("module", "ms", "as a multiple of `import numpy`"),
        note=left_out("PyTorch", "jax.jit", "MyGrad", "HIPS autograd"),
    )
    for name in modules:
        table.rows.append((name, times.figure(lambda mine: mine * 1e3, name), times.ratio(name, "numpy")))
    report = Report([table])
    if "microbp" in times:
        report.goals.append(Goal("import microbp, as a multiple of import numpy", times.ratio("microbp", "numpy"), 1.3))
    return report


if __name__ == "__main__":
    alone(measure, __doc__, MODULES)
