"""Idioms of PyTorch programs that break naive engines: the same function with both libraries, compared value by value.

Each idiom is a generator function of the library, ``lib``, that starts from the same NumPy arrays and yields what it
computes: losses, and what else shows that it has done the same.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import microbp
from tests.referee import torch

Values = Iterator[Any]
IDIOMS: list[Callable[[Any], Values]] = []

rng = np.random.default_rng(0)
X = rng.normal(size=(12, 4))
Y = X @ rng.normal(size=(4, 1)) + 0.1 * rng.normal(size=(12, 1))
LABELS = rng.integers(0, 3, size=12)
W1, W2, W3 = rng.normal(size=(4, 5)) / 2, rng.normal(size=(5, 1)), rng.normal(size=(4, 3))


def idiom(function: Callable[[Any], Values]) -> Callable[[Any], Values]:
    """Enter a function in the list."""
    IDIOMS.append(function)
    return function


def data(lib: Any) -> tuple[Any, Any, Any]:
    """Inputs, targets and class labels."""
    return lib.tensor(X), lib.tensor(Y), lib.tensor(LABELS)


def filled(module: Any, lib: Any) -> Any:
    """A module with the same float64 weights under both libraries."""
    module = module.double()
    values = {
        name: np.random.default_rng(k).normal(size=tuple(value.shape)) / 2
        for k, (name, value) in enumerate(module.state_dict().items())
    }
    module.load_state_dict({name: lib.from_numpy(value) for name, value in values.items()})
    return module


@idiom
def idiom_1_step_and_zero_in_place_without_recording(lib: Any) -> Values:
    x, y, _ = data(lib)
    w1, w2 = lib.tensor(W1, requires_grad=True), lib.tensor(W2, requires_grad=True)
    held = [w1, w2]
    for _ in range(20):
        loss = (lib.tanh(x @ w1) @ w2 - y).pow(2).mean()
        loss.backward()
        with lib.no_grad():
            w1 -= 0.1 * w1.grad
            w2 -= 0.1 * w2.grad
            w1.grad.zero_()
            w2.grad.zero_()
        assert w1 is held[0]
        assert w2 is held[1]
        assert w1.requires_grad
        assert w1.is_leaf
        yield loss.item()
    yield w1.tolist(), w1.grad.tolist()


@idiom
def idiom_2_updates_through_data(lib: Any) -> Values:
    x, y, _ = data(lib)
    W, p = lib.tensor(W1, requires_grad=True), lib.tensor(W2, requires_grad=True)
    for _ in range(20):
        loss = ((x @ W).sigmoid() @ p - y).pow(2).mean()
        loss.backward()
        p.data.add_(p.grad.data, alpha=-0.1)
        W.data += -0.1 * W.grad
        W.grad = None
        p.grad = None
        assert W.is_leaf
        assert W.requires_grad
        yield loss.item()
    W.data = W.data * 0.5
    yield ((x @ W).sigmoid() @ p - y).pow(2).mean().item()


@idiom
def idiom_3_writes_through_chained_indexing(lib: Any) -> Values:
    t = lib.zeros(2, 3, 4, dtype=lib.float64)
    t[1][0][2] = 1
    t[0][1] = lib.arange(4.0, dtype=lib.float64)
    t[1][2][1:3] += 5
    yield t.tolist()
    confusion = lib.zeros(3, 3, dtype=lib.int64)
    for actual, predicted in zip(LABELS.tolist(), (LABELS[::-1]).tolist(), strict=True):
        confusion[actual][predicted] += 1
    yield confusion.tolist()
    one_hot = lib.zeros(12, 3, dtype=lib.float64)
    for k, label in enumerate(LABELS.tolist()):
        one_hot[k][label] = 1.0
    w = lib.tensor(W3, requires_grad=True)
    loss = -(one_hot * (lib.tensor(X) @ w).log_softmax(1)).sum(1).mean()
    loss.backward()
    yield loss.item()
    yield w.grad.tolist()


@idiom
def idiom_4_log_probabilities_by_range_and_target(lib: Any) -> Values:
    x, _, target = data(lib)
    w = lib.tensor(W3, requires_grad=True)
    for _ in range(20):
        logits = x @ w
        logp = logits - logits.exp().sum(1, keepdim=True).log()
        n = x.shape[0]
        loss = -logp[range(n), target].mean()
        w.grad = None
        loss.backward()
        w.data -= 0.5 * w.grad
        yield loss.item()
        yield (-logp[lib.arange(n), target].mean()).item(), (-logp[list(range(n)), target.tolist()].mean()).item()


@idiom
def idiom_5_accuracy(lib: Any) -> Values:
    x, _, y = data(lib)
    w = lib.tensor(W3)
    output = x @ w
    pred = output.argmax(dim=1)
    yield (pred == y).float().mean().item()
    yield pred.eq(y.view_as(pred)).sum().item()
    pred = output.max(1, keepdim=True)[1]
    yield pred.eq(y.view_as(pred)).sum().item(), 100.0 * (pred.squeeze() == y).sum().item() / len(y)
    yield (lib.sigmoid(output[:, 0]) > 0.5).float().mean().item()


@idiom
def idiom_6_topk_of_data_and_detached_states(lib: Any) -> Values:
    cell, head = filled(lib.nn.RNNCell(4, 5), lib), filled(lib.nn.Linear(5, 3), lib)
    parameters = [*cell.parameters(), *head.parameters()]
    optimizer = lib.optim.SGD(parameters, lr=0.1)
    x, _, y = data(lib)
    hidden = lib.zeros(1, 5, dtype=lib.float64)
    for k in range(12):
        hidden = cell(x[k : k + 1], hidden.detach())
        output = head(hidden)
        top_value, top_index = output.data.topk(1)
        yield top_value.item(), top_index[0][0].item(), output.topk(2).indices.tolist()
        loss = lib.nn.functional.cross_entropy(output, y[k : k + 1])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        yield loss.item()


@idiom
def idiom_7_writes_of_predictions_in_a_loop(lib: Any) -> Values:
    model = filled(lib.nn.Linear(4, 1), lib)
    x, _, _ = data(lib)
    target = lib.tensor(np.random.default_rng(1).normal(size=(12, 3)))
    optimizer = lib.optim.Adam(model.parameters(), lr=0.05)
    for _ in range(10):
        y_pred = lib.zeros(12, 3, dtype=lib.float64)
        inputs = x
        for t in range(3):
            y_pred[:, t] = model(inputs).squeeze(1)
            inputs = lib.cat([inputs[:, 1:], y_pred[:, t : t + 1]], dim=1)
        loss = (y_pred - target).pow(2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        yield loss.item()
    yield [p.grad.tolist() for p in model.parameters()]


@idiom
def idiom_8_from_numpy_shares_memory_both_ways(lib: Any) -> Values:
    a = X.copy()
    t = lib.from_numpy(a)
    a[0, 0] = 7.0
    yield t[0, 0].item()
    t[1, 1] = -3.0
    t += 1
    yield a.tolist()
    w = lib.tensor(W1, requires_grad=True)
    for _ in range(3):
        loss = (t @ w).pow(2).mean()
        w.grad = None
        loss.backward()
        yield loss.item(), w.grad.tolist()
        a *= 0.5
        yield float(lib.as_tensor(a).sum()), a.sum().item()


def language_model(lib: Any) -> Any:
    """Embedding and output layer with one weight."""

    class Model(lib.nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.wte = lib.nn.Embedding(7, 5)
            self.mix = lib.nn.Linear(5, 5)
            self.lm_head = lib.nn.Linear(5, 7, bias=False)
            self.wte.weight = self.lm_head.weight

        def forward(self, tokens: Any) -> Any:
            return self.lm_head(lib.tanh(self.mix(self.wte(tokens))))

    return Model()


@idiom
def idiom_9_tied_weights(lib: Any) -> Values:
    model = filled(language_model(lib), lib)
    yield [name for name, _ in model.named_parameters()], list(model.state_dict())
    yield sum(p.numel() for p in model.parameters())
    tokens = lib.tensor(np.random.default_rng(2).integers(0, 7, size=(6, 9)))
    optimizer = lib.optim.AdamW(model.parameters(), lr=0.01)
    for _ in range(10):
        logits = model(tokens[:, :-1])
        loss = lib.nn.functional.cross_entropy(logits.reshape(-1, 7), tokens[:, 1:].reshape(-1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        assert model.wte.weight is model.lm_head.weight
        yield loss.item()
    yield model.wte.weight.tolist()


@idiom
def idiom_10_attributes_after_init_and_print(lib: Any) -> Values:
    nn = lib.nn

    class Net(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self, width: int) -> None:
            super().__init__()
            self.width = width
            self.fc1 = nn.Linear(4, width)
            self.act = nn.LeakyReLU(0.1)
            self.rest = nn.ModuleList([nn.Sequential(nn.Linear(width, width), nn.Tanh()) for _ in range(3)])
            self.heads = nn.ModuleDict({"mean": nn.Linear(width, 1), "scale": nn.Linear(width, 1, bias=False)})
            self.gain = nn.Parameter(lib.ones(1))
            self.register_buffer("shift", lib.zeros(1))
            self.drop = nn.Dropout(p=0.2)

        def forward(self, x: Any) -> Any:
            x = self.act(self.fc1(x))
            for layer in self.rest:
                x = x + layer(x)
            return self.heads["mean"](self.drop(x)) * self.gain + self.heads["scale"](x).exp() + self.shift

    model = filled(Net(5), lib).eval()
    yield str(model), repr(model.rest[0]), str(model.heads)
    yield [name for name, _ in model.named_parameters()], list(model.state_dict())
    x, y, _ = data(lib)
    optimizer = lib.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    for _ in range(10):
        loss = nn.MSELoss()(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        yield loss.item()


@idiom
def idiom_11_frozen_layers_and_filtered_parameters(lib: Any) -> Values:
    nn = lib.nn
    model = filled(nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 5), nn.ReLU()), lib)
    for p in model.parameters():
        p.requires_grad_(False)
    model = nn.Sequential(model, filled(nn.Linear(5, 1), lib))
    optimizer = lib.optim.SGD(filter(lambda p: p.requires_grad, model.parameters()), lr=0.05)
    x, y, _ = data(lib)
    for _ in range(10):
        loss = nn.functional.mse_loss(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        yield loss.item()
    yield [p.grad is None for p in model.parameters()]
    yield [p.tolist() for p in model.parameters()]
    model[0][2].requires_grad_(True)
    optimizer.add_param_group({"params": model[0][2].parameters(), "lr": 0.01})
    for _ in range(5):
        loss = nn.functional.mse_loss(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        yield loss.item()


@idiom
def idiom_12_gradients_of_gradients(lib: Any) -> Values:
    x, y, _ = data(lib)
    model = filled(lib.nn.Sequential(lib.nn.Linear(4, 5), lib.nn.Softplus(), lib.nn.Linear(5, 1)), lib)
    optimizer = lib.optim.SGD(model.parameters(), lr=0.02)
    for _ in range(8):
        inputs = x.clone().requires_grad_(True)
        output = model(inputs)
        (slopes,) = lib.autograd.grad(output.sum(), inputs, create_graph=True)
        penalty = (slopes.norm(2, dim=1) - 1).pow(2).mean()
        loss = (output - y).pow(2).mean() + 0.1 * penalty
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        yield loss.item(), penalty.item()
    w = lib.tensor(W1, requires_grad=True)
    first = (x @ w).tanh().pow(3).sum()
    first.backward(create_graph=True)
    second = (w.grad**2).sum()
    (hessian_vector,) = lib.autograd.grad(second, w)
    yield second.item(), hessian_vector.tolist()


OPERATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "exp and log": lambda lib, t: (t.exp() + 1).log(),
    "division and roots": lambda lib, t: (t / (t * t + 1)).abs().sqrt(),
    "matmul and softmax": lambda lib, t: lib.softmax(t @ t.T, dim=1),
    "cross_entropy": lambda lib, t: lib.nn.functional.cross_entropy(t, lib.tensor(LABELS[:4])),
    "norm and mean": lambda lib, t: t.norm(dim=1).mean() + t.var(),
    "views": lambda lib, t: (t * t).view(2, 6).transpose(0, 1).reshape(3, 4).permute(1, 0)[1:, ::2],
    "indexing and where": lambda lib, t: lib.where(t > 0, t**2, lib.sin(t))[[0, 2, 2], :],
    "cat and stack": lambda lib, t: lib.cat([t, lib.stack([t[0], t[1] ** 2])]).cumsum(0),
    "cumulative products": lambda lib, t: t.cumprod(1) + t.prod(),
    "layer_norm": lambda lib, t: lib.nn.functional.layer_norm(t, (3,)),
    "gelu and sigmoid": lambda lib, t: lib.nn.functional.gelu(t) * t.sigmoid(),
    "extremes": lambda lib, t: t.max(dim=1).values * t.amin(dim=1) + t.topk(2, dim=1).values.sum(1),
    "logsumexp": lambda lib, t: lib.logsumexp(t, 0) * t.logsumexp(1, keepdim=True),
    "einsum": lambda lib, t: lib.einsum("ij,kj,kl->il", t, t, t),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_idiom_12_create_graph_through(name: str) -> None:
    function = OPERATIONS[name]
    found = []
    for lib in (microbp, torch()):
        t = lib.tensor(X[:4, :3].copy(), requires_grad=True)
        result = function(lib, t)
        weights = lib.tensor(np.cos(np.arange(result.numel())).reshape(tuple(result.shape)))
        (first,) = lib.autograd.grad((result * weights).sum(), t, create_graph=True)
        (first**2).sum().backward()
        found.append((result.tolist(), first.tolist(), t.grad.tolist()))
    assert_alike(*found)


@pytest.mark.filterwarnings("ignore:Using backward..? with create_graph=True")  # PyTorch's, of the cycle it makes
@pytest.mark.parametrize("function", IDIOMS, ids=lambda function: function.__name__.removeprefix("idiom_"))
def test_idiom(function: Callable[[Any], Values]) -> None:
    found = [list(function(lib)) for lib in (microbp, torch())]
    assert len(found[0]) == len(found[1]) >= 4
    assert_alike(*found)


def assert_alike(mine: Any, yours: Any) -> None:
    """Require the same values, numbers up to rounding."""
    assert type(mine) is type(yours)
    if isinstance(mine, list | tuple):
        for one, other in itertools.zip_longest(mine, yours):
            assert_alike(one, other)
    elif isinstance(mine, float):
        assert mine == pytest.approx(yours, rel=1e-9, abs=1e-12)
    else:
        assert mine == yours
