"""A small training for the tests of the lab."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import microbp
from microbp import Tensor, nn, optim
from microbp.lab import Recorder
from microbp.nn import functional as F


def network(width: int = 4, act: type[nn.Module] = nn.Tanh) -> nn.Sequential:
    """Two inputs, two hidden layers, one output."""
    return nn.Sequential(nn.Linear(2, width), act(), nn.Linear(width, width), act(), nn.Linear(width, 1))


def ring(count: int = 20) -> tuple[Tensor, Tensor]:
    """Points, and whether each is inside a circle."""
    x = np.random.default_rng(0).uniform(-1, 1, (count, 2)).astype(np.float32)
    return microbp.tensor(x), microbp.tensor(((x**2).sum(1, keepdims=True) < 0.5).astype(np.float32))


def train(
    model: nn.Module,
    optimizer: optim.Optimizer,
    steps: int,
    rec: Recorder | None = None,
    each: Callable[[], None] = lambda: None,
) -> list[float]:
    """Take some steps and return the losses; `each` is called right after the recorder."""
    x, y = ring()
    dtype = next(model.parameters()).dtype
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = F.binary_cross_entropy_with_logits(model(x.to(dtype)), y.to(dtype))
        loss.backward()
        if rec is not None:
            rec.step(loss)
        each()
        optimizer.step()
        losses.append(loss.item())
    return losses


def checkpoint(model: nn.Module) -> dict[str, Any]:
    """A copy of every parameter."""
    return {name: p.detach().numpy().copy() for name, p in model.named_parameters()}
