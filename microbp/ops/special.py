"""Rows for special functions: the error function and its relatives, logarithms of sums and of odds, sinc."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from microbp.ops.elementwise import sigmoid, zero_where
from microbp.ops.erf import erf_of, erfc_of, erfinv_of
from microbp.ops.op import op

__all__ = ["erf", "erfc", "erfinv", "logaddexp", "logaddexp2", "sinc"]

# A Python number: NumPy's own would turn float32 gradients into float64.
LN2 = math.log(2)


@op("erf(a)", floating=True)
def erf(a: Any) -> Any:
    """Error function, 2/√π times the integral of exp(-t²) over t from 0 to a.

    Source: W. J. Cody, "Rational Chebyshev approximations for the error function",
    Mathematics of Computation 23 (1969) 631-637.

    Examples
    --------
    >>> import microbp
    >>> microbp.erf(microbp.tensor([0.0, 1.0]))
    tensor([0.0000, 0.8427])
    """
    return erf_of(a)


@erf.grad("a", "g * 2 / sqrt(pi) * exp(-a * a)")
def _(g: Any, a: Any) -> Any:
    return g * np.exp(-a * a) * (2 / math.sqrt(math.pi))


@op("1 - erf(a)", floating=True)
def erfc(a: Any) -> Any:
    """Complement of the error function, exact to the last digits also where it is tiny.

    Source: as for `erf`.

    Examples
    --------
    >>> import microbp
    >>> microbp.erfc(microbp.tensor([0.0, 1.0]))
    tensor([1.0000, 0.1573])
    """
    return erfc_of(a)


@erfc.grad("a", "-g * 2 / sqrt(pi) * exp(-a * a)")
def _(g: Any, a: Any) -> Any:
    return g * np.exp(-a * a) * (-2 / math.sqrt(math.pi))


@op("erfinv(a)", floating=True)
def erfinv(a: Any) -> Any:
    """Inverse of the error function: infinite at -1 and 1, NaN beyond.

    Examples
    --------
    >>> import microbp
    >>> microbp.erfinv(microbp.tensor([0.0, 0.5, 1.0]))
    tensor([0.0000, 0.4769,    inf])
    """
    return erfinv_of(a)


@erfinv.grad("a", "g * sqrt(pi) / 2 * exp(y * y)")
def _(g: Any, y: Any) -> Any:
    return g * np.exp(y * y) * (math.sqrt(math.pi) / 2)


@op("log(exp(a) + exp(b))", numpy=np.logaddexp, floating=True)
def logaddexp(a: Any, b: Any) -> Any:
    """Logarithm of the sum of two exponentials, shifted so that nothing overflows.

    Examples
    --------
    >>> import microbp
    >>> microbp.logaddexp(microbp.tensor([0.0, 500.0]), microbp.tensor([0.0, 500.0]))
    tensor([  0.6931, 500.6931])
    """
    return np.logaddexp(a, b)


logaddexp.grad("a", "g * sigmoid(a - b)")
logaddexp.grad("b", "g * sigmoid(b - a)")


@op("log2(2**a + 2**b)", numpy=np.logaddexp2, floating=True)
def logaddexp2(a: Any, b: Any) -> Any:
    """Logarithm to the base 2 of the sum of two powers of 2, shifted so that nothing overflows.

    Examples
    --------
    >>> import microbp
    >>> microbp.logaddexp2(microbp.tensor([0.0, 500.0]), microbp.tensor([0.0, 500.0]))
    tensor([  1., 501.])
    """
    return np.logaddexp2(a, b)


@logaddexp2.grad("a", "g * sigmoid((a - b) * log(2))")
def _(g: Any, a: Any, b: Any) -> Any:
    return g * sigmoid((a - b) * LN2)


@logaddexp2.grad("b", "g * sigmoid((b - a) * log(2))")
def _(g: Any, a: Any, b: Any) -> Any:
    return g * sigmoid((b - a) * LN2)


@op("where((a == 0) & ~isnan(b), 0, a * log(b))", floating=True)
def xlogy(a: Any, b: Any) -> Any:
    """a * log(b), element by element, and 0 where a is 0, whatever the logarithm, unless b is NaN."""
    return np.where((a == 0) & ~np.isnan(b), 0, a * np.log(b))


@xlogy.grad("a", "where((a == 0) & (b <= 0), 0, g * log(b))")
def _(g: Any, a: Any, b: Any) -> Any:
    return zero_where(g * np.log(b), (a == 0) & (b <= 0))


xlogy.grad("b", "g * a / b")


@op("log(a / (1 - a))", floating=True)
def logit(a: Any) -> Any:
    """Logarithm of the odds, the inverse of the logistic function; NaN for what is no probability."""
    return np.log(a / (1 - a))


logit.grad("a", "g / where((a < 0) | (a > 1), nan, a * (1 - a))")


@op("sin(pi * a) / (pi * a)", numpy=np.sinc, floating=True)
def sinc(a: Any) -> Any:
    """The normalised sinc function, sin(πa) / (πa), which is 1 at 0.

    All its derivatives are exact at 0 too, where PyTorch takes the second one to be 0; it is -π²/3.

    Examples
    --------
    >>> import microbp
    >>> microbp.sinc(microbp.tensor([0.0, 0.5]))
    tensor([1.0000, 0.6366])
    """
    return np.sinc(a)


sinc.grad("a", "g * sinc_derivative(a, order=1)")


@op("sinc_derivative(a, order)")
def sinc_derivative(a: Any, *, order: int) -> Any:
    """A derivative of `sinc`, of any order.

    For f(t) = sin(t) / t, the n-th derivative of t f(t) = sin(t) gives the recurrence
    t fₙ(t) = sin(t + nπ/2) - n fₙ₋₁(t). For small t, where that would lose digits,
    fₙ(t) = ∫ sⁿ cos(st + nπ/2) ds over s from 0 to 1, as a series in t.
    """
    t = np.asarray(a, np.promote_types(a.dtype, np.float32)) * math.pi
    far = np.where(np.abs(t) > order + 1, t, 1)
    y = np.sin(far) / far
    for n in range(1, order + 1):
        y = (np.sin(far + n * math.pi / 2) - n * y) / far
    near = np.where(np.abs(t) > order + 1, 0, t)
    term, series = np.ones_like(t), np.zeros_like(t)
    for k in range(24 + 4 * order):  # t**k / k! cos((n + k)π/2) / (n + k + 1)
        if (order + k) % 2 == 0:
            series += term * ((-1) ** ((order + k) // 2) / (order + k + 1))
        term = term * near / (k + 1)
    return (np.where(np.abs(t) > order + 1, y, series) * math.pi**order).astype(a.dtype)


sinc_derivative.grad("a", "g * sinc_derivative(a, order=order + 1)")
