"""A tiny language model whose input and output share one matrix."""

import torch
from torch import nn

text = "the cat sat on the mat and the rat sat on the cat "
letters = sorted(set(text))
codes = torch.tensor([letters.index(letter) for letter in text])


class Model(nn.Module):
    def __init__(self, vocabulary, width=8):
        super().__init__()
        self.wte = nn.Embedding(vocabulary, width)
        self.mix = nn.Linear(2 * width, width)
        self.lm_head = nn.Linear(width, vocabulary, bias=False)
        self.wte.weight = self.lm_head.weight

    def forward(self, pairs):
        return self.lm_head(torch.tanh(self.mix(self.wte(pairs).flatten(1))))


def build():
    return Model(len(letters)).double()


def train(model):
    assert len(list(model.parameters())) == 3
    pairs = torch.stack([codes[:-2], codes[1:-1]], dim=1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    for _ in range(30):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(pairs), codes[2:])
        loss.backward()
        optimizer.step()
        yield loss.item()
    assert model.wte.weight is model.lm_head.weight
