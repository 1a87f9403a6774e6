"""What recording costs: trainings with a recorder, as multiples of the same trainings without one.

Both contenders train the same network from the same weights, with everything recorded at every step
(``log_freq=1``), and must end with the same loss before anything is timed. As long as the memory of the
recorder fills, its records are written to memory that the system hands out for the first time, which is what costs
most on large networks; so the first steps are reported too.

    python -m benchmarks.recorder [--rounds N] [workload ...]
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from itertools import pairwise

import numpy as np

import microbp
from benchmarks.harness import check_losses, take_turns
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


def network(sizes: list[int]) -> nn.Sequential:
    """Linear layers with tanh between them."""
    microbp.manual_seed(0)
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(sizes):
        layers += [nn.Linear(inputs, outputs), nn.Tanh()]
    return nn.Sequential(*layers[:-1])


def training(batch: int, sizes: list[int], log: str | None, steps: int) -> Callable[[], float]:
    """A training of so many steps that is recorded from the first one, or is not for None; its last loss."""
    random = np.random.default_rng(0)
    x, y = (microbp.tensor(random.normal(size=(batch, n)).astype(np.float32)) for n in (sizes[0], sizes[-1]))
    criterion = nn.MSELoss()

    def train() -> float:
        model = network(sizes)
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

    return train


def measure(rounds: int, only: Collection[str]) -> Report:
    """The table."""
    kinds = {"all": "all", "weights": "weights", "gradients": "grads", "outputs": "acts"}
    table = Table(
        f"Trainings of {STEPS} steps with a recorder (`lab.watch` at `log_freq=1`) as multiples of the same without "
        f"one; and their first {FIRST} steps, in which its memory fills:",
        ["workload (batch; layer sizes)", *kinds, f"all, first {FIRST} steps"],
    )
    report = Report([table])
    for name in only:
        batch, sizes = WORKLOADS[name]
        trainings = {"not recorded": training(batch, sizes, None, STEPS)}
        trainings |= {kind: training(batch, sizes, log, STEPS) for kind, log in kinds.items()}
        beginnings = {"not recorded": training(batch, sizes, None, FIRST), "all": training(batch, sizes, "all", FIRST)}
        for contenders in (trainings, beginnings):
            check_losses(contenders, steps=1, tolerance=0)
        times, first = take_turns(trainings, rounds), take_turns(beginnings, rounds)
        ratios = [times.ratio(kind, "not recorded") for kind in kinds]
        row = f"{name} ({batch}; {'-'.join(map(str, sizes))})"
        table.rows.append([row, *ratios, first.ratio("all", "not recorded")])
        report.goals.append(Goal(f"recording everything of {name}, as a multiple of the training", ratios[0], 2.0))
    return report


if __name__ == "__main__":
    alone(measure, __doc__, WORKLOADS)
