"""
Activations: what bends, what flattens, what dies
=================================================

On the way back through an activation f the gradient is multiplied by its slope::

    dL/dx = dL/dy * f'(x)

So the slopes decide how much arrives below. That of the sigmoid is at most 1/4, and next
to nothing at both ends, where units are *saturated*. Tanh has slope 1 in the middle (LeCun et al.,
*Efficient BackProp*, 1998). ReLU has slope 1 wherever it is on, and 0 where it is off (Glorot
et al., *Deep Sparse Rectifier Neural Networks*, 2011); a unit that is off for all data is *dead*,
and nothing brings it back. Leaky ReLU and GELU let a little through.

Run it with ``python examples/activations.py``. It trains the same network with each of them, from
weights made for it, to tell a ring from what is inside and outside, and prints what
`lab.structure_report` measured. Then it asks what reaches the weights of units that are off for all
data: through ReLU exactly nothing, so that they stay dead. The last lines are how much of the gradient
a layer with each activation lets through. The picture shows the functions, their slopes as
backpropagation computes them, the gradients layer by layer, and the losses.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import matplotlib
from tqdm import tqdm

import microbp
from microbp import lab, nn, optim
from microbp.lab.plots import colour

matplotlib.use("Agg")
from matplotlib import pyplot as plt

ACTIVATIONS = {"sigmoid": nn.Sigmoid, "tanh": nn.Tanh, "relu": nn.ReLU, "leaky relu": nn.LeakyReLU, "gelu": nn.GELU}
DEPTH = 8


# %%
# The task
# --------
# A ring of points among others, which no straight line cuts out.


def ring(samples: int = 300) -> tuple[microbp.Tensor, microbp.Tensor]:
    """Points (N, 2) in a square, and whether each is on a ring around the middle (N,)."""
    points = 2 * microbp.rand(samples, 2, generator=microbp.Generator().manual_seed(0)) - 1
    distance = points.norm(dim=1)
    return points, ((distance > 0.4) & (distance < 0.8)).long()


def network(activation: Callable[[], nn.Module]) -> nn.Sequential:
    """Eight layers, with the weights that are made for this activation."""
    even = activation in (nn.Sigmoid, nn.Tanh)
    init = nn.init.xavier_normal_ if even else partial(nn.init.kaiming_normal_, nonlinearity="relu")
    return lab.layered_network(DEPTH, 16, inputs=2, outputs=2, activation=activation, init=init)


# %%
# Slopes
# ------
# The slope at many points at once: each output depends on its own input alone, so the gradient of their sum has
# them all.


def slope_of(activation: nn.Module, x: microbp.Tensor) -> microbp.Tensor:
    """The slope at each of many points: the gradient of the sum."""
    x = x.clone().requires_grad_()
    activation(x).sum().backward()
    return x.grad


def through_units_that_are_off(activation: Callable[[], nn.Module]) -> float:
    """The norm of the gradient that reaches the weights of 16 units whose inputs are below 0 for all data."""
    microbp.manual_seed(0)
    points, labels = ring()
    model = nn.Sequential(nn.Linear(2, 16), activation(), nn.Linear(16, 2))
    with microbp.no_grad():
        model[0].bias.fill_(-1.5)  # weights below 0.71, points in ±1: no sum gets above 0
    nn.functional.cross_entropy(model(points), labels).backward()
    return model[0].weight.grad.norm().item()


def draw(report: lab.StructureReport, path: Path) -> None:
    """The functions, their slopes, the gradients in the network, and what it learns."""
    figure, places = plt.subplots(2, 2, figsize=(11, 8), layout="constrained")
    panels = places.flatten()
    x = microbp.linspace(-4, 4, 401)
    for k, (name, activation) in enumerate(ACTIVATIONS.items()):
        look = {"label": name, "color": colour(k), "linestyle": ("-", "--", "-.")[k % 3]}
        panels[0].plot(x.numpy(), activation()(x).numpy(), **look)
        panels[1].plot(x.numpy(), slope_of(activation(), x).numpy(), **look)
    for axes, title in ((panels[0], "activation"), (panels[1], "its slope, by backpropagation")):
        axes.set(title=title, xlabel="input", ylim=(-1.2, 2))
        axes.grid(alpha=0.3)
    panels[0].legend(frameon=False)
    report.plot(panels[2], what="gradients")
    report.plot(panels[3])
    figure.savefig(path, dpi=120)
    plt.close(figure)


# %%
# Five activations
# ----------------
# The same network with each, from the same seeds, on the same points.


def main(out: Path) -> lab.StructureReport:
    """Train with each activation, report and draw."""
    points, labels = ring()
    report = lab.structure_report(
        {name: partial(network, activation) for name, activation in ACTIVATIONS.items()},
        (points, labels),
        epochs=60,
        batch_size=60,
        lr=0.02,
        optimizer=partial(optim.SGD, momentum=0.9),
        progress=lambda trainings: tqdm(trainings, unit="training", disable=not sys.stderr.isatty()),
    )
    print(report, end="\n\n")
    out.mkdir(parents=True, exist_ok=True)
    draw(report, out / "activations.png")
    print(f"the picture: {out / 'activations.png'}", end="\n\n")
    for name in ("relu", "leaky relu", "gelu"):
        arriving = through_units_that_are_off(ACTIVATIONS[name])
        print(f"{name:10s} to the weights of units that are off comes a gradient of {arriving:.0e}")
    for name, found in report.items():
        through = found.ratio() ** (1 / (DEPTH - 1))
        print(f"{name:10s} a layer lets {through:.2f} of the gradient through, eight layers {found.ratio():.0e}")
    return report


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Activations: what bends, what flattens, what dies.")
    parser.add_argument("--out", type=Path, default=Path("runs"), help="where pictures go (default: %(default)s)")
    main(parser.parse_args().out)
