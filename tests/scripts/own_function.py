"""An activation with a backward of one's own, which lets gradients pass where the forward has none."""

import numpy as np
import torch
from torch import nn
from torch.autograd import Function

rng = np.random.default_rng(6)
x = torch.tensor(rng.normal(size=(32, 4)))
labels = torch.tensor(rng.integers(0, 2, size=32))


class StraightThrough(Function):
    @staticmethod
    def forward(ctx, input, width):
        ctx.save_for_backward(input)
        ctx.width = width
        return torch.sign(input)

    @staticmethod
    def backward(ctx, grad_output):
        (input,) = ctx.saved_tensors
        return grad_output * (input.abs() <= ctx.width).to(input.dtype), None


class Binary(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(4, 12)
        self.second = nn.Linear(12, 2)

    def forward(self, x):
        return self.second(StraightThrough.apply(self.first(x), 1.0))


def build():
    return Binary().double()


def train(model):
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    for _ in range(25):
        loss = nn.functional.cross_entropy(model(x), labels)
        model.zero_grad()
        loss.backward()
        optimizer.step()
        yield loss.item()
