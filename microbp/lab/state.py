"""Where the parameters and buffers of a model are, and how much a step changed them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from microbp.lab.run import Record
from microbp.nn.module import Module

__all__ = ["Slot", "copies", "slots", "update_ratios"]

Array = np.ndarray[Any, Any]


class Slot(NamedTuple):
    """Where a parameter or buffer is.

    Reading it there is quicker than a walk over the modules at every step, and finds what was put in its place.

    Attributes
    ----------
    name : str
        Its path in the model.
    registry : dict
        The parameters, or the buffers, of the module that has it.
    key : str
        Its name there.
    """

    name: str
    registry: dict[str, Any]
    key: str


def slots(modules: Mapping[str, Module], registry: str) -> list[Slot]:
    """Where modules have their ``"_parameters"``, or their ``"_buffers"``; shared ones only once."""
    found = {}
    for path, module in modules.items():
        held = getattr(module, registry)
        for key, value in held.items():
            if value is not None and value not in found:
                found[value] = Slot(f"{path}.{key}" if path else key, held, key)
    return list(found.values())


def copies(places: Iterable[Slot]) -> dict[str, Array]:
    """Copies of what is in these places now, by name."""
    held = [(name, registry.get(key)) for name, registry, key in places]
    return {name: tensor.array.copy() for name, tensor in held if tensor is not None}


def update_ratios(before: Mapping[str, Array], weights: Mapping[str, Array]) -> Record:
    """How much each parameter changed, relative to its size before."""
    found = {}
    for name, array in weights.items():
        earlier = before.get(name)
        if earlier is not None and earlier.shape == array.shape:
            with np.errstate(invalid="ignore", over="ignore"):  # training may diverge
                change, size = norm(array - earlier), norm(earlier)
            found[f"update_ratio/{name}"] = change / size if size else math.inf if change else 0.0
    return found


def norm(array: Array) -> float:
    """The Euclidean norm; of half precision in single."""
    flat = array.reshape(-1)
    if flat.dtype == np.float16:
        flat = flat.astype(np.float32)
    return math.sqrt(flat.dot(flat))
