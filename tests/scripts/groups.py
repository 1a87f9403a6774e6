"""A learning rate for each layer, and no weight decay on biases."""

import numpy as np
import torch
from torch import nn, optim

rng = np.random.default_rng(2)
x = torch.tensor(rng.normal(size=(40, 5)))
labels = torch.tensor(rng.integers(0, 3, size=40))


def build():
    torch.set_default_dtype(torch.float64)
    try:
        return nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 8), nn.ELU(), nn.Linear(8, 3))
    finally:
        torch.set_default_dtype(torch.float32)


def train(model):
    biases = [p for name, p in model.named_parameters() if name.endswith("bias")]
    groups = [
        {"params": [model[0].weight], "lr": 0.3},
        {"params": [model[2].weight], "lr": 0.1, "momentum": 0.5},
        {"params": [model[4].weight], "nesterov": True, "momentum": 0.8},
        {"params": biases, "weight_decay": 0.0},
    ]
    optimizer = optim.SGD(groups, lr=0.05, weight_decay=0.01)
    criterion = nn.CrossEntropyLoss(label_smoothing=0.1)
    for step in range(40):
        optimizer.zero_grad()
        loss = criterion(model(x), labels)
        loss.backward()
        optimizer.step()
        if step == 20:
            for group in optimizer.param_groups:
                group["lr"] *= 0.5
        yield loss.item()
