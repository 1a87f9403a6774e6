"""
Two moons: a film of a network that learns
==========================================

A film of a network that learns: its matrices, its gradients, and the line that it draws between two moons.

Two half circles of points reach into each other, so that no straight line separates them. A
network 2-16-16-1 learns to tell them apart. Each layer has a learning rate of its own; in a second run,
from the same first weights, the rate of the two hidden layers is 0: their matrices stand still, and
only the last layer learns.

Run it with ``python examples/film.py``. It prints how far each matrix moved and how many points
each network gets right, and writes two pages that any browser opens without a network:
``film.html`` shows the first run, ``compare.html`` both, side by side. Play them, or go through them
with the arrow keys.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from tqdm import tqdm

import microbp
from microbp import lab, nn, optim

RATES = {
    "each layer at its own rate": {"first": 0.4, "second": 0.2, "last": 0.1},
    "only the last layer learns": {"first": 0.0, "second": 0.0, "last": 0.1},
}


class Separator(nn.Module):
    """Two hidden layers of 16 units; an output above 0 stands for the lower moon."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(2, 16)
        self.act1 = nn.Tanh()
        self.second = nn.Linear(16, 16)
        self.act2 = nn.Tanh()
        self.last = nn.Linear(16, 1)

    def forward(self, x: microbp.Tensor) -> microbp.Tensor:
        return self.last(self.act2(self.second(self.act1(self.first(x)))))


def moons(count: int = 200) -> tuple[microbp.Tensor, microbp.Tensor]:
    """Points on two half circles, with some noise, and on which of the two each is."""
    random = np.random.default_rng(0)
    angle = random.uniform(0, np.pi, count)
    lower = np.arange(count) % 2
    x = np.where(lower, 1 - np.cos(angle), np.cos(angle))
    y = np.where(lower, 0.5 - np.sin(angle), np.sin(angle))
    points = np.stack([x, y], axis=1) + random.normal(0, 0.12, (count, 2))
    return microbp.tensor(points, dtype=microbp.float32), microbp.tensor(lower[:, None], dtype=microbp.float32)


# %%
# Training, watched
# -----------------
# ``lab.watch`` records every step; the loop itself is the ordinary one.


def train(name: str, steps: int) -> tuple[lab.Recorder, float]:
    """Train with the rates of this name; return the record and the share of points that are on the right side."""
    microbp.manual_seed(0)
    x, y = moons()
    model = Separator()
    criterion = nn.BCEWithLogitsLoss()
    optimizer = optim.SGD(optim.layer_groups(model, RATES[name]), lr=0.1, momentum=0.9)
    with lab.watch(model, optimizer, log_freq=max(1, steps // 100), data=(x, y)) as rec:
        for _ in tqdm(range(steps), desc=name, unit="step", disable=not sys.stderr.isatty()):
            optimizer.zero_grad()
            loss = criterion(model(x), y)
            loss.backward()
            rec.step(loss)
            optimizer.step()
    with microbp.no_grad():
        return rec, ((model(x) > 0) == (y > 0)).float().mean().item()


def main(out: Path, steps: int = 300) -> dict[str, float]:
    """Train both, write the pages, and return the share of points that each gets right."""
    records, accuracies = {}, {}
    for name in RATES:
        records[name], accuracies[name] = train(name, steps)
        print(f"{name}:")
        for track, weights in records[name].history.items():
            if track.startswith("weights/") and track.endswith(".weight"):
                moved = np.abs(weights[-1] - weights[0]).mean()
                print(f"    {track.removeprefix('weights/'):14s} moved by {moved:.4f} on average")
    film = records["each layer at its own rate"].film(out / "film.html", title="Two moons, and a network that learns")
    comparison = lab.compare(records, out / "compare.html")
    print(f"the film:       {film}\nthe comparison: {comparison}")
    for name, accuracy in accuracies.items():
        print(f"{name}: {100 * accuracy:.1f} % of the points on the right side")
    return accuracies


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Two moons: a film of a network that learns.")
    parser.add_argument("--out", type=Path, default=Path("runs"), help="where pages go (default: %(default)s)")
    main(parser.parse_args().out)
