"""Samples for rows that rearrange, repeat and join."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.samples import Samples, normal


def parts(dim: int, *sizes: int) -> tuple[Any, ...]:
    """The places of tensors of these sizes in their concatenation."""
    ends = np.cumsum(sizes).tolist()
    return tuple((slice(None),) * dim + (slice(end - size, end),) for end, size in zip(ends, sizes, strict=True))


def places(dim: int, count: int) -> tuple[Any, ...]:
    """The places of this many tensors in their stack."""
    return tuple((slice(None),) * dim + (k,) for k in range(count))


double = np.dtype("float64")
samples = {
    "cast": Samples(
        lambda lib, a, dtype, source: a.to(getattr(lib, str(dtype))),
        [
            ((normal(3, 4),), {"dtype": double, "source": double}),
            ((np.arange(3),), {"dtype": double, "source": np.dtype("int64")}),
            ((np.array(True),), {"dtype": double, "source": np.dtype("bool")}),
            ((normal(0, 3),), {"dtype": double, "source": double}),
        ],
    ),
    "clone": Samples(lambda lib, a: lib.clone(a), [(normal(3, 4),), (normal(),), (normal(0, 3),), (normal(4, 3).T,)]),
    "reshape": Samples(
        lambda lib, a, shape: lib.reshape(a, shape),
        [
            ((normal(3, 4),), {"shape": (2, 6)}),
            ((normal(),), {"shape": (1, 1)}),
            ((normal(0, 3),), {"shape": (5, 0)}),
            ((normal(4, 3).T,), {"shape": (12,)}),
        ],
    ),
    "permute": Samples(
        lambda lib, a, dims: lib.permute(a, dims),
        [
            ((normal(2, 3, 4),), {"dims": (2, 0, 1)}),
            ((normal(),), {"dims": ()}),
            ((normal(0, 3),), {"dims": (1, 0)}),
            ((normal(4, 3).T,), {"dims": (0, 1)}),
        ],
    ),
    "expand": Samples(
        lambda lib, a, shape: a.expand(shape),
        [
            ((normal(3, 1),), {"shape": (2, 3, 4)}),
            ((normal(),), {"shape": (3,)}),
            ((normal(1, 3),), {"shape": (0, 3)}),
            ((normal(4, 1).T,), {"shape": (2, 4)}),
        ],
    ),
    "cat": Samples(
        lambda lib, *a, dim, parts: lib.cat(a, dim),
        [
            ((normal(2, 3), normal(1, 3), normal(4, 3)), {"dim": 0, "parts": parts(0, 2, 1, 4)}),
            ((normal(2, 3), normal(2, 0), normal(2, 1)), {"dim": 1, "parts": parts(1, 3, 0, 1)}),
            ((normal(3),), {"dim": 0, "parts": parts(0, 3)}),
            ((normal(4, 3).T, normal(3, 2)), {"dim": 1, "parts": parts(1, 4, 2)}),
        ],
    ),
    "stack": Samples(
        lambda lib, *a, dim, parts: lib.stack(a, dim),
        [
            ((normal(2, 3), normal(2, 3, seed=1)), {"dim": 0, "parts": places(0, 2)}),
            ((normal(), normal(seed=1), normal(seed=2)), {"dim": 0, "parts": places(0, 3)}),
            ((normal(3, 2).T, normal(2, 3)), {"dim": 2, "parts": places(2, 2)}),
            ((normal(0, 3),), {"dim": 1, "parts": places(1, 1)}),
        ],
    ),
}
