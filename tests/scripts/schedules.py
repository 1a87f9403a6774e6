"""Warm-up, then a cosine; and a plateau that lowers the rate of a second optimizer."""

import numpy as np
import torch
from torch import nn
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, ReduceLROnPlateau, SequentialLR

rng = np.random.default_rng(3)
x = torch.tensor(rng.normal(size=(50, 4)))
y = torch.tensor(rng.normal(size=(50, 2)))


def build():
    return nn.ModuleDict(
        {"a": nn.Linear(4, 2), "b": nn.Sequential(nn.Linear(4, 6), nn.GELU(), nn.Linear(6, 2))}
    ).double()


def train(model):
    first = torch.optim.AdamW(model["a"].parameters(), lr=0.1, weight_decay=0.1)
    second = torch.optim.RMSprop(model["b"].parameters(), lr=0.05)
    warm_up = LinearLR(first, start_factor=0.1, total_iters=5)
    scheduler = SequentialLR(first, [warm_up, CosineAnnealingLR(first, T_max=20)], milestones=[5])
    plateau = ReduceLROnPlateau(second, factor=0.3, patience=2)
    for _ in range(35):
        losses = []
        for name, optimizer in (("a", first), ("b", second)):
            optimizer.zero_grad()
            loss = nn.HuberLoss()(model[name](x), y)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        scheduler.step()
        plateau.step(losses[1])
        yield from losses
        yield scheduler.get_last_lr()[0]
        yield second.param_groups[0]["lr"]
