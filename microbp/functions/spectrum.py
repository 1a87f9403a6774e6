"""Eigenvalues and singular values. In the namespace `microbp.linalg`."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from microbp.errors import OptionError, ShapeError
from microbp.functions.joining import cat
from microbp.functions.linear_algebra import floating, square
from microbp.ops import decomposition as rows
from microbp.tensor import Tensor, apply, wrap

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
    OptionError
        If `UPLO` is neither "L" nor "U".

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
    OptionError
        If `UPLO` is neither "L" nor "U".

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
        Fill up the columns of U or V to a whole orthonormal basis; what is filled up has no gradient.

    Returns
    -------
    named tuple (U, S, Vh) of Tensor
        Of shapes (..., m, k), (..., k) and (..., k, n) with k the smaller of m and n, or with `full_matrices`
        (..., m, m), (..., k) and (..., n, n); S is descending.

    Raises
    ------
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
    packed = apply(rows.svd, A)
    U, S, Vh = packed[..., :rows_of_u, :], packed[..., rows_of_u, :], packed[..., rows_of_u + 1 :, :].mT
    if full_matrices and rows_of_u != columns:
        whole = np.linalg.svd(A.array)
        k = S.shape[-1]
        U, Vh = cat([U, wrap(whole.U[..., k:])], -1), cat([Vh, wrap(whole.Vh[..., k:, :])], -2)
    return SingularValues(U, S, Vh)


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
