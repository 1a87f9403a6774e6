"""What recording costs: training steps with a recorder, as multiples of the same steps without one.

Both contenders train the same network from the same weights, with everything recorded at every step
(``log_freq=1``), and must compute the same losses before anything is timed.

    python -m benchmarks.recorder [--rounds N] [workload ...]
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from itertools import pairwise

import numpy as np

import microbp
from benchmarks.harness import ratios
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


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("workloads", nargs="*", metavar="workload", help=f"some of {', '.join(WORKLOADS)}; else all")
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    kinds = {"not recorded": None, "all": "all", "weights": "weights", "grads": "grads", "acts": "acts"}
    print(f"{'workload':10s}" + "".join(f"{kind:>14s}" for kind in kinds))
    for name in options.workloads or WORKLOADS:
        steps = {kind: training(*WORKLOADS[name], log) for kind, log in kinds.items()}
        losses = {kind: [step() for _ in range(5)] for kind, step in steps.items()}
        if any(values != losses["not recorded"] for values in losses.values()):
            raise AssertionError(f"recording changed the losses of {name}: {losses}")
        found = ratios(steps, "not recorded", options.rounds)
        print(f"{name:10s}" + "".join(f"{value:14.2f}" for value in found.values()))


if __name__ == "__main__":
    main()
