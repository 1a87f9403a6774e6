"""Rows for losses.

Losses that are a line of tensor operations have no row; they are composed in
`microbp.nn.functional`, where the functions with PyTorch's signatures are. Here is what is
worth fusing, for steadiness (softmax with logarithm, sigmoid with logarithm) or for speed.

Labels `t` are integers and have no rule.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from microbp.errors import RangeError
from microbp.ops import elementwise, reduction  # noqa: F401  (formulas name a row of the latter)
from microbp.ops.linalg import column_sums
from microbp.ops.op import op

__all__: list[str] = []


@op("-log_softmax(a, dim=1)[arange(len(t)), t].sum() / n", hands_on=("d",), promotes=False, broadcasts=False)
def cross_entropy(a: Any, t: Any, *, n: float) -> Any:
    """Negative log-likelihood of the labels `t` (N,) under the softmax of the logits `a` (N, C), over `n`.

    Its derivative `d` is what the softmax has too much beside the labels' certainty. Labels that name no class raise
    `RangeError`.

    Source: Bishop, *Pattern Recognition and Machine Learning* (2006), eq. 4.108 and 4.109.
    """
    samples, classes = a.shape
    hits = t.astype(np.intp)
    unsigned = hits.view(np.uintp)  # so seen, negative labels are large ones
    if samples and unsigned.item(unsigned.argmax()) >= classes:
        raise RangeError(f"cross_entropy: a label is out of range for {classes} classes")
    if classes < 128:  # NumPy is slow at reducing many short rows, so each sample becomes a column
        d = a.T.copy()
        hits *= samples
        hits += counted(samples, 1)
    else:
        d = a.copy().T
        hits += counted(samples, classes)
    flat = d.ravel("K")  # a view, in which one number finds an element: half the time of a pair
    d -= np.maximum.reduce(d)
    likely = flat.take(hits)
    np.exp(d, d)
    total = column_sums(d)
    share = part(n, d.dtype)
    d *= share / total
    flat[hits] -= share
    return column_sums(np.log(total) - likely) / n, d.T


@lru_cache(maxsize=256)
def part(n: float, dtype: Any) -> Any:
    """1 / n as an array of no dimensions, with which NumPy is quicker than with a number; to be read only."""
    share = np.array(1 / n, dtype)
    share.flags.writeable = False
    return share


@lru_cache(maxsize=256)
def counted(size: int, step: int) -> Any:
    """0, step, 2 step, ...: as many as `size`, to be read only."""
    steps = np.arange(0, size * step, step)
    steps.flags.writeable = False
    return steps


cross_entropy.letter("d", "(softmax(a, dim=1) - one_hot(t, classes=a.shape[1])) / n")


@cross_entropy.grad("a", "g * (softmax(a, dim=1) - one_hot(t, classes=a.shape[1])) / n", arrays_only=True)
def _(g: Any, d: Any) -> Any:
    return g * d


@op("t[..., None] == arange(classes)")
def one_hot(t: Any, *, classes: int) -> Any:
    """A row of zeros for each label, with a 1 at the place that the label names."""
    return (t[..., None] == np.arange(classes)).astype(np.int64)


@op("a[i, t[i]] for each i, 0 where t[i] < 0", promotes=False, broadcasts=False)
def take_class(a: Any, t: Any) -> Any:
    """The values of `a` (N, C, ...) at the labels `t` (N, ...); 0 where a label is negative."""
    ignored = t < 0
    y = np.take_along_axis(a, np.where(ignored, 0, t)[:, None], axis=1)[:, 0]
    y[ignored] = 0
    return y


take_class.grad("a", "put_class(g, t, classes=a_shape[1])")


@op("y[i, t[i]] = a[i] for each i, 0 elsewhere", promotes=False, broadcasts=False)
def put_class(a: Any, t: Any, *, classes: int) -> Any:
    """Zeros (N, C, ...) with the values of `a` (N, ...) at the labels `t` (N, ...) that are not negative."""
    ignored = t < 0
    y = np.zeros((len(t), classes, *t.shape[1:]), a.dtype)
    np.put_along_axis(y, np.where(ignored, 0, t)[:, None], np.where(ignored, 0, a)[:, None], axis=1)
    return y


put_class.grad("a", "take_class(g, t)")


@op("((a - t) ** 2).sum() / n", hands_on=("d",), broadcasts=False)
def mse_loss(a: Any, t: Any, *, n: float) -> Any:
    """Sum of the squared differences `d` of two tensors of one shape, over `n`."""
    d = a - t
    flat = d.reshape(-1)
    return flat.dot(flat) / n, d


mse_loss.letter("d", "a - t")
mse_loss.grad("a", "g * (2 / n) * d")
mse_loss.grad("t", "g * (-2 / n) * d")


@op("where(abs(a) < delta, a * a / 2, delta * (abs(a) - delta / 2))")
def huber(a: Any, *, delta: float) -> Any:
    """Half the square of a small error, proportional to a large one.

    Source: Huber, "Robust Estimation of a Location Parameter" (1964).
    """
    size = np.abs(a)
    return np.where(size < delta, 0.5 * a * a, delta * (size - 0.5 * delta))


huber.grad("a", "where(abs(a) >= delta, g * (delta * sign(a)), g * a)")


@op("-(t * maximum(log(a), -100) + (1 - t) * maximum(log1p(-a), -100))", broadcasts=False)
def binary_cross_entropy(a: Any, t: Any) -> Any:
    """Negative log-likelihood of the target `t` under the probability `a`; logarithms end at -100."""
    with np.errstate(divide="ignore"):
        return -(t * np.maximum(np.log(a), -100) + (1 - t) * np.maximum(np.log1p(-a), -100))


binary_cross_entropy.grad("a", "g * (a - t) / maximum((1 - a) * a, 1e-12)")
binary_cross_entropy.grad("t", "g * (log1p(-a) - log(a))")


@op("maximum(a, 0) - a * t + log1p(exp(-abs(a)))", broadcasts=False)
def binary_cross_entropy_with_logits(a: Any, t: Any) -> Any:
    """Negative log-likelihood of the target `t` under the probability ``sigmoid(a)``."""
    y = np.maximum(a, 0) - a * t
    y += np.log1p(np.exp(-np.abs(a)))
    return y


@binary_cross_entropy_with_logits.grad("a", "g * (1 / (1 + exp(-a)) - t)")
def _(g: Any, a: Any, t: Any) -> Any:
    return g * (elementwise.sigmoid(a) - t)


binary_cross_entropy_with_logits.grad("t", "-g * a")


@op("where(a > 0, a * log(a), 0)", floating=True)
def xlogx(a: Any) -> Any:
    """A value times its logarithm, 0 at 0: the negative entropy of a probability."""
    return a * np.log(np.where(a == 0, 1, a))


xlogx.grad("a", "g * (log(a) + 1)")
