"""The film of a training: a page with a slider over the recorded steps.

Template, style and script stand in files of their own, in ``page/``; `microbp.viz.html_page` puts
them together with the numbers into one file that needs nothing else.

Numbers go into the page as base64 text: weights as float32, in all their bits; gradients and
outputs as float32 without the last byte, which leaves them four digits that are right; the
boundary as one byte for each point of its grid.
"""

from __future__ import annotations

import base64
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

from microbp.errors import OptionError
from microbp.lab.plane import Plane
from microbp.lab.run import Record, Run
from microbp.lab.stacking import common_shape, put
from microbp.viz import html_page

__all__ = ["Filmed", "Looks", "write"]

Array = np.ndarray[Any, Any]

TEMPLATE = Path(__file__).parent / "page" / "film.html"
EXACT, SHORT = 4, 3  # bytes of a number
CURVE = 400  # points of the curve of the loss
POINTS = 300  # of the data, in the picture of the boundary
MIDDLE, UNKNOWN = 127, 255  # bytes of a boundary: where it runs, and NaN


class Filmed(Protocol):
    """What a film can be made of: a recorder."""

    run: Run

    def complete(self, positions: Iterable[int]) -> None:
        """Compute what is still to be computed of these records."""


class Looks(NamedTuple):
    """What a film shows, and how much of it; see `Recorder.film`."""

    frames: int
    max_elems: int
    samples: int
    threshold: float | None
    title: str

    def check(self) -> None:
        """Refuse what is no positive whole number."""
        for name in ("frames", "max_elems", "samples"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise OptionError(f"a film takes a positive whole number as {name}, got {value!r}")


def write(columns: Mapping[str, Filmed], path: str | os.PathLike[str], looks: Looks) -> str:
    """Write a page with a column for each recorder; return the path."""
    looks.check()
    for name, recorder in columns.items():
        if not recorder.run.records:
            raise OptionError(f"nothing was recorded{f' of {name!r}' if name else ''}; call rec.step(loss) in training")
    runs = [recorder.run for recorder in columns.values()]
    steps = timeline(runs, looks.frames)
    data = []
    for name, recorder in columns.items():
        shown = np.maximum([recorder.run.latest(step) for step in steps], 0)
        positions, places = np.unique(shown, return_inverse=True)
        recorder.complete(positions.tolist())
        data.append({"name": name, "at": places.tolist(), **column(recorder.run, positions.tolist(), looks)})
    page = html_page.filled_in(TEMPLATE, title=looks.title, data={"steps": steps, "columns": data})
    return html_page.save(page, path)


def spread(count: int, most: int) -> Array:
    """At most so many of the positions of a sequence, evenly spread, the first and the last among them."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(int)) if most > 1 else np.array([0])


def timeline(runs: list[Run], frames: int) -> list[int]:
    """The steps that the frames show: those that any run recorded, evenly thinned."""
    steps = sorted({step for run in runs for step in run.steps})
    return [steps[k] for k in spread(len(steps), frames)]


def column(run: Run, positions: list[int], looks: Looks) -> dict[str, Any]:
    """All that the page shows of a run, with these of its records as frames."""
    records = [run.records[position] for position in positions]
    curve = spread(len(run.records), CURVE)
    names = dict.fromkeys(name for record in records for name in record)
    tracks: dict[str, list[str]] = {}
    for name in names:
        kind, _, rest = name.partition("/")
        tracks.setdefault(kind, []).append(rest)
    parameters = dict.fromkeys(tracks.get("weights", []) + tracks.get("grads", []))
    return {
        "steps": [run.steps[position] for position in positions],
        "loss": [number(record["loss"], 9) for record in records],
        "curve": [[run.steps[k] for k in curve], [number(run.records[k]["loss"], 5) for k in curve]],
        "lr": {
            group: [number(record.get(f"lr/{group}", np.nan), 4) for record in records]
            for group in tracks.get("lr", [])
        },
        "parameters": [parameter(name, records, looks.max_elems) for name in parameters],
        "outputs": [outputs(name, records, looks) for name in tracks.get("acts", [])],
        "plane": None if run.plane is None else plane(run.plane, records, looks.threshold),
    }


def number(value: float, digits: int) -> float | str:
    """A number for the page; JSON has no NaN and no infinities, so that these are text."""
    return float(f"{value:.{digits}g}") if np.isfinite(value) else str(value)


def parameter(name: str, records: list[Record], max_elems: int) -> dict[str, Any]:
    """The weights and gradients of a parameter, or a corner of them."""
    weights = [record.get(f"weights/{name}") for record in records]
    grads = [record.get(f"grads/{name}") for record in records]
    shape = next(array.shape for array in weights + grads if array is not None)
    rows, columns = corner(shape, max_elems)
    return {
        "name": name,
        "shape": shape,
        "corner": [rows, columns],
        "weights": packed(weights, rows, columns, EXACT),
        "grads": packed(grads, rows, columns, SHORT),
        "ratio": [number(record.get(f"update_ratio/{name}", np.nan), 3) for record in records],
    }


def outputs(name: str, records: list[Record], looks: Looks) -> dict[str, Any]:
    """What a module put out for the first samples."""
    found = [record.get(f"acts/{name}") for record in records]
    shapes = [array.shape for array in found if array is not None]
    count, *unit = common_shape([*shapes, (1, 1)])
    rows = min(count, looks.samples)
    columns = min(math.prod(unit), max(1, looks.max_elems // rows))
    flat = [None if array is None else samples(array, rows, unit) for array in found]
    return {
        "name": name,
        "shape": common_shape(shapes),
        "corner": [rows, columns],
        "of": unit,
        "values": packed(flat, rows, columns, SHORT),
    }


def samples(array: Array, rows: int, unit: Sequence[int]) -> Array:
    """The first rows of an array, each as one line; what is smaller than the largest of its kind is filled with NaN."""
    shown = array[:rows] if array.ndim > len(unit) else array  # else it is one sample
    if shown.shape != (rows, *unit):
        whole = np.full((rows, *unit), np.nan)
        put(shown, whole)
        shown = whole
    return shown.reshape(rows, -1)


def corner(shape: tuple[int, ...], max_elems: int) -> tuple[int, int]:
    """How many rows and columns the page shows of an array, all dimensions but the last being rows."""
    columns = shape[-1] if shape else 1
    rows = math.prod(shape[:-1])
    if rows * columns > max_elems:
        side = int(max_elems**0.5)
        columns = min(columns, max(side, max_elems // max(rows, 1)))
        rows = min(rows, max(1, max_elems // columns))
    return rows, columns


def packed(arrays: list[Array | None], rows: int, columns: int, width: int) -> str | None:
    """The corners of arrays, one after the other, as text; None if there are none at all."""
    if all(array is None for array in arrays):
        return None
    frames = np.full((len(arrays), rows, columns), np.nan, dtype=np.float32)
    for frame, array in zip(frames, arrays, strict=True):
        if array is not None:
            matrix = array.reshape(math.prod(array.shape[:-1]), array.shape[-1] if array.ndim else 1)[:rows, :columns]
            with np.errstate(over="ignore"):
                frame[: matrix.shape[0], : matrix.shape[1]] = matrix
    bits = frames.view(np.uint32)
    if width == SHORT:
        halfway = np.where(np.isfinite(frames), np.uint32(1 << 7), np.uint32(0))
        bits = bits + halfway  # rounded, not cut; a carry goes into the exponent, as it should
    return text_of(bits.astype(">u4").view(np.uint8).reshape(-1, 4)[:, :width])


def text_of(data: Array) -> str:
    """Bytes as text."""
    return base64.b64encode(np.ascontiguousarray(data, dtype=np.uint8).tobytes()).decode("ascii")


def plane(where: Plane, records: list[Record], threshold: float | None) -> dict[str, Any]:
    """The boundary in every frame, and the data in it."""
    kept = spread(len(where.points), POINTS)
    classes = where.classes()
    found = [record["boundary"] for record in records if "boundary" in record]
    return {
        "low": [number(value, 4) for value in where.low],
        "high": [number(value, 4) for value in where.high],
        "grid": where.grid,
        "points": [[number(value, 4) for value in point] for point in where.points[kept].tolist()],
        "classes": None if classes is None else classes[kept].tolist(),
        **(regions(np.stack(found), threshold) if len(found) == len(records) else {}),
    }


def regions(found: Array, threshold: float | None) -> dict[str, Any]:
    """Which class every point of the grid is in, and how clearly.

    One output is on one side of the threshold or the other; of two, the larger one wins, which is the sign of their
    difference. Of more, the winner has a byte of its own.
    """
    found = found.astype(np.float64)
    with np.errstate(invalid="ignore"):
        if found.ndim == 3 or found.shape[-1] == 2:
            if found.ndim == 4:
                signed, middle = found[..., 1] - found[..., 0], None
            else:
                signed = found
                known = found[np.isfinite(found)]
                is_probability = known.size > 0 and known.min() >= 0 and known.max() <= 1
                middle = threshold if threshold is not None else 0.5 if is_probability else 0.0
            distance = signed - (middle or 0.0)
            share = np.clip(distance / size_to_show(distance), -1, 1)
            levels = MIDDLE + np.sign(share) * np.ceil(np.abs(share) * MIDDLE)
            levels = np.where(np.isnan(levels), UNKNOWN, levels)
            return {"levels": text_of(levels), **({} if middle is None else {"middle": number(middle, 4)})}
        ordered = np.sort(found, axis=-1)
        margin = ordered[..., -1] - ordered[..., -2]
        share = np.clip(margin / size_to_show(margin), 0, 1)
        levels = np.where(np.isnan(share), UNKNOWN, np.ceil(share * MIDDLE))
        return {"levels": text_of(levels), "winners": text_of(found.argmax(axis=-1))}


def size_to_show(distance: Array) -> float:
    """The distance that has the strongest colour: most are smaller."""
    known = np.abs(distance[np.isfinite(distance)])
    return float(np.quantile(known, 0.9)) or 1.0 if known.size else 1.0
