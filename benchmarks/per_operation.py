"""What one operation costs: forward, backward and the death of the graph, against NumPy alone and other frameworks.

Each contender computes a chain of one operation on 8x8 arrays and differentiates it; the time of
the bare NumPy calls (the same forward, and the same gradient) is what nobody can avoid. What is
left is the framework's overhead. Everything runs on one core.

    python -m benchmarks.per_operation [--rounds N] [operation ...]
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import numpy as np

import microbp
from benchmarks.harness import take_turns
from benchmarks.peers import left_out, peer
from benchmarks.report import Goal, Report, Table, alone

Chain = Callable[[], Any]
LENGTH = 200

# By name: the operation as PyTorch's users write it, as NumPy's users do, and its gradient in NumPy.
OPERATIONS = {
    "add": (lambda y, c: y + c, lambda np, y, c: y + c, lambda g, y, c: g),
    "mul": (lambda y, c: y * c, lambda np, y, c: y * c, lambda g, y, c: g * c),
    "exp": (lambda y, c: (-y).exp(), lambda np, y, c: np.exp(-y), lambda g, y, c: -(g * y)),
    "matmul": (lambda y, c: y @ c, lambda np, y, c: np.matmul(y, c), lambda g, y, c: g.dot(c.T)),
    "sum": (
        lambda y, c: y.sum(dim=0, keepdim=True) * c,
        lambda np, y, c: np.sum(y, axis=0, keepdims=True) * c,
        lambda g, y, c: np.broadcast_to((g * c).sum(axis=0, keepdims=True), g.shape),
    ),
}
TITLES = {
    "add": "add",
    "mul": "mul",
    "exp": "exp of the negative",
    "matmul": "matmul",
    "sum": "sum along an axis, times a constant",
}
X, C = np.full((8, 8), 0.1, np.float32), np.full((8, 8), 0.12, np.float32)


def by_hand(name: str) -> Chain:
    """The bare NumPy calls."""
    _, forward, gradient = OPERATIONS[name]

    def run() -> Any:
        values = [X]
        for _ in range(LENGTH):
            values.append(forward(np, values[-1], C))
        g = np.ones((8, 8), np.float32)
        for y in reversed(values[1:]):
            g = gradient(g, y, C)
        return g

    return run


def recorded(lib: Any, name: str) -> Chain | None:
    """The same with microbp, or PyTorch."""
    if lib is None:
        return None
    operation = OPERATIONS[name][0]
    x, c, start = lib.tensor(X, requires_grad=True), lib.tensor(C), lib.ones(8, 8)

    def run() -> Any:
        y = x
        for _ in range(LENGTH):
            y = operation(y, c)
        x.grad = None
        y.backward(start)
        return x.grad

    return run


def with_pytorch(name: str) -> Chain | None:
    """PyTorch on one core."""
    torch = peer("torch")
    if torch is not None:
        torch.set_num_threads(1)
    return recorded(torch, name)


def with_mygrad(name: str) -> Chain | None:
    """MyGrad, without its guard of memory."""
    mygrad = peer("mygrad")
    if mygrad is None:
        return None
    mygrad.turn_memory_guarding_off()
    operation = OPERATIONS[name][1]
    x, start = mygrad.tensor(X), np.ones((8, 8), np.float32)

    def run() -> Any:
        y = x
        for _ in range(LENGTH):
            y = operation(mygrad, y, C)
        y.backward(start)
        return x.grad

    return run


def with_hips(name: str) -> Chain | None:
    """HIPS autograd."""
    autograd = peer("autograd")
    if autograd is None:
        return None
    numpy = peer("autograd.numpy")
    operation = OPERATIONS[name][1]
    start = np.ones((8, 8), np.float32)

    def chain(y: Any) -> Any:
        for _ in range(LENGTH):
            y = operation(numpy, y, C)
        return y

    def run() -> Any:
        pull_back, _ = autograd.make_vjp(chain)(X)
        return pull_back(start)

    return run


CONTENDERS: dict[str, Callable[[str], Chain | None]] = {
    "NumPy alone": by_hand,
    "microbp": lambda name: recorded(microbp, name),
    "PyTorch": with_pytorch,
    "MyGrad": with_mygrad,
    "HIPS autograd": with_hips,
}


def check_gradients(chains: dict[str, Chain]) -> None:
    """Refuse to go on if a contender has another gradient than the bare NumPy calls."""
    expected = chains["NumPy alone"]()
    for name, run in chains.items():
        np.testing.assert_allclose(np.asarray(run()), expected, rtol=1e-3, err_msg=f"gradient of {name}")


def measure(rounds: int, only: Collection[str]) -> Report:
    """The table."""
    table = Table(
        "One operation on 8x8 arrays, forward, backward and the death of the graph, on one core, as multiples of the "
        "bare NumPy calls; and what microbp takes beyond these:",
        ["operation", *CONTENDERS, "overhead, µs", "overhead / PyTorch's total"],
        note=left_out("PyTorch", "MyGrad", "HIPS autograd"),
    )
    report = Report([table])
    for name in only:
        made = {who: make(name) for who, make in CONTENDERS.items()}
        chains = {who: run for who, run in made.items() if run is not None}
        check_gradients(chains)
        times = take_turns(chains, rounds)
        ratios = [times.ratio(who, "NumPy alone") if who in times else None for who in CONTENDERS]
        ratios[0] = 1
        overhead = times.figure(lambda mine, bare: (mine - bare) / LENGTH * 1e6, "microbp", "NumPy alone")
        share = None
        if "PyTorch" in times:
            share = times.figure(lambda mine, bare, all: (mine - bare) / all, "microbp", "NumPy alone", "PyTorch")
        table.rows.append([TITLES[name], *ratios, overhead, share])
        if name in ("add", "mul"):
            report.goals.append(Goal(f"overhead of {name}, µs", overhead, 1.6))
            if share is not None:
                report.goals.append(Goal(f"overhead of {name}, as a part of PyTorch's total", share, 0.35))
    return report


if __name__ == "__main__":
    alone(measure, __doc__, OPERATIONS)
