"""
Regression, and what the seed decides
=====================================

Train the same network on the same data twice, from different first weights. Do you get the same function? Where
there are data, nearly. Where there are none, nothing holds the two together, and they part. That is a
nuisance if you report one training as *the* result. It is useful if you train several: where they disagree, the data
do not say what the answer is. Such a *deep ensemble* is among the simplest ways for a network to say "I do
not know" (Lakshminarayanan, Pritzel & Blundell, *Simple and Scalable Predictive Uncertainty Estimation using
Deep Ensembles*, 2017).
"""

# %%

import argparse
import sys
from pathlib import Path

import matplotlib
from tqdm import tqdm

import microbp
from microbp import nn, optim
from microbp.nn import functional as F

matplotlib.use("Agg")
from matplotlib import pyplot as plt

parser = argparse.ArgumentParser(description="Regression, and what the seed decides.")
parser.add_argument("--seeds", type=int, default=8, help="how many networks to train (default: %(default)s)")
parser.add_argument("--steps", type=int, default=600, help="how long to train each (default: %(default)s)")
parser.add_argument("--out", type=Path, default=Path("runs"), help="where pictures go (default: %(default)s)")
options = parser.parse_args()
options.out.mkdir(parents=True, exist_ok=True)

# %%
# The data
# --------
# A wave with noise, which is small on the left and large on the right. Between -0.6 and 0.4, and beyond -2 and 2,
# nothing was measured. So there are two kinds of not knowing: the noise, which more data would not remove
# (*aleatoric* uncertainty), and the gaps, which they would (*epistemic*).


def wave(x: microbp.Tensor) -> microbp.Tensor:
    """What would be measured without noise."""
    return (2 * x).sin() + 0.3 * x


def noise(x: microbp.Tensor) -> microbp.Tensor:
    """The standard deviation of a measurement."""
    return microbp.where(x < 0, 0.05, 0.25)


