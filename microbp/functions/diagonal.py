"""Triangles and diagonals of matrices: keeping them, looking at them, making matrices of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from microbp.dtypes import as_dtype
from microbp.errors import OptionError, ShapeError
from microbp.functions.creation import finished
from microbp.functions.dims import as_dim
from microbp.functions.reduction import sum as total
from microbp.functions.shape import ravel
from microbp.inplace import apply_in_place
from microbp.methods import method
from microbp.ops import rearrange as rows
from microbp.ops import shape as shaping
from microbp.tensor import Tensor, apply

__all__ = [
    "diag",
    "diag_embed",
    "diagflat",
    "diagonal",
    "trace",
    "tril",
    "tril_indices",
    "triu",
    "triu_indices",
]


@method("tril")
def tril(input: Tensor, diagonal: int = 0) -> Tensor:
    """The lower triangles of matrices, zeros elsewhere.

    Parameters
    ----------
    input : Tensor
        One or more matrices, of shape (..., n, m).
    diagonal : int
        The last diagonal to keep: 0 is the main one, positive numbers are above it.

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError
        If there are fewer than two dimensions.

    Examples
    --------
    >>> import microbp
    >>> microbp.tril(microbp.ones(3, 3))
    tensor([[1., 0., 0.],
            [1., 1., 0.],
            [1., 1., 1.]])
    """
    return apply(rows.tril, matrices("tril", input), diagonal=diagonal)


@method("triu")
def triu(input: Tensor, diagonal: int = 0) -> Tensor:
    """The upper triangles of matrices, zeros elsewhere.

    Parameters
    ----------
    input : Tensor
        One or more matrices, of shape (..., n, m).
    diagonal : int
        The first diagonal to keep: 0 is the main one, positive numbers are above it.

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError
        If there are fewer than two dimensions.

    Examples
    --------
    >>> import microbp
    >>> microbp.triu(microbp.ones(3, 3), diagonal=1)
    tensor([[0., 1., 1.],
            [0., 0., 1.],
            [0., 0., 0.]])
    """
    return apply(rows.triu, matrices("triu", input), diagonal=diagonal)


@method("tril_")
def tril_(self: Tensor, diagonal: int = 0) -> Tensor:
    """Set all but the lower triangles to 0, in place; see `microbp.tril`."""
    return apply_in_place(rows.tril, matrices("tril_", self), diagonal=diagonal)


@method("triu_")
def triu_(self: Tensor, diagonal: int = 0) -> Tensor:
    """Set all but the upper triangles to 0, in place; see `microbp.triu`."""
    return apply_in_place(rows.triu, matrices("triu_", self), diagonal=diagonal)


def matrices(name: str, input: Tensor) -> Tensor:
    """Refuse vectors and numbers."""
    if input.ndim < 2:
        raise ShapeError(f"{name} needs a tensor of at least 2 dimensions, got shape {tuple(input.shape)}")
    return input


def tril_indices(row: int, col: int, offset: int = 0, *, dtype: Any = None, device: Any = None) -> Tensor:
    """Where the elements of a lower triangle are, row by row.

    Parameters
    ----------
    row, col : int
        The shape of the matrix.
    offset : int
        The last diagonal that belongs to the triangle: 0 is the main one, positive numbers are above it.
    dtype : dtype, optional
        int64 by default.
    device
        ``"cpu"``.

    Returns
    -------
    Tensor
        Of shape (2, n): the rows and the columns of the n elements.

    Raises
    ------
    OptionError
        If a size is negative.

    Examples
    --------
    >>> import microbp
    >>> microbp.tril_indices(2, 2)
    tensor([[0, 1, 1],
            [0, 0, 1]])
    """
    return triangle("tril_indices", np.tril_indices, row, col, offset, dtype, device)


def triu_indices(row: int, col: int, offset: int = 0, *, dtype: Any = None, device: Any = None) -> Tensor:
    """Where the elements of an upper triangle are, row by row.

    Parameters
    ----------
    row, col : int
        The shape of the matrix.
    offset : int
        The first diagonal that belongs to the triangle: 0 is the main one, positive numbers are above it.
    dtype : dtype, optional
        int64 by default.
    device
        As for `tril_indices`.

    Returns
    -------
    Tensor
        Of shape (2, n): the rows and the columns of the n elements.

    Raises
    ------
    OptionError
        If a size is negative.

    Examples
    --------
    >>> import microbp
    >>> microbp.triu_indices(2, 2)
    tensor([[0, 0, 1],
            [0, 1, 1]])
    """
    return triangle("triu_indices", np.triu_indices, row, col, offset, dtype, device)


def triangle(name: str, places: Any, row: int, col: int, offset: int, dtype: Any, device: Any) -> Tensor:
    """The positions of a triangle as one tensor."""
    if row < 0 or col < 0:
        raise OptionError(f"{name}: sizes must not be negative, got row={row} and col={col}")
    found = np.stack(places(row, offset, col))
    return finished(found.astype(np.int64 if dtype is None else as_dtype(dtype)), device, False)


@method("diagonal")
def diagonal(input: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """The elements on a diagonal of the planes of two axes, along a new last axis.

    Parameters
    ----------
    input : Tensor
        Of at least two dimensions.
    offset : int
        Which diagonal: 0 is the main one, positive numbers are above it.
    dim1, dim2 : int
        The axes of rows and columns.

    Returns
    -------
    Tensor
        A view.

    Raises
    ------
    ShapeError
        If the two axes are one.

    Examples
    --------
    >>> import microbp
    >>> t = microbp.zeros(2, 2)
    >>> t.diagonal().fill_(5)
    tensor([5., 5.])
    >>> t
    tensor([[5., 0.],
            [0., 5.]])
    """
    first, second = plane("diagonal", dim1, dim2, input.ndim)
    return apply(rows.diagonal, input, offset=offset, dim1=first, dim2=second)


@method("diag_embed")
def diag_embed(input: Tensor, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """Square matrices of zeros with given diagonals.

    Parameters
    ----------
    input : Tensor
        The diagonals, along the last axis: of shape (..., n).
    offset : int
        Which diagonal: 0 is the main one, positive numbers are above it.
    dim1, dim2 : int
        The axes of rows and columns in the result.

    Returns
    -------
    Tensor
        With one dimension more, and size n + abs(offset) along the two axes.

    Raises
    ------
    ShapeError
        If the two axes are one.

    Examples
    --------
    >>> import microbp
    >>> microbp.diag_embed(microbp.tensor([1, 2]), offset=1)
    tensor([[0, 1, 0],
            [0, 0, 2],
            [0, 0, 0]])
    """
    if not input.ndim:
        raise IndexError("diag_embed needs a tensor of at least 1 dimension, got a 0-d one")
    first, second = plane("diag_embed", dim1, dim2, input.ndim + 1)
    size = input.array.shape[-1] + abs(offset)
    batch = iter(input.array.shape[:-1])
    shape = tuple(size if axis in (first, second) else next(batch) for axis in range(input.ndim + 1))
    return apply(rows.diag_embed, input, shape=shape, offset=offset, dim1=first, dim2=second)


def plane(name: str, dim1: int, dim2: int, ndim: int) -> tuple[int, int]:
    """Two different axes."""
    first, second = as_dim(name, dim1, ndim), as_dim(name, dim2, ndim)
    if first == second:
        raise ShapeError(f"{name}: dim1={dim1} and dim2={dim2} are the same dimension")
    return first, second


@method("diag")
def diag(input: Tensor, diagonal: int = 0) -> Tensor:
    """The diagonal of a matrix as a vector of its own, or the matrix that has a vector as its diagonal.

    Parameters
    ----------
    input : Tensor
        Of one or two dimensions.
    diagonal : int
        Which diagonal: 0 is the main one, positive numbers are above it.

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError
        For any other number of dimensions.

    Examples
    --------
    >>> import microbp
    >>> microbp.diag(microbp.tensor([1, 2]))
    tensor([[1, 0],
            [0, 2]])
    >>> microbp.diag(microbp.tensor([[1, 2], [3, 4]]))
    tensor([1, 4])
    """
    if input.ndim == 1:
        return diag_embed(input, diagonal)
    if input.ndim != 2:
        raise ShapeError(f"diag takes a vector or a matrix, got shape {tuple(input.shape)}; use diagonal or diag_embed")
    return apply(shaping.clone, apply(rows.diagonal, input, offset=diagonal, dim1=0, dim2=1))


@method("diagflat")
def diagflat(input: Tensor, offset: int = 0) -> Tensor:
    """The matrix that has all elements of a tensor on its diagonal; see `diag_embed`.

    Parameters
    ----------
    input : Tensor
        Of any shape; its elements are taken in order.
    offset
        As for `diag_embed`.

    Returns
    -------
    Tensor
        Of shape (n, n), with n = the number of elements + abs(offset).

    Examples
    --------
    >>> import microbp
    >>> microbp.diagflat(microbp.tensor([[1], [2]]))
    tensor([[1, 0],
            [0, 2]])
    """
    return diag_embed(ravel(input), offset)


@method("trace")
def trace(input: Tensor) -> Tensor:
    """The sum of the elements on the diagonal of a matrix.

    Parameters
    ----------
    input : Tensor
        A matrix, of shape (n, m).

    Returns
    -------
    Tensor
        Of no dimensions; integers are summed as int64.

    Raises
    ------
    ShapeError
        If there are not two dimensions.

    Examples
    --------
    >>> import microbp
    >>> microbp.trace(microbp.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor(5.)
    """
    if input.ndim != 2:
        raise ShapeError(f"trace takes a matrix, got shape {tuple(input.shape)}")
    return total(apply(rows.diagonal, input, offset=0, dim1=0, dim2=1))
