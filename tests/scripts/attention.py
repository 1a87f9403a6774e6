"""A small transformer learns to reverse sequences."""

import numpy as np
import torch
from torch import nn

rng = np.random.default_rng(11)
x = torch.tensor(rng.integers(0, 6, size=(16, 5)))
y = torch.flip(x, dims=[1])


class Model(nn.Module):
    def __init__(self, width=8):
        super().__init__()
        self.tokens = nn.Embedding(6, width)
        self.positions = nn.Parameter(torch.zeros(5, width))
        self.encoder = nn.TransformerEncoder(
            nn.TransformerEncoderLayer(
                width, nhead=2, dim_feedforward=16, dropout=0.0, batch_first=True, norm_first=True
            ),
            num_layers=2,
            enable_nested_tensor=False,
        )
        self.attention = nn.MultiheadAttention(width, 2, batch_first=True)
        self.norm = nn.LayerNorm(width)
        self.out = nn.Linear(width, 6)

    def forward(self, x):
        h = self.encoder(self.tokens(x) + self.positions)
        mask = torch.triu(torch.ones(5, 5, dtype=torch.bool), diagonal=3)
        h = self.norm(h + self.attention(h, h, h, attn_mask=mask, need_weights=False)[0])
        return self.out(h)


def build():
    return Model().double()


def train(model):
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    for _ in range(20):
        loss = nn.functional.cross_entropy(model(x).transpose(1, 2), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        yield loss.item()
