"""Two networks and two optimizers; what one makes is detached for the other."""

import numpy as np
import torch
from torch import nn, optim

rng = np.random.default_rng(13)
real = torch.tensor(rng.normal(size=(16, 1)) * 0.5 + 3)
noise = torch.tensor(rng.normal(size=(15, 16, 2)))


def build():
    return nn.ModuleDict(
        {
            "generator": nn.Sequential(nn.Linear(2, 6), nn.ReLU(inplace=True), nn.Linear(6, 1)),
            "discriminator": nn.Sequential(nn.Linear(1, 6), nn.LeakyReLU(0.1), nn.Linear(6, 1)),
        }
    ).double()


def train(model):
    generator, discriminator = model["generator"], model["discriminator"]
    g_optimizer = optim.Adam(generator.parameters(), lr=0.01)
    d_optimizer = optim.Adam(discriminator.parameters(), lr=0.01)
    criterion = nn.BCEWithLogitsLoss()
    ones, zeros = torch.ones(16, 1, dtype=torch.float64), torch.zeros(16, 1, dtype=torch.float64)
    for k in range(15):
        fake = generator(noise[k])
        discriminator.zero_grad()
        d_loss = criterion(discriminator(real), ones) + criterion(discriminator(fake.detach()), zeros)
        d_loss.backward()
        d_optimizer.step()
        generator.zero_grad()
        g_loss = criterion(discriminator(fake), ones)
        g_loss.backward()
        g_optimizer.step()
        yield d_loss.item()
        yield g_loss.item()
