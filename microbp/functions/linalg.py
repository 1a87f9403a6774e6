"""Products of vectors and matrices."""

from __future__ import annotations

from typing import Any

from microbp.errors import ShapeError
from microbp.functions.shape import squeeze, unsqueeze
from microbp.methods import method
from microbp.ops import linalg as rows
from microbp.ops import shape as shaping
from microbp.tensor import Tensor, apply, as_operand

__all__ = ["bmm", "dot", "ger", "matmul", "mm", "mv", "outer"]


@method("matmul")
def matmul(input: Tensor, other: Tensor) -> Tensor:
    """Product of matrices and vectors, also written ``input @ other``.

    Parameters
    ----------
    input, other : Tensor
        Matrices (n, k) and (k, m), or stacks of matrices (..., n, k) and (..., k, m) whose leading axes broadcast. A
        vector on the left is a row, a vector on the right a column, and the axis of size 1 is left out of the result.

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError
        If the inner dimensions differ.

    Examples
    --------
    >>> import microbp
    >>> microbp.tensor([[1.0, 2.0], [3.0, 4.0]]) @ microbp.tensor([1.0, 1.0])
    tensor([3., 7.])
    """
    a, b = input, other
    if not (isinstance(a, Tensor) and isinstance(b, Tensor)):
        a, b = as_operand(a), as_operand(b)
    left, right = shape_of(a), shape_of(b)
    if len(left) > 1 and len(right) > 1:
        return apply(rows.matmul, a, b)
    if not left or not right:
        raise ShapeError(f"matmul: a {left} and b {right} must both have at least 1 dimension; for a number use *")
    if left[-1] != right[0 if len(right) == 1 else -2]:
        raise rows.mismatch("matmul", a.array, b.array)
    if len(left) == len(right) == 1:
        return apply(rows.dot, a, b)
    if len(left) == 2:
        return apply(rows.mv, a, b)
    if len(right) == 2:
        return apply(rows.mv, apply(shaping.permute, b, dims=(1, 0)), a)
    if len(right) == 1:
        return squeeze(apply(rows.matmul, a, unsqueeze(b, 1)), -1)
    return squeeze(apply(rows.matmul, unsqueeze(a, 0), b), -2)


@method("mm")
def mm(input: Tensor, mat2: Tensor) -> Tensor:
    """Product of two matrices.

    Parameters
    ----------
    input, mat2 : Tensor
        Of shapes (n, k) and (k, m).

    Returns
    -------
    Tensor
        Of shape (n, m).

    Raises
    ------
    ShapeError
        If these are not matrices, or their inner dimensions differ.

    Examples
    --------
    >>> import microbp
    >>> microbp.mm(microbp.ones(1, 3), microbp.ones(3, 2))
    tensor([[3., 3.]])
    """
    return product("mm", rows.matmul, input, mat2, 2, 2)


@method("bmm")
def bmm(input: Tensor, mat2: Tensor) -> Tensor:
    """Products of the matrices of two stacks, one by one.

    Parameters
    ----------
    input, mat2 : Tensor
        Of shapes (b, n, k) and (b, k, m).

    Returns
    -------
    Tensor
        Of shape (b, n, m).

    Raises
    ------
    ShapeError
        If these are not stacks of equal length, or the inner dimensions differ.

    Examples
    --------
    >>> import microbp
    >>> microbp.bmm(microbp.ones(5, 1, 3), microbp.ones(5, 3, 2)).shape
    (5, 1, 2)
    """
    return stacked("bmm", input, mat2)


@method("mv")
def mv(input: Tensor, vec: Tensor) -> Tensor:
    """Product of a matrix and a vector.

    Parameters
    ----------
    input, vec : Tensor
        Of shapes (n, k) and (k,).

    Returns
    -------
    Tensor
        Of shape (n,).

    Raises
    ------
    ShapeError
        If the shapes are others.

    Examples
    --------
    >>> import microbp
    >>> microbp.mv(microbp.eye(2), microbp.tensor([3.0, 4.0]))
    tensor([3., 4.])
    """
    return product("mv", rows.mv, input, vec, 2, 1)


@method("dot")
def dot(input: Tensor, tensor: Tensor) -> Tensor:
    """Inner product of two vectors, y = sum_k a_k b_k.

    Parameters
    ----------
    input, tensor : Tensor
        Of shape (n,).

    Returns
    -------
    Tensor
        Of shape ().

    Raises
    ------
    ShapeError
        If these are not vectors of equal length.

    Examples
    --------
    >>> import microbp
    >>> microbp.dot(microbp.tensor([1.0, 2.0]), microbp.tensor([3.0, 4.0]))
    tensor(11.)
    """
    return product("dot", rows.dot, input, tensor, 1, 1)


@method("outer")
def outer(input: Tensor, vec2: Tensor) -> Tensor:
    """Outer product of two vectors, y_ij = a_i b_j.

    Parameters
    ----------
    input, vec2 : Tensor
        Of shapes (n,) and (m,).

    Returns
    -------
    Tensor
        Of shape (n, m).

    Raises
    ------
    ShapeError
        If these are not vectors.

    Examples
    --------
    >>> import microbp
    >>> microbp.outer(microbp.tensor([1.0, 2.0]), microbp.tensor([3.0, 4.0]))
    tensor([[3., 4.],
            [6., 8.]])
    """
    return product("outer", rows.outer, input, vec2, 1, 1)


def stacked(name: str, batch1: Any, batch2: Any) -> Tensor:
    """The products of the matrices of two stacks."""
    a, b = as_operand(batch1), as_operand(batch2)
    if shape_of(a)[:1] != shape_of(b)[:1]:
        raise ShapeError(f"{name}: a {shape_of(a)} and b {shape_of(b)} must be stacks of equal length")
    return product(name, rows.matmul, a, b, 3, 3)


def product(name: str, row: Any, a: Any, b: Any, left: int, right: int) -> Tensor:
    """A product of two tensors that must have these numbers of dimensions."""
    a, b = as_operand(a), as_operand(b)
    if len(shape_of(a)) != left or len(shape_of(b)) != right:
        raise ShapeError(f"{name}: a {shape_of(a)} and b {shape_of(b)} must have {left} and {right} dimensions")
    if row is not rows.outer and a.array.shape[-1] != b.array.shape[-2 if right > 1 else 0]:
        raise rows.mismatch(name, a.array, b.array)
    return apply(row, a, b)


def shape_of(value: Any) -> tuple[int, ...]:
    """The shape of a tensor or number."""
    return value.array.shape if isinstance(value, Tensor) else ()


ger = method("ger")(outer)
