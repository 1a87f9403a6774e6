"""The records of a training run in a file: one array for each track."""

from __future__ import annotations

import io
import os
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from microbp.errors import FileFormatError
from microbp.lab.plane import Plane
from microbp.lab.run import Run
from microbp.lab.stacking import corners
from microbp.serialization import replace

__all__ = ["read", "write"]

Array = np.ndarray[Any, Any]

MARK = "microbp/run"
FORMAT = 1
CORNERS = "run/corners/"  # before the name of a track of which some records are short


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
