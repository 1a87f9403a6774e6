"""A word language model: batches of consecutive words, a hidden state that is detached, tied weights, plain descent."""

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

words = torch.LongTensor(np.random.default_rng(1).integers(0, 20, 400))


class RNNModel(nn.Module):
    def __init__(self, rnn_type, ntoken, nhid, nlayers, tie_weights=False):
        super().__init__()
        self.ntoken = ntoken
        self.nhid = nhid
        self.nlayers = nlayers
        self.drop = nn.Dropout(0.0)
        self.encoder = nn.Embedding(ntoken, nhid)
        self.rnn = getattr(nn, rnn_type)(nhid, nhid, nlayers, dropout=0.0)
        self.decoder = nn.Linear(nhid, ntoken)
        if tie_weights:
            self.decoder.weight = self.encoder.weight
        self.init_weights()

    def init_weights(self):
        initrange = 0.1
        nn.init.uniform_(self.encoder.weight, -initrange, initrange)
        nn.init.zeros_(self.decoder.bias)

    def forward(self, input, hidden):
        emb = self.drop(self.encoder(input))
        output, hidden = self.rnn(emb, hidden)
        decoded = self.decoder(self.drop(output))
        decoded = decoded.view(-1, self.ntoken)
        return F.log_softmax(decoded, dim=1), hidden

    def init_hidden(self, bsz):
        weight = next(self.parameters())
        return (weight.new_zeros(self.nlayers, bsz, self.nhid), weight.new_zeros(self.nlayers, bsz, self.nhid))


def batchify(data, bsz):
    nbatch = data.size(0) // bsz
    data = data.narrow(0, 0, nbatch * bsz)
    return data.view(bsz, -1).t().contiguous()


def repackage_hidden(h):
    if isinstance(h, torch.Tensor):
        return h.detach()
    return tuple(repackage_hidden(v) for v in h)


def get_batch(source, i, bptt=7):
    seq_len = min(bptt, len(source) - 1 - i)
    return source[i : i + seq_len], source[i + 1 : i + 1 + seq_len].view(-1)


def build():
    return RNNModel("LSTM", 20, 8, 2, tie_weights=True).double()


def train(model):
    source = batchify(words, 4)
    criterion = nn.NLLLoss()
    lr = 2.0
    best_val_loss = None
    for _ in range(2):
        model.train()
        hidden = model.init_hidden(4)
        total_loss = 0.0
        for i in range(0, source.size(0) - 1, 7):
            data, targets = get_batch(source, i)
            model.zero_grad()
            hidden = repackage_hidden(hidden)
            output, hidden = model(data, hidden)
            loss = criterion(output, targets)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 0.25)
            for p in model.parameters():
                p.data.add_(p.grad, alpha=-lr)
            total_loss += loss.item()
            yield loss.item()
        if best_val_loss is None or total_loss < best_val_loss:
            best_val_loss = total_loss
        else:
            lr /= 4.0
        model.rnn.flatten_parameters()
        yield lr
