"""What one operation costs: forward, backward and the death of the graph, against NumPy alone and PyTorch.

Each contender computes a chain of one operation on 8x8 arrays and differentiates it; the time of
the bare NumPy calls (the same forward, and the same gradient) is what nobody can avoid.

    python -m benchmarks.per_operation [--rounds N] [--length N]
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np

import microbp
from benchmarks.harness import ratios

Chain = Callable[[], object]

# By name: the operation in either library, and its forward and gradient in NumPy.
OPERATIONS = {
    "add": (lambda y, c: y + c, lambda y, c: y + c, lambda g, y, c: g),
    "mul": (lambda y, c: y * c, lambda y, c: y * c, lambda g, y, c: g * c),
    "exp": (lambda y, c: (-y).exp(), lambda y, c: np.exp(-y), lambda g, y, c: -(g * y)),
    "matmul": (lambda y, c: y @ c, lambda y, c: y.dot(c), lambda g, y, c: g.dot(c.T)),
    "sum": (
        lambda y, c: y.sum(dim=0, keepdim=True) * c,
        lambda y, c: y.sum(axis=0, keepdims=True) * c,
        lambda g, y, c: np.broadcast_to((g * c).sum(axis=0, keepdims=True), g.shape),
    ),
}


def by_hand(forward: Callable[..., object], gradient: Callable[..., object], length: int) -> Chain:
    """The bare NumPy calls."""
    x, c = np.full((8, 8), 0.1, np.float32), np.full((8, 8), 0.12, np.float32)

    def run() -> object:
        values = [x]
        for _ in range(length):
            values.append(forward(values[-1], c))
        g = np.ones((8, 8), np.float32)
        for y in reversed(values[1:]):
            g = gradient(g, y, c)
        return g

    return run


def recorded(lib: object, operation: Callable[..., object], length: int) -> Chain:
    """The same with microbp, or PyTorch."""
    x = lib.full((8, 8), 0.1, requires_grad=True)
    c = lib.full((8, 8), 0.12)
    start = lib.ones(8, 8)

    def run() -> object:
        y = x
        for _ in range(length):
            y = operation(y, c)
        x.grad = None
        y.backward(start)
        return x.grad

    return run


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--length", type=int, default=200)
    options = parser.parse_args()
    print(f"{'operation':10s}{'NumPy alone':>14s}{'microbp':>14s}{'PyTorch':>14s}")
    for name, (operation, forward, gradient) in OPERATIONS.items():
        contenders = {
            "NumPy alone": by_hand(forward, gradient, options.length),
            "microbp": recorded(microbp, operation, options.length),
        }
        try:
            import torch
        except ImportError:
            print("PyTorch is not installed and is left out")
        else:
            torch.set_num_threads(1)
            contenders["PyTorch"] = recorded(torch, operation, options.length)
        found = ratios(contenders, "NumPy alone", options.rounds)
        print(f"{name:10s}" + "".join(f"{value:14.2f}" for value in found.values()))


if __name__ == "__main__":
    main()
