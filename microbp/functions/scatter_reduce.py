"""Values gathered at positions and reduced there: summed, multiplied, averaged, or the extreme of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from microbp.errors import OptionError
from microbp.functions.conversion import convert
from microbp.functions.dims import as_dim
from microbp.functions.joining import cat
from microbp.functions.scatter import scatter_add
from microbp.functions.writing import require_tensor, same_dtype
from microbp.inplace import compute_in_place
from microbp.methods import method
from microbp.ops.indexing import setitem
from microbp.tensor import Tensor, apply, wrap

__all__ = ["scatter_reduce"]

EXTREMES = {"amax": (-np.inf, "min"), "amin": (np.inf, "max")}  # what changes nothing, among floats and integers


@method("scatter_reduce")
def scatter_reduce(
    input: Tensor, dim: int, index: Tensor, src: Tensor, reduce: str, *, include_self: bool = True
) -> Tensor:
    """The tensor with the values that are sent to a place reduced to one; ``src[i, j]`` goes to ``[i, index[i, j]]``
    for ``dim=1``.

    Parameters
    ----------
    input : Tensor
        Of any shape.
    dim : int
        The axis along which `index` names positions.
    index : Tensor
        Integers, in a shape that is nowhere larger than that of `src`, nor than that of `input`, but along `dim`.
    src : Tensor
        The values, of the dtype of `input`.
    reduce : {"sum", "prod", "mean", "amax", "amin"}
        How values that meet at a place become one; extremes share their gradient evenly.
    include_self : bool
        Whether what is at the place already takes part.

    Returns
    -------
    Tensor
        Places that `index` does not name stay as they are.

    Raises
    ------
    OptionError
        If there is no such reduction.
    ShapeError, RangeError, DtypeError
        As for `scatter`.

    Examples
    --------
    >>> import microbp
    >>> index = microbp.tensor([0, 1, 0])
    >>> microbp.zeros(3).scatter_reduce(0, index, microbp.tensor([1.0, 2.0, 5.0]), "amax")
    tensor([5., 2., 0.])
    """
    if reduce not in ("sum", "mean", "prod", *EXTREMES):
        raise OptionError(f"scatter_reduce: reduce must be sum, prod, mean, amax or amin, got {reduce!r}")
    src = require_tensor("scatter_reduce", src)
    same_dtype("scatter_reduce", input, src)
    ones = wrap(np.ones(src.shape, np.int64))
    counts: Any = scatter_add(wrap(np.zeros(input.shape, np.int64)), dim, index, ones)  # also checks the arguments
    if reduce in ("prod", *EXTREMES):
        return side_by_side(input, dim, index, src, reduce, include_self)
    start: Any = input if include_self else input.masked_fill(counts > 0, 0)
    total: Any = scatter_add(start, dim, index, src)
    if reduce == "sum":
        return total  # type: ignore[no-any-return]
    number = (counts + int(include_self)).masked_fill(counts == 0, 1)
    return total.div(number, rounding_mode=None if input.dtype.kind == "f" else "floor")  # type: ignore[no-any-return]


def side_by_side(input: Any, dim: int, index: Any, src: Any, reduce: str, include_self: bool) -> Tensor:
    """The reduction of a table with a column for each place that is named, filled up with what changes nothing."""
    shape, size = input.shape or (1,), index.shape or (1,)
    if not index.array.size:
        return input.clone()  # type: ignore[no-any-return]
    positions = np.indices(size)
    positions[as_dim("scatter_reduce", dim, len(shape))] = index.array.reshape(size)
    places, column = np.unique(np.ravel_multi_index(tuple(positions), shape).reshape(-1), return_inverse=True)
    order = np.argsort(column, kind="stable")
    row = np.empty_like(column)
    row[order] = np.arange(column.size) - np.searchsorted(column[order], column[order])
    filler: Any = 1
    if reduce in EXTREMES:
        float_filler, integer_filler = EXTREMES[reduce]
        filler = float_filler if input.dtype.kind == "f" else getattr(np.iinfo(input.dtype), integer_filler)
    values = src[tuple(slice(0, k) for k in index.shape)].reshape(-1)
    table = wrap(np.full((int(row.max()) + 1, places.size), filler, input.dtype))
    table = apply(setitem, table, values, index=(row, column))
    flat = input.reshape(-1)
    if include_self:
        table = cat([flat[places][None], table])
    reduced = convert(getattr(table, reduce)(0), input.dtype)
    return apply(setitem, flat, reduced, index=(places,)).reshape(input.shape)


@method("scatter_reduce_")
def scatter_reduce_(
    self: Tensor, dim: int, index: Tensor, src: Tensor, reduce: str, *, include_self: bool = True
) -> Tensor:
    """Reduce values at the places that they are sent to, in place; see `microbp.scatter_reduce`."""
    return compute_in_place(
        "scatter_reduce",
        lambda before, source: scatter_reduce(before, dim, index, source, reduce, include_self=include_self),
        self,
        src,
    )
