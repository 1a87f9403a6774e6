"""An LSTM and a GRU predict the next letter; the hidden state is carried over, detached."""

import torch
from torch import nn

text = "she sells sea shells by the sea shore and the shells she sells are sea shells for sure "
letters = sorted(set(text))
codes = torch.tensor([letters.index(letter) for letter in text[:81]])


class Model(nn.Module):
    def __init__(self, kind):
        super().__init__()
        self.embedding = nn.Embedding(len(letters), 5)
        self.rnn = getattr(nn, kind)(5, 8, num_layers=2, batch_first=True)
        self.out = nn.Linear(8, len(letters))

    def forward(self, x, state=None):
        output, state = self.rnn(self.embedding(x), state)
        return self.out(output), state


def build():
    return nn.ModuleList([Model("LSTM"), Model("GRU")]).double()


def train(models):
    for model in models:
        optimizer = torch.optim.RMSprop(model.parameters(), lr=0.02)
        state = None
        for _epoch in range(2):
            for k in range(0, 80, 16):
                x, y = codes[k : k + 16].view(2, 8), codes[k + 1 : k + 17].view(2, 8)
                if state is not None:
                    state = tuple(s.detach() for s in state) if isinstance(state, tuple) else state.detach()
                logits, state = model(x, state)
                loss = nn.functional.cross_entropy(logits.reshape(-1, len(letters)), y.reshape(-1))
                optimizer.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                optimizer.step()
                yield loss.item()
        yield logits.data.topk(1)[1].sum().item()
