"""How much work it is to record a step, in numbers that are the same in every run: for `test_recording`.

    python -m tests.work.recording

prints them as JSON. As in `tests.work.counting`, they are counted in a process of their own.
"""

from __future__ import annotations

import gc
import json
import sys
import tracemalloc
from itertools import pairwise

import microbp
from microbp import lab, nn, optim
from tests.work.counting import Counter

__all__ = ["recording"]

SIZES = (784, 256, 128, 10)
BATCH = 128


def recording() -> dict[str, dict[str, int]]:
    """The work of `Recorder.step` on a perceptron for images of 28x28.

    Returns
    -------
    dict of str to dict
        For "every step", and, once every other step is recorded, for "every other step" and the "step between":
        ``bytecodes`` that are executed, ``bytes`` that stay allocated, and ``temporary`` bytes beside those.
    """
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(SIZES):
        layers += [nn.Linear(inputs, outputs), nn.Tanh()]
    model = nn.Sequential(*layers[:-1])
    optimizer = optim.SGD(model.parameters(), lr=0.01)
    x, y = microbp.randn(BATCH, SIZES[0]), microbp.arange(BATCH) % SIZES[-1]
    loss_of = nn.CrossEntropyLoss()
    rec = lab.watch(model, optimizer)

    def step(counter: Counter | None = None) -> dict[str, int]:
        optimizer.zero_grad()
        loss = loss_of(model(x), y)
        loss.backward()
        gc.collect()
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        if counter is not None:
            sys.settrace(counter.trace)
        rec.step(loss)
        sys.settrace(None)
        after, most = tracemalloc.get_traced_memory()
        optimizer.step()
        return {"bytes": after - before, "temporary": most - max(before, after)}

    def work(ahead: int) -> dict[str, int]:
        """Of a step, by taking two of them; in between so many that are not counted."""
        found = step()
        for _ in range(ahead):
            step()
        counter = Counter()
        step(counter)
        return {"bytecodes": counter.bytecodes, **found}

    gc.disable()
    tracemalloc.start()
    for _ in range(3):
        step()
    results = {"every step": work(0)}
    step()
    rec.run.stride = 2
    for _ in range(4):
        step()
    results["every other step"] = work(1)
    results["step between"] = work(1)
    tracemalloc.stop()
    gc.enable()
    return results


if __name__ == "__main__":
    microbp.manual_seed(0)
    print(json.dumps(recording()))
