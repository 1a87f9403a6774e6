"""What recording costs: trainings with a recorder, as multiples of the same trainings without one.

All train the same network from the same weights, with everything recorded at every step (``log_freq=1``), and
must end with the same loss. Each runs in a process of its own, as the first training of a program does: a
second one would find memory that was used before, which is quicker to write to.

    python -m benchmarks.recorder [--rounds N] [workload ...]
"""

from __future__ import annotations

import time
from collections.abc import Collection
from itertools import pairwise

import numpy as np

import microbp
from benchmarks.harness import Times, isolated
from benchmarks.report import Goal, Report, Table, alone
from microbp import lab, nn, optim

WORKLOADS = {
    "xor": (4, [2, 8, 1]),
    "film": (200, [2, 16, 16, 1]),
    "digits": (64, [64, 64, 10]),
    "deep": (32, [16] * 11),
    "mnist": (128, [784, 256, 128, 10]),
}
STEPS = 469  # an epoch of 60,000 samples in batches of 128
FIRST = 100
LOGS = {"all": "all", "weights": "weights", "gradients": "grads", "outputs": "acts"}


def network(sizes: list[int]) -> nn.Sequential:
    """Linear layers with tanh between them."""
    microbp.manual_seed(0)
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(sizes):
        layers += [nn.Linear(inputs, outputs), nn.Tanh()]
    return nn.Sequential(*layers[:-1])


def train(name: str, log: str | None, steps: int) -> float:
    """Train so many steps, recorded from the first one, or not for None; the last loss."""
    batch, sizes = WORKLOADS[name]
    random = np.random.default_rng(0)
    x, y = (microbp.tensor(random.normal(size=(batch, n)).astype(np.float32)) for n in (sizes[0], sizes[-1]))
    criterion, model = nn.MSELoss(), network(sizes)
    optimizer = optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    rec = None if log is None else lab.watch(model, optimizer, log=log)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        if rec is not None:
            rec.step(loss)
        optimizer.step()
    return loss.item()


def timed(name: str, log: str | None, steps: int) -> tuple[float, float]:
    """The seconds that such a training takes after a short one that is not recorded, and its last loss."""
    train(name, None, 20)
    start = time.perf_counter()
    loss = train(name, log, steps)
    return time.perf_counter() - start, loss


def times_of(name: str, kinds: Collection[str], steps: int, rounds: int) -> Times:
    """The times of trainings, each in a process of its own, by what is recorded."""
    logs = {"not recorded": None, **{kind: LOGS[kind] for kind in kinds}}
    times = Times((kind, []) for kind in logs)
    for _ in range(rounds):
        losses = set()
        for kind, log in logs.items():
            seconds, loss = isolated(timed, name, log, steps)
            times[kind].append(seconds)
            losses.add(loss)
        assert len(losses) == 1, f"recording {name} changes its training"
    return times


def measure(rounds: int, only: Collection[str]) -> Report:
    """The table."""
    table = Table(
        f"Trainings of {STEPS} steps with a recorder (`lab.watch` at `log_freq=1`) as multiples of the same without "
        f"one; and their first {FIRST} steps. Each in a process of its own, in which all memory is new:",
        ["workload (batch; layer sizes)", *LOGS, f"all, first {FIRST} steps"],
    )
    report = Report([table])
    for name in only:
        batch, sizes = WORKLOADS[name]
        times, first = times_of(name, LOGS, STEPS, rounds), times_of(name, ["all"], FIRST, rounds)
        ratios = [times.ratio(kind, "not recorded") for kind in LOGS]
        row = f"{name} ({batch}; {'-'.join(map(str, sizes))})"
        table.rows.append([row, *ratios, first.ratio("all", "not recorded")])
        report.goals.append(Goal(f"recording everything of {name}, as a multiple of the training", ratios[0], 2.0))
    return report


if __name__ == "__main__":
    alone(measure, __doc__, WORKLOADS)
