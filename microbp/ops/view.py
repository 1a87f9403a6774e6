"""Rows for what lies behind a view: to look along the way to it, and to write at its end.

A *path* is the operations that lead from a tensor to a view of it, one after the other:
``((row, options), ...)``. A recorded write into a view is a new value of the tensor itself,
equal to the old one but for the elements that the view shows.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from microbp.ops.op import op

__all__: list[str] = []


@op("follow(a, path)", view=True)
def look(a: Any, *, path: Any) -> Any:
    """The elements that a view shows, given its path."""
    return follow(a, path)


look.grad("a", "put_view(g, shape=a_shape, path=path)")


@op("put(zeros(shape), path, a)")
def put_view(a: Any, *, shape: tuple[int, ...], path: Any) -> Any:
    """Zeros, with the values where a view shows them, given its path."""
    y = np.zeros(shape, a.dtype)
    put(y, path, a)
    return y


put_view.grad("a", "look(g, path=path)")


@op("put(a.copy(), path, b)", broadcasts=False)
def write_through(a: Any, b: Any, *, path: Any) -> Any:
    """The tensor with the values `b` where a view shows them, given its path."""
    y = np.array(a, order="C")
    put(y, path, b)
    return y


write_through.grad("a", "write_through(g, 0, path=path)")
write_through.grad("b", "look(g, path=path)")


def follow(a: Any, path: Any) -> Any:
    """What the operations of a path lead to, in NumPy."""
    for row, options in path:
        a = row.forward(a, **options)
    return a


def put(y: Any, path: Any, values: Any) -> None:
    """Write values where a path leads to."""
    view = follow(y, path)
    if np.may_share_memory(view, y):
        view[...] = values
    else:  # some step is a copy in the memory layout of `y`, though it is none in the layout that the view is of
        y.reshape(-1)[follow(np.arange(y.size).reshape(y.shape), path)] = values
