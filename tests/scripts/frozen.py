"""Fine-tuning: the body is frozen, the head learns; later the body thaws and joins the optimizer."""

import numpy as np
import torch
from torch import nn, optim

rng = np.random.default_rng(7)
x = torch.tensor(rng.normal(size=(30, 5)))
y = torch.tensor(rng.normal(size=(30, 1)))


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(5, 7), nn.SiLU(), nn.Linear(7, 7), nn.SiLU())
        self.head = nn.Linear(7, 1)

    def forward(self, x):
        return self.head(self.body(x))


def build():
    return Model().double()


def train(model):
    for p in model.body.parameters():
        p.requires_grad_(False)
    optimizer = optim.SGD(filter(lambda p: p.requires_grad, model.parameters()), lr=0.1)
    before = model.body[0].weight.sum().item()
    for step in range(30):
        if step == 15:
            assert model.body[0].weight.sum().item() == before
            assert model.body[0].weight.grad is None
            model.body.requires_grad_(True)
            optimizer.add_param_group({"params": model.body.parameters(), "lr": 0.02})
        optimizer.zero_grad()
        loss = nn.L1Loss()(model(x), y)
        loss.backward()
        optimizer.step()
        yield loss.item()
    assert model.body[0].weight.sum().item() != before
