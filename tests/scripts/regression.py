"""Linear regression with SGD: the first script that anybody writes."""

import numpy as np
import torch
from torch import nn

rng = np.random.default_rng(0)
x = torch.tensor(rng.normal(size=(100, 3)))
y = x @ torch.tensor([[1.5], [-2.0], [0.5]], dtype=torch.float64) + 0.3
y = y + torch.tensor(0.1 * rng.normal(size=(100, 1)))


def build():
    return nn.Linear(3, 1).double()


def train(model):
    criterion = nn.MSELoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _epoch in range(40):
        prediction = model(x)
        loss = criterion(prediction, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        yield loss.item()
    with torch.no_grad():
        yield (model(x) - y).abs().mean().item()
