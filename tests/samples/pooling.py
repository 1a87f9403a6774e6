"""Samples for pooling."""

from __future__ import annotations

from typing import Any

import numpy as np

from microbp.ops.pooling import adaptive_mean_windows, adaptive_windows, max_windows, mean_windows
from microbp.ops.resampling import Grid
from tests.samples import Samples, normal
from tests.samples.resampling import products


def largest(lib: Any, a: Any, windows: Any) -> tuple[Any, Any]:
    """The maxima of windows and their indices into the flattened tensor, found with PyTorch's `max`."""
    seen, places = a, lib.arange(a.numel()).reshape(a.shape)
    for axis, positions in enumerate(windows, a.ndim - len(windows)):
        picked = lib.from_numpy(positions.T.copy())
        seen, places = (lib.movedim(t, axis, -1)[..., picked] for t in (seen, places))  # the window's elements last
        seen, places = (lib.movedim(t, -2, axis) for t in (seen, places))
    last = list(range(a.ndim, a.ndim + len(windows)))
    seen, places = (t.flatten(last[0]) if last else t[..., None] for t in (seen, places))
    values, numbers = seen.max(-1)
    return values, places.gather(-1, numbers[..., None])[..., 0]


pairs = max_windows(4, 2, 2, 0, 1, 2)
triples = max_windows(5, 3, 2, 1, 1, 3)  # overlapping, with a margin
spread = max_windows(5, 2, 1, 1, 3, 4)  # dilated, with a margin
uneven = adaptive_windows(5, 3)
many = max_windows(70, 70, 70, 0, 1, 1)  # more elements than are gone through one by one
pooled: list[Any] = [
    ((normal(2, 4),), {"windows": (pairs,)}),
    ((normal(2, 2, 4, 5),), {"windows": (pairs, triples)}),
    ((normal(1, 5, 5),), {"windows": (triples, spread)}),
    ((normal(5, 4, 2).T,), {"windows": (pairs, uneven)}),
    ((normal(0, 2, 4),), {"windows": (pairs,)}),
    ((normal(2, 70),), {"windows": (many,)}),
    ((normal(2, 4, 5, 4),), {"windows": (pairs, uneven, pairs)}),
]
places = np.array([[0, 5, 5], [2, 3, 1]])


def means(*axes: Any, count: int | None = None) -> dict[str, Any]:
    """The options of `avg_pool`."""
    return {
        "grid": Grid(taps for taps, _ in axes),
        "count": int(np.prod([number for _, number in axes])) if count is None else count,
    }


def put(lib: Any, a: Any, p: Any, shape: tuple[int, ...]) -> Any:
    """Zeros with values added at places."""
    return lib.zeros(int(np.prod(shape)), dtype=a.dtype).index_add(0, p.reshape(-1), a.reshape(-1)).reshape(shape)


samples = {
    "max_pool": Samples(lambda lib, a, windows: largest(lib, a, windows)[0], pooled),
    "max_places": Samples(lambda lib, a, windows: largest(lib, a, windows)[1], pooled),
    "take_places": Samples(
        lambda lib, a, p: a.reshape(-1)[p],
        [
            (normal(2, 3), places),
            (normal(3, 2).T, places),
            (normal(2, 3), places[:, :0]),
            (normal(2, 3), places.T),
        ],
    ),
    "put_places": Samples(
        put,
        [
            ((normal(2, 3), places), {"shape": (2, 3)}),
            ((normal(3, 2).T, places), {"shape": (7,)}),
            ((normal(2, 0), places[:, :0]), {"shape": (2, 3)}),
            ((normal(2, 3), places), {"shape": (1, 2, 4)}),
        ],
    ),
    "avg_pool": Samples(
        lambda lib, a, grid, count: products(lib, a, grid) / count,
        [
            ((normal(2, 4),), means(mean_windows(4, 2, 2, 0, 2, True, True))),
            ((normal(2, 2, 4, 5),), means(mean_windows(4, 2, 1, 0, 3, True, True), adaptive_mean_windows(5, 3))),
            ((normal(1, 5),), means(mean_windows(5, 3, 2, 1, 3, False, True))),
            ((normal(1, 5),), means(mean_windows(5, 3, 2, 1, 3, True, False), count=-2)),
            ((normal(0, 6),), means(adaptive_mean_windows(6, 2))),
            ((normal(6, 2).T,), means(adaptive_mean_windows(6, 4))),
        ],
    ),
}
