"""A gradient penalty: the loss contains a gradient, and is differentiated again."""

import numpy as np
import torch
from torch import autograd, nn

rng = np.random.default_rng(9)
real = torch.tensor(rng.normal(size=(20, 2)) + 2)
fake = torch.tensor(rng.normal(size=(20, 2)) - 1)
mix = torch.tensor(rng.uniform(size=(20, 1)))


def build():
    return nn.Sequential(nn.Linear(2, 8), nn.LeakyReLU(0.2), nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 1)).double()


def train(critic):
    optimizer = torch.optim.Adam(critic.parameters(), lr=0.01, betas=(0.5, 0.9))
    for _ in range(20):
        between = (mix * real + (1 - mix) * fake).requires_grad_(True)
        scores = critic(between)
        (gradients,) = autograd.grad(
            outputs=scores, inputs=between, grad_outputs=torch.ones_like(scores), create_graph=True, retain_graph=True
        )
        penalty = ((gradients.norm(2, dim=1) - 1) ** 2).mean()
        loss = critic(fake).mean() - critic(real).mean() + 10 * penalty
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        yield loss.item()
        yield penalty.item()
