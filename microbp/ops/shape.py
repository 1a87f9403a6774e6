"""Rows that rearrange elements, repeat them, join them, or change their dtype."""

from __future__ import annotations

from typing import Any

import numpy as np

from microbp.ops import indexing  # noqa: F401  (formulas name a row of it)
from microbp.ops.op import op

__all__: list[str] = []


@op("a.astype(dtype)")
def cast(a: Any, *, dtype: Any, source: Any) -> Any:
    """Conversion from the dtype `source` to another."""
    return a.astype(dtype)


cast.grad("a", "cast(g, dtype=source, source=dtype)")


@op("a.copy()")
def clone(a: Any) -> Any:
    """A copy that is part of the graph."""
    return a.copy()


clone.grad("a", "g")


@op("a.reshape(shape)", view=True)
def reshape(a: Any, *, shape: tuple[int, ...]) -> Any:
    """The same elements in another shape; a view where memory allows it, else a copy."""
    return a.reshape(shape)


reshape.grad("a", "reshape(g, shape=a_shape)")


@op("a.transpose(dims)", view=True)
def permute(a: Any, *, dims: tuple[int, ...]) -> Any:
    """The axes in another order."""
    return a.transpose(dims)


@permute.grad("a", "permute(g, dims=argsort(dims))")
def _(g: Any, *, dims: tuple[int, ...]) -> Any:
    return permute(g, dims=inverse(dims))


def inverse(dims: tuple[int, ...]) -> tuple[int, ...]:
    """The permutation that undoes another."""
    return tuple(sorted(range(len(dims)), key=dims.__getitem__))


@op("broadcast_to(a, shape)", view=True)
def expand(a: Any, *, shape: tuple[int, ...]) -> Any:
    """The elements repeated along new or stretched axes, without copying them."""
    return np.broadcast_to(a, shape)


expand.grad("a", "sum_to(g, a_shape)")


@op("concatenate(a, axis=dim)")
def cat(*a: Any, dim: int, parts: tuple[Any, ...]) -> Any:
    """The arrays one after the other along an axis; `parts` are their places in the result."""
    return np.concatenate(a, axis=dim)


cat.grad("a", "getitem(g, index=parts[k])")


@op("stack(a, axis=dim)")
def stack(*a: Any, dim: int, parts: tuple[Any, ...]) -> Any:
    """The arrays side by side along a new axis; `parts` are their places in the result."""
    return np.stack(a, axis=dim)


stack.grad("a", "getitem(g, index=parts[k])")
