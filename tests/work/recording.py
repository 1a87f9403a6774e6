"""How much work it is to record a step, in numbers that are the same in every run: for `test_recording`.

    python -m tests.work.recording

prints them as JSON. As in `tests.work.counting`, they are counted in a process of their own.
"""

from __future__ import annotations

import gc
import json
import tracemalloc
from functools import partial
from itertools import pairwise

import microbp
from microbp import Tensor, lab, nn, optim
from tests.work.counting import counted

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

    def ready() -> Tensor:
        """A step of the training up to the recorder; its loss."""
        optimizer.zero_grad()
        loss = loss_of(model(x), y)
        loss.backward()
        gc.collect()
        return loss

    def step() -> dict[str, int]:
        """A step, and the memory that recording it takes."""
        loss = ready()
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        rec.step(loss)
        after, most = tracemalloc.get_traced_memory()
        optimizer.step()
        return {"bytes": after - before, "temporary": most - max(before, after)}

    def traced() -> int:
        """A step, and how many bytecodes recording it takes."""
        counter = counted(partial(rec.step, ready()))
        optimizer.step()
        return counter.bytecodes

    def work(ahead: int) -> dict[str, int]:
        """Of a step, by taking some of them; in between so many that are of the other kind."""
        found = step()
        for _ in range(2 * ahead + 1):
            traced()  # see `counted`
        return {"bytecodes": traced(), **found}

    gc.disable()
    tracemalloc.start()
    for _ in range(3):
        step()
    results = {"every step": work(0)}
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
