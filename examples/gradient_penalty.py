"""
The gradient of a gradient: a critic with a penalty
===================================================

How far apart are two clouds of points? As far as the work it takes to move one onto the other: mass times way, by the
cheapest plan. This is the *Wasserstein distance*. A network can find it, if it is kept from being too steep. But
steepness is a gradient, and to learn to be less steep, a network needs the gradient of that gradient. We go there in
two steps: first a distance that we know, then points that learn to lie where others do.
"""

# %%

import argparse
import math
import sys
from pathlib import Path

import matplotlib
from tqdm import tqdm

import microbp
from microbp import autograd, nn, optim

matplotlib.use("Agg")
from matplotlib import pyplot as plt

parser = argparse.ArgumentParser(description="The gradient of a gradient: a critic with a penalty.")
parser.add_argument("--steps", type=int, default=600, help="how long the generators learn (default: %(default)s)")
parser.add_argument("--seed", type=int, default=0, help="of weights and points (default: %(default)s)")
parser.add_argument("--out", type=Path, default=Path("runs"), help="where pictures go (default: %(default)s)")
options = parser.parse_args()
options.out.mkdir(parents=True, exist_ok=True)

# %%
# A landscape
# -----------
# To compute the distance one does not need the plan. It is also the largest difference in height between two clouds
# that a landscape can have, if it is nowhere steeper than 1 (Kantorovich & Rubinstein, 1958):
#
# .. math:: W(P, Q) = \max_{|\nabla f| \le 1} \left( \mathrm{mean}_{x \in P} f(x) - \mathrm{mean}_{x \in Q} f(x) \right)
#
# So let a network be the landscape: a *critic*, which learns to be high on one cloud and low on the other. Its slope at
# a point is the length of its gradient there. With ``create_graph=True`` the backward pass is recorded like
# everything else; so the slopes are tensors with a history, and can be part of a loss.


def network(inputs: int, outputs: int) -> nn.Sequential:
    """Two hidden layers of 64 units."""
    return nn.Sequential(nn.Linear(inputs, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, outputs))


def slopes(critic: nn.Module, points: microbp.Tensor) -> microbp.Tensor:
    """How steep the critic is at each of the points (N, 2): (N,)."""
    points = points.detach().requires_grad_()
    (gradient,) = autograd.grad(critic(points).sum(), points, create_graph=True)
    return gradient.norm(dim=1)


# %%
# The critic wants to be high on the one cloud and low on the other. The penalty pulls its slope towards 1 on the way
# between them, where things are moved (Gulrajani et al., *Improved Training of Wasserstein GANs*, 2017).


def critic_loss(critic: nn.Module, high: microbp.Tensor, low: microbp.Tensor, penalty: float) -> microbp.Tensor:
    """What the critic makes smaller; points (N, 2) of either cloud."""
    share = microbp.rand(len(high), 1)
    between = share * high + (1 - share) * low
    steepness = (slopes(critic, between) - 1).square().mean()
    return critic(low).mean() - critic(high).mean() + penalty * steepness


# %%
# A distance that we know
# -----------------------
# Two round clouds of the same shape, 3 apart: the cheapest plan moves every point by 3, so their distance is 3. Without
# a penalty the critic gets steeper and steeper, and its height says nothing. A penalty p is a spring: over a way of
# 3, a slope s gains 3 s and costs p (s - 1)², and the two balance at s = 1 + 3 / 2p. That is what we should find.


def clouds(count: int) -> tuple[microbp.Tensor, microbp.Tensor]:
    """Points (count, 2) around (-1.5, 0), and around (1.5, 0)."""
    centre = microbp.tensor([1.5, 0.0])
    return 0.5 * microbp.randn(count, 2) - centre, 0.5 * microbp.randn(count, 2) + centre


print(f"{'penalty':>8s}{'height':>10s}{'slope':>10s}{'expected':>10s}{'height / slope':>16s}")
heights, steep = {}, {}
for penalty in (0.0, 1.0, 10.0, 100.0):
    microbp.manual_seed(options.seed)
    critic = network(2, 1)
    optimizer = optim.Adam(critic.parameters(), lr=0.002, betas=(0.5, 0.9))
    for _ in range(400):
        optimizer.zero_grad()
        critic_loss(critic, *clouds(128), penalty).backward()
        optimizer.step()
    one, other = clouds(2000)
    heights[penalty] = (critic(one).mean() - critic(other).mean()).item()
    steep[penalty] = slopes(critic, (one + other) / 2).mean().item()
    expected = f"{1 + 3 / (2 * penalty):.3f}" if penalty else "∞"
    ratio = heights[penalty] / steep[penalty]
    print(f"{penalty:8.0f}{heights[penalty]:10.2f}{steep[penalty]:10.3f}{expected:>10s}{ratio:16.2f}")

