"""Sequences of unequal lengths: a dataset, a collate_fn that pads, a sampler, averaged weights, early stopping."""

import copy

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.nn.utils.rnn import pad_sequence, unpad_sequence
from torch.optim.lr_scheduler import CosineAnnealingWarmRestarts
from torch.utils.data import DataLoader, Dataset, Sampler


class Sequences(Dataset):
    def __init__(self, count):
        rng = np.random.default_rng(7)
        self.sequences = [torch.from_numpy(rng.standard_normal((int(k), 3))) for k in rng.integers(2, 6, count)]

    def __len__(self):
        return len(self.sequences)

    def __getitem__(self, index):
        return {"x": self.sequences[index], "y": float(self.sequences[index].sum())}


class EvenFirst(Sampler):
    def __init__(self, dataset):
        self.count = len(dataset)

    def __iter__(self):
        yield from range(0, self.count, 2)
        yield from range(1, self.count, 2)

    def __len__(self):
        return self.count


def collate(samples):
    lengths = torch.tensor([len(sample["x"]) for sample in samples])
    x = pad_sequence([sample["x"] for sample in samples], batch_first=True, padding_value=0.0)
    mask = torch.arange(x.size(1))[None, :] < lengths[:, None]
    return x, mask, torch.tensor([sample["y"] for sample in samples], dtype=torch.float64)


class ExponentialMovingAverage:
    def __init__(self, model, decay):
        self.model = model
        self.decay = decay
        self.shadow = {name: p.data.clone() for name, p in model.named_parameters() if p.requires_grad}
        self.backup = {}

    def update(self):
        for name, p in self.model.named_parameters():
            if p.requires_grad:
                self.shadow[name] = (1.0 - self.decay) * p.data + self.decay * self.shadow[name]

    def apply_shadow(self):
        for name, p in self.model.named_parameters():
            self.backup[name] = p.data
            p.data = self.shadow[name]

    def restore(self):
        for name, p in self.model.named_parameters():
            p.data = self.backup[name]


class EarlyStopping:
    def __init__(self, patience):
        self.patience = patience
        self.counter = 0
        self.best_loss = None
        self.best_state = None
        self.early_stop = False

    def __call__(self, loss, model):
        if self.best_loss is None or loss < self.best_loss:
            self.best_loss = loss
            self.best_state = copy.deepcopy(model.state_dict())
            self.counter = 0
        else:
            self.counter += 1
            self.early_stop = self.counter >= self.patience


def build():
    return nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1)).double()


def train(model):
    dataset = Sequences(17)
    loader = DataLoader(dataset, batch_size=4, sampler=EvenFirst(dataset), collate_fn=collate)
    average = ExponentialMovingAverage(model, 0.9)
    stopping = EarlyStopping(patience=2)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.3)
    scheduler = CosineAnnealingWarmRestarts(optimizer, T_0=3, T_mult=2, eta_min=1e-4)
    for epoch in range(6):
        total = 0.0
        for k, (x, mask, y) in enumerate(loader):
            predicted = (model(x).squeeze(-1) * mask).sum(1)
            loss = F.mse_loss(predicted, y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            scheduler.step(epoch + k / len(loader))
            average.update()
            total += loss.item()
            yield loss.item()
            yield optimizer.param_groups[0]["lr"]
        average.apply_shadow()
        yield model(x).mean().item()
        average.restore()
        stopping(total, model)
        yield stopping.counter
        if stopping.early_stop:
            break
    model.load_state_dict(stopping.best_state)
    yield model(x).mean().item()
    yield from (len(sequence) for sequence in unpad_sequence(x, mask.sum(1), batch_first=True))
