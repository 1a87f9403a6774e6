"""Rows for the activation functions that are not elementary functions.

`relu`, `sigmoid` and `tanh` stand with the elementary functions, `softmax` and `log_softmax`
with the reductions. Functions with PyTorch's signatures are in `microbp.nn.functional`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from microbp.ops import elementwise, linalg, special
from microbp.ops.op import op

__all__: list[str] = []


@op("where(a > 0, a, negative_slope * a)", floating=True)
def leaky_relu(a: Any, *, negative_slope: float) -> Any:
    """Rectifier that lets a fraction of the negative values through."""
    return np.where(a > 0, a, negative_slope * a)


leaky_relu.grad("a", "where(a > 0, g, negative_slope * g)")


@op("where(a > 0, a, w * a)", floating=True)
def prelu(a: Any, w: Any) -> Any:
    """Leaky rectifier whose slope `w` is learned."""
    return np.where(a > 0, a, w * a)


prelu.grad("a", "where(a > 0, g, w * g)")
prelu.grad("w", "where(a > 0, 0, a * g)")


@op("where(a > 0, a, alpha * expm1(minimum(a, 0)))", floating=True)
def elu(a: Any, *, alpha: float) -> Any:
    """Exponential linear unit."""
    return np.where(a > 0, a, alpha * np.expm1(np.minimum(a, 0)))


@elu.grad("a", "where(a <= 0, g * alpha * exp(where(a < 0, a, 0)), g)", arrays_only=True)
def _(g: Any, a: Any, *, alpha: float) -> Any:
    return np.where(a <= 0, g * (alpha * np.exp(np.minimum(a, 0))), g)


@op("where(a > 0, a, alpha * expm1(minimum(a, 0) / alpha))", floating=True)
def celu(a: Any, *, alpha: float) -> Any:
    """Exponential linear unit with a continuous derivative for every `alpha`."""
    return np.where(a > 0, a, alpha * np.expm1(np.minimum(a, 0) / alpha))


@celu.grad("a", "where(a <= 0, g * exp(where(a < 0, a, 0) / alpha), g)", arrays_only=True)
def _(g: Any, a: Any, *, alpha: float) -> Any:
    return np.where(a <= 0, g * np.exp(np.minimum(a, 0) / alpha), g)


SELU_ALPHA = 1.6732632423543772
SELU_SCALE = 1.0507009873554805


@op("1.0507009873554805 * where(a > 0, a, 1.6732632423543772 * expm1(minimum(a, 0)))", floating=True)
def selu(a: Any) -> Any:
    """Exponential linear unit that keeps mean 0 and variance 1 from layer to layer."""
    return SELU_SCALE * np.where(a > 0, a, SELU_ALPHA * np.expm1(np.minimum(a, 0)))


@selu.grad(
    "a", "1.0507009873554805 * where(a <= 0, g * 1.6732632423543772 * exp(where(a < 0, a, 0)), g)", arrays_only=True
)
def _(g: Any, a: Any) -> Any:
    return SELU_SCALE * np.where(a <= 0, g * (SELU_ALPHA * np.exp(np.minimum(a, 0))), g)


@op("a * (1 + erf(a / 2**0.5)) / 2", hands_on=("p",), floating=True)
def gelu(a: Any) -> Any:
    """The value times the probability `p` that a normal variable is smaller."""
    p = special.erf.forward(a * 0.5**0.5)
    p += 1
    p *= 0.5
    return a * p, p


gelu.letter("p", "(1 + erf(a / 2**0.5)) / 2")


@gelu.grad("a", "g * (p + a * exp(-a * a / 2) / (2 * pi) ** 0.5)", arrays_only=True)
def _(g: Any, a: Any, p: Any) -> Any:
    slope = a * a
    slope *= -0.5
    slope = np.exp(slope)
    slope *= a
    slope *= (2 * np.pi) ** -0.5
    slope += p
    slope *= g
    return slope


@op("a * (1 + tanh((2 / pi) ** 0.5 * (a + 0.044715 * a**3))) / 2", hands_on=("t",), floating=True)
def gelu_tanh(a: Any) -> Any:
    """`gelu` with the normal distribution approximated by a hyperbolic tangent."""
    t = np.tanh((2 / np.pi) ** 0.5 * (a + 0.044715 * (a * a * a)))
    return 0.5 * a * (1 + t), t


gelu_tanh.letter("t", "tanh((2 / pi) ** 0.5 * (a + 0.044715 * a * a * a))")
gelu_tanh.grad("a", "g * (1 + t + a * (1 - t * t) * (2 / pi) ** 0.5 * (1 + 0.134145 * a * a)) / 2")


@op("a * sigmoid(a)", hands_on=("s",), floating=True)
def silu(a: Any) -> Any:
    """The value times its sigmoid `s`; also called swish."""
    s = elementwise.sigmoid.forward(a)
    return a * s, s


silu.letter("s", "sigmoid(a)")
silu.grad("a", "g * s * (1 + a * (1 - s))")


@op("a * tanh(log1p(exp(a)))", hands_on=("t",), floating=True)
def mish(a: Any) -> Any:
    """The value times the hyperbolic tangent `t` of its softplus."""
    t = np.tanh(np.logaddexp(a, 0))
    return a * t, t


mish.letter("t", "tanh(softplus(a, beta=1, threshold=20))")
mish.grad("a", "g * (t + a * (1 - t * t) * sigmoid(a))")


@op("where(beta * a > threshold, a, log(1 + exp(beta * a)) / beta)", floating=True)
def softplus(a: Any, *, beta: float, threshold: float) -> Any:
    """Smooth rectifier; linear beyond a threshold, where the difference is too small to matter."""
    scaled = a * beta
    return np.where(scaled > threshold, a, np.logaddexp(scaled, 0) / beta)


@softplus.grad(
    "a",
    "where(beta * a > threshold, g, g * sigmoid(where(beta * a == threshold, threshold, beta * a)))",
    arrays_only=True,
)
def _(g: Any, a: Any, *, beta: float, threshold: float) -> Any:
    scaled = beta * a
    return np.where(scaled > threshold, g, g * elementwise.sigmoid.forward(scaled))


@op("log(sigmoid(a))", floating=True)
def logsigmoid(a: Any) -> Any:
    """Logarithm of the sigmoid, without its underflow."""
    return -np.logaddexp(-a, 0)


logsigmoid.grad("a", "g * sigmoid(-a)")


@op("a / (1 + abs(a))", floating=True)
def softsign(a: Any) -> Any:
    """Sigmoid-like function that approaches its limits slowly."""
    return a / (1 + np.abs(a))


softsign.grad("a", "g / (1 + abs(a)) ** 2")


@op("a - tanh(a)", floating=True)
def tanhshrink(a: Any) -> Any:
    """The difference between a value and its hyperbolic tangent."""
    return a - np.tanh(a)


tanhshrink.grad("a", "g * tanh(a) ** 2")


@op("clip(a, min_val, max_val)")
def hardtanh(a: Any, *, min_val: float, max_val: float) -> Any:
    """Linear between two bounds, constant beyond them; the derivative at the bounds is taken to be 0."""
    return np.minimum(np.maximum(a, min_val), max_val)


hardtanh.grad("a", "where((a <= min_val) | (a >= max_val), 0, g)")


@op("clip(a + 3, 0, 6) / 6", floating=True)
def hardsigmoid(a: Any) -> Any:
    """Sigmoid made of three straight lines."""
    return np.minimum(np.maximum(a + 3, 0), 6) / 6


hardsigmoid.grad("a", "where((a > -3) & (a < 3), g / 6, 0)")


@op("a * (clip(a + 3, 0, 6) / 6)", floating=True)
def hardswish(a: Any) -> Any:
    """The value times its `hardsigmoid`."""
    return a * (np.minimum(np.maximum(a + 3, 0), 6) / 6)


hardswish.grad("a", "where(a <= -3, 0, where(a < 3, g * (a / 3 + 0.5), g))")


@op("where(a > threshold, a, value)")
def threshold(a: Any, *, threshold: float, value: float) -> Any:
    """The value itself above a threshold, a constant up to it; NaN stays NaN."""
    return np.where(a <= threshold, np.asarray(value, a.dtype), a)


@threshold.grad("a", "where(a <= threshold, 0, g)")
def _(g: Any, a: Any, *, threshold: float) -> Any:
    return elementwise.zero_where(g, a <= threshold)


@op("where(abs(a) <= lambd, 0, a)", floating=True)
def hardshrink(a: Any, *, lambd: float) -> Any:
    """0 around 0, the value itself beyond."""
    return elementwise.masked(a, ~((a >= -lambd) & (a <= lambd)))


@hardshrink.grad("a", "where((a >= -lambd) & (a <= lambd), 0, g)")
def _(g: Any, a: Any, *, lambd: float) -> Any:
    return elementwise.zero_where(g, (a >= -lambd) & (a <= lambd))


@op("where(a > lambd, a - lambd, where(a < -lambd, a + lambd, 0 * a))", floating=True)
def softshrink(a: Any, *, lambd: float) -> Any:
    """The value moved towards 0, but not across."""
    return a - np.minimum(np.maximum(a, -lambd), lambd)


@softshrink.grad("a", "where((a >= -lambd) & (a <= lambd), 0, g)")
def _(g: Any, a: Any, *, lambd: float) -> Any:
    return elementwise.zero_where(g, (a >= -lambd) & (a <= lambd))


@op("where(m, exp(a), 0) / where(m, exp(a), 0).sum(axis=-1, keepdims=True)", promotes=False, broadcasts=False)
def masked_softmax(a: Any, m: Any) -> Any:
    """Softmax along the last axis over the elements where the mask `m` holds, 0 elsewhere; `m` may be None.

    Where no element of a row takes part, because the mask leaves none or all are -inf, the row is 0.
    """
    if a.dtype.itemsize == 2:
        return masked_softmax.forward(a.astype(np.float32), m).astype(a.dtype)
    allowed = a if m is None else np.where(m, a, np.asarray(-np.inf, a.dtype))
    peak = np.maximum.reduce(allowed, -1, keepdims=True, initial=-np.inf)
    peak[peak == -np.inf] = 0
    y = np.subtract(allowed, peak, out=None if allowed is a else allowed)
    np.exp(y, out=y)
    total = last_sums(y)
    total[total == 0] = 1
    y /= total
    return y


@masked_softmax.grad("a", "y * (g - (g * y).sum(axis=-1, keepdims=True))", arrays_only=True)
def _(g: Any, y: Any) -> Any:
    out = g - np.vecdot(g, y)[..., None]
    out *= y
    return out


def last_sums(a: Any) -> Any:
    """Sums over the last axis, which is kept with size 1, as a product with a column of ones."""
    *before, size = a.shape
    return a.reshape(math.prod(before), size).dot(linalg.ones(size, a.dtype)).reshape(*before, 1)


@op("a * m", broadcasts=False)
def dropout(a: Any, m: Any) -> Any:
    """The product with a mask `m` of zeros and of ones that are scaled up to keep the mean."""
    return a * m


dropout.grad("a", "g * m")
