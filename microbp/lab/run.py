"""What was recorded of a training run: one dict of arrays per recorded step, in bounded memory.

A run keeps a record of every step that is a multiple of its *stride*. When the records take
more memory than they may, every other one is dropped and the stride doubles, so that what
is left is still spread evenly from the first step on, however long the training goes on.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable
from typing import Any

import numpy as np

from microbp.lab.arena import Arena
from microbp.lab.plane import Plane
from microbp.lab.stacking import stack

__all__ = ["Record", "Run"]

Array = np.ndarray[Any, Any]
Record = dict[str, Any]  # arrays, and numbers of NumPy for what is a scalar

OVERHEAD = 150  # bytes of an entry of a record beside its elements, roughly

nbytes_of = operator.attrgetter("nbytes")


class Run:
    """The records of a training run.

    Parameters
    ----------
    stride : int
        Steps that are a multiple of it are recorded.
    memory : int
        How many bytes the records may take.
    plane : Plane, optional
        Where boundaries are drawn.

    Attributes
    ----------
    steps : list of int
        The recorded steps.
    records : list of dict
        What was recorded at each of them.
    nbytes : int
        How much memory the records take, roughly, with boundaries that are still to be computed.
    arena : Arena
        Where the arrays of the records are to be.
    """

    def __init__(self, stride: int, memory: float, plane: Plane | None = None) -> None:
        self.stride = stride
        self.memory = memory
        self.plane = plane
        self.steps: list[int] = []
        self.records: list[Record] = []
        self.nbytes = 0
        self.arena = Arena(memory)
        self._boundary = 0 if plane is None else plane.grid**2 * plane.points.itemsize  # bytes of one
        self._stacked: dict[str, Array] | None = None

    def is_due(self, step: int) -> bool:
        """Whether a step is one of those to be recorded."""
        return step % self.stride == 0

    def add(self, step: int, record: Record) -> None:
        """Append a record; see `is_full`."""
        self.steps.append(step)
        self.records.append(record)
        self.nbytes += self._size_of(record)
        self._stacked = None

    @property
    def is_full(self) -> bool:
        """Whether the records take more memory than they may: time to `thin` them."""
        return self.nbytes + self.arena.unused > self.memory and len(self.records) > 2

    def thin(self) -> None:
        """Drop every other record, and double the stride.

        The others leave the blocks that they shared with those, which somebody may still hold, and free them.
        """
        self.stride *= 2
        kept = [k for k, number in enumerate(self.steps) if self.is_due(number)]
        self.steps = [self.steps[k] for k in kept]
        self.records = [self.records[k] for k in kept]
        self.nbytes = sum(map(self._size_of, self.records))
        self._stacked = None
        for record in self.records:
            for name, value in record.items():
                if self.arena.takes(value):
                    record[name] = self.arena.copy(value)

    def add_boundary(self, position: int, boundary: Array) -> None:
        """Add to a record the boundary, for which there was room kept: that of one output, until the first is known."""
        self.records[position]["boundary"] = boundary
        self._stacked = None
        if boundary.nbytes != self._boundary:
            self._boundary = boundary.nbytes
            self.nbytes = sum(map(self._size_of, self.records))

    def _size_of(self, record: Record) -> int:
        """How many bytes a record takes, or will take."""
        arrays: int = sum(map(nbytes_of, record.values()))
        return OVERHEAD * len(record) + arrays + (0 if "boundary" in record else self._boundary)

    def latest(self, step: int | None) -> int:
        """The position of the last record at or before a step; of the last one of all for None."""
        if step is None:
            return len(self.records) - 1
        return int(np.searchsorted(self.steps, step, side="right")) - 1

    def part(self, positions: Iterable[int]) -> Run:
        """The run of some of the records alone."""
        chosen = Run(self.stride, math.inf, self.plane)
        for position in positions:
            chosen.add(self.steps[position], self.records[position])
        return chosen

    def stacked(self) -> dict[str, Array]:
        """Each track as a read-only array, the records along its first axis; NaN where there was nothing to record."""
        if self._stacked is None:
            names = dict.fromkeys(name for record in self.records for name in record)
            self._stacked = {"step": np.array(self.steps, dtype=np.int64)}
            for name in names:
                self._stacked[name] = stack([record.get(name) for record in self.records])
            for track in self._stacked.values():
                track.flags.writeable = False
        return self._stacked
