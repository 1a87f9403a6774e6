"""
Linear layers alone stay linear
===============================

Why does a network need something between its layers? The composition of two linear maps is a linear map::

    W2 (W1 x + b1) + b2 = (W2 W1) x + (W2 b1 + b2)

A stack of them, however deep, computes no more than a single one. It cannot learn
XOR, which no straight line solves (Minsky & Papert, *Perceptrons*, 1969). A function that
bends between the layers, tanh here, makes all the difference.

Run it with ``python examples/linear_stays_linear.py``. It trains stacks of 1, 2 and 6 linear
layers and one of 2 with tanh, prints their losses, and prints how far the 6 layers, after
all their training, are from the one matrix that they are equal to. The picture shows where each
says "0" and where "1".
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib

import microbp
from microbp import lab, nn, optim

matplotlib.use("Agg")
from matplotlib import pyplot as plt

# %%
# The task
# --------
# XOR again, around 0 this time: a straight line can have three of the four points right, and never all.


def points() -> tuple[microbp.Tensor, microbp.Tensor]:
    """The corners of a square, around 0, and the exclusive or of each."""
    x = microbp.tensor([[-1.0, -1.0], [-1.0, 1.0], [1.0, -1.0], [1.0, 1.0]])
    return x, microbp.tensor([[0.0], [1.0], [1.0], [0.0]])


def train(model: nn.Module, steps: int = 100) -> float:
    """Fit a model to XOR; return the last loss."""
    x, y = points()
    criterion = nn.BCEWithLogitsLoss()
    optimizer = optim.SGD(model.parameters(), lr=0.2, momentum=0.9)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
    return loss.item()


# %%
# One matrix for all
# ------------------
# To find the matrix that a stack is equal to, one need not multiply: ask the stack what it makes of 0, and of each unit
# vector.


@microbp.no_grad()
def as_one_layer(model: nn.Sequential) -> nn.Linear:
    """The one linear layer that a stack of them is equal to: the offset from what it makes of 0, then a column each."""
    single = nn.Linear(2, 1)
    single.bias[...] = model(microbp.zeros(1, 2))[0]
    single.weight[...] = (model(microbp.eye(2)) - single.bias).T
    return single


# %%
# Four stacks
# -----------
# One, two and six linear layers, and two with tanh between them.


def main(out: Path) -> dict[str, float]:
    """Train, compare with a single matrix, and draw; return the losses, and the difference."""
    microbp.manual_seed(0)
    models = {
        "1 linear layer": lab.layered_network(1, inputs=2, outputs=1),
        "2 linear layers": lab.layered_network(2, 8, inputs=2, outputs=1),
        "6 linear layers": lab.layered_network(6, 8, inputs=2, outputs=1),
        "2 layers with tanh": lab.layered_network(2, 8, inputs=2, outputs=1, activation=nn.Tanh),
    }
    losses = {name: train(model) for name, model in models.items()}
    for name, loss in losses.items():
        print(f"{name:20s} loss {loss:.4f}")

    x, y = points()
    figure, panels = plt.subplots(1, len(models), figsize=(14, 3.6), layout="constrained", sharey=True)
    for axes, (name, model) in zip(panels, models.items(), strict=True):
        lab.plot_decision_boundary(model, x, y, axes, margin=0.5).set(title=f"{name}: loss {losses[name]:.3f}")
    out.mkdir(parents=True, exist_ok=True)
    figure.savefig(out / "linear_stays_linear.png", dpi=120)
    plt.close(figure)
    print(f"the picture: {out / 'linear_stays_linear.png'}")

    anywhere = 3 * microbp.randn(1000, 2)
    stack = models["6 linear layers"]
    difference = (stack(anywhere) - as_one_layer(stack)(anywhere)).abs().max().item()
    print(f"6 trained linear layers and the one matrix that they equal differ by at most {difference:.1e}")
    return {**losses, "difference": difference}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Linear layers alone stay linear.")
    parser.add_argument("--out", type=Path, default=Path("runs"), help="where pictures go (default: %(default)s)")
    main(parser.parse_args().out)
