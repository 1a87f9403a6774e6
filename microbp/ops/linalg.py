"""Rows for products of vectors and matrices.

The gradient of a product with respect to one factor is a product with the other one,
transposed: for Y = A B,  dL/dA = dL/dY B^T  and  dL/dB = A^T dL/dY.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np

from microbp.errors import ShapeError
from microbp.ops.op import op

__all__: list[str] = []


@op("a @ b")
def matmul(a: Any, b: Any) -> Any:
    """Matrix product of the last two axes; the axes before them are broadcast."""
    try:
        return a.dot(b) if a.ndim == b.ndim == 2 else np.matmul(a, b)
    except ValueError:
        raise mismatch("matmul", a, b) from None


@matmul.grad("a", "g @ b.mT")
def _(g: Any, b: Any) -> Any:
    return np.dot(g, b.T) if g.ndim == b.ndim == 2 else g @ b.mT


@matmul.grad("b", "a.mT @ g")
def _(g: Any, a: Any) -> Any:
    return np.dot(a.T, g) if g.ndim == a.ndim == 2 else a.mT @ g


@op("a @ b", broadcasts=False)
def mv(a: Any, b: Any) -> Any:
    """Product of a matrix and a vector."""
    return contracted("mv", a, b)


mv.grad("a", "outer(g, b)")
mv.grad("b", "mv(a.T, g)")


@op("(a * b).sum()", broadcasts=False)
def dot(a: Any, b: Any) -> Any:
    """Inner product of two vectors."""
    return contracted("dot", a, b)


dot.grad("a", "g * b")
dot.grad("b", "g * a")


@op("a[:, None] * b", broadcasts=False)
def outer(a: Any, b: Any) -> Any:
    """Outer product of two vectors."""
    return np.multiply.outer(a, b)


outer.grad("a", "mv(g, b)")
outer.grad("b", "mv(g.T, a)")


@op("a.reshape(prod(a.shape[:-1]), a.shape[-1])", view=True)
def as_matrix(a: Any) -> Any:
    """All axes but the last one taken together."""
    return a.reshape(math.prod(a.shape[:-1]), a.shape[-1])


as_matrix.grad("a", "g.reshape(a_shape)")


@op("a @ w.T + b", broadcasts=False)
def linear(a: Any, w: Any, b: Any) -> Any:
    """Affine map of the last axis, as `microbp.nn.Linear` computes it; `b` may be None."""
    try:
        y = a.dot(w.T) if 0 < a.ndim < 3 else as_matrix.forward(a).dot(w.T).reshape(*a.shape[:-1], len(w))
    except (IndexError, ValueError):
        raise linear_mismatch(a, w, b) from None
    if b is not None:
        if b.shape != w.shape[:1]:
            raise linear_mismatch(a, w, b)
        y += b
    return y


@linear.grad("a", "g @ w", arrays_only=True)
def _(g: Any, w: Any) -> Any:
    if g.ndim < 3:
        return g.dot(w)
    return as_matrix.forward(g).dot(w).reshape(*g.shape[:-1], w.shape[1])  # NumPy leaves only matrices to BLAS


@linear.grad("w", "as_matrix(g).T @ as_matrix(a)", arrays_only=True)
def _(g: Any, a: Any) -> Any:
    if g.ndim != 2:
        g, a = as_matrix.forward(g), as_matrix.forward(a)
    return g.T.dot(a)


@linear.grad("b", "as_matrix(g).sum(axis=0)", arrays_only=True)
def _(g: Any) -> Any:
    return column_sums(g if g.ndim == 2 else as_matrix.forward(g))


def column_sums(a: Any) -> Any:
    """Sums over the first axis, as a product with a row of ones: a quarter of the time of ``a.sum(axis=0)``."""
    return ones(len(a), a.dtype).dot(a)


@lru_cache(maxsize=256)
def ones(size: int, dtype: Any) -> Any:
    """A row of ones, which nobody may write to."""
    row = np.ones(size, dtype)
    row.flags.writeable = False
    return row


def contracted(name: str, a: Any, b: Any) -> Any:
    """Sum of products over the last axis of `a` and the only one of `b`."""
    try:
        return a.dot(b)
    except ValueError:
        raise mismatch(name, a, b) from None


def mismatch(name: str, a: Any, b: Any) -> ShapeError:
    """What is wrong with the shapes of two factors."""
    shapes = f"{name}: a {a.shape} and b {b.shape}"
    inner = b.shape[-2] if b.ndim > 1 else b.shape[0]
    if a.shape[-1] != inner:
        return ShapeError(f"{shapes}: inner dimensions {a.shape[-1]} and {inner} differ")
    return ShapeError(f"{shapes}: the batch dimensions {a.shape[:-2]} and {b.shape[:-2]} do not broadcast")


def linear_mismatch(a: Any, w: Any, b: Any) -> ShapeError:
    """What is wrong with the shapes of an input, a weight and a bias."""
    shapes = f"linear: input {a.shape} and weight {w.shape}"
    if a.ndim == 0 or w.ndim != 2 or a.shape[-1] != w.shape[1]:
        return ShapeError(f"{shapes}: the last dimension of the input must be the {w.shape[-1]} columns of the weight")
    return ShapeError(f"{shapes} with bias {b.shape}: the bias must have one entry for each row of the weight")
