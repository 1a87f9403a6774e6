"""Rows for sums of products over labelled axes, and for distances and cross products of vectors."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from microbp.ops.arithmetic import where
from microbp.ops.op import op

__all__: list[str] = []

Labels = tuple[int, ...]


@op("einsum(a, left, b, right, out)", broadcasts=False)
def contract(a: Any, b: Any, *, left: Labels, right: Labels, out: Labels) -> Any:
    """Sum of products over the axes whose labels `out` does not have, as Einstein's convention writes it.

    Each operand has each label at most once, and every label of an operand is one of the
    other operand or of `out`. The gradient is then such a sum too: of the gradient and the
    other operand, over the labels that the operand itself does not have.
    """
    shared = [label for label in left if label in right and label in out]
    summed = [label for label in left if label in right and label not in out]
    if not summed:
        return in_order(a, left, out) * in_order(b, right, out)
    rows = [label for label in left if label not in right]
    columns = [label for label in right if label not in left]
    if shared and not (rows and columns):  # matrices of one row or column: slower by BLAS
        known = {label: k for k, label in enumerate(dict.fromkeys((*left, *right)))}
        terms = [[known[label] for label in labels] for labels in (left, right, out)]
        return np.einsum(a, terms[0], b, terms[1], terms[2])
    sizes = dict(zip((*left, *right), (*a.shape, *b.shape), strict=True))
    stack = [sizes[label] for label in shared]
    n, k, m = (math.prod(sizes[label] for label in labels) for labels in (rows, summed, columns))
    a = a.transpose([left.index(label) for label in (*shared, *rows, *summed)]).reshape(*stack, n, k)
    b = b.transpose([right.index(label) for label in (*shared, *summed, *columns)]).reshape(*stack, k, m)
    y = (a.dot(b) if not stack else np.matmul(a, b)).reshape([sizes[label] for label in (*shared, *rows, *columns)])
    have = (*shared, *rows, *columns)
    return y.transpose([have.index(label) for label in out])


contract.grad("a", "contract(g, b, left=out, right=right, out=left)")
contract.grad("b", "contract(g, a, left=out, right=left, out=right)")


def in_order(a: Any, labels: Labels, out: Labels) -> Any:
    """The axes in the order of other labels, with an axis of size 1 for each that is missing."""
    a = a.transpose([labels.index(label) for label in out if label in labels])
    return a[tuple(slice(None) if label in labels else None for label in out)]


@op("norm(a[..., :, None, :] - b[..., None, :, :], axis=-1)")
def cdist(a: Any, b: Any) -> Any:
    """Euclidean distances between the rows of two matrices; where one is 0, its gradient is taken to be 0.

    They are computed from the differences, some rows at a time, and not from products, which
    would lose the digits of small distances.
    """
    batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    y = np.empty((*batch, a.shape[-2], b.shape[-2]), a.dtype)
    step = max(1, 2**18 // max(1, math.prod(batch) * b.shape[-2] * b.shape[-1]))
    for start in range(0, a.shape[-2], step):
        difference = a[..., start : start + step, None, :] - b[..., None, :, :]
        y[..., start : start + step, :] = np.sqrt(np.add.reduce(difference * difference, -1))
    return y


@cdist.grad("a", "(g / where(y == 0, inf, y)).sum(axis=-1, keepdims=True) * a - (g / where(y == 0, inf, y)) @ b")
def _(g: Any, y: Any, a: Any, b: Any) -> Any:
    weights = g / where(y == 0, np.inf, y)
    return weights.sum(axis=-1, keepdims=True) * a - weights @ b


@cdist.grad("b", "(g / where(y == 0, inf, y)).mT.sum(axis=-1, keepdims=True) * b - (g / where(y == 0, inf, y)).mT @ a")
def _(g: Any, y: Any, a: Any, b: Any) -> Any:
    weights = (g / where(y == 0, np.inf, y)).mT
    return weights.sum(axis=-1, keepdims=True) * b - weights @ a


@op("cross(a, b, axis=dim)")
def cross(a: Any, b: Any, *, dim: int) -> Any:
    """Cross products of vectors of size 3 along an axis, as many as the other axes have places."""
    return np.cross(a, b, axis=dim)


cross.grad("a", "cross(b, g, dim=dim)")
cross.grad("b", "cross(g, a, dim=dim)")
