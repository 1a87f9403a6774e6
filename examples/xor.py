"""
XOR: why there are hidden layers
================================

XOR is the smallest problem that needs a hidden layer.
No straight line separates {00, 11} from {01, 10}, so a single linear layer cannot learn it
(Minsky & Papert, *Perceptrons*, 1969). Three hidden units can.

Run it with ``python examples/xor.py``. It prints the loss after training: without a hidden
layer it stays at log 2 = 0.693, as good as tossing a coin; with one it falls to almost 0. The
drawing shows the first step of the training, when the gradients are still large: all four
points go through the network as the rows of one matrix.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import microbp
from microbp import nn, optim, viz

# %%
# The task
# --------
# Four points, and which of them belong together: those in opposite corners.


def points() -> tuple[microbp.Tensor, microbp.Tensor]:
    """The four inputs, and the exclusive or of each."""
    x = microbp.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    y = microbp.tensor([[0.0], [1.0], [1.0], [0.0]])
    x.name = "x"
    return x, y


# %%
# Learning
# --------
# The ordinary loop: forward, backward, a step against the gradient. The loss is the binary cross entropy of a score.


def train(model: nn.Module, steps: int = 500, lr: float = 0.5) -> list[float]:
    """Fit a model to XOR; return the loss at every step."""
    x, y = points()
    criterion = nn.BCEWithLogitsLoss()
    optimizer = optim.SGD(model.parameters(), lr=lr, momentum=0.9)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


# %%
# With and without
# ----------------
# Two networks, of which one has a layer between input and output, and a function that bends (tanh). The drawing is made
# before the training, on all four points.


def main(out: Path) -> dict[str, float]:
    """Train with and without a hidden layer, and draw the first step of the one that works."""
    microbp.manual_seed(0)
    linear = nn.Linear(2, 1)
    layered = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))

    x, y = points()
    loss = nn.BCEWithLogitsLoss()(layered(x), y)
    loss.backward(retain_graph=True)  # retained, so that the drawing can show the values in between
    out.mkdir(parents=True, exist_ok=True)
    viz.make_dot(loss, model=layered).render(outfile=out / "xor.svg", cleanup=True)

    losses = {"one linear layer": train(linear)[-1], "with a hidden layer": train(layered)[-1]}
    for name, loss in losses.items():
        print(f"{name:20s} loss {loss:.4f}")
    print(f"the graph: {out / 'xor.svg'}")
    return losses


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="XOR: why there are hidden layers.")
    parser.add_argument("--out", type=Path, default=Path("runs"), help="where pictures go (default: %(default)s)")
    main(parser.parse_args().out)
