"""Rows that combine elements along axes.

The gradient of a reduction is spread back over the axes that were reduced (`spread`, the
transpose of `sum`); what differs between reductions is the weight that each element gets.
`dim` is a tuple of non-negative axes, or None for all of them; rows that work along one axis
only take it as an integer.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from microbp.ops.elementwise import masked
from microbp.ops.op import op

__all__: list[str] = []

Axes = tuple[int, ...] | None

# NumPy's reductions as they are called here: its methods (`a.sum`) take a third longer.
add_up: Any = np.add.reduce
multiply_up: Any = np.multiply.reduce
largest: Any = np.maximum.reduce
smallest: Any = np.minimum.reduce
LARGEST_HALF = 65504  # the largest number of float16
any_of: Any = np.logical_or.reduce
all_of: Any = np.logical_and.reduce


def accumulator(a: Any) -> Any:
    """The dtype in which elements are summed up and multiplied: int64 for integers, float32 for float16."""
    if a.dtype.kind != "f":
        return np.int64
    return np.float32 if a.dtype.itemsize == 2 else None


def result(a: Any) -> Any:
    """The dtype of a sum or product of elements."""
    return a.dtype if a.dtype.kind == "f" else np.int64


@op("a.sum(axis=dim, keepdims=keepdim)")
def sum(a: Any, *, dim: Axes, keepdim: bool) -> Any:
    """Sum over some axes; integers and truth values are summed as int64, float16 in float32."""
    if a.dtype.kind != "f":
        return add_up(a, dim, np.int64, keepdims=keepdim)
    if a.dtype.itemsize == 2:
        return add_up(a, dim, np.float32, keepdims=keepdim).astype(a.dtype)
    return add_up(a, dim, keepdims=keepdim)


sum.grad("a", "spread(g, shape=a_shape, dim=dim)")


@op("where(isnan(a), 0, a).sum(axis=dim, keepdims=keepdim)")
def nansum(a: Any, *, dim: Axes, keepdim: bool) -> Any:
    """Sum over some axes of the elements that are not NaN."""
    return sum.forward(masked(a, ~np.isnan(a)), dim=dim, keepdim=keepdim)


nansum.grad("a", "spread(g, shape=a_shape, dim=dim) * ~isnan(a)")


@op("broadcast_to(expand_dims(a, dim), shape)")
def spread(a: Any, *, shape: tuple[int, ...], dim: Axes) -> Any:
    """The values repeated along axes that a reduction took away, or left with size 1."""
    y = np.empty(shape, a.dtype)
    y[...] = a if dim is None or a.ndim == len(shape) else a.reshape(kept(shape, dim))
    return y


@spread.grad("a", "sum(g, dim=dim, keepdim=True).reshape(a_shape)")
def _(g: Any, a_shape: tuple[int, ...], *, dim: Axes) -> Any:
    return sum(g, dim=dim, keepdim=len(a_shape) == g.ndim).reshape(a_shape)


def kept(shape: tuple[int, ...], dim: Axes) -> tuple[int, ...]:
    """A shape after a reduction that keeps the reduced axes with size 1."""
    return tuple(1 if dim is None or axis in dim else size for axis, size in enumerate(shape))


@op("a.sum(axis=dim, keepdims=keepdim) / count")
def mean(a: Any, *, dim: Axes, keepdim: bool, count: int) -> Any:
    """Mean over some axes, which have `count` elements together."""
    if a.dtype.itemsize == 2:
        return (add_up(a, dim, np.float32, keepdims=keepdim) / count).astype(a.dtype)
    return add_up(a, dim, keepdims=keepdim) / count


@mean.grad("a", "spread(g / count, shape=a_shape, dim=dim)")
def _(g: Any, a_shape: tuple[int, ...], *, dim: Axes, count: int) -> Any:
    return spread(shared(g, count), shape=a_shape, dim=dim)


def shared(g: Any, count: float) -> Any:
    """g / count, also where the count is too large a number for float16."""
    return g / count if count <= LARGEST_HALF else g * (1 / count)


@op("((a - mean(a, dim=dim, keepdim=True, count=count)) ** 2).sum(axis=dim, keepdims=keepdim) / freedom")
def var(a: Any, *, dim: Axes, keepdim: bool, count: int, freedom: float) -> Any:
    """Variance over some axes, in two passes: first the mean, then the squared distances from it.

    `freedom` is `count` minus the correction.
    """
    wide = np.float32 if a.dtype.itemsize == 2 else a.dtype
    distance = a - add_up(a, dim, wide, keepdims=True) / count
    distance *= distance
    return (add_up(distance, dim, keepdims=keepdim) / freedom).astype(a.dtype)


@var.grad(
    "a",
    "spread(g * 2 / freedom, shape=a_shape, dim=dim) * (a - mean(a, dim=dim, keepdim=True, count=count))",
)
def _(g: Any, a: Any, a_shape: tuple[int, ...], *, dim: Axes, count: int, freedom: float) -> Any:
    distance = a - mean(a, dim=dim, keepdim=True, count=count)
    return spread(shared(g * 2, freedom), shape=a_shape, dim=dim) * distance


@op("sqrt(var(a, dim=dim, keepdim=keepdim, count=count, freedom=freedom))")
def std(a: Any, *, dim: Axes, keepdim: bool, count: int, freedom: float) -> Any:
    """Standard deviation over some axes; where it is 0, its gradient is taken to be 0."""
    return np.sqrt(var.forward(a, dim=dim, keepdim=keepdim, count=count, freedom=freedom))


@std.grad(
    "a",
    "spread(g / (freedom * where(y == 0, inf, y)), shape=a_shape, dim=dim)"
    " * (a - mean(a, dim=dim, keepdim=True, count=count))",
)
def _(g: Any, y: Any, a: Any, a_shape: tuple[int, ...], *, dim: Axes, count: int, freedom: float) -> Any:
    distance = a - mean(a, dim=dim, keepdim=True, count=count)
    return spread(shared(g / np.where(y == 0, np.inf, y), freedom), shape=a_shape, dim=dim) * distance


@op("a.max(keepdims=keepdim)")
def max(a: Any, *, keepdim: bool) -> Any:
    """Maximum of all elements; those that equal it share its gradient evenly. A NaN wins."""
    return largest(a, None, keepdims=keepdim)


max.grad("a", "g * evenly(a, y, dim=None)")


@op("a.min(keepdims=keepdim)")
def min(a: Any, *, keepdim: bool) -> Any:
    """Minimum of all elements; those that equal it share its gradient evenly. A NaN wins."""
    return smallest(a, None, keepdims=keepdim)


min.grad("a", "g * evenly(a, y, dim=None)")


@op("a.max(axis=dim, keepdims=keepdim)")
def amax(a: Any, *, dim: Axes, keepdim: bool) -> Any:
    """Maximum over some axes; elements that share it share its gradient evenly. NaN has the gradient NaN."""
    return largest(a, dim, keepdims=keepdim)


amax.grad("a", "spread(where(isnan(y), nan, g), shape=a_shape, dim=dim) * evenly(a, y, dim=dim)")


@op("a.min(axis=dim, keepdims=keepdim)")
def amin(a: Any, *, dim: Axes, keepdim: bool) -> Any:
    """Minimum over some axes; elements that share it share its gradient evenly. NaN has the gradient NaN."""
    return smallest(a, dim, keepdims=keepdim)


amin.grad("a", "spread(where(isnan(y), nan, g), shape=a_shape, dim=dim) * evenly(a, y, dim=dim)")


@op("(a == spread(b)) / (a == spread(b)).sum(axis=dim, keepdims=True)", broadcasts=False)
def evenly(a: Any, b: Any, *, dim: Axes) -> Any:
    """The share of each element of `a` in an extreme value `b`: 1/n for the n that equal it, else 0."""
    b = b if dim is None or b.ndim == a.ndim else b.reshape(kept(a.shape, dim))
    ties = (a == b) | ((a != a) & (b != b))
    return (ties / add_up(ties, dim, keepdims=True)).astype(a.dtype)


@op("a.argmax(axis=dim, keepdims=keepdim)")
def argmax(a: Any, *, dim: int | None, keepdim: bool) -> Any:
    """Index of the first maximum along an axis, or in the flattened array."""
    return a.argmax(axis=dim, keepdims=keepdim)


@op("a.argmin(axis=dim, keepdims=keepdim)")
def argmin(a: Any, *, dim: int | None, keepdim: bool) -> Any:
    """Index of the first minimum along an axis, or in the flattened array."""
    return a.argmin(axis=dim, keepdims=keepdim)


@op("any(a, axis=dim, keepdims=keepdim)")
def any(a: Any, *, dim: Axes, keepdim: bool) -> Any:
    """Whether any element along some axes is not zero."""
    return answer(any_of(a, dim, keepdims=keepdim), a)


@op("all(a, axis=dim, keepdims=keepdim)")
def all(a: Any, *, dim: Axes, keepdim: bool) -> Any:
    """Whether no element along some axes is zero."""
    return answer(all_of(a, dim, keepdims=keepdim), a)


def answer(truth: Any, a: Any) -> Any:
    """The truth about an array, as zeros and ones where that is of uint8, as in PyTorch."""
    return truth.astype(np.uint8) if a.dtype == np.uint8 else truth


@op("(a != 0).sum(axis=dim)")
def count_nonzero(a: Any, *, dim: Axes) -> Any:
    """The number of elements along some axes that are not zero."""
    return add_up(a != 0, dim, np.int64)


@op("sqrt((a * a).sum(axis=dim, keepdims=keepdim))")
def norm(a: Any, *, dim: Axes, keepdim: bool) -> Any:
    """Euclidean norm over some axes; where it is 0, its gradient is taken to be 0."""
    wide = np.float32 if a.dtype.itemsize == 2 else a.dtype
    return np.sqrt(add_up(np.square(a, dtype=wide), dim, keepdims=keepdim)).astype(a.dtype)


norm.grad("a", "spread(g / where(y == 0, inf, y), shape=a_shape, dim=dim) * a")


@op("(abs(a) ** p).sum(axis=dim, keepdims=keepdim) ** (1 / p)")
def p_norm(a: Any, *, p: float, dim: Axes, keepdim: bool) -> Any:
    """The p-norm over some axes, for finite p other than 0; where an element is 0, so is its gradient."""
    wide = np.abs(a).astype(np.float32) if a.dtype.itemsize == 2 else np.abs(a)
    return (add_up(wide**p, dim, keepdims=keepdim) ** (1 / p)).astype(a.dtype)


p_norm.grad(
    "a",
    "spread(where(y == 0, 0, g / where(y == 0, 1, y) ** (p - 1)), shape=a_shape, dim=dim)"
    " * sign(a) * abs(where(a == 0, 1, a)) ** (p - 1)",
)


@op("log(exp(a).sum(axis=dim, keepdims=keepdim))", floating=True)
def logsumexp(a: Any, *, dim: Axes, keepdim: bool) -> Any:
    """Logarithm of the sum of exponentials, shifted by the maximum so that nothing overflows."""
    if a.dtype.itemsize == 2:
        return logsumexp.forward(a.astype(np.float32), dim=dim, keepdim=keepdim).astype(a.dtype)
    peak = largest(a, dim, keepdims=True, initial=-np.inf)
    peak = np.where(np.isfinite(peak), peak, 0)
    total = add_up(np.exp(a - peak), dim, keepdims=True)
    y = np.log(total) + peak
    return y if keepdim else y.reshape([size for k, size in enumerate(a.shape) if dim is not None and k not in dim])


logsumexp.grad("a", "spread(g, shape=a_shape, dim=dim) * exp(a - spread(y, shape=a_shape, dim=dim))")


@op("exp(a) / exp(a).sum(axis=dim, keepdims=True)")
def softmax(a: Any, *, dim: int) -> Any:
    """Exponentials along an axis, scaled to sum to 1; shifted by the maximum so that nothing overflows."""
    if a.dtype.itemsize == 2:
        return softmax.forward(a.astype(np.float32), dim=dim).astype(a.dtype)
    y = shifted(a, dim)
    np.exp(y, out=y)
    y /= add_up(y, dim, keepdims=True)
    return y


softmax.grad("a", "y * (g - sum(g * y, dim=(dim,), keepdim=True))")


@op("a - log(exp(a).sum(axis=dim, keepdims=True))")
def log_softmax(a: Any, *, dim: int) -> Any:
    """Logarithm of the softmax along an axis, exact also where the softmax itself underflows."""
    if a.dtype.itemsize == 2:
        return log_softmax.forward(a.astype(np.float32), dim=dim).astype(a.dtype)
    y = shifted(a, dim)
    y -= np.log(add_up(np.exp(y), dim, keepdims=True))
    return y


log_softmax.grad("a", "g - exp(y) * sum(g, dim=(dim,), keepdim=True)")


def shifted(a: Any, dim: int) -> Any:
    """The array minus its maximum along an axis."""
    return a - largest(a, dim, keepdims=True, initial=-np.inf)


@op("cumsum(a, dim)")
def cumsum(a: Any, *, dim: int, reverse: bool) -> Any:
    """Sums of all elements up to each along an axis; if `reverse`, from each on."""
    flow = backwards(a, dim) if reverse else a
    y = np.add.accumulate(flow, dim, accumulator(a)).astype(result(a), copy=False)
    return backwards(y, dim) if reverse else y


cumsum.grad("a", "cumsum(g, dim=dim, reverse=not reverse)")


def backwards(a: Any, dim: int) -> Any:
    """The array with one axis reversed."""
    return a[(slice(None),) * dim + (slice(None, None, -1),)]


@op("cumprod(a, dim)")
def cumprod(a: Any, *, dim: int) -> Any:
    """Products of all elements up to each along an axis.

    An element's gradient is the product of those before it, times what comes from the
    element on: g[k] + a[k+1] * (g[k+1] + a[k+2] * (...)). Nothing is divided by it.
    """
    return np.multiply.accumulate(a, dim, accumulator(a)).astype(result(a), copy=False)


cumprod.grad("a", "partial_products(a, dim=dim, reverse=False) * (g + recurrence(a, g * a, dim=dim, reverse=True))")


@op("prod(a, axis=dim, keepdims=keepdim)")
def prod(a: Any, *, dim: int, keepdim: bool) -> Any:
    """Product along an axis.

    An element's gradient is the product of all others: of those before it times those after
    it, and not the product divided by the element, which may be zero.
    """
    y = multiply_up(a, dim, accumulator(a), keepdims=keepdim)
    return y.astype(a.dtype) if a.dtype == np.float16 else y


prod.grad(
    "a",
    "spread(g, shape=a_shape, dim=(dim,)) * partial_products(a, dim=dim, reverse=False)"
    " * partial_products(a, dim=dim, reverse=True)",
)


@op("cumprod(a, dim) / a")
def partial_products(a: Any, *, dim: int, reverse: bool) -> Any:
    """Products of all elements before each along an axis; if `reverse`, of all after it."""
    flow = np.moveaxis(a, dim, 0)[:: -1 if reverse else 1]
    y = np.ones(flow.shape, accumulator(a) or a.dtype)
    np.multiply.accumulate(flow[:-1], 0, y.dtype, y[1:])
    return np.ascontiguousarray(np.moveaxis(y[:: -1 if reverse else 1], 0, dim), a.dtype)


partial_products.grad("a", "y * recurrence(a, g, dim=dim, reverse=not reverse)")


@op("recurrence(a, b)", broadcasts=False)
def recurrence(a: Any, b: Any, *, dim: int, reverse: bool) -> Any:
    """The linear recurrence y[k] = b[k-1] + a[k-1] * y[k-1] along an axis, from y[0] = 0; if `reverse`, from the end.

    It appears when a chain of products is differentiated, and is its own kind of derivative.
    """
    step = -1 if reverse else 1
    factors, terms = np.moveaxis(a, dim, 0)[::step], np.moveaxis(b, dim, 0)[::step]
    y = np.zeros(terms.shape, accumulator(b) or b.dtype)
    for k in range(1, len(y)):
        y[k] = terms[k - 1] + factors[k - 1] * y[k - 1]
    return np.ascontiguousarray(np.moveaxis(y[::step], 0, dim), b.dtype)


recurrence.grad("a", "y * recurrence(a, g, dim=dim, reverse=not reverse)")
recurrence.grad("b", "recurrence(a, g, dim=dim, reverse=not reverse)")
