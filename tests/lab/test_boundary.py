"""The recorded boundary is the model's own at each step, and drawing it leaves everything as it was."""

from __future__ import annotations

import numpy as np
import pytest

import microbp
from microbp import Tensor, lab, nn, optim
from microbp.errors import MutationError
from tests.lab.training import ring, train


def test_the_boundary_is_the_output_of_the_model_as_it_was_at_each_step() -> None:
    model = nn.Sequential(nn.Linear(2, 4), nn.BatchNorm1d(4), nn.Tanh(), nn.Dropout(0.5), nn.Linear(4, 1))
    x, y = ring()
    rec = lab.watch(model, data=(x, y), grid=5)
    low, high = x.numpy().min(0), x.numpy().max(0)
    corners = np.linspace(low - (high - low) / 10, high + (high - low) / 10, 5)
    by_hand = []

    def evaluate() -> None:
        model.eval()
        with microbp.no_grad():
            rows = [
                [model(microbp.tensor([[a, b]], dtype=microbp.float32)).item() for a in corners[:, 0]]
                for b in corners[:, 1]
            ]
        by_hand.append(rows)
        model.train()

    train(model, optim.SGD(model.parameters(), lr=0.5), 4, rec, evaluate)
    np.testing.assert_allclose(rec.history["boundary"], by_hand, rtol=1e-4, atol=1e-5)
    assert not np.allclose(by_hand[0], by_hand[3])


class Remembers(nn.Module):
    """A model that keeps something of each call, draws random numbers, and counts."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(2, 1)
        self.calls = 0

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        self.hidden = self.linear(x)
        return self.hidden + 0 * microbp.randn(len(x), 1)


def test_drawing_the_boundary_leaves_graph_attributes_and_random_numbers_alone() -> None:
    model = Remembers()
    rec = lab.watch(model, data=ring()[0])
    loss = model(ring()[0]).square().mean()
    arrays = [p.array for p in model.parameters()]
    hidden = model.hidden
    rec.step(loss)
    state = microbp.get_rng_state().tolist()
    assert rec.history["boundary"].shape == (1, 48, 48)
    assert microbp.get_rng_state().tolist() == state
    assert model.calls == 1
    assert model.hidden is hidden
    assert all(p.array is array for p, array in zip(model.parameters(), arrays, strict=True))
    loss.backward()
    assert model.linear.weight.grad is not None


def test_a_model_that_fails_on_the_grid_is_left_as_it_was() -> None:
    class Picky(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.Linear(2, 1)

        def forward(self, x: Tensor) -> Tensor:
            if len(x) == 2304:
                raise ValueError("too many")
            return self.linear(x)

    model = Picky()
    array = model.linear.weight.array
    rec = lab.watch(model, data=ring()[0])
    rec.step(1.0)
    with pytest.raises(ValueError, match="too many"):
        _ = rec.history
    assert model.training
    assert model.linear.weight.array is array


class Counts(nn.Module):
    """A model that counts its calls in buffers, in place, and computes with what it counted."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(2, 1)
        self.register_buffer("count", microbp.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        y = self.linear(x) * (self.count + 1)
        for buffer in self.buffers():
            buffer.add_(1)
        return y


def test_what_a_model_writes_in_place_on_the_grid_changes_neither_record_nor_model_nor_graph() -> None:
    model = Counts()
    rec = lab.watch(model, data=ring()[0], grid=3)
    model.register_buffer("late", microbp.zeros(2))  # it is not recorded
    for _ in range(2):
        rec.step(model(ring()[0]).sum())
    loss = (model(ring()[0]).sum() + model.linear.weight * model.count).sum()
    assert rec.history["boundary"].shape == (2, 3, 3)
    assert rec.history["buffers/count"].tolist() == [[1.0], [2.0]]
    assert model.count.item() == 3
    assert model.late.tolist() == [3.0, 3.0]
    loss.backward()
    loss = (model.linear.weight * model.count).sum()
    model.count.add_(1)  # writes of its own are still noted
    _ = rec.history
    with pytest.raises(MutationError, match="needs its argument 'b'"):
        loss.backward()
