"""Whole training steps of multilayer perceptrons, with SGD and with Adam, against everything else.

A step is forward, backward, step of the optimizer and ``loss.item()``. All contenders start
from the same weights, and must compute the same losses before anything is timed.

    python -m benchmarks.mlp [--rounds N] [workload ...]
"""

from __future__ import annotations

from collections.abc import Collection

from benchmarks.harness import Times, check_losses, take_turns
from benchmarks.mlp_steps import CONTENDERS, data_for, products_alone
from benchmarks.peers import left_out
from benchmarks.report import Goal, Report, Table, alone

WORKLOADS = {
    "xor": (4, [2, 8, 2]),
    "digits": (64, [64, 64, 10]),
    "mnist": (128, [784, 256, 128, 10]),
    "wide": (256, [1024, 1024, 1024, 10]),
    "deep": (32, [64] + [64] * 32 + [10]),
}
SIZES = {
    "xor": "xor (4; 2-8-2)",
    "digits": "digits (64; 64-64-10)",
    "mnist": "mnist (128; 784-256-128-10)",
    "wide": "wide (256; 1024-1024-1024-10)",
    "deep": "deep (32; 64 and 32 hidden layers of 64)",
}
OF_HAND = {"xor": 1.3, "digits": 1.1, "mnist": 0.85, "wide": 0.9, "deep": 1.2}
OF_PYTORCH = {"xor": 4.0, "digits": 4.0, "mnist": 2.0, "wide": 2.0, "deep": 2.0}


def times_of(name: str, optimizer: str, rounds: int) -> Times:
    """The times of all contenders that are installed, on one workload."""
    batch, sizes = WORKLOADS[name]
    data = data_for(batch, sizes)
    made = {who: make(*data, sizes, optimizer) for who, make in CONTENDERS.items()}
    steps = {who: step for who, step in made.items() if step is not None}
    check_losses(steps)
    return take_turns({"products alone": products_alone(*data, sizes, optimizer), **steps}, rounds)


def goals_for(name: str, optimizer: str, times: Times) -> list[Goal]:
    """The goals that concern a workload."""
    goals = []
    if optimizer == "SGD":
        for who, words in (("microbp", f"step on {name}"), ("step compiled", f"step on {name}, compiled")):
            against = times.ratio(who, "NumPy by hand")
            goals.append(Goal(f"{words}, as a multiple of NumPy by hand", against, OF_HAND[name]))
            for peer, least in (("PyTorch", OF_PYTORCH[name]), ("jax.jit", 1.0)):
                if peer in times:
                    faster = times.ratio(peer, who)
                    goals.append(Goal(f"{words}, times faster than {peer}", faster, least, from_above=False))
    elif name == "digits" and "PyTorch" in times:
        faster = times.ratio("PyTorch", "microbp")
        goals.append(Goal("step on digits with Adam, times faster than PyTorch", faster, 3.0, from_above=False))
    return goals


def measure(rounds: int, only: Collection[str]) -> Report:
    """Both tables."""
    columns = ["products alone", *CONTENDERS]
    report = Report()
    for optimizer in ("SGD", "Adam"):
        table = Table(
            f"Whole training steps with {optimizer} (forward, backward, step, `loss.item()`), all cores, as "
            "multiples of NumPy by hand:",
            ["workload (batch; layer sizes)", *columns, "microbp, µs"],
            note=left_out("PyTorch", "jax.jit", "MyGrad", "HIPS autograd"),
        )
        for name in only:
            times = times_of(name, optimizer, rounds)
            ratios = [times.ratio(who, "NumPy by hand") if who in times else None for who in columns]
            ratios[1] = 1
            table.rows.append([SIZES[name], *ratios, f"{times.seconds('microbp').median * 1e6:.0f}"])
            report.goals += goals_for(name, optimizer, times)
        report.tables.append(table)
    return report


if __name__ == "__main__":
    alone(measure, __doc__, WORKLOADS)
