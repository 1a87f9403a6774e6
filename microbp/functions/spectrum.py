"""Eigenvalues and singular values. In the namespace `microbp.linalg`."""

from __future__ import annotations

from typing import NamedTuple

from microbp.errors import OptionError, ShapeError
from microbp.functions.linear_algebra import floating, square
from microbp.ops import decomposition as rows
from microbp.tensor import Tensor, apply

__all__: list[str] = []


class Eigen(NamedTuple):
    """What `eigh` returns."""

    eigenvalues: Tensor
    eigenvectors: Tensor


class SingularValues(NamedTuple):
    """What `svd` returns."""

    U: Tensor
    S: Tensor
    Vh: Tensor


def eigh(A: Tensor, UPLO: str = "L") -> Eigen:
    """Eigenvalues, ascending, and eigenvectors of a symmetric matrix, A = V diag(w) Vᵀ.

    The gradient of eigenvectors is finite only where the eigenvalues differ. It is well defined only for a loss that
    does not depend on the signs of the eigenvectors, which are arbitrary.

    Parameters
    ----------
    A : Tensor
        Of shape (..., n, n) and a floating-point dtype.
    UPLO : {"L", "U"}
        Read the lower or the upper triangle only.

    Returns
    -------
    named tuple (eigenvalues, eigenvectors) of Tensor
        Of shapes (..., n) and (..., n, n); the eigenvectors are the columns.

    Raises
    ------
    ShapeError
        If the matrices are not square.

    Examples
    --------
    >>> import microbp
    >>> microbp.linalg.eigh(microbp.tensor([[2.0, 1.0], [1.0, 2.0]])).eigenvalues
    tensor([1., 3.])
    """
    both = apply(rows.eigh, triangle("eigh", A, UPLO))
    return Eigen(both[..., -1, :], both[..., :-1, :])


def eigvalsh(A: Tensor, UPLO: str = "L") -> Tensor:
    """Eigenvalues of a symmetric matrix, ascending.

    Parameters
    ----------
    A : Tensor
        Of shape (..., n, n) and a floating-point dtype.
    UPLO : {"L", "U"}
        Read the lower or the upper triangle only.

    Returns
    -------
    Tensor
        Of shape (..., n); its second derivatives are finite only where the eigenvalues differ.

    Raises
    ------
    ShapeError
        If the matrices are not square.

    Examples
    --------
    >>> import microbp
    >>> microbp.linalg.eigvalsh(microbp.tensor([[2.0, 1.0], [1.0, 2.0]]))
    tensor([1., 3.])
    """
    return apply(rows.eigvalsh, triangle("eigvalsh", A, UPLO))


def svd(A: Tensor, full_matrices: bool = True) -> SingularValues:
    """Singular value decomposition, A = U diag(S) Vh.

    The gradient of U and Vh is finite only where the singular values differ and are not 0. It is well defined only
    for a loss that does not depend on the signs of the singular vectors, which are arbitrary.

    Parameters
    ----------
    A : Tensor
        Of shape (..., m, n) and a floating-point dtype.
    full_matrices : bool
        Must be False, unless the matrices are square: the columns that fill up U or V have no gradient.

    Returns
    -------
    named tuple (U, S, Vh) of Tensor
        Of shapes (..., m, k), (..., k) and (..., k, n) with k the smaller of m and n; S is descending.

    Raises
    ------
    NotImplementedError
        For ``full_matrices=True`` and matrices that are not square.
    ShapeError
        If these are not matrices.

    Examples
    --------
    >>> import microbp
    >>> U, S, Vh = microbp.linalg.svd(microbp.tensor([[3.0, 0.0], [0.0, -4.0], [0.0, 0.0]]), full_matrices=False)
    >>> S
    tensor([4., 3.])
    """
    A = matrices("svd", A)
    rows_of_u, columns = A.shape[-2:]
    if full_matrices and rows_of_u != columns:
        raise NotImplementedError(f"svd: matrices of shape {A.shape} take full_matrices=False")
    packed = apply(rows.svd, A)
    return SingularValues(packed[..., :rows_of_u, :], packed[..., rows_of_u, :], packed[..., rows_of_u + 1 :, :].mT)


def svdvals(A: Tensor) -> Tensor:
    """Singular values of a matrix, descending.

    Parameters
    ----------
    A : Tensor
        Of shape (..., m, n) and a floating-point dtype.

    Returns
    -------
    Tensor
        Of shape (..., k), with k the smaller of m and n; its second derivatives are finite only where the singular
        values differ.

    Raises
    ------
    ShapeError
        If these are not matrices.

    Examples
    --------
    >>> import microbp
    >>> microbp.linalg.svdvals(microbp.tensor([[3.0, 0.0], [0.0, -4.0]]))
    tensor([4., 3.])
    """
    return apply(rows.svdvals, matrices("svdvals", A))


def matrices(name: str, A: Tensor) -> Tensor:
    """The value as a tensor of matrices."""
    found = floating(name, A)
    if found.ndim < 2:
        raise ShapeError(f"{name}: A must be matrices, (..., m, n), got shape {found.shape}")
    return found


def triangle(name: str, A: Tensor, UPLO: str) -> Tensor:
    """The matrices turned so that the triangle to read is the lower one."""
    if UPLO not in ("L", "U"):
        raise OptionError(f"{name}: UPLO must be 'L' or 'U', got {UPLO!r}")
    found = square(name, A)
    return found if UPLO == "L" else found.mT
