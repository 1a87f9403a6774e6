"""The one table of sample inputs that drives the tests of every row.

Each family has a module here with a dict ``samples``: row name -> `Samples`. The tests in
``tests/ops/test_rows.py`` walk the registry, so a row without samples is a failure.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import numpy as np


@dataclass
class Samples:
    """How a row is tried.

    Attributes
    ----------
    torch : callable or None
        ``torch(lib, *tensors, **options)`` computes the same with PyTorch; None where PyTorch has nothing like it.
    inputs : list
        Each sample is a tuple of inputs, or a pair of such a tuple and a dict of options.
    smooth : bool
        Whether all samples stay away from kinks, so that finite differences apply.
    why : str
        Why there is no counterpart in PyTorch, if there is none.
    """

    torch: Callable[..., Any] | None
    inputs: list[Any] = field(default_factory=list)
    smooth: bool = True
    why: str = ""

    def cases(self) -> list[tuple[tuple[Any, ...], dict[str, Any]]]:
        """The samples as (inputs, options)."""
        return [
            sample
            if len(sample) == 2 and isinstance(sample[0], tuple) and isinstance(sample[1], dict)
            else (sample, {})
            for sample in self.inputs
        ]


def normal(*shape: int, seed: int = 0) -> np.ndarray[Any, Any]:
    """Normally distributed values, the same in every run."""
    return np.random.default_rng([seed, *shape]).normal(size=shape)


def positive(*shape: int, seed: int = 0) -> np.ndarray[Any, Any]:
    """Values between 0.3 and 2."""
    return np.random.default_rng([seed, *shape, 1]).uniform(0.3, 2.0, size=shape)


def away_from_zero(*shape: int, seed: int = 0) -> np.ndarray[Any, Any]:
    """Values of both signs with a modulus between 0.3 and 2."""
    signs = np.random.default_rng([seed, *shape, 2]).choice([-1.0, 1.0], size=shape)
    return np.asarray(positive(*shape, seed=seed) * signs)


def table() -> dict[str, Samples]:
    """The samples of all families."""
    found: dict[str, Samples] = {}
    for module in iter_modules(__path__):
        family = import_module(f"{__name__}.{module.name}").samples
        twice = found.keys() & family.keys()
        assert not twice, f"samples given twice: {twice}"
        found.update(family)
    return found
