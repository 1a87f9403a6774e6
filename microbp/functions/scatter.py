"""Values scattered over a tensor: each written, or added, to a place of its own.

Where a place occurs twice in what is written, one of the values stays; where it occurs twice
in what is added, both count.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from microbp.errors import OptionError, ShapeError
from microbp.functions.dims import as_dim
from microbp.functions.gathering import positions, within
from microbp.functions.indexing import truths
from microbp.functions.reduction import prod as product
from microbp.functions.reduction import sum as total
from microbp.functions.writing import Plan, anew, in_place, nowhere, require_tensor, same_dtype
from microbp.methods import method
from microbp.mode import current
from microbp.ops import indexing as rows
from microbp.ops import shape as shaping
from microbp.tensor import Tensor, apply, as_operand, wrap

__all__ = [
    "masked_scatter",
    "scatter",
    "scatter_add",
]


@method("scatter")
def scatter(
    input: Tensor, dim: int, index: Tensor, src: Any = None, *, value: Any = None, reduce: str | None = None
) -> Tensor:
    """The tensor with values written where `index` says: y[i, index[i, j]] = src[i, j] for ``dim=1``.

    Parameters
    ----------
    input : Tensor
        Of any shape.
    dim : int
        The axis along which `index` names positions.
    index : Tensor
        Integers, in a shape that is nowhere larger than that of `src`, nor than that of `input`, but along `dim`.
    src : Tensor or number
        The values, of the dtype of `input`.
    reduce : {"add", "multiply"}, optional
        Add to the elements, or multiply them, instead; a product has no gradient.
    value : number, optional
        One value for all places, in the place of `src`.

    Returns
    -------
    Tensor
        Where a position occurs twice in `index`, one of the values is there, and the gradient goes to all of them.

    Raises
    ------
    ShapeError
        If the shapes do not fit.
    RangeError
        If a position is out of range.
    DtypeError
        If the dtypes differ.
    NotImplementedError
        If a gradient of ``reduce="multiply"`` would be wanted.
    OptionError
        If `reduce` is something else.

    Examples
    --------
    >>> import microbp
    >>> labels = microbp.tensor([[2], [0]])
    >>> microbp.zeros(2, 3).scatter(1, labels, 1.0)
    tensor([[0., 0., 1.],
            [1., 0., 0.]])
    """
    return anew(input, scattered("scatter", input, dim, index, src, value, reduce))


@method("scatter_")
def scatter_(
    self: Tensor, dim: int, index: Tensor, src: Any = None, *, value: Any = None, reduce: str | None = None
) -> Tensor:
    """Write values where `index` says, in place; see `microbp.scatter`.

    Examples
    --------
    >>> import microbp
    >>> microbp.zeros(3).scatter_(0, microbp.tensor([2, 0]), microbp.tensor([5.0, 6.0]))
    tensor([6., 0., 5.])
    """
    return in_place(self, scattered("scatter_", self, dim, index, src, value, reduce))


@method("scatter_add")
def scatter_add(input: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    """The tensor with values added where `index` says: y[i, index[i, j]] += src[i, j] for ``dim=1``.

    Parameters
    ----------
    input, dim, index, src
        As for `scatter`.

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError, RangeError, DtypeError
        As for `scatter`.

    Examples
    --------
    >>> import microbp
    >>> words = microbp.tensor([0, 2, 0])
    >>> microbp.zeros(3).scatter_add(0, words, microbp.ones(3))
    tensor([2., 0., 1.])
    """
    return anew(input, scattered("scatter_add", input, dim, index, require_tensor("scatter_add", src), None, "add"))


@method("scatter_add_")
def scatter_add_(self: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    """Add values where `index` says, in place; see `microbp.scatter_add`.

    Examples
    --------
    >>> import microbp
    >>> microbp.zeros(2).scatter_add_(0, microbp.tensor([1, 1]), microbp.tensor([5.0, 6.0]))
    tensor([ 0., 11.])
    """
    return in_place(self, scattered("scatter_add_", self, dim, index, require_tensor("scatter_add_", src), None, "add"))


def scattered(name: str, input: Tensor, dim: int, index: Any, src: Any, value: Any, reduce: str | None) -> Plan:
    """Which row writes what where, for positions along one axis that may differ over the others."""
    if (src is None) == (value is None):
        raise TypeError(f"{name}() takes either src or value")
    written = {None: rows.setitem, "add": rows.add_at, "multiply": rows.multiply_at}
    if reduce not in written:
        raise OptionError(f"{name}: reduce must be None, 'add' or 'multiply', got {reduce!r}")
    places = np.atleast_1d(positions(name, index))
    shape = input.array.shape or (1,)  # a number counts as a vector of one element
    values = as_operand(value if src is None else src)
    if isinstance(values, Tensor):
        same_dtype(name, input, values)
        if not values.ndim:
            values = apply(shaping.reshape, values, shape=(1,))
    else:
        values = input.dtype.type(values).item()
        if not input.ndim:
            values = wrap(np.full(places.shape, values, input.dtype))
    axis = as_dim(name, dim, input.ndim)
    limits = values.array.shape if isinstance(values, Tensor) else places.shape
    fits = places.ndim == len(shape) == len(limits)
    fits = fits and all(size <= limit for size, limit in zip(places.shape, limits, strict=True))
    allowed = zip(places.shape, shape, strict=fits)
    if places.size and not (fits and all(k == axis or size <= limit for k, (size, limit) in enumerate(allowed))):
        raise ShapeError(
            f"{name}: index {places.shape} must be no larger than src {np.shape(src)}, and than input {input.shape} "
            f"apart from dimension {axis}"
        )
    within(name, places, shape[axis], axis)
    if reduce == "multiply":
        refuse_gradient(name, input, values)
    if not places.size:
        if isinstance(values, Tensor):
            values = apply(rows.getitem, apply(shaping.reshape, values, shape=(values.numel(),)), index=slice(0, 0))
        return rows.setitem, values, nowhere(input)
    if isinstance(values, Tensor) and values.array.shape != places.shape:
        values = apply(rows.getitem, values, index=tuple(slice(0, size) for size in places.shape))
    if not input.ndim:
        together = {None: lambda values: values[-1], "add": total, "multiply": product}
        return written[reduce], together[reduce](values), ()
    return written[reduce], values, rows.grid(places, axis)


@method("masked_scatter")
def masked_scatter(input: Tensor, mask: Tensor, source: Tensor) -> Tensor:
    """The tensor with the elements where a mask is true replaced, in order, by the first elements of another.

    Parameters
    ----------
    input, mask : Tensor
        Of shapes that broadcast; the mask holds truth values.
    source : Tensor
        Of the dtype of `input`, with at least as many elements as the mask has true ones.

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError
        If there are not enough elements.
    DtypeError
        If the dtypes differ.

    Examples
    --------
    >>> import microbp
    >>> t = microbp.tensor([1, 2, 3])
    >>> microbp.masked_scatter(t, t != 2, microbp.tensor([7, 8, 9]))
    tensor([7, 2, 8])
    """
    where = truths("masked_scatter", mask)
    shape = np.broadcast_shapes(input.array.shape, where.shape)
    whole = input if shape == input.array.shape else apply(shaping.expand, input, shape=shape)
    return anew(whole, in_turn("masked_scatter", whole, where, source))


@method("masked_scatter_")
def masked_scatter_(self: Tensor, mask: Tensor, source: Tensor) -> Tensor:
    """Replace, in order, the elements where a mask is true, in place; see `microbp.masked_scatter`."""
    return in_place(self, in_turn("masked_scatter_", self, truths("masked_scatter_", mask), source))


def in_turn(name: str, input: Tensor, where: Any, source: Any) -> Plan:
    """Which row writes what where, for values that take the true places of a mask in turn."""
    values = require_tensor(name, source)
    same_dtype(name, input, values)
    try:
        where = np.array(np.broadcast_to(where, input.array.shape))
    except ValueError:
        raise ShapeError(f"{name}: mask {where.shape} cannot be broadcast to the tensor {input.shape}") from None
    count = int(np.count_nonzero(where))
    if values.array.size < count:
        raise ShapeError(f"{name}: source has {values.array.size} elements for the {count} true ones of mask")
    flat = apply(shaping.reshape, values, shape=(values.array.size,))
    return rows.setitem, apply(rows.getitem, flat, index=slice(0, count)), where


def refuse_gradient(name: str, *inputs: Any) -> None:
    """Refuse what has no gradient where one would be wanted."""
    if current.get().recording and any(isinstance(value, Tensor) and value.requires_grad for value in inputs):
        raise NotImplementedError(
            f"{name}: reduce='multiply' has no gradient; use detach() or no_grad() if none is wanted"
        )
