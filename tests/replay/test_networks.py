"""Training steps of networks of the usual kinds: compiled, they are replayed, and are what they would be without."""

from __future__ import annotations

import numpy as np
import pytest

import microbp
from microbp import nn, optim
from microbp.errors import RangeError

rng = np.random.default_rng(0)
labels = microbp.tensor([0, 1, 2, 0])


def images(number):
    return microbp.tensor(rng.normal(size=(4, 2, 9, 9)).astype(np.float32))


def letters(number):
    return microbp.tensor(rng.integers(0, 7, size=(4, 5)), dtype=microbp.int32 if number > 3 else None)


def sequences(number):
    return microbp.tensor(rng.normal(size=(4, 5, 3)).astype(np.float32))


class Last(nn.Module):
    """What a recurrent layer puts out in the end, classified."""

    def __init__(self, layer, features=6):
        super().__init__()
        self.layer = layer
        self.head = nn.Linear(features, 3)

    def forward(self, x):
        output, _ = self.layer(x)
        return self.head(output[:, -1])


def pooled(pooling, features):
    return nn.Sequential(nn.Conv2d(2, 3, 2), nn.ReLU(), pooling, nn.Flatten(), nn.Linear(features, 3))


NETWORKS = {
    "max pooling": (lambda: pooled(nn.MaxPool2d(2), 48), images),
    "max pooling with margins": (lambda: pooled(nn.MaxPool2d(3, 2, 1, ceil_mode=True), 75), images),
    "mean pooling": (lambda: pooled(nn.AvgPool2d(3, 2), 27), images),
    "mean pooling with margins": (lambda: pooled(nn.AvgPool2d(3, 2, 1, count_include_pad=False), 48), images),
    "adaptive pooling": (lambda: pooled(nn.AdaptiveAvgPool2d((2, 3)), 18), images),
    "adaptive max pooling": (lambda: pooled(nn.AdaptiveMaxPool2d(3), 27), images),
    "enlarged": (lambda: pooled(nn.Upsample(scale_factor=1.5, mode="bilinear"), 432), images),
    "margins that mirror": (lambda: pooled(nn.ReflectionPad2d(1), 300), images),
    "embedding": (lambda: nn.Sequential(nn.Embedding(7, 3), nn.Flatten(), nn.Linear(15, 3)), letters),
    "embedding with padding": (
        lambda: nn.Sequential(nn.Embedding(7, 3, padding_idx=2), Last(nn.GRU(3, 6, batch_first=True))),
        letters,
    ),
    "LSTM": (lambda: Last(nn.LSTM(3, 6, batch_first=True)), sequences),
    "LSTM both ways": (lambda: Last(nn.LSTM(3, 3, 2, batch_first=True, bidirectional=True)), sequences),
    "GRU": (lambda: Last(nn.GRU(3, 6, batch_first=True)), sequences),
    "RNN": (lambda: Last(nn.RNN(3, 6, batch_first=True)), sequences),
}


def trainer(make):
    """A model and a training step of it."""
    microbp.manual_seed(0)
    model = make()
    optimizer = optim.Adam(model.parameters(), lr=0.01)
    criterion = nn.CrossEntropyLoss()

    def step(x):
        optimizer.zero_grad()
        loss = criterion(model(x), labels)
        loss.backward()
        optimizer.step()
        return loss

    return model, step


@pytest.mark.parametrize("name", NETWORKS)
def test_it_is_replayed_and_trains_as_it_would_without(name):
    make, batch = NETWORKS[name]
    model, step = trainer(make)
    twin, reference = trainer(make)
    compiled = microbp.compile(step)
    for number in range(8):
        x = batch(number)
        assert compiled(x).item() == reference(x).item(), f"at step {number}"
        for mine, theirs in zip(model.parameters(), twin.parameters(), strict=True):
            np.testing.assert_array_equal(mine.array, theirs.array)
            np.testing.assert_array_equal(mine.grad.array, theirs.grad.array)
    kinds = 2 if batch is letters else 1
    assert compiled.replayed == 8 - 2 * kinds, compiled.reason


def test_a_label_that_names_no_row_is_refused_by_a_replayed_look_up_too():
    _, step = trainer(NETWORKS["embedding"][0])
    compiled = microbp.compile(step)
    for number in range(3):
        compiled(letters(number))
    assert compiled.replayed == 1
    wrong = letters(0)
    wrong[2, 3] = 7
    with pytest.raises(RangeError, match=r"label 7 at position \(2, 3\) is out of range for a weight of 7 rows"):
        compiled(wrong)


def test_windows_of_another_size_are_another_program():
    size = 2

    @microbp.compile
    def pooled_sum(x):
        return nn.functional.max_pool2d(x, size).sum()

    x = images(0)
    for size in (2, 2, 2, 3, 3, 3, 2, 3):
        assert pooled_sum(x).item() == nn.functional.max_pool2d(x, size).sum().item()
    assert pooled_sum.replayed == 4


def test_the_source_names_what_windows_are_made_of():
    pool = nn.AvgPool2d(2)
    compiled = microbp.compile(lambda x: pool(x).sum())
    for number in range(3):
        compiled(images(number).requires_grad_())
    assert "grid=grid" in compiled.source
