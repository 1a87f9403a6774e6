"""Own modules with skip connections, in a ModuleList, with an activation of one's own."""

import numpy as np
import torch
from torch import nn

rng = np.random.default_rng(1)
x = torch.from_numpy(rng.uniform(-2, 2, size=(64, 2)))
y = torch.from_numpy(np.sin(x.numpy()[:, :1]) * np.cos(x.numpy()[:, 1:]))


class Swish(nn.Module):
    def __init__(self):
        super().__init__()
        self.beta = nn.Parameter(torch.ones(1))

    def forward(self, x):
        return x * torch.sigmoid(self.beta * x)


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.inner = nn.Sequential(nn.Linear(width, width), Swish(), nn.Linear(width, width))
        self.scale = nn.Parameter(torch.tensor(0.5))

    def forward(self, x):
        return x + self.scale * self.inner(x)


class Network(nn.Module):
    def __init__(self, width=8, depth=4):
        super().__init__()
        self.stem = nn.Linear(2, width)
        self.blocks = nn.ModuleList([Block(width) for _ in range(depth)])
        self.head = nn.Linear(width, 1)

    def forward(self, x):
        x = self.stem(x)
        for block in self.blocks:
            x = block(x)
        return self.head(x)


def build():
    return Network().double()


def train(model):
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(30):
        optimizer.zero_grad(set_to_none=True)
        loss = nn.functional.smooth_l1_loss(model(x), y)
        loss.backward()
        optimizer.step()
        yield loss.item()
