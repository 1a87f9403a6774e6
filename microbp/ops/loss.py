"""Rows for losses.

Losses that are a line of tensor operations have no row; they are composed in
`microbp.nn.functional`, where the functions with PyTorch's signatures are. Here is what is
worth fusing, for steadiness (softmax with logarithm, sigmoid with logarithm) or for speed.

Labels `t` are integers and have no rule.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from microbp.ops import elementwise
from microbp.ops.op import op

__all__: list[str] = []


@op("-log_softmax(a, dim=1)[arange(len(t)), t].sum() / n", hands_on=("p",), promotes=False, broadcasts=False)
def cross_entropy(a: Any, t: Any, *, n: float) -> Any:
    """Negative log-likelihood of the labels `t` (N,) under the softmax `p` of the logits `a` (N, C), over `n`.

    Source: Bishop, *Pattern Recognition and Machine Learning* (2006), eq. 4.108 and 4.109.
    """
    columns = a.T.copy() if a.shape[1] < 64 else a.T  # NumPy is slow at reducing many short rows
    p = columns - np.maximum.reduce(columns, 0)
    hits = p[t, np.arange(len(t))]
    np.exp(p, p)
    total = np.add.reduce(p, 0)
    p /= total
    return np.add.reduce(np.log(total) - hits) / n, p.T


cross_entropy.letter("p", "softmax(a, dim=1)")


@cross_entropy.grad("a", "g * (p - one_hot(t, classes=a_shape[1])) / n")
def _(g: Any, t: Any, p: Any, *, n: float) -> Any:
    return excess(p, t, g / n)


@op("s * (p - one_hot(t, classes=p.shape[1]))", promotes=False, broadcasts=False)
def excess(p: Any, t: Any, s: Any) -> Any:
    """By how much the probabilities `p` (N, C) exceed those of the labels `t` (N,), times a number `s`."""
    y = p * s
    y[np.arange(len(t)), t] -= s
    return y


excess.grad("p", "g * s")


@excess.grad("s", "(g * (p - one_hot(t, classes=p.shape[1]))).sum()")
def _(g: Any, p: Any, t: Any) -> Any:
    return (g * excess(p, t, 1.0)).sum()


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


huber.grad("a", "where(abs(a) < delta, g * a, g * (delta * sign(a)))")


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
