"""A recurrence written by hand, with gradients cut to a norm, and to a value."""

import numpy as np
import torch
from torch import nn
from torch.nn.utils import clip_grad_norm_, clip_grad_value_

rng = np.random.default_rng(4)
sequences = torch.tensor(rng.normal(size=(12, 20, 1)).cumsum(axis=0))


class Recurrence(nn.Module):
    def __init__(self):
        super().__init__()
        self.into = nn.Linear(1, 6)
        self.over = nn.Linear(6, 6)
        self.out = nn.Linear(6, 1)

    def forward(self, steps):
        hidden = torch.zeros(steps.size(1), 6, dtype=steps.dtype)
        predictions = torch.empty(len(steps) - 1, steps.size(1), 1, dtype=steps.dtype)
        for t in range(len(steps) - 1):
            hidden = torch.tanh(self.into(steps[t]) + 2 * self.over(hidden))
            predictions[t] = self.out(hidden)
        return predictions


def build():
    return Recurrence().double()


def train(model):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    for step in range(25):
        optimizer.zero_grad()
        loss = (model(sequences) - sequences[1:]).pow(2).mean()
        loss.backward()
        if step % 2:
            clip_grad_value_(model.parameters(), 0.1)
        else:
            yield clip_grad_norm_(model.parameters(), max_norm=0.5).item()
        optimizer.step()
        yield loss.item()
