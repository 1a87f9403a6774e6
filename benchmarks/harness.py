"""Fair timing: contenders take turns in one process, and what counts are ratios within a round.

Each round times every contender once, in an order that rotates, so that a machine which
slows down for a while slows all of them. A figure is the median, over the rounds, of what
is computed from the times of one round; beside it stands its spread, half the distance
between the quartiles. Contenders must agree on what they compute before they are timed.
"""

from __future__ import annotations

import gc
import multiprocessing
import statistics
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Figure:
    """A median over the rounds, and half the distance between the quartiles."""

    median: float
    spread: float

    def __str__(self) -> str:
        decimals = 2 if self.median < 10 else 1 if self.median < 100 else 0
        return f"{self.median:.{decimals}f} ± {self.spread:.{decimals}f}"


class Times(dict[str, list[float]]):
    """Seconds per call: for each contender one time for every round."""

    def figure(self, formula: Callable[..., float], *names: str) -> Figure:
        """Median and spread of what a formula gives for the times of these contenders in each round."""
        values = [formula(*times) for times in zip(*(self[name] for name in names), strict=True)]
        if len(values) < 2:
            return Figure(values[0], 0.0)
        low, _, high = statistics.quantiles(values, n=4, method="inclusive")
        return Figure(statistics.median(values), (high - low) / 2)

    def seconds(self, name: str) -> Figure:
        """The time of a contender."""
        return self.figure(lambda mine: mine, name)

    def ratio(self, name: str, reference: str) -> Figure:
        """The time of a contender as a multiple of another's in the same round."""
        return self.figure(lambda mine, theirs: mine / theirs, name, reference)


def take_turns(contenders: Mapping[str, Callable[[], object]], rounds: int = 15, least: float = 0.02) -> Times:
    """Time contenders by turns.

    Parameters
    ----------
    contenders : dict of str to callable
        What to time.
    rounds : int
        How many rounds.
    least : float
        Seconds that one timing takes at the least; calls are repeated to fill it.
    """
    repeats = {}
    for name, run in contenders.items():
        run()
        start = time.perf_counter()
        run()
        repeats[name] = max(1, round(least / (time.perf_counter() - start)))
    times = Times((name, []) for name in contenders)
    names = list(contenders)
    gc.collect()
    for turn in range(rounds):
        for k in range(len(names)):
            name = names[(k + turn) % len(names)]
            run = contenders[name]
            start = time.perf_counter()
            for _ in range(repeats[name]):
                run()
            times[name].append((time.perf_counter() - start) / repeats[name])
    return times


def check_losses(contenders: Mapping[str, Callable[[], float]], steps: int = 5, tolerance: float = 1e-4) -> None:
    """Let every contender train for some steps, and refuse to go on if one has other losses than the first has.

    The tolerance is a part of the largest loss: where training takes the loss down to almost
    nothing within these steps, it enlarges the rounding errors of float32 along with it.
    """
    losses = {name: [float(step()) for _ in range(steps)] for name, step in contenders.items()}
    first = next(iter(losses))
    allowed = tolerance * max(map(abs, losses[first]))
    for name, values in losses.items():
        np.testing.assert_allclose(
            values, losses[first], rtol=0, atol=allowed, err_msg=f"losses of {name} and of {first}"
        )


def isolated(function: Callable[..., Any], *arguments: Any) -> Any:
    """The result of a function of a module, called in a fresh interpreter."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()
