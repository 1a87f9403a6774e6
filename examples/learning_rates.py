"""
A learning rate for each layer
==============================

Hold one layer still, let another run, and see what becomes of the weights.

A step changes a weight by its learning rate times its gradient. One rate for all layers is a
choice like any other: with groups of parameters each layer can have its own. A rate of 0 holds
a layer exactly where it is; on random features that never change, the layers above can still learn
much, but not all. A rate that is out of proportion ruins the others' work.

Run it with ``python examples/learning_rates.py``. It trains the same three layers, from the same
weights, at different rates, prints the losses and how far each layer moved, and what the doctor
says of the rate that is too high. The last line is the number of bits that changed in the layer
whose rate is 0. The picture shows its matrix and another's before and after.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib
import numpy as np

import microbp
from microbp import lab, nn, optim

matplotlib.use("Agg")
from matplotlib import pyplot as plt

RATES = {
    "0.1 everywhere": {},
    "first layer held": {"first": 0.0},
    "first two held": {"first": 0.0, "second": 0.0},
    "first ten times as fast": {"first": 1.0},
    "last at 100": {"last": 100.0},
}


class Network(nn.Module):
    """Three layers with names."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(1, 12)
        self.second = nn.Linear(12, 12)
        self.last = nn.Linear(12, 1)

    def forward(self, x: microbp.Tensor) -> microbp.Tensor:
        return self.last(self.second(self.first(x).tanh()).tanh())


# %%
# Training at these rates
# -----------------------
# ``optim.layer_groups`` makes a group for every layer that is named; the others learn at the global rate.


def train(rates: dict[str, float], steps: int = 400) -> tuple[Network, Network, float, lab.Findings]:
    """The network before and after learning a wave, its last loss, and what the doctor says of the first step."""
    microbp.manual_seed(0)
    x = microbp.linspace(-1, 1, 64).reshape(64, 1)
    y = (4 * x).sin()
    before, model = Network(), Network()
    model.load_state_dict(before.state_dict())
    optimizer = optim.SGD(optim.layer_groups(model, rates) if rates else model.parameters(), lr=0.1, momentum=0.5)
    for step in range(steps):
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(x), y)
        loss.backward(retain_graph=step == 0)  # the doctor looks at what the graph kept
        if step == 0:
            findings = lab.doctor(model, loss, optimizer)
        optimizer.step()
    return before, model, loss.item(), findings


def changed_bits(before: microbp.Tensor, after: microbp.Tensor) -> int:
    """In how many bits the numbers of two tensors differ."""
    difference = before.detach().numpy().view(np.uint32) ^ after.detach().numpy().view(np.uint32)
    return int(np.bitwise_count(difference).sum())


def main(out: Path) -> dict[str, float]:
    """Train at all rates, report and draw; return the losses, and the bits that changed in the layer held still."""
    losses: dict[str, float] = {}
    layers = ("first", "second", "last")
    print(f"{'':26s}{'loss':>10s}   how far the weights of each layer moved, as a share of their size")
    for name, rates in RATES.items():
        before, after, losses[name], findings = train(rates)
        pairs = [(getattr(before, layer).weight, getattr(after, layer).weight) for layer in layers]
        moved = [((new - old).norm() / old.norm()).item() for old, new in pairs]
        print(
            f"{name:26s}{losses[name]:10.5f}   " + "  ".join(f"{k} {m:.2f}" for k, m in zip(layers, moved, strict=True))
        )
        if findings:
            print(f"    {findings}".replace("\n", "\n    "))

    before, after, _, _ = train(RATES["first layer held"])
    figure, panels = plt.subplots(1, 4, figsize=(15, 3.6), layout="constrained")
    stills = [
        (layer, when, model) for layer in ("first", "second") for when, model in (("before", before), ("after", after))
    ]
    for axes, (layer, when, model) in zip(panels, stills, strict=True):
        lab.plot_weights(model, f"{layer}.weight", axes, numbers=layer == "first").set(title=f"{layer} layer, {when}")
    out.mkdir(parents=True, exist_ok=True)
    figure.savefig(out / "learning_rates.png", dpi=120)
    plt.close(figure)
    print(f"the picture: {out / 'learning_rates.png'}")
    bits = changed_bits(before.first.weight, after.first.weight)
    print(f"bits that changed in the weights of the layer at rate 0: {bits}")
    return {**losses, "bits": bits}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="A learning rate for each layer.")
    parser.add_argument("--out", type=Path, default=Path("runs"), help="where pictures go (default: %(default)s)")
    main(parser.parse_args().out)
