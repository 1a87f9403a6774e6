"""Elements picked out at positions along an axis, or in the flattened tensor.

Positions are tensors of integers. They are copied, so that a later write to them cannot
change what a graph remembers.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from microbp.errors import DtypeError, RangeError, ShapeError
from microbp.functions.dims import as_dim
from microbp.methods import method
from microbp.ops import indexing as rows
from microbp.ops import shape as shaping
from microbp.tensor import Tensor, apply, wrap

__all__ = ["gather", "index_select", "take", "take_along_dim"]


@method("index_select")
def index_select(input: Tensor, dim: int, index: Tensor) -> Tensor:
    """The slices at several positions of an axis, in the order given.

    Parameters
    ----------
    input : Tensor
        Of at least one dimension.
    dim : int
        The axis.
    index : Tensor
        The positions: integers of shape (n,) or ().

    Returns
    -------
    Tensor
        With size n along the axis.

    Raises
    ------
    ShapeError
        If the input has no dimensions and there is not exactly one position.
    RangeError
        If a position is out of range.
    DtypeError
        If the positions are not integers.

    Examples
    --------
    >>> import microbp
    >>> microbp.index_select(microbp.tensor([[1, 2], [3, 4]]), 1, microbp.tensor([1, 1]))
    tensor([[2, 2],
            [4, 4]])
    """
    places = positions("index_select", index)
    if places.ndim > 1:
        raise IndexError(f"index_select: index must have at most 1 dimension, got shape {places.shape}")
    axis = as_dim("index_select", dim, input.array.ndim)
    within("index_select", places, input.array.shape[axis] if input.ndim else 1, axis)
    if not input.ndim:
        if places.size != 1:
            raise ShapeError(f"index_select: of a number only one can be selected, got index {places.shape}")
        return apply(shaping.clone, input)
    return apply(rows.getitem, input, index=(*(slice(None),) * axis, places.reshape(-1)))


@method("gather")
def gather(input: Tensor, dim: int, index: Tensor, *, sparse_grad: bool = False) -> Tensor:
    """Along an axis, the element that `index` names for each position: y[i, j] = a[i, index[i, j]] for ``dim=1``.

    Parameters
    ----------
    input : Tensor
        Of any shape.
    dim : int
        The axis.
    index : Tensor
        Integers, in a shape that is nowhere larger than that of `input`, but along `dim`; or none at all.
    sparse_grad : bool
        Must be False: gradients are dense.

    Returns
    -------
    Tensor
        Of the shape of `index`.

    Raises
    ------
    ShapeError
        If the shapes do not fit.
    RangeError
        If a position is out of range.
    NotImplementedError
        For ``sparse_grad=True``.
    DtypeError
        If the positions are not integers.

    Examples
    --------
    >>> import microbp
    >>> t = microbp.tensor([[1, 2], [3, 4]])
    >>> microbp.gather(t, 1, microbp.tensor([[0], [1]]))
    tensor([[1],
            [4]])
    """
    if sparse_grad:
        raise NotImplementedError("gather has no sparse gradients; use sparse_grad=False")
    places = positions("gather", index)
    shape = input.array.shape
    axis = as_dim("gather", dim, len(shape))
    within("gather", places, shape[axis] if shape else 1, axis)
    if not places.size or (places.ndim, len(shape)) in ((0, 1), (1, 0)):  # a number counts as a vector of one element
        return take(input, wrap(places))
    fits = all(k == axis or size <= limit for k, (size, limit) in enumerate(zip(places.shape, shape, strict=False)))
    if places.ndim != len(shape) or not fits:
        raise ShapeError(f"gather: index {places.shape} does not fit input {shape} along dimension {axis}")
    return apply(rows.gather, input, dim=axis, places=places)


@method("take")
def take(input: Tensor, index: Tensor) -> Tensor:
    """The elements at positions in the flattened tensor.

    Parameters
    ----------
    input : Tensor
        Of any shape.
    index : Tensor
        Integers.

    Returns
    -------
    Tensor
        Of the shape of `index`.

    Raises
    ------
    DtypeError
        If the positions are not integers.

    Examples
    --------
    >>> import microbp
    >>> microbp.take(microbp.tensor([[1, 2], [3, 4]]), microbp.tensor([0, 3]))
    tensor([1, 4])
    """
    flat = apply(shaping.reshape, input, shape=(input.array.size,))
    return apply(rows.getitem, flat, index=positions("take", index))


@method("take_along_dim")
def take_along_dim(input: Tensor, indices: Tensor, dim: int | None = None) -> Tensor:
    """Along an axis, the element that `indices` names for each position, as `argsort` and `argmax` give them.

    Parameters
    ----------
    input : Tensor
        Of any shape.
    indices : Tensor
        Integers, counted from the end if negative, in a shape that broadcasts with that of `input` but along `dim`.
    dim : int, optional
        The axis; without it, elements of the flattened tensor are taken.

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError
        If the shapes do not fit.
    RangeError
        If a position is out of range.
    DtypeError
        If the positions are not integers.

    Examples
    --------
    >>> import microbp
    >>> t = microbp.tensor([[3, 1, 2], [6, 5, 4]])
    >>> microbp.take_along_dim(t, t.argmax(dim=1, keepdim=True), dim=1)
    tensor([[3],
            [6]])
    """
    places = positions("take_along_dim", indices)
    if dim is None:
        input, places, dim = apply(shaping.reshape, input, shape=(input.array.size,)), places.reshape(-1), 0
    axis = as_dim("take_along_dim", dim, input.array.ndim)
    shape = input.array.shape
    if places.ndim != len(shape):
        raise ShapeError(f"take_along_dim: input {shape} and indices {places.shape} must have equally many dimensions")
    size = shape[axis] if shape else 1
    within("take_along_dim", places, size, axis, negative=True)
    others = [(*sizes[:axis], *sizes[axis + 1 :]) for sizes in (shape, places.shape)]
    try:
        common = np.broadcast_shapes(*others)
    except ValueError:
        raise ShapeError(
            f"take_along_dim: input {shape} and indices {places.shape} do not fit apart from dimension {axis}"
        ) from None
    places = np.where(places < 0, places + size, places)
    if not shape:
        return apply(rows.gather, input, dim=axis, places=places)
    wide = (*common[:axis], size, *common[axis:])
    places = np.broadcast_to(places, (*common[:axis], places.shape[axis], *common[axis:]))
    whole = input if wide == shape else apply(shaping.expand, input, shape=wide)
    return apply(rows.gather, whole, dim=axis, places=places)


def positions(name: str, index: Any) -> np.ndarray[Any, Any]:
    """A tensor of positions as an array of its own."""
    found = np.array(index.array if isinstance(index, Tensor) else index)
    if found.dtype.kind != "i":
        raise DtypeError(f"{name}: index must hold integers, got {found.dtype}")
    return found


def within(name: str, places: Any, size: int, axis: int, negative: bool = False) -> None:
    """Refuse positions that an axis does not have.

    Raises
    ------
    RangeError
        If there are any.
    """
    wrong = places[(places < (-size if negative else 0)) | (places >= size)]
    if wrong.size:
        raise RangeError(f"{name}: index {wrong[0]} is out of bounds for dimension {axis} of size {size}")
