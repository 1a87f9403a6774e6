"""What was recorded of a training run: one dict of arrays per recorded step, in bounded memory.

A run keeps a record of every step that is a multiple of its *stride*. When the records take
more memory than they may, every other one is dropped and the stride doubles, so that what
is left is still spread evenly from the first step on, however long the training goes on.
"""

from __future__ import annotations

import io
import math
import operator
import os
import zipfile
import zlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from microbp.errors import FileFormatError
from microbp.lab.arena import Arena
from microbp.serialization import replace

__all__ = ["Plane", "Record", "Run", "class_numbers", "common_shape", "put", "read", "write"]

Array = np.ndarray[Any, Any]
Record = dict[str, Any]  # arrays, and numbers of NumPy for what is a scalar

CLASSES = 8  # of labels; with more, they are none
OVERHEAD = 150  # bytes of an entry of a record beside its elements, roughly
MARK = "microbp/run"
FORMAT = 1
CORNERS = "run/corners/"  # before the name of a track of which some records are short

nbytes_of = operator.attrgetter("nbytes")


class Plane:
    """The part of a two-dimensional input space that a boundary is drawn in.

    Attributes
    ----------
    points : array (N, 2)
        The data.
    labels : array (N,) or None
        Their labels.
    low, high : array (2,)
        The corners of the grid: the bounding box of the points, a tenth larger on each side.
    grid : int
        How many points it has in each direction.
    """

    def __init__(self, points: Array, labels: Array | None, grid: int) -> None:
        self.points = points
        self.labels = labels
        self.grid = grid
        low, high = points.min(axis=0), points.max(axis=0)
        margin = np.where(high > low, (high - low) / 10, 1)
        self.low, self.high = low - margin, high + margin

    def positions(self) -> Array:
        """The points of the grid, shape (grid * grid, 2): row by row, the second coordinate growing with the row."""
        x, y = (np.linspace(self.low[k], self.high[k], self.grid) for k in range(2))
        return np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2).astype(self.points.dtype)

    def classes(self) -> Array | None:
        """The number of the class of each point, shape (N,); None without labels, or with too many to be classes."""
        if self.labels is None or len(np.unique(self.labels)) > CLASSES:
            return None
        return class_numbers(self.labels)


def class_numbers(labels: Array) -> Array:
    """The numbers of the classes that labels (N,) stand for.

    Whole numbers from 0 on are these numbers already, also where a class has no points; others, such as -1 and 1,
    are numbered in their order.
    """
    kinds, ranks = np.unique(labels, return_inverse=True)
    return labels.astype(int) if np.isin(kinds, np.arange(CLASSES)).all() else ranks


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


def stack(parts: Sequence[Any]) -> Array:
    """Arrays on top of each other; what is missing, because one is None or shorter than others, is NaN.

    Arrays with fewer dimensions get new ones of length 1 in front: one sample is a batch of one.
    """
    known = [np.asarray(part) for part in parts if part is not None]
    first = known[0]
    if len(known) == len(parts) and all(part.shape == first.shape for part in known):
        return np.stack(known)
    shape = common_shape([part.shape for part in known])
    out = np.full((len(parts), *shape), np.nan, dtype=np.result_type(np.float16, *known))  # integers have no NaN
    for position, part in enumerate(parts):
        if part is not None:
            put(np.asarray(part), out[position, ...])
    return out


def corners(parts: Sequence[Any]) -> Array | None:
    """Which part of the array that `stack` makes of them each one has: 1, or 0 for None, and its shape; None if all."""
    shapes = [None if part is None else np.shape(part) for part in parts]
    if len(set(shapes)) == 1:
        return None
    ndim = max(len(shape) for shape in shapes if shape is not None)
    return np.array([(0,) * (ndim + 1) if s is None else (1,) * (1 + ndim - len(s)) + s for s in shapes])


def common_shape(shapes: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    """The smallest shape that arrays of all these shapes fit into."""
    ndim = max(map(len, shapes))
    return tuple(np.max([(1,) * (ndim - len(shape)) + shape for shape in shapes], axis=0).astype(int).tolist())


def put(array: Array, whole: Array) -> None:
    """Write an array into the first corner of a larger one."""
    whole[(0,) * (whole.ndim - array.ndim) + tuple(map(slice, array.shape))] = array


def write(run: Run, tracks: Mapping[str, Array], path: str | os.PathLike[str]) -> None:
    """Write the tracks of a run to an ``.npz`` file, at once or not at all."""
    arrays = {MARK: np.array(FORMAT), "run/stride": np.array(run.stride), **tracks}
    for name in tracks:
        if name != "step":
            found = corners([record.get(name) for record in run.records])
            if found is not None:
                arrays[f"{CORNERS}{name}"] = found
    if run.plane is not None:
        arrays["run/points"] = run.plane.points
        arrays["run/grid"] = np.array(run.plane.grid)
        if run.plane.labels is not None:
            arrays["run/labels"] = run.plane.labels
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:  # np.savez has names that are its own
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
                np.lib.format.write_array(file, np.asarray(array), allow_pickle=False)
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    replace(target, content.getvalue())


def read(path: str | os.PathLike[str]) -> Run:
    """The run in a file that `write` wrote.

    Raises
    ------
    FileFormatError
        If it is no such file.
    """
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except (ValueError, TypeError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise FileFormatError(f"{os.fspath(path)} is no recorded run: {error}") from None
    if not {MARK, "run/stride", "step"} <= arrays.keys():
        raise FileFormatError(f"{os.fspath(path)} is no recorded run; Recorder.save() writes one")
    plane = None
    if "run/points" in arrays:
        plane = Plane(arrays["run/points"], arrays.get("run/labels"), int(arrays["run/grid"]))
    run = Run(int(arrays["run/stride"]), np.inf, plane)
    tracks = {name: array for name, array in arrays.items() if not name.startswith("run/") and name != MARK}
    for position, step in enumerate(tracks.pop("step")):
        record = {}
        for name, array in tracks.items():
            there, *shape = arrays[f"{CORNERS}{name}"][position] if f"{CORNERS}{name}" in arrays else (1,)
            if there:
                record[name] = array[(position, *map(slice, shape))]
        run.add(int(step), record)
    return run
