"""Gradients of several small batches added up before a step, and an update written by hand."""

import numpy as np
import torch
from torch import nn

rng = np.random.default_rng(8)
x = torch.tensor(rng.normal(size=(48, 3)))
y = torch.tensor(rng.normal(size=(48, 1)))


def build():
    return nn.Sequential(nn.Linear(3, 9), nn.Softplus(), nn.Linear(9, 1)).double()


def train(model):
    optimizer = torch.optim.Adagrad(model.parameters(), lr=0.1)
    for _epoch in range(6):
        optimizer.zero_grad()
        for k, (data, target) in enumerate(zip(x.split(8), y.split(8), strict=True)):
            loss = nn.functional.mse_loss(model(data), target) / 3
            loss.backward()
            yield loss.item()
            if (k + 1) % 3 == 0:
                optimizer.step()
                optimizer.zero_grad()
    for _step in range(10):
        loss = nn.functional.mse_loss(model(x), y)
        loss.backward()
        with torch.no_grad():
            for p in model.parameters():
                p -= 0.01 * p.grad
                p.grad.zero_()
        yield loss.item()
