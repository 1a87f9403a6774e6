"""Fair timing: contenders take turns in one process, and only ratios are reported.

Each round times every contender once, in an order that rotates, so that a machine which
slows down for a while slows all of them. The figure for a contender is the median, over
the rounds, of its time divided by the reference's time in the same round.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable


def ratios(
    contenders: dict[str, Callable[[], object]], reference: str, rounds: int = 15, least: float = 0.02
) -> dict[str, float]:
    """Time per call of each contender, as a multiple of the reference's.

    Parameters
    ----------
    contenders : dict of str to callable
        What to time.
    reference : str
        The contender that counts as 1.
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
    times: dict[str, list[float]] = {name: [] for name in contenders}
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
    return {
        name: statistics.median(mine / theirs for mine, theirs in zip(times[name], times[reference], strict=True))
        for name in contenders
    }
