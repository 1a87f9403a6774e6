"""BatchNorm and Dropout, which behave otherwise in training than in evaluation."""

import numpy as np
import torch
from torch import nn

rng = np.random.default_rng(5)
x = torch.tensor(3 + 2 * rng.normal(size=(60, 6)))
y = torch.tensor((x.numpy().sum(axis=1) > 18).astype(np.float64))


def build():
    return nn.Sequential(
        nn.BatchNorm1d(6),
        nn.Linear(6, 10, bias=False),
        nn.BatchNorm1d(10),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(10, 1),
    ).double()


def train(model):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    criterion = nn.BCEWithLogitsLoss()
    for _epoch in range(6):
        model.train()
        model[4].eval()  # the two libraries draw other numbers
        for k in range(0, 60, 20):
            optimizer.zero_grad()
            loss = criterion(model(x[k : k + 20]).squeeze(1), y[k : k + 20])
            loss.backward()
            optimizer.step()
            yield loss.item()
        model.eval()
        with torch.no_grad():
            logits = model(x).squeeze(1)
            yield criterion(logits, y).item()
            yield ((logits > 0).double() == y).double().mean().item()
    yield from model[0].running_mean.tolist()
    yield model[2].num_batches_tracked.item()
