"""Whole training steps of multilayer perceptrons: microbp, hand-written NumPy, PyTorch eager.

A step is forward, backward, SGD step and ``loss.item()``. All contenders start from the same
weights, and must compute the same losses before anything is timed.

    python -m benchmarks.mlp [--rounds N] [workload ...]
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from itertools import pairwise

import numpy as np

import microbp
from benchmarks.harness import ratios

WORKLOADS = {
    "xor": (4, [2, 8, 2]),
    "digits": (64, [64, 64, 10]),
    "mnist": (128, [784, 256, 128, 10]),
    "wide": (256, [1024, 1024, 1024, 10]),
    "deep": (32, [64] + [64] * 32 + [10]),
}
LEARNING_RATE = 0.01


def weights_of(sizes: list[int]) -> list[tuple[np.ndarray, np.ndarray]]:
    """The first weights of every contender: He et al.'s normal initialisation, zero biases."""
    rng = np.random.default_rng(0)
    return [
        ((rng.normal(size=(n, m)) * np.sqrt(2 / m)).astype(np.float32), np.zeros(n, np.float32))
        for m, n in pairwise(sizes)
    ]


def by_hand(x: np.ndarray, labels: np.ndarray, sizes: list[int]) -> Callable[[], float]:
    """The step as an expert writes it in NumPy, without any framework."""
    layers = [(w.copy(), b.copy()) for w, b in weights_of(sizes)]
    rows = np.arange(len(x))

    def step() -> float:
        kept = [x]
        h = x
        for k, (w, b) in enumerate(layers):
            h = h @ w.T + b
            if k < len(layers) - 1:
                h = np.maximum(h, 0)
                kept.append(h)
        shifted = h - h.max(axis=1, keepdims=True)
        p = np.exp(shifted)
        total = p.sum(axis=1, keepdims=True)
        loss = (np.log(total[:, 0]) - shifted[rows, labels]).mean()
        g = p / total
        g[rows, labels] -= 1
        g /= len(x)
        for k in range(len(layers) - 1, -1, -1):
            w, b = layers[k]
            dw, db = g.T @ kept[k], g.sum(axis=0)
            if k:
                g = (g @ w) * (kept[k] > 0)
            w -= LEARNING_RATE * dw
            b -= LEARNING_RATE * db
        return float(loss)

    return step


def with_framework(lib: object, x: np.ndarray, labels: np.ndarray, sizes: list[int]) -> Callable[[], float]:
    """The step as PyTorch's tutorials write it, for microbp or PyTorch."""
    layers = []
    for k, (w, b) in enumerate(weights_of(sizes)):
        linear = lib.nn.Linear(w.shape[1], w.shape[0])
        with lib.no_grad():
            linear.weight.copy_(lib.tensor(w))
            linear.bias.copy_(lib.tensor(b))
        layers += [linear, lib.nn.ReLU()] if k < len(sizes) - 2 else [linear]
    model = lib.nn.Sequential(*layers)
    criterion = lib.nn.CrossEntropyLoss()
    optimizer = lib.optim.SGD(model.parameters(), lr=LEARNING_RATE)
    inputs, targets = lib.tensor(x), lib.tensor(labels)

    def step() -> float:
        optimizer.zero_grad()
        loss = criterion(model(inputs), targets)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def contenders(name: str) -> dict[str, Callable[[], float]]:
    """Every contender that is installed, for one workload."""
    batch, sizes = WORKLOADS[name]
    rng = np.random.default_rng(1)
    x = rng.normal(size=(batch, sizes[0])).astype(np.float32)
    labels = rng.integers(0, sizes[-1], size=batch)
    found = {"NumPy by hand": by_hand(x, labels, sizes), "microbp": with_framework(microbp, x, labels, sizes)}
    try:
        import torch
    except ImportError:
        print("PyTorch is not installed and is left out")
    else:
        found["PyTorch eager"] = with_framework(torch, x, labels, sizes)
    losses = {who: [step() for _ in range(5)] for who, step in found.items()}
    for who, values in losses.items():
        np.testing.assert_allclose(values, losses["NumPy by hand"], rtol=1e-4, err_msg=who)
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("workloads", nargs="*", metavar="workload", help=f"some of {', '.join(WORKLOADS)}; else all")
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    print(f"{'workload':10s}" + "".join(f"{who:>16s}" for who in ("NumPy by hand", "microbp", "PyTorch eager")))
    for name in options.workloads or WORKLOADS:
        found = ratios(contenders(name), "NumPy by hand", options.rounds)
        print(f"{name:10s}" + "".join(f"{value:16.2f}" for value in found.values()))


if __name__ == "__main__":
    main()
