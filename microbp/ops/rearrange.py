"""Rows that turn, shift and repeat elements, blank out triangles, and look at diagonals.

All of them are linear, so each rule is the transposed map: `flip` and the triangles are
their own transposes, `diagonal` and `diag_embed` are each other's, and so are `repeat` and
`sum_repeats`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from microbp.ops.op import op
from microbp.ops.reduction import sum as total

__all__: list[str] = []


@op("flip(a, dims)")
def flip(a: Any, *, dims: tuple[int, ...]) -> Any:
    """The elements in reverse order along some axes."""
    return np.flip(a, dims).copy()  # as in PyTorch no view, which would have negative strides


flip.grad("a", "flip(g, dims=dims)")


@op("roll(a, shifts, dims)")
def roll(a: Any, *, shifts: tuple[int, ...], dims: tuple[int, ...]) -> Any:
    """The elements moved on along some axes; what leaves at the end comes in at the beginning."""
    return np.roll(a, shifts, dims)


@roll.grad("a", "roll(g, shifts=negative(shifts), dims=dims)")
def _(g: Any, *, shifts: tuple[int, ...], dims: tuple[int, ...]) -> Any:
    return roll(g, shifts=tuple(-shift for shift in shifts), dims=dims)


@op("tril(a, diagonal)")
def tril(a: Any, *, diagonal: int) -> Any:
    """The lower triangles of matrices, up to and with a diagonal; zeros elsewhere."""
    return np.tril(a, diagonal)


tril.grad("a", "tril(g, diagonal=diagonal)")


@op("triu(a, diagonal)")
def triu(a: Any, *, diagonal: int) -> Any:
    """The upper triangles of matrices, from and with a diagonal on; zeros elsewhere."""
    return np.triu(a, diagonal)


triu.grad("a", "triu(g, diagonal=diagonal)")


@op("diagonal(a, offset, dim1, dim2)", view=True)
def diagonal(a: Any, *, offset: int, dim1: int, dim2: int) -> Any:
    """The elements on a diagonal of the planes of two axes, along a new last axis."""
    y = np.diagonal(a, offset, dim1, dim2)
    y.flags.writeable = a.flags.writeable  # NumPy gives a read-only view
    return y


diagonal.grad("a", "diag_embed(g, shape=a_shape, offset=offset, dim1=dim1, dim2=dim2)")


@op("put(zeros(shape), diagonal(offset, dim1, dim2), a)")
def diag_embed(a: Any, *, shape: tuple[int, ...], offset: int, dim1: int, dim2: int) -> Any:
    """Zeros, with the last axis laid along a diagonal of the planes of two axes."""
    y = np.zeros(shape, a.dtype)
    diagonal.forward(y, offset=offset, dim1=dim1, dim2=dim2)[...] = a
    return y


diag_embed.grad("a", "diagonal(g, offset=offset, dim1=dim1, dim2=dim2)")


@op("tile(a, repeats)")
def repeat(a: Any, *, repeats: tuple[int, ...]) -> Any:
    """The whole array several times along each axis; `repeats` may name new axes in front."""
    return np.tile(a, repeats)


repeat.grad("a", "sum_repeats(g, shape=a_shape, repeats=repeats)")


@op("a.reshape(blocks(shape, repeats)).sum(axis=every_other).reshape(shape)")
def sum_repeats(a: Any, *, shape: tuple[int, ...], repeats: tuple[int, ...]) -> Any:
    """The sum of all the copies of an array that `repeat` would make of one of this shape."""
    sizes = (1,) * (len(repeats) - len(shape)) + shape
    blocks = [size for pair in zip(repeats, sizes, strict=True) for size in pair]
    return total.forward(a.reshape(blocks), dim=tuple(range(0, len(blocks), 2)), keepdim=False).reshape(shape)


sum_repeats.grad("a", "repeat(g, repeats=repeats)")