# %%
# The larger the penalty, the nearer the slope comes to 1, and the height to the distance.
#
# Points that learn
# -----------------
# A critic like this can teach. A second network, the *generator*, turns noise into points, and follows the slope of
# the critic upwards, to where the real points are. Then the critic learns again, and so on: this is a generative
# adversarial network (Goodfellow et al., 2014) in its Wasserstein form (Arjovsky, Chintala & Bottou, 2017). The real
# points lie in eight heaps on a ring. We train one with the penalty, and one without.

CORNERS = microbp.tensor([[2 * math.cos(k * math.pi / 4), 2 * math.sin(k * math.pi / 4)] for k in range(8)])


def real_points(count: int) -> microbp.Tensor:
    """Points (count, 2), each near one of eight corners."""
    return CORNERS[microbp.randint(0, 8, (count,))] + 0.05 * microbp.randn(count, 2)


def adversaries(penalty: float) -> tuple[nn.Module, nn.Module]:
    """A generator and a critic that have learned from each other."""
    microbp.manual_seed(options.seed)
    generator, critic = network(2, 2), network(2, 1)
    learner = optim.Adam(generator.parameters(), lr=0.003, betas=(0.5, 0.9))
    judge = optim.Adam(critic.parameters(), lr=0.006, betas=(0.5, 0.9))
    for _ in tqdm(range(options.steps), desc=f"penalty {penalty:.0f}", disable=not sys.stderr.isatty()):
        for _ in range(3):  # the critic first: only one that knows can teach
            with microbp.no_grad():
                made = generator(microbp.randn(128, 2))
            judge.zero_grad()
            critic_loss(critic, real_points(128), made, penalty).backward()
            judge.step()
        learner.zero_grad()
        (-critic(generator(microbp.randn(128, 2))).mean()).backward()
        learner.step()
    return generator, critic


@microbp.no_grad()
def near_corners(points: microbp.Tensor) -> list[float]:
    """For each corner, the share of the points that lie within 0.4 of it."""
    distance, corner = microbp.cdist(points, CORNERS).min(dim=1)
    return [((corner == k) & (distance < 0.4)).float().mean().item() for k in range(8)]


figure, panels = plt.subplots(1, 2, figsize=(10, 4.6), layout="constrained", sharex=True, sharey=True)
side = microbp.linspace(-2.7, 2.7, 60)
plane = microbp.stack(microbp.meshgrid(side, side, indexing="xy"), dim=-1)  # (60, 60, 2)
found = {}
for axes, penalty in zip(panels, (2.0, 0.0), strict=True):
    generator, critic = adversaries(penalty)
    with microbp.no_grad():
        made, landscape = generator(microbp.randn(1000, 2)), critic(plane)[..., 0]
    found[penalty] = near_corners(made)
    print(
        f"penalty {penalty:2.0f}: {100 * sum(found[penalty]):3.0f} % of the points near a corner, by corners:", end=" "
    )
    print(" ".join(f"{100 * share:.0f}" for share in found[penalty]))
    axes.contourf(side, side, landscape, levels=20, cmap="Greys", alpha=0.7)
    axes.scatter(*real_points(300).T, s=4, color="#D55E00", label="real")
    axes.scatter(*made.T, s=4, color="#0072B2", label="made")
    axes.set(title=f"penalty {penalty:.0f}", xlim=(-2.7, 2.7), ylim=(-2.7, 2.7), aspect="equal")
panels[0].legend(loc="upper right", fontsize="small")
figure.savefig(options.out / "gradient_penalty.png", dpi=100)
plt.close(figure)
print(f"the picture: {options.out / 'gradient_penalty.png'}")

# %%
# In the picture the landscape of the critic is grey, and dark where it is high. With the penalty it has a hill on every
# heap, and gentle slopes that lead there. Without, it is one steep wall that turns this way and that, and the
# points run after it.
#
# To try
# ------
# - Forget ``create_graph=True``. Which parameters does the penalty still teach? (``microbp.why_no_grad`` knows.)
# - Replace the penalty by clipping: ``parameter.clamp_(-0.05, 0.05)`` for every parameter of the critic after each
#   step (under ``no_grad``), as the first Wasserstein networks did. How steep do they get?
# - ``nn.Tanh()`` for ``nn.ReLU()``. The second derivative of ReLU is 0 nearly everywhere: why does the penalty work all
#   the same?
