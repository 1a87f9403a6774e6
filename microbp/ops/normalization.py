"""Rows for normalisation: batch, layer, group and instance norm are one row over different axes.

The axes that a mean is taken over are, in all of them, the first or the last ones or both;
what is kept lies in between. So every array is seen as one of three axes (first, kept, last),
and its sums are products with rows of ones, which are several times faster than NumPy's sums
over axes.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from microbp.ops.linalg import ones
from microbp.ops.op import op
from microbp.ops.reduction import kept

__all__: list[str] = []

Axes = tuple[int, ...]


class Moments(NamedTuple):
    """The mean and the variance of what is normalised together, each with one element for each kept index.

    Attributes
    ----------
    mean, var : array
        Mean and variance; the variance is over the count itself, not one less.
    rest : array or None
        What the mean lost when it was rounded, where that is worth a mention.
    """

    mean: Any
    var: Any
    rest: Any


@op(
    "(a - mean(a, dim=dim, keepdim=True, count=count))"
    " / sqrt(var(a, dim=dim, keepdim=True, count=count, freedom=count) + eps)",
    hands_on=("r",),
    plain={"known": None},
)
def standardize(a: Any, *, dim: Axes, count: int, eps: float, known: Moments | None) -> Any:
    """The values with mean 0 and variance 1 over some axes, and 1 over their standard deviation, `r`.

    Source: Ioffe & Szegedy, "Batch Normalization: Accelerating Deep Network Training by Reducing Internal Covariate
    Shift" (2015), for the three terms of the gradient too: the mean and the variance depend on every value.

    `known` are the `moments` of these values, if somebody has computed them already.
    """
    x = folded(a, dim)
    if known is None:
        known, y = centred(x)
    else:
        y = from_mean(x, known)
    r = 1 / np.sqrt(known.var + eps)
    y *= r[:, None]
    return y.reshape(a.shape).astype(a.dtype, copy=False), r.reshape(kept(a.shape, dim)).astype(a.dtype, copy=False)


standardize.letter("r", "1 / sqrt(var(a, dim=dim, keepdim=True, count=count, freedom=count) + eps)")


@standardize.grad(
    "a",
    "r * (g - mean(g, dim=dim, keepdim=True, count=count) - y * mean(g * y, dim=dim, keepdim=True, count=count))",
    arrays_only=True,
)
def _(g: Any, y: Any, r: Any, *, dim: Axes, count: int) -> Any:
    flow, x = folded(g, dim), folded(y, dim)
    out = x * (products(flow, x) / -count)[:, None]
    out += flow
    out -= (sums(flow) / count)[:, None]
    out *= r.reshape(-1, 1)
    return out.reshape(g.shape).astype(g.dtype, copy=False)


@op("a / sqrt(mean(a * a, dim=dim, keepdim=True, count=count) + eps)", hands_on=("r",))
def rms_standardize(a: Any, *, dim: Axes, count: int, eps: float) -> Any:
    """The values over the root of their mean square over some axes, and 1 over that root, `r`.

    Source: Zhang & Sennrich, "Root Mean Square Layer Normalization" (2019).
    """
    x = folded(a, dim)
    r = 1 / np.sqrt(products(x, x) / max(count, 1) + eps)
    y = (x * r[:, None]).reshape(a.shape)
    return y.astype(a.dtype, copy=False), r.reshape(kept(a.shape, dim)).astype(a.dtype, copy=False)


rms_standardize.letter("r", "1 / sqrt(mean(a * a, dim=dim, keepdim=True, count=count) + eps)")


@rms_standardize.grad("a", "r * (g - y * mean(g * y, dim=dim, keepdim=True, count=count))", arrays_only=True)
def _(g: Any, y: Any, r: Any, *, dim: Axes, count: int) -> Any:
    flow, x = folded(g, dim), folded(y, dim)
    out = x * (products(flow, x) / -count)[:, None]
    out += flow
    out *= r.reshape(-1, 1)
    return out.reshape(g.shape).astype(g.dtype, copy=False)


@op("a * w.reshape(shape) + b.reshape(shape)", broadcasts=False)
def affine(a: Any, w: Any, b: Any, *, dim: Axes, shape: tuple[int, ...]) -> Any:
    """The values times one factor `w`, plus one number `b`, for each index of the axes that are not in `dim`.

    `shape` is theirs, with size 1 for the axes in `dim`; `b` may be None.
    """
    y = a * w.reshape(shape)
    if b is not None:
        y += b.reshape(shape)
    return y


affine.grad("a", "g * w.reshape(shape)")


@affine.grad("w", "sum(g * a, dim=dim, keepdim=False).reshape(w_shape)", arrays_only=True)
def _(g: Any, a: Any, w_shape: tuple[int, ...], *, dim: Axes) -> Any:
    return products(folded(g, dim), folded(a, dim)).reshape(w_shape).astype(g.dtype, copy=False)


@affine.grad("b", "sum(g, dim=dim, keepdim=False).reshape(b_shape)", arrays_only=True)
def _(g: Any, b_shape: tuple[int, ...], *, dim: Axes) -> Any:
    return sums(folded(g, dim)).reshape(b_shape).astype(g.dtype, copy=False)


def moments(a: Any, dim: Axes) -> Moments:
    """Mean and variance over some axes."""
    return centred(folded(a, dim))[0]


def folded(a: Any, dim: Axes) -> Any:
    """The array with three axes: those in `dim` that come first, those that are not in `dim`, and the rest of `dim`."""
    first = 0
    while first in dim:
        first += 1
    last = first + a.ndim - len(dim)
    shape = a.shape
    sizes = math.prod(shape[:first]), math.prod(shape[first:last]), math.prod(shape[last:])
    wide = a.astype(np.float32) if a.dtype.itemsize == 2 else a
    return wide.reshape(sizes)


def centred(x: Any) -> tuple[Moments, Any]:
    """The moments of an array (first, kept, last), and its distances from the mean."""
    count = max(x.shape[0] * x.shape[2], 1)
    mean = sums(x) / count
    distance = x - mean[:, None]
    rest = sums(distance) / count  # 0, but for the rounding of the mean
    var = products(distance, distance) / count - rest * rest
    if (np.abs(rest) > TOLERANCE * np.sqrt(var)).any():
        distance -= rest[:, None]
        var = products(distance, distance) / count
        return Moments(mean, var, rest), distance
    return Moments(mean, var, None), distance


TOLERANCE = 1e-6
"""What a mean may be off, in standard deviations, before it is computed a second time."""


def from_mean(x: Any, known: Moments) -> Any:
    """The distances of an array (first, kept, last) from its mean."""
    distance = x - known.mean[:, None]
    if known.rest is not None:
        distance -= known.rest[:, None]
    return distance


def sums(x: Any) -> Any:
    """Sums of an array (first, kept, last) over its first and last axis."""
    first, size, last = x.shape
    rows = x if last == 1 else x.reshape(first * size, last).dot(ones(last, x.dtype))
    rows = rows.reshape(first, size)
    return rows[0] if first == 1 else ones(first, x.dtype).dot(rows)


def products(x: Any, z: Any) -> Any:
    """Sums of the products of two arrays (first, kept, last) over their first and last axis."""
    first, size, last = x.shape
    if last == 1:
        return np.einsum("ij,ij->j", x.reshape(first, size), z.reshape(first, size))
    rows = np.vecdot(x, z)
    return rows[0] if first == 1 else ones(first, x.dtype).dot(rows)
