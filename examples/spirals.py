"""
Two spirals, and the line between them
======================================

Two arms wind around each other, and a point belongs to the one or to the other (Lang & Witbrock,
*Learning to tell two spirals apart*, 1988). No straight line separates them, and hardly any simple
curve: to get it right, the boundary has to wind around with them. How does a network get there?

We train one, and look at its boundary while it learns: first as stills, then as a film.
"""

# %%
# Every example is a program of its own: ``python examples/spirals.py`` runs it, and ``--out`` says where
# its pictures go.

import argparse
import math
import sys
from pathlib import Path

import matplotlib
from tqdm import tqdm

import microbp
from microbp import lab, nn, optim
from microbp.nn import functional as F

matplotlib.use("Agg")
from matplotlib import pyplot as plt

parser = argparse.ArgumentParser(description="Two spirals, and the line between them.")
parser.add_argument("--steps", type=int, default=400, help="how long to train (default: %(default)s)")
parser.add_argument("--out", type=Path, default=Path("runs"), help="where pictures go (default: %(default)s)")
options = parser.parse_args()
options.out.mkdir(parents=True, exist_ok=True)

# %%
# The points
# ----------
# Along an arm the radius grows with the angle; the second arm is the first one, turned by half a turn. A
# little noise keeps the points from lying on a curve. We draw them twice: the network learns from the
# first set, and is judged by the second.


def spirals(count: int, noise: float = 0.02) -> tuple[microbp.Tensor, microbp.Tensor]:
    """Points (2 * count, 2) on two arms, and on which arm each of them is (2 * count, 1)."""
    turned = microbp.rand(count, 1).sqrt() * 3 * math.pi  # the root spreads them evenly along the arm
    arm = turned / (3 * math.pi) * microbp.cat([turned.cos(), turned.sin()], dim=1)
    points = microbp.cat([arm, -arm])
    return points + noise * microbp.randn(2 * count, 2), microbp.cat([microbp.zeros(count, 1), microbp.ones(count, 1)])


microbp.manual_seed(0)
x, y = spirals(200)
new_x, new_y = spirals(200)
print(f"{len(x)} points, from {x.min().item():.2f} to {x.max().item():.2f}")

# %%
# The best straight line
# ----------------------
# First the simplest model there is, to have something to compare with. A single linear layer draws a straight
# line, and does little better than a coin.


@microbp.no_grad()
def accuracy(model: nn.Module) -> float:
    """The share of the new points that a model puts on the right arm: scores above 0 stand for the second."""
    return ((model(new_x) > 0) == (new_y > 0)).float().mean().item()


def train(model: nn.Module, steps: int) -> float:
    """Fit a model with Adam; return the last loss."""
    optimizer = optim.Adam(model.parameters(), lr=0.01)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = F.binary_cross_entropy_with_logits(model(x), y)
        loss.backward()
        optimizer.step()
    return loss.item()


line = nn.Linear(2, 1)
print(f"a line: loss {train(line, 100):.3f}, {100 * accuracy(line):.1f} % of new points right")

# %%
# A network, and six stills
# -------------------------
# Two hidden layers of 32 units can bend the line as often as it takes. We stop six times to ask the network
# about every point of the plane. Watch the order: it begins with a line, like the model above; then it folds it
# once, and then again; the inner turns come last.

model = nn.Sequential(nn.Linear(2, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 1))
optimizer = optim.Adam(model.parameters(), lr=0.01)

figure, panels = plt.subplots(2, 3, figsize=(11, 7), layout="constrained", sharex=True, sharey=True)
stops = [round(options.steps * part) for part in (0, 0.125, 0.25, 0.375, 0.5, 1)]
with lab.watch(model, optimizer, log_freq=max(1, options.steps // 50), data=(x, y)) as recorder:
    for step in tqdm(range(options.steps + 1), unit="step", disable=not sys.stderr.isatty()):
        optimizer.zero_grad()
        loss = F.binary_cross_entropy_with_logits(model(x), y)
        loss.backward()
        recorder.step(loss)
        for axes in (panel for panel, stop in zip(panels.flat, stops, strict=True) if stop == step):
            lab.plot_decision_boundary(model, x, y, axes)
            axes.set(title=f"step {step}: loss {loss.item():.3f}", xlabel="", ylabel="")
        optimizer.step()
figure.savefig(options.out / "spirals.png", dpi=100)
plt.close(figure)

found = accuracy(model)
print(f"a network: loss {loss.item():.3f}, {100 * found:.1f} % of new points right")

# %%
# The film
# --------
# The recorder saw every step, weights and all. Its film is a page with a slider: play it, or go through it with
# the arrow keys, and see which weights move while the inner turns open.

print(f"the stills: {options.out / 'spirals.png'}")
print(f"the film:   {recorder.film(options.out / 'spirals.html', title='Two spirals, and the line between them')}")

# %%
# To try
# ------
# - Replace ``nn.Tanh`` by ``nn.ReLU``: of what is the boundary made now, and why?
# - Halve the width of the layers. At which width does the network no longer get there?
# - Train with ``optim.SGD(model.parameters(), lr=0.1)``. How many steps does the same boundary take?
