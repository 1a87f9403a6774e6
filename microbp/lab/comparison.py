"""Several recorded trainings side by side: `compare`."""

from __future__ import annotations

import os
from collections.abc import Mapping

from microbp.errors import OptionError
from microbp.lab import film
from microbp.lab.recorder import Recorder

__all__ = ["compare"]


def compare(
    recorders: Mapping[str, Recorder],
    path: str | os.PathLike[str],
    *,
    frames: int = 100,
    max_elems: int = 1024,
    samples: int = 8,
    threshold: float | None = None,
    title: str | None = None,
) -> str:
    """Write a page on which several trainings can be watched in step, each in a column of its own.

    Parameters
    ----------
    recorders : dict of str to Recorder
        What to call each training, and its record.
    path : path
        ``"compare.html"``, say.
    frames, max_elems, samples, threshold, title
        As for `Recorder.film`. A frame is a number of steps; each column shows its last record by then.

    Returns
    -------
    str
        The path.

    Raises
    ------
    OptionError
        If there is no recorder, what is given is none, one recorded nothing, or an option makes no sense.
    """
    if not recorders:
        raise OptionError("compare() takes at least one recorder, got none")
    if not isinstance(recorders, Mapping) or not all(
        isinstance(name, str) and isinstance(recorder, Recorder) for name, recorder in recorders.items()
    ):
        raise OptionError('compare() takes recorders by their names, {"tanh": rec1, "relu": rec2}')
    names = " · ".join(recorders)
    return film.write(recorders, path, film.Looks(frames, max_elems, samples, threshold, title or f"Compared: {names}"))
