"""Copies of a tensor with other values in a part of it: a diagonal, one slice, or several; and copies of a part."""

from __future__ import annotations

from typing import Any

from microbp.errors import DtypeError, ShapeError
from microbp.functions.diagonal import diagonal
from microbp.functions.dims import as_dim
from microbp.functions.indexing import narrow, select
from microbp.methods import method
from microbp.tensor import Tensor

__all__ = ["diagonal_scatter", "select_scatter", "slice_scatter"]


@method("diagonal_scatter")
def diagonal_scatter(input: Tensor, src: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """A copy of the tensor with other values on a diagonal.

    Parameters
    ----------
    input : Tensor
        Of at least two dimensions.
    src : Tensor
        The values, of the shape that ``diagonal(input, offset, dim1, dim2)`` has.
    offset, dim1, dim2 : int
        Which diagonal, as for `diagonal`.

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError
        If the shapes do not fit.
    DtypeError
        If the dtypes differ.

    Examples
    --------
    >>> import microbp
    >>> microbp.diagonal_scatter(microbp.zeros(2, 2), microbp.tensor([1.0, 2.0]))
    tensor([[1., 0.],
            [0., 2.]])
    """
    out = input.clone()
    return put("diagonal_scatter", out, diagonal(out, offset, dim1, dim2), src)


@method("select_scatter")
def select_scatter(input: Tensor, src: Tensor, dim: int, index: int) -> Tensor:
    """A copy of the tensor with other values at one position of an axis.

    Parameters
    ----------
    input : Tensor
        Of at least one dimension.
    src : Tensor
        The values, of the shape that ``select(input, dim, index)`` has.
    dim, index : int
        The axis and the position.

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError, DtypeError
        As for `diagonal_scatter`.

    Examples
    --------
    >>> import microbp
    >>> microbp.select_scatter(microbp.zeros(2, 2), microbp.tensor([1.0, 2.0]), 0, 1)
    tensor([[0., 0.],
            [1., 2.]])
    """
    out = input.clone()
    return put("select_scatter", out, select(out, dim, index), src)


@method("slice_scatter")
def slice_scatter(
    input: Tensor, src: Tensor, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1
) -> Tensor:
    """A copy of the tensor with other values in a slice of an axis.

    Parameters
    ----------
    input : Tensor
        Of at least one dimension.
    src : Tensor
        The values, of the shape that the slice has.
    dim : int
        The axis.
    start, end, step : int, optional
        The slice.

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError, DtypeError
        As for `diagonal_scatter`.

    Examples
    --------
    >>> import microbp
    >>> microbp.slice_scatter(microbp.zeros(4), microbp.tensor([1.0, 2.0]), step=2)
    tensor([1., 0., 2., 0.])
    """
    out = input.clone()
    axis = as_dim("slice_scatter", dim, input.ndim)
    return put("slice_scatter", out, out[(*(slice(None),) * axis, slice(start, end, step))], src)


def put(name: str, out: Tensor, part: Any, src: Tensor) -> Tensor:
    """Write values into a view of a tensor that nobody else has."""
    if src.shape != part.shape:
        raise ShapeError(f"{name}: src {src.shape} must have the shape of what it replaces, {part.shape}")
    if src.dtype != out.dtype:
        raise DtypeError(f"{name}: input of {out.dtype} and src of {src.dtype} must have the same dtype")
    part.copy_(src)
    return out


@method("narrow_copy")
def narrow_copy(self: Tensor, dim: int, start: int, length: int) -> Tensor:
    """`narrow`, in memory of its own.

    Parameters
    ----------
    dim, start, length
        As for `microbp.narrow`.

    Returns
    -------
    Tensor
        A copy.
    """
    return narrow(self, dim, start, length).clone()
