"""A variational autoencoder: reparametrised samples, and a loss of two terms."""

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

rng = np.random.default_rng(12)
x = torch.tensor((rng.uniform(size=(24, 10)) < 0.3).astype(np.float64))
noise = torch.tensor(rng.normal(size=(20, 24, 3)))


class VAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.encode = nn.Linear(10, 8)
        self.mean, self.log_variance = nn.Linear(8, 3), nn.Linear(8, 3)
        self.decode = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 10), nn.Sigmoid())

    def forward(self, x, noise):
        h = F.softplus(self.encode(x))
        mean, log_variance = self.mean(h), self.log_variance(h)
        std = torch.exp(0.5 * log_variance)
        return self.decode(mean + noise * std), mean, log_variance


def build():
    return VAE().double()


def train(model):
    optimizer = torch.optim.NAdam(model.parameters(), lr=0.01)
    for k in range(20):
        decoded, mean, log_variance = model(x, noise[k])
        likelihood = F.binary_cross_entropy(decoded, x, reduction="sum")
        divergence = -0.5 * torch.sum(1 + log_variance - mean.pow(2) - log_variance.exp())
        loss = likelihood + divergence
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        yield loss.item()
        yield divergence.item()
