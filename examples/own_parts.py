"""
Parts of your own: an activation, a loss, a layer
=================================================

An activation, a loss and a layer of your own: how much is there to write? As much as you would write on paper. None
of them needs a derivative by hand, since whatever is computed from tensors has a gradient. That it is the right one
can be checked: ``gradcheck`` compares it with differences::

    df/dx = (f(x + h) - f(x - h)) / 2h    for a small h.

The network learns half a wave, sin 3x, from 32 points.

Run it with ``python examples/own_parts.py``. It prints whether the gradients are right, and how
the loss falls; the drawing shows one training step on three points. The parts are there like
any other: the layer has a frame, and its parameters have gradients.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import matplotlib

import microbp
from microbp import Tensor, nn, optim, viz
from microbp.autograd import grad, gradcheck

matplotlib.use("Agg")
from matplotlib import pyplot as plt

# %%
# An activation
# -------------
# A function from a tensor to a tensor is all it takes. This one is *swish* (Ramachandran, Zoph & Le, *Searching for
# Activation Functions*, 2017), which ``nn.SiLU`` has as well.


def swish(x: Tensor) -> Tensor:
    """An activation: x, faded out where it is negative."""
    return x * microbp.sigmoid(x)


# %%
# A loss
# ------
# A loss is a function that ends in a single number. Near 0, log cosh e is e²/2; far away it is \|e\| - log 2. So it
# forgives what lies far out, and has no kink: its derivative is tanh e.


def log_cosh(predicted: Tensor, target: Tensor) -> Tensor:
    """A loss: like the squared error for small errors, like the absolute error for large ones."""
    return (predicted - target).cosh().log().mean()


# %%
# A layer
# -------
# What has something to learn is a ``Module``: what is learned is a ``Parameter``, what is computed stands in
# ``forward``. These units answer near a place of their own, like those of a radial basis network (Broomhead & Lowe,
# 1988). Place and sharpness of each are learned.


def bumps(x: Tensor, centre: Tensor, sharpness: Tensor) -> Tensor:
    """A bump around each centre: 1 where x is there, and 0 far away."""
    return (-((sharpness * (x - centre)) ** 2)).exp()


class Bumps(nn.Module):
    """A layer: units (N, `units`) that each answer to inputs (N, 1) near a place that is learned."""

    def __init__(self, units: int) -> None:
        super().__init__()
        self.centre = nn.Parameter(microbp.linspace(-1, 1, units))
        self.sharpness = nn.Parameter(microbp.ones(units))

    def forward(self, x: Tensor) -> Tensor:
        return bumps(x, self.centre, self.sharpness)


# %%
# All three in a network
# ----------------------
# Own parts and others go together in any order.


class Network(nn.Module):
    """The layer and the activation among ordinary ones."""

    def __init__(self) -> None:
        super().__init__()
        self.bumps = Bumps(4)
        self.hidden = nn.Linear(4, 4)
        self.last = nn.Linear(4, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(swish(self.hidden(self.bumps(x))))


# %%
# Are the gradients right?
# ------------------------
# Differences are precise in float64 only, so that is what is checked: some random numbers for every argument.


def check() -> bool:
    """Compare the gradients of all three parts with differences, in float64, where those are precise."""

    def some(*shape: int) -> Tensor:
        return microbp.randn(*shape, dtype=microbp.float64, requires_grad=True)

    parts = {swish: [some(5)], log_cosh: [some(5), some(5)], bumps: [some(5, 1), some(3), some(3)]}
    right = [gradcheck(part, inputs) for part, inputs in parts.items()]
    print("gradients checked:", ", ".join(part.__name__ for part in parts))
    return all(right)


# %%
# How do they look?
# -----------------
# A function is easier to judge with its slope beside it, and the slope is one call away. That of swish dips below 0,
# which ReLU's never does. That of log cosh ends at ±1: no error, however large, pulls with more than that.


def draw_functions(axes: Any) -> None:
    """Draw the activation and the loss of an error, each with its derivative."""
    x = microbp.linspace(-5, 5, 200, requires_grad=True)
    for panel, part in zip(axes, (swish, lambda error: error.cosh().log()), strict=True):
        y = part(x)
        (slope,) = grad(y.sum(), x)
        panel.plot(x.detach(), y.detach(), color="#0072B2", label="the function")
        panel.plot(x.detach(), slope, "--", color="#D55E00", label="its slope, by backpropagation")
        panel.grid(alpha=0.3)
    axes[0].set(title="swish", xlabel="x")
    axes[1].set(title="log cosh", xlabel="error")
    axes[0].legend(frameon=False, fontsize="small")


# %%
# Drawing and training
# --------------------
# The drawing is one training step on three points. The own parts are there like all others: the layer with its frame
# and the gradients of its parameters, the activation and the loss as the operations that they are made of.


def main(out: Path) -> list[float]:
    """Check the parts, draw a training step, train; return the loss at every step."""
    microbp.manual_seed(0)
    check()

    x = microbp.linspace(-1, 1, 32).reshape(32, 1)
    y = (3 * x).sin()
    network = Network()

    few, wanted = x[::15], y[::15]
    few.name, wanted.name = "x", "target"
    loss = log_cosh(network(few), wanted)
    loss.backward(retain_graph=True)  # retained, so that the drawing can show the values in between
    out.mkdir(parents=True, exist_ok=True)
    viz.make_dot(loss, model=network).render(outfile=out / "own_parts.svg", cleanup=True)

    optimizer = optim.SGD(network.parameters(), lr=0.1, momentum=0.9)
    losses = []
    for step in range(301):
        optimizer.zero_grad()
        loss = log_cosh(network(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        if step % 100 == 0:
            print(f"step {step:3d}   loss {losses[-1]:.5f}")

    figure, axes = plt.subplots(1, 3, figsize=(12, 3.6), layout="constrained")
    draw_functions(axes[:2])
    axes[2].plot(x[:, 0], y[:, 0], "o", markersize=4, color="#D55E00", label="to be learned")
    axes[2].plot(x[:, 0], network(x).detach()[:, 0], color="#0072B2", label="learned")
    axes[2].plot(x[:, 0], network.bumps(x).detach(), color="black", alpha=0.3, linewidth=1)
    axes[2].set(title="half a wave, and the bumps behind it", xlabel="x")
    axes[2].legend(frameon=False, fontsize="small")
    figure.savefig(out / "own_parts.png", dpi=100)
    plt.close(figure)
    print(f"the graph: {out / 'own_parts.svg'}")
    print(f"the functions: {out / 'own_parts.png'}")
    return losses


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Parts of your own: an activation, a loss, a layer.")
    parser.add_argument("--out", type=Path, default=Path("runs"), help="where pictures go (default: %(default)s)")
    main(parser.parse_args().out)
