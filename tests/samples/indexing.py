"""Samples for rows that pick out and put in."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.samples import Samples, normal

mask = np.array([[True, False, True], [False, False, True]])
pairs = (np.array([0, 1, 1, 0]), np.array([2, 0, 0, 2]))  # each of them twice
indices: list[tuple[Any, tuple[int, ...]]] = [
    (1, (3,)),
    ((slice(None), -1), (2,)),
    ((Ellipsis, None, slice(0, 2)), (2, 1, 2)),
    (np.array([1, 1, 0]), (3, 3)),
    ((slice(None), np.array([[2, 2]])), (2, 1, 2)),
    (pairs, (4,)),
    (mask, (3,)),
    (slice(5, None), (0, 3)),
]
columns = np.array([[2, 0, 2, 2], [1, 1, 0, 0]])
lines = np.array([[1, 0]])


def in_torch(lib: Any, index: Any) -> Any:
    """An index with tensors for arrays."""
    if isinstance(index, tuple):
        return tuple(in_torch(lib, part) for part in index)
    if isinstance(index, np.ndarray):
        return lib.from_numpy(index if index.dtype == bool else index.astype(np.int64))
    return index


def added(lib: Any, a: Any, shape: tuple[int, ...], index: Any) -> Any:
    """Values added to zeros at an index."""
    index = in_torch(lib, index)
    places = lib.arange(int(np.prod(shape))).reshape(shape)[index]
    return lib.zeros(int(np.prod(shape)), dtype=a.dtype).index_add(0, places.reshape(-1), a.reshape(-1)).reshape(shape)


def replaced(lib: Any, a: Any, b: Any, index: Any) -> Any:
    """A copy with other values at an index."""
    y = a.clone()
    y[in_torch(lib, index)] = b
    return y


def summed(lib: Any, a: Any, b: Any, index: Any) -> Any:
    """A copy with values added at an index."""
    index = in_torch(lib, index)
    parts = index if isinstance(index, tuple) else (index,)
    if all(isinstance(part, lib.Tensor) for part in parts):
        return a.index_put(parts, b, accumulate=True)
    places = lib.arange(a.numel()).reshape(a.shape)[index]
    return a.reshape(-1).index_add(0, places.reshape(-1), b.expand(places.shape).reshape(-1)).reshape(a.shape)


def multiplied(lib: Any, a: Any, b: Any, index: Any) -> Any:
    """A copy, outside the graph, with elements along the first axis multiplied at positions."""
    return a.detach().scatter_reduce(0, lib.from_numpy(index), b.detach(), "prod")


samples = {
    "getitem": Samples(
        lambda lib, a, index: a[in_torch(lib, index)],
        [*(((normal(2, 3),), {"index": index}) for index, _ in indices), ((normal(3, 2).T,), {"index": mask})],
    ),
    "put_add": Samples(added, [((normal(*shape),), {"shape": (2, 3), "index": index}) for index, shape in indices]),
    "setitem": Samples(
        replaced,
        [
            *(
                ((normal(2, 3), normal(*shape, seed=1)), {"index": index})
                for index, shape in indices
                if not isinstance(index, np.ndarray | tuple) or index is mask
            ),
            ((normal(2, 3), normal(seed=1)), {"index": mask}),
            ((normal(2, 3), 2.5), {"index": (slice(None), 0)}),
            ((normal(3, 2).T, normal(2, 1, seed=1)), {"index": (slice(None), slice(1, None))}),
            ((normal(2, 3), normal(3, seed=1)), {"index": slice(None)}),
        ],
    ),
    "add_at": Samples(
        summed,
        [
            *(((normal(2, 3), normal(*shape, seed=1)), {"index": index}) for index, shape in indices),
            ((normal(2, 3), normal(seed=1)), {"index": pairs}),
            ((normal(3, 2).T, normal(4, seed=1)), {"index": (np.array([-1, -1, 0, 1]), np.array([-1, 2, 0, -3]))}),
            ((normal(2, 3, 2), normal(2, 3, 1, seed=1)), {"index": (slice(None), np.array([2, -1, 0]))}),
            ((normal(2, 3, 2), normal(2, 2, seed=1)), {"index": (np.array([1, 1]), np.array([0, 0], np.int8))}),
        ],
    ),
    "multiply_at": Samples(
        multiplied,
        [
            ((normal(3), normal(4, seed=1)), {"index": np.array([0, 2, 2, 0])}),
            ((normal(3), normal(0, seed=1)), {"index": np.array([], np.int64)}),
            ((normal(6)[::-2], normal(2, seed=1)), {"index": np.array([1, 1])}),
        ],
    ),
    "gather": Samples(
        lambda lib, a, dim, places: lib.gather(a, dim, lib.from_numpy(places)),
        [
            ((normal(2, 3),), {"dim": 1, "places": columns}),
            ((normal(2, 3),), {"dim": 0, "places": lines}),
            ((normal(3, 2).T,), {"dim": 1, "places": columns}),
            ((normal(2, 3),), {"dim": 1, "places": columns[:, :0]}),
        ],
    ),
    "gather_transposed": Samples(
        lambda lib, a, shape, dim, places: lib.zeros(shape, dtype=a.dtype).scatter_add(dim, lib.from_numpy(places), a),
        [
            ((normal(2, 4),), {"shape": (2, 3), "dim": 1, "places": columns}),
            ((normal(1, 2),), {"shape": (2, 3), "dim": 0, "places": lines}),
            ((normal(4, 2).T,), {"shape": (2, 3), "dim": 1, "places": columns}),
        ],
    ),
}
