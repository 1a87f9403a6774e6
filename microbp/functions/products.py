"""Products added to something, and products of several matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from microbp.errors import ShapeError
from microbp.functions.arithmetic import where
from microbp.functions.contraction import tensordot
from microbp.functions.linalg import matmul, product, shape_of, stacked
from microbp.functions.reduction import sum as total
from microbp.methods import method
from microbp.ops import linalg as rows
from microbp.tensor import Tensor, as_operand, wrap

__all__ = ["addbmm", "addmm", "addmv", "addr", "baddbmm", "inner", "vdot"]


@method("addmm")
def addmm(input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """A tensor added to the product of two matrices, beta * input + alpha * (mat1 @ mat2).

    Parameters
    ----------
    input : Tensor
        Of a shape that broadcasts to (n, m).
    mat1, mat2 : Tensor
        Of shapes (n, k) and (k, m).
    beta, alpha : number
        The weights; where `beta` is 0, `input` does not matter, be it NaN.

    Returns
    -------
    Tensor
        Of shape (n, m).

    Raises
    ------
    ShapeError
        If the shapes do not fit.

    Examples
    --------
    >>> import microbp
    >>> microbp.addmm(microbp.ones(2), microbp.eye(2), microbp.eye(2), alpha=3)
    tensor([[4., 1.],
            [1., 4.]])
    """
    return added(input, product("addmm", rows.matmul, mat1, mat2, 2, 2), beta, alpha)


@method("baddbmm")
def baddbmm(input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """A tensor added to the products of two stacks of matrices, beta * input + alpha * (batch1 @ batch2).

    Parameters
    ----------
    input : Tensor
        Of a shape that broadcasts to (b, n, m).
    batch1, batch2 : Tensor
        Of shapes (b, n, k) and (b, k, m).
    beta, alpha : number
        As for `addmm`.

    Returns
    -------
    Tensor
        Of shape (b, n, m).

    Raises
    ------
    ShapeError
        If the shapes do not fit.

    Examples
    --------
    >>> import microbp
    >>> microbp.baddbmm(microbp.zeros(2, 1), microbp.ones(5, 2, 3), microbp.ones(5, 3, 2), alpha=2)[0]
    tensor([[6., 6.],
            [6., 6.]])
    """
    return added(input, stacked("baddbmm", batch1, batch2), beta, alpha)


@method("addbmm")
def addbmm(input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """A tensor added to the sum of the products of two stacks of matrices.

    Parameters
    ----------
    input : Tensor
        Of a shape that broadcasts to (n, m).
    batch1, batch2 : Tensor
        Of shapes (b, n, k) and (b, k, m).
    beta, alpha : number
        As for `addmm`.

    Returns
    -------
    Tensor
        Of shape (n, m).

    Raises
    ------
    ShapeError
        If the shapes do not fit.

    Examples
    --------
    >>> import microbp
    >>> microbp.addbmm(microbp.zeros(1), microbp.ones(5, 1, 3), microbp.ones(5, 3, 2))
    tensor([[15., 15.]])
    """
    return added(input, total(stacked("addbmm", batch1, batch2), 0), beta, alpha)


@method("addmv")
def addmv(input: Tensor, mat: Tensor, vec: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """A tensor added to the product of a matrix and a vector, beta * input + alpha * (mat @ vec).

    Parameters
    ----------
    input : Tensor
        Of a shape that broadcasts to (n,).
    mat, vec : Tensor
        Of shapes (n, k) and (k,).
    beta, alpha : number
        As for `addmm`.

    Returns
    -------
    Tensor
        Of shape (n,).

    Raises
    ------
    ShapeError
        If the shapes do not fit.

    Examples
    --------
    >>> import microbp
    >>> microbp.addmv(microbp.ones(2), microbp.eye(2), microbp.tensor([3.0, 4.0]))
    tensor([4., 5.])
    """
    return added(input, product("addmv", rows.mv, mat, vec, 2, 1), beta, alpha)


@method("addr")
def addr(input: Tensor, vec1: Tensor, vec2: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """A tensor added to the outer product of two vectors, beta * input + alpha * outer(vec1, vec2).

    Parameters
    ----------
    input : Tensor
        Of a shape that broadcasts to (n, m).
    vec1, vec2 : Tensor
        Of shapes (n,) and (m,).
    beta, alpha : number
        As for `addmm`.

    Returns
    -------
    Tensor
        Of shape (n, m).

    Raises
    ------
    ShapeError
        If the shapes do not fit.

    Examples
    --------
    >>> import microbp
    >>> microbp.addr(microbp.ones(1), microbp.tensor([1.0, 2.0]), microbp.tensor([3.0, 4.0]))
    tensor([[4., 5.],
            [7., 9.]])
    """
    return added(input, product("addr", rows.outer, vec1, vec2, 1, 1), beta, alpha)


def added(input: Any, result: Tensor, beta: float, alpha: float) -> Tensor:
    """beta * input + alpha * result, of the shape of the result."""
    input = as_operand(input)
    given = (1,) * (result.ndim - len(shape_of(input))) + shape_of(input)
    if len(given) > result.ndim or any(m not in (1, n) for m, n in zip(given, result.shape, strict=True)):
        raise ShapeError(f"input {shape_of(input)} does not broadcast to the shape of the product, {result.shape}")
    if alpha != 1:
        result = result * alpha
    if beta == 0:  # the input takes part, with a gradient of 0
        return where(wrap(np.array(True)), result, input)
    return (input if beta == 1 else input * beta) + result  # type: ignore[no-any-return]


@method("inner")
def inner(input: Tensor, other: Tensor) -> Tensor:
    """Inner products of all vectors along the last axis of one tensor with all along that of the other.

    Parameters
    ----------
    input, other : Tensor
        Of shapes ``(*a, n)`` and ``(*b, n)``; a 0-d tensor multiplies the other one.

    Returns
    -------
    Tensor
        Of shape ``(*a, *b)``.

    Raises
    ------
    ShapeError
        If the last axes differ.

    Examples
    --------
    >>> import microbp
    >>> microbp.inner(microbp.tensor([[1.0, 2.0], [3.0, 4.0]]), microbp.tensor([1.0, 10.0]))
    tensor([21., 43.])
    """
    a, b = as_operand(input), as_operand(other)
    if not (a.ndim and b.ndim):
        return a * b  # type: ignore[no-any-return]
    if a.shape[-1] != b.shape[-1]:
        raise ShapeError(f"inner: the last dimensions of input {a.shape} and other {b.shape} must be equal")
    return tensordot(a, b, dims=([-1], [-1]))


@method("vdot")
def vdot(input: Tensor, other: Tensor) -> Tensor:
    """Inner product of two vectors; for real numbers, `dot`.

    Parameters
    ----------
    input, other : Tensor
        Of shape (n,) and one dtype.

    Returns
    -------
    Tensor
        0-d.

    Raises
    ------
    ShapeError
        As for `dot`.

    Examples
    --------
    >>> import microbp
    >>> microbp.vdot(microbp.tensor([1.0, 2.0]), microbp.tensor([3.0, 4.0]))
    tensor(11.)
    """
    return product("vdot", rows.dot, input, other, 1, 1)


def multi_dot(tensors: Any) -> Tensor:
    """The product of several matrices, in the order that takes the fewest multiplications.

    Parameters
    ----------
    tensors : sequence of Tensor
        At least two matrices; the first may be a vector, taken as a row, and the last one, taken as a column.

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError
        If the shapes do not fit.

    Examples
    --------
    >>> import microbp
    >>> a, b, c = microbp.ones(2, 3), microbp.ones(3, 4), microbp.ones(4)
    >>> microbp.linalg.multi_dot([a, b, c])
    tensor([12., 12.])
    """
    factors = [as_operand(factor) for factor in tensors]
    if len(factors) < 2:
        raise ShapeError(f"multi_dot takes at least 2 matrices, got {len(factors)}")
    for k, factor in enumerate(factors):
        if factor.ndim != 2 and not (factor.ndim == 1 and k in (0, len(factors) - 1)):
            raise ShapeError(f"multi_dot: factor {k} must be a matrix, got shape {factor.shape}")
    sizes = [factor.shape[0] for factor in factors] + [factors[-1].shape[1] if factors[-1].ndim == 2 else 1]
    if factors[0].ndim == 1:
        sizes[0], sizes[1] = 1, factors[0].shape[0]
    best: dict[tuple[int, int], tuple[int, int]] = {(k, k): (0, k) for k in range(len(factors))}
    for length in range(1, len(factors)):  # the cost of the best order, and where it cuts, for ever longer chains
        for i in range(len(factors) - length):
            j = i + length
            best[i, j] = min(
                (best[i, k][0] + best[k + 1, j][0] + sizes[i] * sizes[k + 1] * sizes[j + 1], k) for k in range(i, j)
            )

    def product(i: int, j: int) -> Tensor:
        """The product of the factors from i to j."""
        if i == j:
            return factors[i]  # type: ignore[no-any-return]
        cut = best[i, j][1]
        return matmul(product(i, cut), product(cut + 1, j))

    return product(0, len(factors) - 1)
