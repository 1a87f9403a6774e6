"""Looking on: forward hooks, tensor hooks, retained gradients, and an average of the weights."""

import copy

import numpy as np
import torch
from torch import nn

rng = np.random.default_rng(15)
x = torch.tensor(rng.normal(size=(20, 3)))
y = torch.tensor(rng.normal(size=(20, 1)))


def build():
    return nn.Sequential(nn.Linear(3, 5), nn.Hardtanh(), nn.Linear(5, 5), nn.Sigmoid(), nn.Linear(5, 1)).double()


def train(model):
    average = copy.deepcopy(model)
    seen = []
    handles = [
        layer.register_forward_hook(lambda module, args, output: seen.append(output.detach().abs().mean().item()))
        for layer in model
        if isinstance(layer, nn.Linear)
    ]
    model[2].weight.register_hook(lambda gradient: gradient.clamp(-0.05, 0.05))
    optimizer = torch.optim.RAdam(model.parameters(), lr=0.05)
    for step in range(20):
        if step == 10:
            for handle in handles:
                handle.remove()
        hidden = model[:2](x)
        hidden.retain_grad()
        loss = nn.functional.mse_loss(model[2:](hidden), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            for kept, p in zip(average.parameters(), model.parameters(), strict=True):
                kept.mul_(0.9).add_(p, alpha=0.1)
        yield loss.item()
        yield hidden.grad.norm().item()
    assert len(seen) == 30
    yield from seen
    yield nn.functional.mse_loss(average(x), y).item()
