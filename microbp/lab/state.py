"""Where the parameters and buffers of a model are, and how much a step changed them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from microbp.lab.run import Record
from microbp.nn.module import Module

__all__ = ["Slot", "copy_gradients", "copy_values", "slots", "update_ratios"]

Array = np.ndarray[Any, Any]


class Slot(NamedTuple):
    """Where a parameter or buffer is.

    Reading it there is quicker than a walk over the modules at every step, and finds what was put in its place.

    Attributes
    ----------
    track : str
        The track that it, or its gradient, is recorded in.
    registry : dict
        The parameters, or the buffers, of the module that has it.
    key : str
        Its name there.
    """

    track: str
    registry: dict[str, Any]
    key: str


def slots(modules: Mapping[str, Module], registry: str, kind: str) -> list[Slot]:
    """Where modules have their ``"_parameters"``, or their ``"_buffers"``; shared ones only once.

    Their tracks are ``<kind>/<path in the model>``.
    """
    found = {}
    for path, module in modules.items():
        held = getattr(module, registry)
        for key, value in held.items():
            if value is not None and value not in found:
                found[value] = Slot(f"{kind}/{path}.{key}" if path else f"{kind}/{key}", held, key)
    return list(found.values())


def copy_values(places: Iterable[Slot], record: Record, copy: Callable[[Array], Array]) -> None:
    """Put copies of what is in these places now into a record."""
    for track, registry, key in places:
        tensor = registry.get(key)
        if tensor is not None:
            record[track] = copy(tensor.array)


def copy_gradients(places: Iterable[Slot], record: Record, copy: Callable[[Array], Array]) -> None:
    """Put copies of the gradients, of what has one, into a record."""
    for track, registry, key in places:
        tensor = registry.get(key)
        if tensor is not None and tensor._grad is not None:
            record[track] = copy(tensor._grad.array)


def update_ratios(places: Iterable[Slot], before: Record, record: Record) -> Record:
    """How much each parameter in a record changed, relative to its size in the record before."""
    found = {}
    with np.errstate(invalid="ignore", over="ignore"):  # training may diverge
        for track, _, _ in places:
            earlier, array = before.get(track), record.get(track)
            if earlier is not None and array is not None and earlier.shape == array.shape:
                if array.dtype.char not in "fd" or earlier.dtype != array.dtype:  # half overflows, integers wrap around
                    array, earlier = array.astype(np.float64), earlier.astype(np.float64)
                change, size = norm(array - earlier), norm(earlier)
                ratio = change / size if size else math.inf if change else 0.0
                found[f"update_ratio/{track.removeprefix('weights/')}"] = np.float64(ratio)
    return found


def norm(array: Array) -> float:
    """The Euclidean norm."""
    flat = array.reshape(-1)
    return math.sqrt(flat.dot(flat))
