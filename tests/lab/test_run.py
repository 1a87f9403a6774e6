"""Records in bounded memory."""

from __future__ import annotations

import gc
import hashlib
import tracemalloc
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import microbp
from microbp import lab, nn, optim
from microbp.lab import Recorder
from tests.lab.training import network, ring, train


def test_memory_is_bounded_and_records_stay_evenly_spread() -> None:
    model = network(8)
    rec = lab.watch(model, memory=100_000)
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    most = 0
    for _ in range(20):
        train(model, optimizer, 20, rec)
        most = max(
            most,
            sum(array.nbytes for record in rec.run.records for array in record.values() if hasattr(array, "nbytes")),
        )
        assert rec.run.nbytes <= 100_000
    assert most <= 100_000
    steps = rec.history["step"]
    assert steps[0] == 0
    assert len(set(np.diff(steps))) == 1
    assert int(steps[1]).bit_count() == 1, "every other record was dropped, some times over"
    assert len(steps) > 8
    assert 400 - steps[-1] <= np.diff(steps)[0]


def test_a_long_training_allocates_no_more_than_the_memory_that_it_may(tmp_path: Path) -> None:
    model, allowed = network(16), 1_000_000
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    rec = lab.watch(model, optimizer, data=ring(), grid=40, memory=allowed)
    train(model, optimizer, 10, rec)
    rec.film(tmp_path / "film.html")  # whatever is imported or cached is so before anything is counted
    tracemalloc.start()
    try:
        for _ in range(10):
            train(model, optimizer, 60, rec)
            rec.film(tmp_path / "film.html")  # boundaries are records too
            assert rec.run.nbytes <= allowed
        gc.collect()
        held, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert rec.run.stride > 1
    assert allowed / 4 < held < 1.1 * allowed
    assert most < 8 * allowed, "the page is made of fewer copies than that"


def wide(width: int = 64) -> Any:
    """A network whose arrays take far more memory than what Python needs for them."""
    return nn.Sequential(nn.Linear(width, width), nn.Tanh(), nn.Linear(width, width))


def follow(model: Any, rec: Recorder, sizes: Iterable[int], each: Callable[[], None] = lambda: None) -> None:
    """Train on batches of these sizes; `each` is called right after the recorder."""
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    for size in sizes:
        optimizer.zero_grad()
        loss = (model(microbp.randn(size, model[0].in_features)) ** 2).mean()
        loss.backward()
        rec.step(loss)
        each()
        optimizer.step()


# Of the first, arrays are too large for the blocks of so little memory; those of the second go into blocks.
OWN, BLOCKS = (64, 1 << 20), (32, 1 << 24)


@pytest.mark.parametrize(("width", "memory"), [OWN, BLOCKS])
def test_what_somebody_holds_of_a_dropped_record_stays_as_it_was(width: int, memory: int) -> None:
    model = wide(width)
    rec = lab.watch(model, memory=memory)
    held: list[tuple[int, str, Any, Any]] = []

    def hold() -> None:
        step, record = rec.run.steps[-1], rec.run.records[-1]
        for name, array in record.items():
            if isinstance(array, np.ndarray):
                seen = array.T[1:] if step % 2 else array  # some are held as a whole, of some there is but a view
                held.append((step, name, seen, seen.copy()))

    follow(model, rec, [width] * 8, hold)
    assert rec.run.stride == 1
    assert rec.run.arena.takes(rec.run.records[0]["weights/0.weight"]) == ((width, memory) == BLOCKS)
    while rec.run.stride < 8:
        follow(model, rec, [width])
    assert {0, 8} <= set(rec.run.steps)
    assert not {1, 2, 3} & set(rec.run.steps)
    for step, name, seen, before in held:
        np.testing.assert_array_equal(seen, before, err_msg=f"{name} of step {step}")


@pytest.mark.parametrize(("width", "memory"), [OWN, BLOCKS], ids=["own memory", "blocks"])
@pytest.mark.parametrize(
    "sizes",
    [
        [64] * 400,
        [64] * 100 + [72] * 300,
        [64] * 100 + [160] * 300,
        [64, 64, 64, 40] * 100,
        [64 + k // 4 for k in range(400)],
        [164 - k // 4 for k in range(400)],
    ],
    ids=["alike", "larger later", "much larger later", "one of four is short", "growing", "shrinking"],
)
def test_memory_is_bounded_whatever_the_batches_are_and_records_hold_what_was_there(
    sizes: list[int], width: int, memory: int
) -> None:
    model, allowed = wide(width), 4 * memory if (width, memory) == OWN else memory
    if width == 32:
        sizes = [size // 2 for size in sizes for _ in range(3)]
    sums: list[list[bytes]] = []
    outputs: list[Any] = []
    model[2].register_forward_hook(lambda module, args, output: outputs.append(output.array.copy()))
    tracemalloc.start()
    try:
        follow(model, lab.watch(model, memory=1), [max(sizes)] * 3)
        outputs.clear()
        alone = tracemalloc.get_traced_memory()[1]
        rec = lab.watch(model, memory=allowed)

        def look() -> None:
            weight = model[0].weight
            sums.append([hashlib.md5(a).digest() for a in (weight.array, weight.grad.array, outputs.pop())])
            assert rec.run.nbytes <= allowed

        follow(model, rec, sizes, look)
        most = tracemalloc.get_traced_memory()[1] - alone
    finally:
        tracemalloc.stop()
    assert rec.run.stride > 1
    assert 0.8 * allowed < most < 1.05 * allowed, "the record that is one too much is dropped"
    for step, record in zip(rec.run.steps, rec.run.records, strict=True):
        found = [record["weights/0.weight"], record["grads/0.weight"], record["acts/2"]]
        assert [hashlib.md5(array).digest() for array in found] == sums[step], f"step {step}"


def test_room_is_kept_for_boundaries_of_several_outputs_once_the_first_is_known() -> None:
    model = nn.Linear(2, 5)
    rec = lab.watch(model, log="weights", data=ring()[0], grid=10)
    for _ in range(4):
        rec.step(1.0)
    one = rec.run.nbytes
    rec.complete([0])
    more = 4 * 4 * 100 * 4  # four more outputs in float32 of 100 points, in four records
    assert more <= rec.run.nbytes - one < 1.2 * more
    before = rec.run.nbytes
    rec.complete(range(4))
    assert rec.run.nbytes - before < 0.1 * more
