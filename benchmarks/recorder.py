"""What recording costs: training steps with a recorder, as multiples of the same steps without one.

Both contenders train the same network from the same weights, with everything recorded at every step
(``log_freq=1``), and must compute the same losses before anything is timed.

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


def network(sizes: list[int]) -> nn.Sequential:
    """Linear layers with tanh between them."""
    microbp.manual_seed(0)
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(sizes):
        layers += [nn.Linear(inputs, outputs), nn.Tanh()]
    return nn.Sequential(*layers[:-1])


def training(batch: int, sizes: list[int], log: str | None) -> Callable[[], float]:
    """A step of a training that is recorded, or is not for None."""
    model = network(sizes)
    random = np.random.default_rng(0)
    x, y = (microbp.tensor(random.normal(size=(batch, n)).astype(np.float32)) for n in (sizes[0], sizes[-1]))
    optimizer = optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    criterion = nn.MSELoss()
    rec = None if log is None else lab.watch(model, optimizer, log=log)

    def step() -> float:
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        if rec is not None:
            rec.step(loss)
        optimizer.step()
        return loss.item()

    return step


def measure(rounds: int, only: Collection[str]) -> Report:
    """The table."""
    kinds = {"all": "all", "weights": "weights", "gradients": "grads", "outputs": "acts"}
    table = Table(
        "Training steps with a recorder (`lab.watch` at `log_freq=1`) as multiples of the same steps without one:",
        ["workload (batch; layer sizes)", *kinds],
    )
    report = Report([table])
    for name in only:
        batch, sizes = WORKLOADS[name]
        steps = {"not recorded": training(batch, sizes, None)}
        steps |= {kind: training(batch, sizes, log) for kind, log in kinds.items()}
        check_losses(steps, tolerance=0)
        times = take_turns(steps, rounds)
        ratios = [times.ratio(kind, "not recorded") for kind in kinds]
        table.rows.append([f"{name} ({batch}; {'-'.join(map(str, sizes))})", *ratios])
        report.goals.append(Goal(f"recording everything of {name}, as a multiple of the step", ratios[0], 2.0))
    return report


if __name__ == "__main__":
    alone(measure, __doc__, WORKLOADS)
