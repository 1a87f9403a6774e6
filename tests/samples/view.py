"""Samples for views."""

from __future__ import annotations

from typing import Any

from microbp.ops import indexing, shape
from tests.samples import Samples, normal

row = ((indexing.getitem, {"index": (1, ...)}),)
column = ((shape.permute, {"dims": (1, 0)}), (indexing.getitem, {"index": (slice(1, 2), ...)}))
flat = ((shape.permute, {"dims": (1, 0)}), (shape.reshape, {"shape": (6,)}), (indexing.getitem, {"index": slice(0, 4)}))
nothing = ((indexing.getitem, {"index": slice(5, None)}),)
paths = [(row, (3,)), (column, (1, 2)), (flat, (4,)), (nothing, (0, 3))]


def seen(a: Any, path: Any) -> Any:
    """The way of a path, in PyTorch."""
    for step, options in path:
        a = a.permute(options["dims"]) if step is shape.permute else a
        a = a.reshape(options["shape"]) if step is shape.reshape else a
        a = a[options["index"]] if step is indexing.getitem else a
    return a


def put(lib: Any, base: Any, b: Any, path: Any) -> Any:
    """Values put where a path leads to."""
    places = seen(lib.arange(base.numel()).reshape(base.shape), path).reshape(-1)
    b = b + lib.zeros(places.shape, dtype=base.dtype) if isinstance(b, float) else b.reshape(-1)
    return base.reshape(-1).index_put((places,), b).reshape(base.shape)


samples = {
    "look": Samples(lambda lib, a, path: seen(a, path), [((normal(2, 3),), {"path": path}) for path, _ in paths]),
    "put_view": Samples(
        lambda lib, a, shape, path: put(lib, lib.zeros(shape, dtype=a.dtype), a, path),
        [((normal(*shape),), {"shape": (2, 3), "path": path}) for path, shape in paths],
    ),
    "write_through": Samples(
        put,
        [
            *(((normal(2, 3), normal(*shape, seed=1)), {"path": path}) for path, shape in paths),
            ((normal(3, 2).T, normal(3, seed=1)), {"path": row}),
            ((normal(2, 3), 2.5), {"path": column}),
        ],
    ),
}
