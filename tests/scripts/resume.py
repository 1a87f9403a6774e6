"""Training that is broken off, and goes on from state dicts in new objects."""

import copy

import numpy as np
import torch
from torch import nn

rng = np.random.default_rng(10)
x = torch.tensor(rng.normal(size=(30, 4)))
labels = torch.tensor(rng.integers(0, 3, size=30))


def build():
    return nn.Sequential(nn.Linear(4, 6), nn.Mish(), nn.Linear(6, 3)).double()


def set_up(model):
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05, amsgrad=True)
    return optimizer, torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.95)


def step(model, optimizer, scheduler):
    optimizer.zero_grad()
    loss = nn.functional.cross_entropy(model(x), labels, weight=torch.tensor([1.0, 2.0, 0.5], dtype=torch.float64))
    loss.backward()
    optimizer.step()
    scheduler.step()
    return loss.item()


def train(model):
    optimizer, scheduler = set_up(model)
    for _ in range(10):
        yield step(model, optimizer, scheduler)
    checkpoint = copy.deepcopy(
        {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "scheduler": scheduler.state_dict()}
    )
    through = [step(model, optimizer, scheduler) for _ in range(10)]
    again = build()
    again.load_state_dict(checkpoint["model"])
    optimizer, scheduler = set_up(again)
    optimizer.load_state_dict(checkpoint["optimizer"])
    scheduler.load_state_dict(checkpoint["scheduler"])
    resumed = [step(again, optimizer, scheduler) for _ in range(10)]
    assert resumed == through
    yield from resumed
