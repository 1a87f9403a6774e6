"""The public functions that the catalogue leaves out, each with the reason."""

from __future__ import annotations

import inspect
from typing import Any

import microbp
from microbp.methods import Methods
from microbp.ops.op import Op

__all__ = ["EXEMPT", "exists", "public_functions"]

EXEMPT: dict[str, str] = {}


def public_functions() -> set[str]:
    """The functions on tensors: top level, ``linalg``, ``nn.functional``, and methods without such a twin."""
    found = set()
    known = set()
    for prefix, namespace in (("", microbp), ("linalg.", microbp.linalg), ("nn.functional.", microbp.nn.functional)):
        for name, value in vars(namespace).items():
            if not name.startswith("_") and is_function(value):
                found.add(prefix + name)
                known.add(name)
    for name, value in vars(Methods).items():
        if not name.startswith("_") and name not in known and (is_function(value) or isinstance(value, property)):
            found.add(f"Tensor.{name}")
    return found


def is_function(value: Any) -> bool:
    """Whether a value is an operation or a function of the package."""
    return isinstance(value, Op) or (inspect.isfunction(value) and value.__module__.startswith("microbp."))


def exists(name: str) -> bool:
    """Whether microbp has something of that name: also operators and attributes, as ``Tensor.__getitem__``."""
    found: Any = microbp
    for part in name.split("."):
        found = getattr(found, part, None)
    return found is not None
