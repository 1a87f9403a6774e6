"""
Depth, and vanishing gradients
==============================

Why do gradients vanish in a deep network, and what brings them back?

Going back through a layer multiplies the gradient by the slope of its activation and by its
weights. The slope of a sigmoid is at most 1/4: after ten layers almost nothing is left, and
the first layers do not learn (Hochreiter, *Untersuchungen zu dynamischen neuronalen Netzen*,
1991). What helps are activations with slope 1 (ReLU) together with weights made for them
(He et al., *Delving Deep into Rectifiers*, 2015), normalisation between the layers (Ioffe &
Szegedy, *Batch Normalization*, 2015), and skip connections (He et al., *Deep Residual
Learning*, 2016). ReLU alone is not enough.

Every network learns to tell two spirals apart, from the same points, in the same order, from
three seeds. Run it with ``python examples/depth.py``. It prints what `lab.structure_report`
measured, what `lab.doctor` says of the one that does not learn, and how much of the gradient
reaches the first layer; the picture shows gradients layer by layer, and the losses.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import matplotlib
from tqdm import tqdm

import microbp
from microbp import lab, nn
from microbp.nn import functional as F

matplotlib.use("Agg")
from matplotlib import pyplot as plt


def spirals(samples: int = 200) -> tuple[microbp.Tensor, microbp.Tensor]:
    """Points (N, 2) on two arms that wind around each other, and which arm each is on (N,)."""
    angle = microbp.linspace(0.5, 3.5, samples // 2).reshape(-1, 1)
    arm = microbp.cat([angle * angle.cos(), angle * angle.sin()], dim=1) / 3.5
    return microbp.cat([arm, -arm]), microbp.arange(samples) // (samples // 2)


def network(depth: int, **options: object) -> nn.Sequential:
    """`depth` layers, 16 units wide, from the two coordinates to a score for each arm."""
    return lab.layered_network(depth, 16, inputs=2, outputs=2, **options)


# %%
# Six structures
# --------------
# They differ in one thing each; points, order and seeds are the same.

STRUCTURES = {
    "sigmoid, 2 layers": lambda: network(2, activation=nn.Sigmoid),
    "sigmoid, 10 layers": lambda: network(10, activation=nn.Sigmoid),
    "sigmoid, 10, normalised": lambda: network(10, activation=nn.Sigmoid, norm=nn.BatchNorm1d),
    "relu, 10 layers": lambda: network(10, activation=nn.ReLU),
    "relu, 10, kaiming": lambda: network(10, activation=nn.ReLU, init=nn.init.kaiming_normal_),
    "relu, 10, skips": lambda: network(10, activation=nn.ReLU, skip=True),
}


def main(out: Path) -> lab.StructureReport:
    """Compare the structures, ask the doctor, and draw."""
    points, arms = spirals()
    report = lab.structure_report(
        STRUCTURES,
        (points, arms),
        epochs=40,
        batch_size=50,
        lr=0.05,
        progress=lambda trainings: tqdm(trainings, unit="training", disable=not sys.stderr.isatty()),
    )
    print(report, end="\n\n")

    microbp.manual_seed(0)
    model = STRUCTURES["sigmoid, 10 layers"]()
    print("the doctor on the sigmoid network with 10 layers:")
    print(lab.doctor(model, F.cross_entropy(model(points), arms)), end="\n\n")

    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
    report.plot(left, what="gradients")
    report.plot(right)
    out.mkdir(parents=True, exist_ok=True)
    figure.savefig(out / "depth.png", dpi=120)
    plt.close(figure)
    print(f"the picture: {out / 'depth.png'}")
    for name in ("sigmoid, 10 layers", "relu, 10, skips"):
        found = report[name]
        print(f"{name:20s} first layer's gradient {found.ratio():.0e} of the last's, loss {found.final.mean():.4f}")
    return report


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Depth, and vanishing gradients.")
    parser.add_argument("--out", type=Path, default=Path("runs"), help="where pictures go (default: %(default)s)")
    main(parser.parse_args().out)
