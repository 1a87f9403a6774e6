"""Logistic regression by L-BFGS, with the loss in a closure and an L2 penalty by hand."""

import numpy as np
import torch
from torch import nn

rng = np.random.default_rng(14)
x = torch.tensor(rng.normal(size=(80, 4)))
y = torch.tensor((x.numpy() @ np.array([1.0, -1.0, 0.5, 0.0]) + 0.5 * rng.normal(size=80) > 0).astype(np.float64))


def build():
    return nn.Linear(4, 1).double()


def train(model):
    optimizer = torch.optim.LBFGS(model.parameters(), max_iter=4, line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        logits = model(x).squeeze(-1)
        loss = nn.functional.binary_cross_entropy_with_logits(logits, y)
        loss = loss + 0.01 * sum(p.pow(2).sum() for p in model.parameters())
        loss.backward()
        return loss

    for _ in range(4):
        yield optimizer.step(closure).item()
