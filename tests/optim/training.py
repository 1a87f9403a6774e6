"""Parameters, gradients and steps, the same for an optimizer of either library."""

from __future__ import annotations

import numpy as np


def start(lib, dtype=np.float64):
    """The same parameters in either library: a matrix, a vector, a number, and one without gradient."""
    draw = np.random.default_rng(0)
    values = [draw.normal(size=shape).astype(dtype) for shape in ((3, 2), (4,), (), (2,))]
    return [lib.tensor(value).requires_grad_() for value in values]


def give_gradients(lib, parameters, k):
    """Gradients that depend on the step and on the parameters, as those of a loss do."""
    for j, p in enumerate(parameters[:-1]):
        values = p.detach().numpy()
        g = np.cos(np.arange(values.size).reshape(values.shape) + k + j) + 0.5 * values
        p.grad = lib.tensor(np.asarray(g, dtype=values.dtype))


def train(lib, optimizer, parameters, steps, first=0):
    for k in range(first, first + steps):
        optimizer.zero_grad()
        give_gradients(lib, parameters, k)
        optimizer.step()


def assert_equal(ours, theirs):
    for mine, yours in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine.detach().numpy(), yours.detach().numpy(), rtol=1e-10, atol=1e-10)
