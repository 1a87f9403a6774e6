"""How many batches a second does a DataLoader give? Over a TensorDataset and over samples picked one by one.

4096 samples of 64 numbers with a label, in batches of 64; an epoch is timed. By hand, NumPy takes slices
of the arrays, or picks rows by a permutation.

    python -m benchmarks.data_loading [--rounds N] [case ...]
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Any

import numpy as np

import microbp
from benchmarks.harness import take_turns
from benchmarks.peers import left_out, peer
from benchmarks.report import Goal, Report, Table, alone

SAMPLES, WIDTH, BATCH = 4096, 64, 64
CASES = {
    "TensorDataset": "`TensorDataset`, in order",
    "TensorDataset-shuffled": "`TensorDataset`, shuffled",
    "samples": "samples one by one, in order",
    "samples-shuffled": "samples one by one, shuffled",
}

rng = np.random.default_rng(0)
INPUTS = rng.normal(size=(SAMPLES, WIDTH)).astype(np.float32)
LABELS = rng.integers(0, 10, size=SAMPLES)


def by_hand(case: str) -> Iterable[tuple[Any, Any]]:
    """An epoch in NumPy."""
    generator = np.random.default_rng(1)
    order = generator.permutation(SAMPLES) if case.endswith("shuffled") else None
    for start in range(0, SAMPLES, BATCH):
        if case.startswith("samples"):
            rows = range(start, start + BATCH) if order is None else order[start : start + BATCH]
            yield np.stack([INPUTS[k] for k in rows]), np.array([int(LABELS[k]) for k in rows])
        else:
            rows = slice(start, start + BATCH) if order is None else order[start : start + BATCH]
            yield INPUTS[rows], LABELS[rows]


def loader(lib: Any, case: str) -> Iterable[tuple[Any, Any]]:
    """A DataLoader of microbp or PyTorch."""
    data = lib.utils.data

    class Samples(data.Dataset):
        """Rows of an array, each with its label."""

        def __len__(self) -> int:
            return SAMPLES

        def __getitem__(self, k: int) -> tuple[Any, int]:
            return INPUTS[k], int(LABELS[k])

    dataset = Samples() if case.startswith("samples") else data.TensorDataset(lib.tensor(INPUTS), lib.tensor(LABELS))
    return data.DataLoader(dataset, batch_size=BATCH, shuffle=case.endswith("shuffled"))


def epoch(batches: Callable[[], Iterable[Any]]) -> Callable[[], int]:
    """Go through all batches once."""

    def run() -> int:
        count = 0
        for _ in batches():
            count += 1
        return count

    return run


def check_batches(name: str, case: str, batches: Iterable[tuple[Any, Any]]) -> None:
    """Refuse to go on if an epoch has other samples, or, unless it is shuffled, another order."""
    pairs = [(np.asarray(x), np.asarray(y)) for x, y in batches]
    x, y = (np.concatenate(part) for part in zip(*pairs, strict=True))
    if case.endswith("shuffled"):
        assert not np.array_equal(x, INPUTS), f"{name} does not shuffle"
        order, expected = np.argsort(x[:, 0]), np.argsort(INPUTS[:, 0])
    else:
        order = expected = np.arange(SAMPLES)
    np.testing.assert_array_equal(x[order], INPUTS[expected], err_msg=name)
    np.testing.assert_array_equal(y[order], LABELS[expected], err_msg=name)


def measure(rounds: int, only: Collection[str]) -> Report:
    """The table."""
    libraries = {"microbp": microbp, "PyTorch": peer("torch")}
    table = Table(
        f"An epoch of a `DataLoader` ({SAMPLES} samples of {WIDTH} numbers and a label, batches of {BATCH}):",
        (
            "data",
            "NumPy by hand, batches a second",
            "microbp, batches a second",
            "PyTorch, batches a second",
            "PyTorch's time / microbp's",
        ),
        note=left_out("PyTorch"),
    )
    report = Report([table])
    for case in only:
        epochs: dict[str, Callable[[], Iterable[Any]]] = {"NumPy by hand": lambda case=case: by_hand(case)}
        for name, lib in libraries.items():
            if lib is not None:
                epochs[name] = loader(lib, case).__iter__
        for name, batches in epochs.items():
            check_batches(name, case, batches())
        times = take_turns({name: epoch(batches) for name, batches in epochs.items()}, rounds)
        rates = [
            f"{SAMPLES / BATCH / times.seconds(name).median:,.0f}" if name in times else None
            for name in ("NumPy by hand", *libraries)
        ]
        faster = times.ratio("PyTorch", "microbp") if "PyTorch" in times else None
        table.rows.append((CASES[case], *rates, faster))
        if case.startswith("TensorDataset") and faster is not None:
            what = f"batches of a {CASES[case].replace('`', '')}, times as many a second as PyTorch"
            report.goals.append(Goal(what, faster, 5.0, from_above=False))
    return report


if __name__ == "__main__":
    alone(measure, __doc__, CASES)
