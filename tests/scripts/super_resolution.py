"""Super-resolution by sub-pixel convolution, then pairs and triplets of images compared by their embeddings."""

import math

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.nn.init as init


class Upscale(nn.Module):
    def __init__(self, upscale_factor):
        super().__init__()
        self.relu = nn.ReLU()
        self.conv1 = nn.Conv2d(1, 8, (5, 5), (1, 1), (2, 2))
        self.conv2 = nn.Conv2d(8, upscale_factor**2, (3, 3), (1, 1), (1, 1))
        self.pixel_shuffle = nn.PixelShuffle(upscale_factor)
        init.orthogonal_(self.conv1.weight, init.calculate_gain("relu"))
        init.orthogonal_(self.conv2.weight)

    def forward(self, x):
        x = self.relu(self.conv1(x))
        return self.pixel_shuffle(self.conv2(x))


class Embedder(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(1, 4, 3), nn.PReLU(), nn.MaxPool2d(2, stride=2), nn.Flatten(), nn.Linear(36, 8)
        )

    def forward(self, x):
        return F.normalize(self.net(x), p=2, dim=1)


def build():
    return nn.ModuleList([Upscale(2), Embedder()]).double()


def train(model):
    rng = np.random.default_rng(5)
    upscale, embed = model
    large = torch.from_numpy(rng.random((8, 1, 8, 8)))
    small = F.interpolate(large, scale_factor=0.5, mode="bicubic", align_corners=False)
    optimizer = torch.optim.Adam(upscale.parameters(), lr=1e-2)
    for _ in range(5):
        optimizer.zero_grad()
        loss = nn.MSELoss()(upscale(small), large)
        loss.backward()
        optimizer.step()
        yield 10 * math.log10(1 / loss.item())

    optimizer = torch.optim.SGD(embed.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4, nesterov=True)
    triplet = nn.TripletMarginLoss(margin=0.5, p=2)
    cosine = nn.CosineEmbeddingLoss(margin=0.1)
    for _ in range(5):
        anchor, positive, negative = (embed(torch.from_numpy(rng.random((5, 1, 8, 8)))) for _ in range(3))
        near, far = (anchor - positive).pow(2).sum(1), F.pairwise_distance(anchor, negative)
        contrastive = torch.mean(near + torch.pow(torch.clamp(1.0 - far, min=0.0), 2))
        loss = triplet(anchor, positive, negative) + cosine(anchor, negative, -torch.ones(5)) + contrastive
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        yield loss.item()
