"""Square matrices: inverse, linear systems, determinants, Cholesky's factorisation, and powers.

All take stacks of matrices too, of shape (..., n, n). In the namespace `microbp.linalg`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from microbp.errors import DtypeError, ShapeError
from microbp.functions.arithmetic import where
from microbp.functions.linalg import matmul
from microbp.functions.shape import squeeze, unsqueeze
from microbp.methods import method
from microbp.ops import decomposition as rows
from microbp.ops.shape import clone
from microbp.tensor import Tensor, apply, as_operand, wrap

__all__ = ["cholesky", "det", "inverse", "logdet", "matrix_power", "slogdet"]


class SignAndLogarithm(NamedTuple):
    """What `slogdet` returns."""

    sign: Tensor
    logabsdet: Tensor


@method("inverse")
def inverse(input: Tensor) -> Tensor:
    """The inverse of a square matrix.

    To solve a linear system, ``linalg.solve(A, B)`` is faster and more exact than ``inverse(A) @ B``.

    Parameters
    ----------
    input : Tensor
        Of shape (..., n, n) and a floating-point dtype.

    Returns
    -------
    Tensor
        Of the same shape.

    Raises
    ------
    LinAlgError
        If a matrix is singular.
    ShapeError
        If the matrices are not square.
    DtypeError
        If the dtype is not float32 or float64.

    Examples
    --------
    >>> import microbp
    >>> microbp.inverse(microbp.tensor([[2.0, 0.0], [0.0, 4.0]]))
    tensor([[0.5000, 0.0000],
            [0.0000, 0.2500]])
    """
    return apply(rows.inv, square("inv", input))


def inv(A: Tensor) -> Tensor:
    """The inverse of a square matrix; the same as `microbp.inverse`.

    Parameters
    ----------
    A : Tensor
        Of shape (..., n, n) and a floating-point dtype.

    Returns
    -------
    Tensor
        Of the same shape.

    Raises
    ------
    LinAlgError
        If a matrix is singular.

    Examples
    --------
    >>> import microbp
    >>> microbp.linalg.inv(microbp.tensor([[2.0, 1.0], [1.0, 1.0]]))
    tensor([[ 1., -1.],
            [-1.,  2.]])
    """
    return inverse(A)


def solve(A: Tensor, B: Tensor, *, left: bool = True) -> Tensor:
    """The solution X of the linear system A X = B.

    Parameters
    ----------
    A : Tensor
        Of shape (..., n, n).
    B : Tensor
        Right-hand sides: (..., n, k), or a vector of shape (n,) or one for each matrix, (..., n). The axes before
        the last two are broadcast.
    left : bool
        False for X A = B.

    Returns
    -------
    Tensor
        Of the shape of `B`, broadcast.

    Raises
    ------
    LinAlgError
        If a matrix is singular.
    ShapeError
        If the shapes do not fit.
    DtypeError
        If the dtype is not float32 or float64.

    Examples
    --------
    >>> import microbp
    >>> microbp.linalg.solve(microbp.tensor([[2.0, 0.0], [0.0, 4.0]]), microbp.tensor([1.0, 2.0]))
    tensor([0.5000, 0.5000])
    """
    A, B = square("solve", A), floating("solve", B)
    if B.ndim == 1 or (B.ndim == A.ndim - 1 and B.shape == A.shape[:-1]):
        if not left:
            raise ShapeError(f"solve: left=False needs matrices, got B of shape {B.shape}; add an axis")
        if B.shape[-1] != A.shape[-1]:
            raise misfit("solve", A, B)
        return squeeze(apply(rows.solve, A, unsqueeze(B, -1)), -1)
    if B.ndim == 0 or B.shape[-2 if left else -1] != A.shape[-1]:
        raise misfit("solve", A, B)
    return apply(rows.solve, A, B) if left else apply(rows.solve, A.mT, B.mT).mT


def solve_triangular(A: Tensor, B: Tensor, *, upper: bool, left: bool = True, unitriangular: bool = False) -> Tensor:
    """The solution X of A X = B for a triangular matrix A.

    Parameters
    ----------
    A : Tensor
        Of shape (..., n, n); only one of its triangles is read, and has a gradient.
    B : Tensor
        Of shape (..., n, k); the axes before the last two are broadcast.
    upper : bool
        Whether that is the upper triangle.
    left : bool
        False for X A = B.
    unitriangular : bool
        Take the diagonal to be all ones.

    Returns
    -------
    Tensor
        Of the shape of `B`, broadcast.

    Raises
    ------
    LinAlgError
        If there is a zero on the diagonal.
    ShapeError
        If the shapes do not fit.
    DtypeError
        If the dtype is not float32 or float64.

    Examples
    --------
    >>> import microbp
    >>> A = microbp.tensor([[2.0, 0.0], [1.0, 4.0]])
    >>> microbp.linalg.solve_triangular(A, microbp.tensor([[2.0], [9.0]]), upper=False)
    tensor([[1.],
            [2.]])
    """
    A = square("solve_triangular", A)
    ones = np.ones(A.shape[-2:], bool)
    strictly = np.triu(ones, 1) if upper else np.tril(ones, -1)
    if unitriangular:
        A = where(wrap(strictly), A, wrap(np.eye(A.shape[-1], dtype=A.dtype)))
    else:
        A = where(wrap(strictly | np.eye(A.shape[-1], dtype=bool)), A, 0.0)
    if floating("solve_triangular", B).ndim < 2:
        raise misfit("solve_triangular", A, B)
    return solve(A, unsqueeze(B, 0), left=left).squeeze(0) if B.ndim == A.ndim - 1 else solve(A, B, left=left)


@method("det")
def det(input: Tensor) -> Tensor:
    """The determinant of a square matrix.

    Its first and second derivatives are exact for singular matrices too; third derivatives of those are NaN.

    Parameters
    ----------
    input : Tensor
        Of shape (..., n, n) and a floating-point dtype.

    Returns
    -------
    Tensor
        Of shape (...).

    Raises
    ------
    ShapeError
        If the matrices are not square.
    DtypeError
        If the dtype is not float32 or float64.

    Examples
    --------
    >>> import microbp
    >>> microbp.det(microbp.tensor([[0.0, 2.0], [3.0, 0.0]]))
    tensor(-6.)
    """
    return apply(rows.det, square("det", input))


@method("slogdet")
def slogdet(input: Tensor) -> SignAndLogarithm:
    """Sign of the determinant, and logarithm of its modulus, which does not overflow where the determinant does.

    Parameters
    ----------
    input : Tensor
        Of shape (..., n, n) and a floating-point dtype.

    Returns
    -------
    named tuple (sign, logabsdet) of Tensor
        Of shape (...); 0 and -inf for a singular matrix. The sign has no gradient.

    Raises
    ------
    ShapeError
        If the matrices are not square.
    LinAlgError
        In the backward pass, if a matrix is singular: the logarithm of 0 has no gradient.
    DtypeError
        If the dtype is not float32 or float64.

    Examples
    --------
    >>> import microbp
    >>> sign, logabsdet = microbp.slogdet(microbp.tensor([[0.0, 2.0], [1.0, 0.0]]))
    >>> sign, logabsdet
    (tensor(-1.), tensor(0.6931))
    """
    A = square("slogdet", input)
    sign = wrap(np.linalg.slogdet(A.array)[0])
    return SignAndLogarithm(sign, apply(rows.logabsdet, A))


@method("logdet")
def logdet(input: Tensor) -> Tensor:
    """Logarithm of the determinant: NaN if that is negative, -inf if it is 0.

    Parameters
    ----------
    input : Tensor
        Of shape (..., n, n) and a floating-point dtype.

    Returns
    -------
    Tensor
        Of shape (...).

    Raises
    ------
    ShapeError
        If the matrices are not square.

    Examples
    --------
    >>> import microbp
    >>> microbp.logdet(microbp.tensor([[2.0, 0.0], [0.0, 3.0]]))
    tensor(1.7918)
    """
    sign, logarithm = slogdet(input)
    return where(wrap(sign.array < 0), float("nan"), logarithm)


@method("cholesky")
def cholesky(input: Tensor, upper: bool = False) -> Tensor:
    """Cholesky's factor L of a symmetric, positive-definite matrix A = L Lᵀ.

    Parameters
    ----------
    input : Tensor
        Of shape (..., n, n) and a floating-point dtype. Only its lower triangle is read (with `upper` the upper one);
        as it is taken to be symmetric, so is its gradient.
    upper : bool
        Return the upper triangular factor, Lᵀ.

    Returns
    -------
    Tensor
        Of the same shape.

    Raises
    ------
    LinAlgError
        If a matrix is not positive-definite.
    ShapeError
        If the matrices are not square.
    DtypeError
        If the dtype is not float32 or float64.

    Examples
    --------
    >>> import microbp
    >>> microbp.cholesky(microbp.tensor([[4.0, 2.0], [2.0, 5.0]]))
    tensor([[2., 0.],
            [1., 2.]])
    """
    A = square("cholesky", input)
    return apply(rows.cholesky, A.mT).mT if upper else apply(rows.cholesky, A)


@method("matrix_power")
def matrix_power(input: Tensor, n: int) -> Tensor:
    """A square matrix multiplied by itself.

    Parameters
    ----------
    input : Tensor
        Of shape (..., m, m); for a negative power of a floating-point dtype.
    n : int
        How often it is a factor; 0 gives the unit matrix, and a negative power is one of the inverse.

    Returns
    -------
    Tensor
        Of the same shape.

    Raises
    ------
    LinAlgError
        For a negative power of a singular matrix.
    ShapeError
        If the matrices are not square.

    Examples
    --------
    >>> import microbp
    >>> microbp.matrix_power(microbp.tensor([[1.0, 1.0], [0.0, 1.0]]), 5)
    tensor([[1., 5.],
            [0., 1.]])
    """
    if n < 0:
        return matrix_power(inverse(input), -n)
    power = require_square("matrix_power", as_operand(input))
    if n == 1:
        return apply(clone, power)
    if n == 0:  # the matrix takes part, with a gradient of 0
        return where(wrap(np.array(True)), wrap(np.eye(power.shape[-1], dtype=power.dtype)), power)
    result = None
    while True:  # by squaring: as many products as n has binary digits, and digits that are 1
        if n % 2:
            result = power if result is None else matmul(result, power)
        n //= 2
        if not n:
            break
        power = matmul(power, power)
    assert result is not None
    return result


def floating(name: str, value: Any) -> Tensor:
    """The value as a tensor of a floating-point dtype.

    Raises
    ------
    DtypeError
        If it is of another one, or of float16, which the algorithms do not have.
    """
    value = as_operand(value)
    if not isinstance(value, Tensor):
        raise TypeError(f"{name} takes tensors, got {value!r}")
    if value.dtype.kind != "f" or value.dtype.itemsize == 2:
        raise DtypeError(f"{name} works in float32 and float64, got {value.dtype}; convert it first: t.float()")
    return value


def square(name: str, value: Any) -> Tensor:
    """The value as a tensor of square matrices.

    Raises
    ------
    ShapeError
        If the last two sizes differ.
    """
    return require_square(name, floating(name, value))


def require_square(name: str, found: Tensor) -> Tensor:
    """Refuse what are no square matrices."""
    if found.ndim < 2 or found.shape[-1] != found.shape[-2]:
        raise ShapeError(f"{name}: A must be square matrices, (..., n, n), got shape {found.shape}")
    return found


def misfit(name: str, A: Tensor, B: Tensor) -> ShapeError:
    """What is wrong with the shapes of a linear system."""
    return ShapeError(f"{name}: A {A.shape} and B {B.shape}: the right-hand sides do not fit the matrices")
