"""Rows for square matrices and factorisations: inverse, determinant, Cholesky, eigenvalues, singular values.

All work on stacks of matrices, along the last two axes. A factorisation with several parts
is one row, which puts its parts one below the other; what they depend on together is then
one rule.

Source: M. B. Giles, "Collected matrix derivative results for forward and reverse mode
algorithmic differentiation" (2008).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from microbp.errors import LinAlgError
from microbp.ops.arithmetic import where
from microbp.ops.op import op
from microbp.ops.reduction import partial_products

__all__: list[str] = []


@op("inv(a)")
def inv(a: Any) -> Any:
    """Inverse matrix."""
    try:
        return np.linalg.inv(a)
    except np.linalg.LinAlgError:
        raise LinAlgError(f"inv: {culprit(a, np.linalg.inv)} is singular, and has no inverse") from None


inv.grad("a", "-y.mT @ g @ y.mT")


@op("inv(a) @ b")
def solve(a: Any, b: Any) -> Any:
    """Solution of a linear system with a matrix of right-hand sides."""
    try:
        return np.linalg.solve(a, b)
    except np.linalg.LinAlgError:
        raise LinAlgError(f"solve: {culprit(a, np.linalg.inv)} is singular: no solution, or many") from None


solve.grad("a", "-solve(a.mT, g) @ y.mT")
solve.grad("b", "solve(a.mT, g)")

# Determinants


@op("det(a)")
def det(a: Any) -> Any:
    """Determinant; its gradient is exact for singular matrices too."""
    return np.linalg.det(a)


det.grad("a", "g.reshape(*g.shape, 1, 1) * cofactor(a)")


@op("det(a) * inv(a).mT")
def cofactor(a: Any) -> Any:
    """The matrix of cofactors, which is the gradient of the determinant.

    By singular values, a = u s vᵀ, it needs no inverse: it is det(u v) u c vᵀ, where c is
    diagonal, with the product of all singular values but one at each place.
    """
    u, s, vt, sign = factors(a)
    others = partial_products.forward(s, dim=-1, reverse=False) * partial_products.forward(s, dim=-1, reverse=True)
    y: Any = sign * (u * others[..., None, :]) @ vt
    return y


cofactor.grad("a", "cofactor_change(a, g)")


@op("((cofactor(a) * b).sum(axis=(-2, -1), keepdims=True) * cofactor(a) - cofactor(a) @ b.mT @ cofactor(a)) / det(a)")
def cofactor_change(a: Any, b: Any) -> Any:
    """How the matrix of cofactors changes where `a` changes in the direction of `b`.

    By singular values it is exact for singular matrices too; its own gradient, which third
    derivatives of determinants need, is NaN for them.
    """
    u, s, vt, sign = factors(a)
    pairs = products_without_pairs(s)
    turned = u.mT @ b @ vt.mT
    diagonal = pairs @ np.diagonal(turned, axis1=-2, axis2=-1)[..., None]
    y: Any = sign * u @ (diagonal * np.eye(s.shape[-1], dtype=s.dtype) - turned.mT * pairs) @ vt
    return y


cofactor_change.grad("b", "cofactor_change(a, g)")


@cofactor_change.grad(
    "a",
    "cofactor_change(a, ((cofactor(a) * g).sum(axis=(-2, -1), keepdims=True) * b"
    " + (cofactor(a) * b).sum(axis=(-2, -1), keepdims=True) * g"
    " - g @ cofactor(a).mT @ b - b @ cofactor(a).mT @ g) / det(a).reshape(*a_shape[:-2], 1, 1))"
    " - (g * y).sum(axis=(-2, -1), keepdims=True) / det(a).reshape(*a_shape[:-2], 1, 1) * cofactor(a)",
)
def _(g: Any, y: Any, a: Any, b: Any) -> Any:
    c, d = cofactor(a), det(a).reshape(*a.shape[:-2], 1, 1)
    through_c = total(c * g) * b + total(c * b) * g - g @ c.mT @ b - b @ c.mT @ g
    return cofactor_change(a, through_c / d) - total(g * y) / d * c


def total(a: Any) -> Any:
    """The sum of each matrix of a stack, as a matrix of one element."""
    return a.sum(axis=(-2, -1), keepdims=True)


def factors(a: Any) -> Any:
    """The singular value decomposition u, s, vᵀ of square matrices, and the sign det(u v)."""
    u, s, vt = singular(a)
    sign = np.rint(np.linalg.det(u) * np.linalg.det(vt)).astype(a.dtype)
    return u, s, vt, sign.reshape(*a.shape[:-2], 1, 1)


def products_without_pairs(s: Any) -> Any:
    """For each pair i and j, the product of all values but these two; 0 where i is j."""
    n = s.shape[-1]
    above = np.triu(np.ones((n, n), bool), 1)
    between = partial_products.forward(np.where(above, s[..., None, :], 1), dim=-1, reverse=False)
    before = partial_products.forward(s, dim=-1, reverse=False)[..., :, None]
    after = partial_products.forward(s, dim=-1, reverse=True)[..., None, :]
    upper = np.where(above, before * between * after, 0)
    return upper + upper.mT


@op("log(abs(det(a)))")
def logabsdet(a: Any) -> Any:
    """Logarithm of the modulus of the determinant, without overflow on the way; -inf for a singular matrix."""
    return np.linalg.slogdet(a)[1]


logabsdet.grad("a", "g.reshape(*g.shape, 1, 1) * inv(a).mT")

# Cholesky


@op("cholesky(a)", symmetric=True)
def cholesky(a: Any) -> Any:
    """The lower triangular matrix y with y @ y.mT = a; only the lower triangle of `a` is read.

    As `a` is taken to be symmetric, so is its gradient.
    Source: I. Murray, "Differentiation of the Cholesky decomposition" (2016).
    """
    try:
        return np.linalg.cholesky(a)
    except np.linalg.LinAlgError:
        found = culprit(a, np.linalg.cholesky)
        raise LinAlgError(f"cholesky: {found} is not positive-definite, and has no such factor") from None


@cholesky.grad("a", "inv(y).mT @ (half_tril(y.mT @ g) + half_tril(y.mT @ g).mT) @ inv(y) / 2")
def _(g: Any, y: Any) -> Any:
    inverse, half = inv(y), half_tril(y.mT @ g)
    return inverse.mT @ (half + half.mT) @ inverse / 2


@op("tril(a) - diag(a) / 2")
def half_tril(a: Any) -> Any:
    """The lower triangle, with half of the diagonal."""
    n = a.shape[-1]
    return a * (np.tril(np.ones((n, n), a.dtype)) - np.eye(n, dtype=a.dtype) / 2)


half_tril.grad("a", "half_tril(g)")

# Eigenvalues and singular values


@op("eigh(a)", symmetric=True)
def eigh(a: Any) -> Any:
    """Eigenvectors of symmetric matrices in n columns, and below them a row of the eigenvalues, ascending.

    Only the lower triangle of `a` is read; as it is taken to be symmetric, so is its gradient.
    """
    values, vectors = np.linalg.eigh(a)
    return np.concatenate([vectors, values[..., None, :]], axis=-2)


@eigh.grad(
    "a",
    "y[..., :-1, :] @ (eye(y.shape[-1]) * g[..., -1:, :]"
    " + (y[..., :-1, :].mT @ g[..., :-1, :] - g[..., :-1, :].mT @ y[..., :-1, :]) / 2"
    " / where(eye(y.shape[-1]) == 1, inf, y[..., -1:, :] - y[..., -1:, :].mT)) @ y[..., :-1, :].mT",
)
def _(g: Any, y: Any) -> Any:
    v, w = y[..., :-1, :], y[..., -1:, :]
    diagonal = unit(w)
    turn = v.mT @ g[..., :-1, :]
    turn = (turn - turn.mT) / where(diagonal, np.inf, 2 * (w - w.mT))
    return v @ where(diagonal, g[..., -1:, :], turn) @ v.mT


@op("eigvalsh(a)", hands_on=("p",), symmetric=True)
def eigvalsh(a: Any) -> Any:
    """Eigenvalues of symmetric matrices, ascending; only the lower triangle of `a` is read."""
    p = eigh.forward(a)
    return p[..., -1, :].copy(), p


eigvalsh.letter("p", "eigh(a)")
eigvalsh.grad("a", "(p[..., :-1, :] * g[..., None, :]) @ p[..., :-1, :].mT")


@op("svd(a)", hands_on=("u", "s", "v"))
def svd(a: Any) -> Any:
    """Singular vectors and values, a = u s vᵀ: the rows of u, below them a row of s, descending, and those of v."""
    u, s, vt = singular(a)
    s = s[..., None, :]
    return np.concatenate([u, s, vt.mT], axis=-2), u, s, vt.mT


svd.letter("u", "y[..., : a_shape[-2], :]")
svd.letter("s", "y[..., a_shape[-2] : a_shape[-2] + 1, :]")
svd.letter("v", "y[..., a_shape[-2] + 1 :, :]")


@svd.grad(
    "a",
    "u @ (eye(s.shape[-1]) * g[..., u.shape[-2] : u.shape[-2] + 1, :]"
    " + (u.mT @ g[..., : u.shape[-2], :] - g[..., : u.shape[-2], :].mT @ u)"
    " / where(eye(s.shape[-1]) == 1, inf, s * s - (s * s).mT) * s"
    " + s.mT * (v.mT @ g[..., u.shape[-2] + 1 :, :] - g[..., u.shape[-2] + 1 :, :].mT @ v)"
    " / where(eye(s.shape[-1]) == 1, inf, s * s - (s * s).mT)) @ v.mT"
    " + (g[..., : u.shape[-2], :] - u @ u.mT @ g[..., : u.shape[-2], :]) / s @ v.mT"
    " + u @ ((g[..., u.shape[-2] + 1 :, :] - v @ v.mT @ g[..., u.shape[-2] + 1 :, :]) / s).mT",
)
def _(g: Any, u: Any, s: Any, v: Any) -> Any:
    m, n = u.shape[-2], v.shape[-2]
    gu, gs, gv = g[..., :m, :], g[..., m : m + 1, :], g[..., m + 1 :, :]
    diagonal = unit(s)
    gaps = where(diagonal, np.inf, (s - s.mT) * (s + s.mT))
    turn_u, turn_v = u.mT @ gu, v.mT @ gv
    inner = where(diagonal, gs, (turn_u - turn_u.mT) / gaps * s + s.mT * ((turn_v - turn_v.mT) / gaps))
    found = u @ inner @ v.mT
    if m > n:  # directions outside of the space that the columns of u span
        found = found + (gu - u @ turn_u) / s @ v.mT
    if n > m:
        found = found + u @ ((gv - v @ turn_v) / s).mT
    return found


@op("svdvals(a)", hands_on=("p",))
def svdvals(a: Any) -> Any:
    """Singular values, descending."""
    p = svd.forward(a)[0]
    return p[..., a.shape[-2], :].copy(), p


svdvals.letter("p", "svd(a)")
svdvals.grad("a", "(p[..., : a_shape[-2], :] * g[..., None, :]) @ p[..., a_shape[-2] + 1 :, :].mT")


def singular(a: Any) -> Any:
    """The singular value decomposition u, s, vᵀ."""
    try:
        return np.linalg.svd(a, full_matrices=False)
    except np.linalg.LinAlgError:
        raise LinAlgError("svd: the singular values did not converge; is there a NaN or infinity?") from None


def unit(a: Any) -> Any:
    """Where the diagonal of a square matrix is, with as many columns as `a`."""
    return np.eye(a.shape[-1], dtype=bool)


def culprit(a: Any, fails: Callable[[Any], Any]) -> str:
    """Which matrix of a stack a computation fails for, in words."""
    if a.ndim > 2:
        for place in np.ndindex(*a.shape[:-2]):
            try:
                fails(a[place])
            except np.linalg.LinAlgError:
                return f"matrix {place} of the stack {a.shape}"
    return f"the matrix {a.shape}"
