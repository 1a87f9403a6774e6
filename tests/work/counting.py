"""How much work a training step is, in numbers that are the same in every run: for `test_work`.

    python -m tests.work.counting

prints them as JSON. They are counted in a process of their own, as other tests leave traces: what was once recorded in
place, say, makes every operation look for views that have to catch up.
"""

from __future__ import annotations

import dis
import gc
import json
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import microbp
from microbp import Tensor, nn, optim

__all__ = ["WORKLOADS", "work"]

Forward = Callable[[], Tensor]
Workload = tuple[nn.Module, Forward]


def digits() -> Workload:
    """A perceptron on 64 images of 8x8."""
    model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
    return model, classifier(model, microbp.randn(64, 64))


def lenet() -> Workload:
    """A small convolutional network on 8 images of 28x28."""
    model = nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(400, 120),
        nn.ReLU(),
        nn.Linear(120, 10),
    )
    return model, classifier(model, microbp.randn(8, 1, 28, 28))


def lstm() -> Workload:
    """An LSTM over 32 steps, and a classifier of its last output."""

    class Last(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lstm = nn.LSTM(16, 64, batch_first=True)
            self.head = nn.Linear(64, 10)

        def forward(self, x: Tensor) -> Any:
            return self.head(self.lstm(x)[0][:, -1])

    model = Last()
    return model, classifier(model, microbp.randn(8, 32, 16))


def attention() -> Workload:
    """A block of a transformer: attention, two layers, normalisations, and what is added around them."""
    model = nn.TransformerEncoderLayer(32, 4, 64, dropout=0.0, batch_first=True)
    x = microbp.randn(4, 16, 32)
    return model, lambda: (model(x) ** 2).mean()


def classifier(model: nn.Module, x: Tensor) -> Forward:
    """The loss of a model that tells ten classes apart."""
    labels, loss = microbp.arange(len(x)) % 10, nn.CrossEntropyLoss()
    return lambda: loss(model(x), labels)


def sgd(parameters: Any) -> optim.Optimizer:
    """The plain optimizer."""
    return optim.SGD(parameters, lr=0.01)


def adam(parameters: Any) -> optim.Optimizer:
    """The usual one."""
    return optim.Adam(parameters)


def as_it_is(function: Callable[[], Tensor]) -> Callable[[], Tensor]:
    """A training step that is recorded each time."""
    return function


Make = Callable[[], Workload]
WORKLOADS: dict[str, tuple[Make, Callable[[Any], optim.Optimizer], Callable[[Any], Callable[[], Tensor]]]] = {
    "digits, SGD": (digits, sgd, as_it_is),
    "digits, SGD, compiled": (digits, sgd, microbp.compile),
    "digits, Adam": (digits, adam, as_it_is),
    "LeNet, SGD": (lenet, sgd, as_it_is),
    "LSTM, SGD": (lstm, sgd, as_it_is),
    "attention block, SGD": (attention, sgd, as_it_is),
}


OPERATIONS = {
    number
    for name, number in dis.opmap.items()
    if name in {"BINARY_OP", "COMPARE_OP", "UNARY_NEGATIVE", "UNARY_INVERT", "CALL", "CALL_KW", "CALL_FUNCTION_EX"}
}
NUMERIC = (*(str(Path(microbp.__file__).with_name(folder)) for folder in ("ops", "optim")), "<rule")


class Counter:
    """Counts what Python executes and calls.

    Attributes
    ----------
    bytecodes : int
        Instructions.
    operations : int
        Operators and calls in the code of rows, rules and optimizers; most are calls of NumPy, whose ufuncs no profiler
        of Python is told of.
    calls : int
        Calls of built-in functions and methods, NumPy's among them, but for ufuncs and operators.
    """

    def __init__(self) -> None:
        self.bytecodes = 0
        self.operations = 0
        self.calls = 0

    def trace(self, frame: Any, event: str, argument: Any) -> Any:
        """Told of every frame, line and instruction."""
        frame.f_trace_lines, frame.f_trace_opcodes = False, True
        if event == "opcode":
            self.bytecodes += 1
            code = frame.f_code
            if code.co_filename.startswith(NUMERIC) and code.co_code[frame.f_lasti] in OPERATIONS:
                self.operations += 1
        return self.trace

    def profile(self, frame: Any, event: str, argument: Any) -> None:
        """Told of every call."""
        if event == "c_call":
            self.calls += 1


def counted(step: Callable[[], object]) -> Counter:
    """The instructions and operations of a step."""
    counter = Counter()
    sys._getframe().f_trace_opcodes = True  # from Python 3.12 on, one frame has to ask before tracing begins
    sys.settrace(counter.trace)
    step()
    sys.settrace(None)
    return counter


def work(name: str) -> dict[str, int]:
    """The work of one step of a workload, after a few that made what is made only once.

    Returns
    -------
    dict of str to int
        What `Counter` counts in a whole step, and ``arrays`` and ``bytes``: what the forward left alive for the
        backward pass, as NumPy allocated it.
    """
    make, optimizer_of, prepared = WORKLOADS[name]
    model, forward = make()
    optimizer = optimizer_of(model.parameters())

    def training_step() -> Tensor:
        optimizer.zero_grad()
        loss = forward()
        loss.backward()
        optimizer.step()
        return loss

    train = prepared(training_step)

    def step() -> float:
        return float(train().item())

    for _ in range(3):  # from Python 3.13 on, code is traced from the second time on
        counted(step)
    gc.collect()
    gc.disable()
    counter = counted(step)
    sys.setprofile(counter.profile)
    step()
    sys.setprofile(None)

    optimizer.zero_grad()
    tracemalloc.start()
    loss = forward()
    alive = tracemalloc.take_snapshot().filter_traces([tracemalloc.DomainFilter(True, np.lib.tracemalloc_domain)])
    tracemalloc.stop()
    del loss
    gc.enable()
    return {
        **vars(counter),
        "arrays": len(alive.traces),
        "bytes": sum(trace.size for trace in alive.traces),
    }


if __name__ == "__main__":
    microbp.manual_seed(0)
    print(json.dumps({name: work(name) for name in WORKLOADS}))
