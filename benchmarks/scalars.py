"""A step on xor by scalars, as micrograd takes it, against the same program and against tensors.

The network has 2-8-2 units; the loss is the squared error, since micrograd has no logarithm. With scalars
every number is a node of its own: 4 samples make some 400 of them.

    python -m benchmarks.scalars [--rounds N]
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import numpy as np

import microbp
from benchmarks.harness import check_losses, take_turns
from benchmarks.mlp_steps import weights_of
from benchmarks.peers import left_out, peer
from benchmarks.report import Report, Table, alone

SIZES = [2, 8, 2]
INPUTS = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]
TARGETS = [[1.0, 0.0], [0.0, 1.0], [0.0, 1.0], [1.0, 0.0]]
LEARNING_RATE = 0.01

Step = Callable[[], float]


def by_scalars(scalar: Callable[[float], Any], value: Callable[[Any], float], change: Callable[[Any], None]) -> Step:
    """The step with one object for each number; the three functions tell how a framework handles one."""
    layers = [
        [[scalar(float(weight)) for weight in (*row, bias)] for row, bias in zip(w, b, strict=True)]
        for w, b in weights_of(SIZES)
    ]
    parameters = [p for layer in layers for neuron in layer for p in neuron]

    def predict(sample: list[float]) -> list[Any]:
        (hidden, last), values = layers, sample
        values = [sum((w * v for w, v in zip(weights, values, strict=True)), b).relu() for *weights, b in hidden]
        return [sum((w * v for w, v in zip(weights, values, strict=True)), b) for *weights, b in last]

    def step() -> float:
        for p in parameters:
            p.grad = zero
        outputs = [predict(sample) for sample in INPUTS]
        squares = [
            (output - target) ** 2
            for row, targets in zip(outputs, TARGETS, strict=True)
            for output, target in zip(row, targets, strict=True)
        ]
        loss = sum(squares[1:], squares[0]) * (1 / len(squares))
        loss.backward()
        for p in parameters:
            change(p)
        return value(loss)

    zero = parameters[0].grad
    return step


def with_micrograd() -> Step | None:
    """micrograd's own values."""
    engine = peer("micrograd.engine")
    if engine is None:
        return None

    def change(p: Any) -> None:
        p.data -= LEARNING_RATE * p.grad

    return by_scalars(engine.Value, lambda loss: loss.data, change)


def scalar_tensors(lib: Any) -> Step | None:
    """One tensor for each number, in microbp or PyTorch."""
    if lib is None:
        return None

    def change(p: Any) -> None:
        p.add_(p.grad, alpha=-LEARNING_RATE)

    return by_scalars(
        lambda number: lib.tensor(number, requires_grad=True), lambda loss: loss.item(), lib.no_grad()(change)
    )


def tensors(lib: Any) -> Step | None:
    """One tensor for each layer's weights, in microbp or PyTorch."""
    if lib is None:
        return None
    layers = [tuple(lib.tensor(p, requires_grad=True) for p in layer) for layer in weights_of(SIZES)]
    optimizer = lib.optim.SGD([p for layer in layers for p in layer], lr=LEARNING_RATE)
    linear = lib.nn.functional.linear
    inputs, targets = lib.tensor(INPUTS), lib.tensor(TARGETS)

    def step() -> float:
        optimizer.zero_grad()
        loss = lib.nn.functional.mse_loss(linear(linear(inputs, *layers[0]).relu(), *layers[1]), targets)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def by_hand() -> Step:
    """The step in NumPy."""
    (w1, b1), (w2, b2) = ((w.copy(), b.copy()) for w, b in weights_of(SIZES))
    x, target = np.array(INPUTS, np.float32), np.array(TARGETS, np.float32)

    def step() -> float:
        h = np.maximum(x @ w1.T + b1, 0)
        error = h @ w2.T + b2 - target
        g = error * (2 / error.size)
        dw2, db2 = g.T @ h, g.sum(axis=0)
        g = (g @ w2) * (h > 0)
        for p, dp in ((w1, g.T @ x), (b1, g.sum(axis=0)), (w2, dw2), (b2, db2)):
            p -= LEARNING_RATE * dp
        return float(np.square(error).mean())

    return step


CONTENDERS: dict[str, Callable[[], Step | None]] = {
    "NumPy by hand": by_hand,
    "microbp, tensors": lambda: tensors(microbp),
    "PyTorch, tensors": lambda: tensors(peer("torch")),
    "micrograd": with_micrograd,
    "microbp, scalars": lambda: scalar_tensors(microbp),
    "PyTorch, scalars": lambda: scalar_tensors(peer("torch")),
}


def measure(rounds: int, only: Collection[str]) -> Report:
    """The table."""
    steps = {name: step for name, step in ((name, CONTENDERS[name]()) for name in CONTENDERS) if step is not None}
    check_losses(steps)
    times = take_turns(steps, rounds)
    table = Table(
        "A step on xor with squared errors (4; 2-8-2), by tensors and by scalars:",
        ("contender", "µs", "as a multiple of NumPy by hand"),
        [
            (name, f"{times.seconds(name).median * 1e6:.0f}", times.ratio(name, "NumPy by hand"))
            if name in times
            else (name, None, None)
            for name in CONTENDERS
        ],
        left_out("PyTorch", "micrograd"),
    )
    return Report([table])


if __name__ == "__main__":
    alone(measure, __doc__, ["xor"])