def measured(count: int) -> tuple[microbp.Tensor, microbp.Tensor]:
    """Places and values (count, 1), half of them on either side of the gap."""
    left = microbp.empty(count // 2, 1).uniform_(-2, -0.6)
    right = microbp.empty(count - count // 2, 1).uniform_(0.4, 2)
    x = microbp.cat([left, right])
    return x, wave(x) + noise(x) * microbp.randn(count, 1)


microbp.manual_seed(0)
x, y = measured(200)
new_x, new_y = measured(2000)

# %%
# One network, two outputs
# ------------------------
# Given x, the network says what it expects, m, and how far measurements scatter around that, s. Its loss is the
# negative logarithm of the probability that a normal distribution with these two gives to what was measured,
#
# .. math:: -\log p(y) = \tfrac12 \left(\log s^2 + \frac{(y - m)^2}{s^2}\right) + \text{const.}
#
# Large errors cost less where s is large, but a large s costs something by itself. The minimum lies where s is as
# large as the errors are (Nix & Weigend, 1994). So the network learns the noise without being told.


class Network(nn.Module):
    """x (N, 1) to the mean and the variance of what is measured there, each (N, 1)."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden = nn.Sequential(nn.Linear(1, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU())
        self.last = nn.Linear(32, 2)
        nn.init.uniform_(self.hidden[0].bias, -3.0, 3.0)  # so that the kinks of the ReLUs lie all over the place

    def forward(self, x: microbp.Tensor) -> tuple[microbp.Tensor, microbp.Tensor]:
        mean, scale = self.last(self.hidden(x)).chunk(2, dim=1)
        return mean, F.softplus(scale) ** 2 + 1e-4  # softplus, since a standard deviation is positive


def train(seed: int) -> Network:
    """A network that learned from the data; the seed decides its first weights, and nothing else."""
    microbp.manual_seed(seed)
    model = Network()
    optimizer = optim.Adam(model.parameters(), lr=0.01)
    for _ in range(options.steps):
        optimizer.zero_grad()
        mean, variance = model(x)
        F.gaussian_nll_loss(mean, y, variance).backward()
        optimizer.step()
    return model


models = [train(seed) for seed in tqdm(range(options.seeds), unit="training", disable=not sys.stderr.isatty())]

# %%
# Several networks, one answer
# ----------------------------
# An ensemble of K networks is a mixture of K normal distributions. Its mean is the mean of the means; its variance
# has two parts, which are the two kinds of not knowing:
#
# .. math:: \operatorname{Var} = \underbrace{\frac1K \sum_k s_k^2}_{\text{noise}}
#                              + \underbrace{\frac1K \sum_k (m_k - \bar m)^2}_{\text{disagreement}}


@microbp.no_grad()
def ensemble(x: microbp.Tensor) -> tuple[microbp.Tensor, microbp.Tensor, microbp.Tensor, microbp.Tensor]:
    """The means of all networks (K, N, 1); their mean, and noise and disagreement as standard deviations (N, 1)."""
    means, variances = map(microbp.stack, zip(*(model(x) for model in models), strict=True))
    return means, means.mean(dim=0), variances.mean(dim=0).sqrt(), means.std(dim=0, correction=0)


places = {
    "left, little noise": (-2, -0.6),
    "right, much noise": (0.4, 2),
    "in the gap": (-0.5, 0.3),
    "beyond": (2.5, 3.5),
}
print(f"{'':20s}{'noise':>10s}{'learned':>10s}{'disagreement':>15s}")
learned, disagreement = {}, {}
for name, (start, stop) in places.items():
    here = microbp.linspace(start, stop, 100).reshape(100, 1)
    _, _, scatter, spread = ensemble(here)
    learned[name], disagreement[name] = scatter.mean().item(), spread.mean().item()
    real = f"{noise(here).mean().item():.3f}" if "noise" in name else ""
    print(f"{name:20s}{real:>10s}{learned[name]:10.3f}{disagreement[name]:15.3f}")

# %%
# Is the answer honest? If noise and disagreement together are right, 95 % of new measurements lie within two
# standard deviations of the mean. Where there were data, they do. Beyond, no number of networks can know that the
# wave turns up again: they all go on as they went, and are wrong together. Disagreement is a warning; that there is
# none proves nothing.


def within(x: microbp.Tensor, y: microbp.Tensor) -> float:
    """The share of measurements that lie within two standard deviations of the ensemble's mean."""
    _, mean, scatter, spread = ensemble(x)
    return ((y - mean).abs() < 2 * (scatter**2 + spread**2).sqrt()).float().mean().item()


beyond = microbp.linspace(2.5, 3.5, 100).reshape(100, 1)
covered, covered_beyond = within(new_x, new_y), within(beyond, wave(beyond))
print(f"within two standard deviations: {100 * covered:.1f} % of {len(new_x)} new measurements")
print(f"and beyond, of the wave itself: {100 * covered_beyond:.1f} %")

# %%
# The picture
# -----------
# On the left every network by itself: they agree on the data, and only there. On the right what they say together.
# The dark band is the noise that they learned; the light one adds their disagreement.

grid = microbp.linspace(-3.5, 3.5, 300).reshape(300, 1)
means, mean, scatter, spread = ensemble(grid)
total = (scatter**2 + spread**2).sqrt()
figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained", sharey=True)
for seed, curve in enumerate(means):
    left.plot(grid[:, 0], curve[:, 0], color="#0072B2", alpha=0.5, label="a network" if seed == 0 else None)
right.plot(grid[:, 0], mean[:, 0], color="#0072B2", label="mean of all")
for deviation, shade, name in ((total, 0.15, "and disagreement"), (scatter, 0.3, "± 2 noise")):
    band = ((mean - 2 * deviation)[:, 0].numpy(), (mean + 2 * deviation)[:, 0].numpy())
    right.fill_between(grid[:, 0].numpy(), *band, color="#0072B2", alpha=shade, linewidth=0, label=name)
for axes, title in ((left, "each network"), (right, "the ensemble")):
    axes.scatter(x[:, 0], y[:, 0], s=6, color="#D55E00", label="measured", zorder=3)
    axes.plot(grid[:, 0], wave(grid)[:, 0], ":", color="black", label="without noise")
    axes.set(title=title, xlabel="x", ylim=(-4, 4))
    axes.legend(frameon=False, fontsize="small", loc="lower left")
figure.savefig(options.out / "uncertainty.png", dpi=100)
plt.close(figure)
print(f"the picture: {options.out / 'uncertainty.png'}")

# %%
# To try
# ------
# - ``--seeds 2``: is a disagreement of two networks enough to find the gap?
# - Replace ``nn.ReLU`` by ``nn.Tanh``. What do the networks do beyond the data now, and do they still disagree there?
# - Put a third group of measurements into the gap. Which of the two bands shrinks?
