"""A Transformer that learns to sort: encoder, decoder, padding, causal and boolean masks, label smoothing."""

import numpy as np
import torch
from torch import nn, optim
from torch.utils.data import DataLoader, Dataset

PAD, BOS, SYMBOLS, LENGTH = 0, 1, 7, 6


class Sorting(Dataset):
    """Numbers in random order, and in order, padded to one length."""

    def __init__(self, size):
        rng = np.random.default_rng(3)
        self.samples = [rng.integers(2, SYMBOLS, size=rng.integers(2, LENGTH + 1)) for _ in range(size)]

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, index):
        return torch.from_numpy(self.samples[index])


def collate(batch):
    source = torch.full((len(batch), LENGTH), PAD, dtype=torch.long)
    target = torch.full((len(batch), LENGTH + 1), PAD, dtype=torch.long)
    target[:, 0] = BOS
    for row, sample in enumerate(batch):
        source[row, : len(sample)] = sample
        target[row, 1 : len(sample) + 1] = torch.sort(sample).values
    return source, target


class Sorter(nn.Module):
    def __init__(self, width=16):
        super().__init__()
        self.embed = nn.Embedding(SYMBOLS, width, padding_idx=PAD)
        position = torch.arange(LENGTH + 1).unsqueeze(1)
        rate = torch.exp(torch.arange(0, width, 2) * (-np.log(100.0) / width))
        code = torch.zeros(LENGTH + 1, width)
        code[:, 0::2] = torch.sin(position * rate)
        code[:, 1::2] = torch.cos(position * rate)
        self.register_buffer("code", code)
        options = {"dim_feedforward": 32, "dropout": 0.0, "activation": "gelu", "batch_first": True, "norm_first": True}
        layer = nn.TransformerEncoderLayer(width, 2, **options)
        encoder = nn.TransformerEncoder(layer, 1, norm=nn.LayerNorm(width), enable_nested_tensor=False)
        self.transformer = nn.Transformer(width, 2, num_decoder_layers=2, custom_encoder=encoder, **options)
        self.head = nn.Linear(width, SYMBOLS)

    def forward(self, source, target):
        length = target.size(1)
        ahead = torch.triu(torch.ones(length, length, dtype=torch.bool), diagonal=1)
        out = self.transformer(
            self.embed(source) + self.code[: source.size(1)],
            self.embed(target) + self.code[:length],
            tgt_mask=ahead,
            src_key_padding_mask=source == PAD,
            tgt_key_padding_mask=target == PAD,
            memory_key_padding_mask=source == PAD,
        )
        return self.head(out)


def build():
    return Sorter().double()


def train(model):
    loader = DataLoader(Sorting(40), batch_size=8, collate_fn=collate)
    criterion = nn.CrossEntropyLoss(ignore_index=PAD, label_smoothing=0.1)
    optimizer = optim.Adam(model.parameters(), lr=0.005, betas=(0.9, 0.98), eps=1e-9)
    for _ in range(4):
        for source, target in loader:
            optimizer.zero_grad()
            logits = model(source, target[:, :-1])
            loss = criterion(logits.reshape(-1, SYMBOLS), target[:, 1:].reshape(-1))
            loss.backward()
            optimizer.step()
            yield loss.item()
    model.eval()
    source, target = next(iter(loader))
    with torch.inference_mode():
        decoded = torch.full((len(source), 1), BOS, dtype=torch.long)
        for _ in range(LENGTH):
            best = model(source, decoded)[:, -1].argmax(-1, keepdim=True)
            decoded = torch.cat([decoded, best], dim=1)
    real = target[:, 1:] != PAD
    yield (decoded[:, 1:] == target[:, 1:])[real].double().mean().item()
