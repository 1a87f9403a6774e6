"""
Initialisation: how large the first weights are
===============================================

How large the first weights are decides whether a deep network learns at all.

A unit adds up n inputs, each times a weight. If the weights have the variance v, the sum has n·v times
the mean square of the inputs. So every layer multiplies what goes through it, forwards and backwards,
by nearly the same factor, and thirty layers by its thirtieth power. (The gradient of a weight is a
product of both, so that it is alike in all layers, and alike wrong.) The factor is 1 for::

    v = 1/n         with tanh, nearly linear around 0 (Glorot & Bengio, *Understanding the difficulty
                    of training deep feedforward neural networks*, 2010),
    v = 2/n         with ReLU, which lets half of it through (He et al., *Delving Deep into
                    Rectifiers*, 2015).

And weights must differ: units that start alike get the same gradient, and stay alike for ever.

Run it with ``python examples/initialisation.py``. It sends data through 30 layers with weights of four
sizes, trains each network, prints what `lab.structure_report` measured and what `lab.doctor` says of each,
how many different units come of equal weights, and at the end the size of the signal
after 30 layers. The picture shows the signal on its way up, the gradient on its way down, and the losses.
"""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path

import matplotlib
import numpy as np
from tqdm import tqdm

import microbp
from microbp import lab, nn, optim
from microbp.lab.plots import colour
from microbp.nn import functional as F

matplotlib.use("Agg")
from matplotlib import pyplot as plt

DEPTH, WIDTH = 30, 32
VARIANCES = {"v = 1/4n": 0.25, "v = 1/n (Xavier)": 1.0, "v = 2/n (Kaiming)": 2.0, "v = 8/n": 8.0}  # times 1/n


# %%
# The task, and the networks
# --------------------------
# Thirty layers, which differ only in the variance of their first weights.


def waves(samples: int = 128) -> tuple[microbp.Tensor, microbp.Tensor]:
    """Points (N, 2), normally distributed, and a wave over them (N, 1)."""
    x = microbp.randn(samples, 2, generator=microbp.Generator().manual_seed(0))
    return x, (2 * x[:, :1]).sin() * x[:, 1:]


def fill(variance: float, weight: microbp.Tensor) -> None:
    """Normally distributed weights, whose variance is given as a multiple of 1/n."""
    nn.init.normal_(weight, std=(variance / weight.shape[1]) ** 0.5)


def network(variance: float) -> nn.Sequential:
    """Thirty layers with ReLU."""
    return lab.layered_network(DEPTH, WIDTH, inputs=2, outputs=1, activation=nn.ReLU, init=partial(fill, variance))


# %%
# What goes up, and what comes down
# ---------------------------------
# ``retain_grad`` keeps the gradient of what is no leaf: here, of what every layer puts out.


def on_the_way(variance: float) -> tuple[np.ndarray, np.ndarray, lab.Findings]:
    """The root mean square of each layer's output, and of the gradient of it; and what the doctor says."""
    microbp.manual_seed(0)
    x, y = waves()
    model = network(variance)
    outputs = []
    for block in model:
        x = block(x)
        x.retain_grad()
        outputs.append(x)
    loss = F.mse_loss(x, y)
    loss.backward(retain_graph=True)  # the doctor looks at what the graph kept
    sizes = [[np.sqrt(np.mean(np.square(t.detach().numpy()))) for t in (out, out.grad)] for out in outputs]
    return *np.array(sizes).T, lab.doctor(model, loss)


# %%
# Equal weights
# -------------
# What starts alike gets the same gradient, and stays alike.


def different_units(fill: object, steps: int = 50) -> int:
    """How many of 8 hidden units differ after a training from weights filled so."""
    microbp.manual_seed(0)
    x, y = waves()
    model = lab.layered_network(2, 8, inputs=2, outputs=1, activation=nn.Tanh, init=fill)
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    for _ in range(steps):
        optimizer.zero_grad()
        F.mse_loss(model(x), y).backward()
        optimizer.step()
    return len(np.unique(model[0].linear.weight.detach().numpy(), axis=0))


# %%
# Four variances
# --------------
# Too small, made for tanh, made for ReLU, too large.


def main(out: Path) -> dict[str, float]:
    """Compare, train, report and draw; return the size of the signal at the end of each network."""
    report = lab.structure_report(
        {name: partial(network, variance) for name, variance in VARIANCES.items()},
        waves(),
        epochs=20,
        batch_size=32,
        lr=1e-3,
        optimizer=optim.Adam,
        progress=lambda trainings: tqdm(trainings, unit="training", disable=not sys.stderr.isatty()),
    )
    print(report, end="\n\n")

    figure, (up, down, loss) = plt.subplots(1, 3, figsize=(15, 4), layout="constrained")
    signals = {}
    for k, (name, variance) in enumerate(VARIANCES.items()):
        forwards, backwards, findings = on_the_way(variance)
        signals[name] = float(forwards[-2])  # of the last hidden layer
        up.plot(range(1, DEPTH + 1), forwards, color=colour(k), label=name)
        down.plot(range(1, DEPTH + 1), backwards, color=colour(k), label=name)
        print(f"the doctor on {name}: {', '.join(findings.kinds) or 'nothing found'}")
    up.set(title="output of each layer", xlabel="layer", ylabel="root mean square", yscale="log")
    down.set(title="gradient of each layer's output", xlabel="layer", yscale="log")
    for axes in (up, down):
        axes.grid(alpha=0.3)
        axes.legend(frameon=False, fontsize="small")
    report.plot(loss).set(title="loss (that of v = 8/n is far above)", ylim=(0.1, 2))
    out.mkdir(parents=True, exist_ok=True)
    figure.savefig(out / "initialisation.png", dpi=120)
    plt.close(figure)
    print(f"the picture: {out / 'initialisation.png'}", end="\n\n")

    for name, fill_in in (("all the same", partial(nn.init.constant_, val=0.5)), ("at random", partial(fill, 1.0))):
        print(f"of 8 units whose weights start {name:12s} {different_units(fill_in)} differ after the training")
    for name, signal in signals.items():
        final = report[name].final.mean()
        print(f"{name:18s} after {DEPTH} layers a signal of 1 has become {signal:.0e}, loss {final:.3g}")
    return signals


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Initialisation: how large the first weights are.")
    parser.add_argument("--out", type=Path, default=Path("runs"), help="where pictures go (default: %(default)s)")
    main(parser.parse_args().out)
