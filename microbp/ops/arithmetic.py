"""Rows for sums, products, quotients, powers, and the choice between two values."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from microbp.errors import DivisionError, DtypeError
from microbp.ops.elementwise import zero_where, zeros_like
from microbp.ops.op import op

__all__ = [
    "copysign",
    "fmax",
    "fmin",
    "fmod",
    "heaviside",
    "maximum",
    "minimum",
    "mul",
    "neg",
    "reciprocal",
    "remainder",
    "square",
]


@op("a + b", numpy=np.add)
def add(a: Any, b: Any) -> Any:
    """Sum of two tensors, element by element."""
    return a + b


add.grad("a", "g")
add.grad("b", "g")


@op("a - b", numpy=np.subtract)
def sub(a: Any, b: Any) -> Any:
    """Difference of two tensors, element by element."""
    return a - b


sub.grad("a", "g")
sub.grad("b", "-g")


@op("a * b", numpy=np.multiply)
def mul(a: Any, b: Any) -> Any:
    """Product of two tensors, or of a tensor and a number, element by element.

    Examples
    --------
    >>> import microbp
    >>> microbp.mul(microbp.tensor([1.0, 2.0]), 3)
    tensor([3., 6.])
    """
    return a * b


mul.grad("a", "g * b")
mul.grad("b", "g * a")


@op("a / b", numpy=np.divide, floating=True)
def div(a: Any, b: Any) -> Any:
    """Quotient of two tensors, element by element; integers have floating-point quotients."""
    return a / b


div.grad("a", "g / b")
div.grad("b", "-g * y / b")


@op("-a", numpy=np.negative)
def neg(a: Any) -> Any:
    """The negative of each element.

    Raises
    ------
    DtypeError
        For truth values; `microbp.logical_not` is their negation.

    Examples
    --------
    >>> import microbp
    >>> microbp.neg(microbp.tensor([1.0, -2.0]))
    tensor([-1.,  2.])
    """
    return -a


neg.grad("a", "-g")


@op("a * a", numpy=np.square)
def square(a: Any) -> Any:
    """The square of each element; truth values are squared as integers.

    Returns
    -------
    Tensor
        Of the shape and the dtype of `a`; int64 for truth values.

    Examples
    --------
    >>> import microbp
    >>> microbp.square(microbp.tensor([1.0, -2.0]))
    tensor([1., 4.])
    """
    return np.square(a) if a.dtype.kind != "b" else np.square(a, dtype=np.int64)


square.grad("a", "2 * g * a")


@op("1 / a", numpy=np.reciprocal, floating=True)
def reciprocal(a: Any) -> Any:
    """1 divided by each element.

    Examples
    --------
    >>> import microbp
    >>> microbp.reciprocal(microbp.tensor([2.0, 0.0]))
    tensor([0.5000,    inf])
    """
    return np.reciprocal(a)


reciprocal.grad("a", "-g * y * y")


@op("a ** b", numpy=np.power)
def pow(a: Any, b: Any) -> Any:
    """Power, element by element; 0**0 is 1.

    An integer tensor to a negative integer tensor is 0, but for the bases 1 and -1; to a
    negative Python integer it is refused, both as in PyTorch.
    """
    if floats(a, b):
        # The root is right for -0 and -inf, as NumPy's and PyTorch's exponent 0.5 are.
        return 1 / np.sqrt(a) if isinstance(b, float) and b == -0.5 else a**b
    if isinstance(b, int):
        if b < 0:
            raise DtypeError("pow: integers to negative integer powers are not allowed; convert the base: a.float()")
        return a**b
    if (b >= 0).all():
        return a**b
    odd = np.where(b % 2 == 1, a, 1)  # a**b for the bases 1 and -1
    return np.where(b >= 0, a ** np.maximum(b, 0), np.where(np.abs(a) == 1, odd, 0))


@pow.grad("a", "where(b == 0, 0, g * b * a ** (b - 1))")
def _(g: Any, a: Any, b: Any) -> Any:
    if isinstance(b, int | float):
        return g * (b * pow(a, b - 1)) if b else zeros_like(g)
    # Bases that have a logarithm give that 0 without help, and need to: its own derivative by b is not 0.
    return zero_where(g * (b * a ** (b - 1)), (b == 0) & np.logical_not((a > 0) & (a < np.inf)))


@pow.grad("b", "where((a == 0) & (b >= 0), 0, g * y * log(a))")
def _(g: Any, y: Any, a: Any, b: Any) -> Any:
    # The logarithm of a Python number must be one too: NumPy's would turn float32 into float64.
    logarithm = log_of_number(a) if isinstance(a, int | float) else np.log(a)
    return zero_where(g * (y * logarithm), (a == 0) & (b >= 0))


@op("a % b", numpy=np.remainder)
def remainder(a: Any, b: Any) -> Any:
    """Remainder of the division, with the sign of the divisor.

    Raises
    ------
    ShapeError
        If the shapes cannot be broadcast against each other.
    DivisionError
        If an integer is divided by zero.

    Examples
    --------
    >>> import microbp
    >>> microbp.remainder(microbp.tensor([-3.0, 5.0]), 2)
    tensor([1., 1.])
    """
    refuse_zero(a, b, "remainder")
    return np.remainder(a, b)


remainder.grad("a", "g")
remainder.grad("b", "-g * floor_divide(a, b)")


@op("fmod(a, b)", numpy=np.fmod)
def fmod(a: Any, b: Any) -> Any:
    """Remainder of the division, with the sign of the dividend.

    Raises
    ------
    ShapeError
        If the shapes cannot be broadcast against each other.
    DivisionError
        If an integer is divided by zero.

    Examples
    --------
    >>> import microbp
    >>> microbp.fmod(microbp.tensor([-3.0, 5.0]), 2)
    tensor([-1.,  1.])
    """
    refuse_zero(a, b, "fmod")
    return np.fmod(a, b)


fmod.grad("a", "g")
fmod.grad("b", "-g * trunc_divide(a, b)")


@op("a // b", numpy=np.floor_divide)
def floor_divide(a: Any, b: Any) -> Any:
    """Quotient, rounded towards minus infinity; flat, so its gradient is 0."""
    refuse_zero(a, b, "floor_divide")
    return np.floor_divide(a, b)


floor_divide.grad("a", "zeros_like(g)")
floor_divide.grad("b", "zeros_like(g)")


@op("trunc(a / b)")
def trunc_divide(a: Any, b: Any) -> Any:
    """Quotient, rounded towards zero; flat, so its gradient is 0."""
    refuse_zero(a, b, "trunc_divide")
    if floats(a, b):
        return np.trunc(a / b)
    quotient = np.floor_divide(a, b)  # exact, as a floating-point quotient of large integers is not
    return quotient + ((np.remainder(a, b) != 0) & (quotient < 0))


trunc_divide.grad("a", "zeros_like(g)")
trunc_divide.grad("b", "zeros_like(g)")


@op("maximum(a, b)", numpy=np.maximum)
def maximum(a: Any, b: Any) -> Any:
    """The larger of two values, element by element, NaN if one is NaN; a tie shares the gradient.

    Examples
    --------
    >>> import microbp
    >>> microbp.maximum(microbp.tensor([1.0, 5.0]), microbp.tensor([3.0, 4.0]))
    tensor([3., 5.])
    """
    return np.maximum(a, b)


@maximum.grad("a", "where(a == b, g / 2, where(a > b, g, 0))")
def _(g: Any, a: Any, b: Any) -> Any:
    return zero_where(where(a == b, g / 2, g), a < b)  # NaN passes the gradient to both


@maximum.grad("b", "where(a == b, g / 2, where(a < b, g, 0))")
def _(g: Any, a: Any, b: Any) -> Any:
    return zero_where(where(a == b, g / 2, g), a > b)


@op("minimum(a, b)", numpy=np.minimum)
def minimum(a: Any, b: Any) -> Any:
    """The smaller of two values, element by element, NaN if one is NaN; a tie shares the gradient.

    Examples
    --------
    >>> import microbp
    >>> microbp.minimum(microbp.tensor([1.0, 5.0]), microbp.tensor([3.0, 4.0]))
    tensor([1., 4.])
    """
    return np.minimum(a, b)


@minimum.grad("a", "where(a == b, g / 2, where(a < b, g, 0))")
def _(g: Any, a: Any, b: Any) -> Any:
    return zero_where(where(a == b, g / 2, g), a > b)


@minimum.grad("b", "where(a == b, g / 2, where(a > b, g, 0))")
def _(g: Any, a: Any, b: Any) -> Any:
    return zero_where(where(a == b, g / 2, g), a < b)


@op("fmax(a, b)", numpy=np.fmax)
def fmax(a: Any, b: Any) -> Any:
    """The larger of two values, element by element, the other one if one is NaN; of a tie the first has the gradient.

    Examples
    --------
    >>> import microbp
    >>> microbp.fmax(microbp.tensor([1.0, float("nan")]), microbp.tensor([3.0, 4.0]))
    tensor([3., 4.])
    """
    return np.fmax(a, b)


@fmax.grad("a", "where((a >= b) | isnan(b), g, 0)")
def _(g: Any, a: Any, b: Any) -> Any:
    return zero_where(g, ~((a >= b) | np.isnan(b)))


@fmax.grad("b", "where((a >= b) | isnan(b), 0, g)")
def _(g: Any, a: Any, b: Any) -> Any:
    return zero_where(g, (a >= b) | np.isnan(b))


@op("fmin(a, b)", numpy=np.fmin)
def fmin(a: Any, b: Any) -> Any:
    """The smaller of two values, element by element, the other one if one is NaN; of a tie the first has the gradient.

    Examples
    --------
    >>> import microbp
    >>> microbp.fmin(microbp.tensor([1.0, float("nan")]), microbp.tensor([3.0, 4.0]))
    tensor([1., 4.])
    """
    return np.fmin(a, b)


@fmin.grad("a", "where((a <= b) | isnan(b), g, 0)")
def _(g: Any, a: Any, b: Any) -> Any:
    return zero_where(g, ~((a <= b) | np.isnan(b)))


@fmin.grad("b", "where((a <= b) | isnan(b), 0, g)")
def _(g: Any, a: Any, b: Any) -> Any:
    return zero_where(g, (a <= b) | np.isnan(b))


@op("copysign(a, b)", numpy=np.copysign, floating=True)
def copysign(a: Any, b: Any) -> Any:
    """The modulus of one value with the sign of another, element by element; at 0 the gradient is taken to be 0.

    Examples
    --------
    >>> import microbp
    >>> microbp.copysign(microbp.tensor([1.0, -2.0]), microbp.tensor([-0.0, 5.0]))
    tensor([-1.,  2.])
    """
    return np.copysign(a, b)


copysign.grad("a", "g * where(a == 0, 0, y / a)")
copysign.grad("b", "zeros_like(g)")


@op("heaviside(a, b)", numpy=np.heaviside)
def heaviside(a: Any, b: Any) -> Any:
    """The step function: 0 for negative elements of `a` and NaN, 1 for positive ones, and `b` at 0.

    It is flat, so its gradient is 0, and that of `b` is 1 where it is taken (PyTorch raises an error).

    Examples
    --------
    >>> import microbp
    >>> microbp.heaviside(microbp.tensor([-1.5, 0.0, 2.0]), microbp.tensor(0.5))
    tensor([0.0000, 0.5000, 1.0000])
    """
    return np.where(a == 0, b, a > 0).astype(a.dtype)


heaviside.grad("a", "zeros_like(g)")


@heaviside.grad("b", "where(a == 0, g, 0)")
def _(g: Any, a: Any) -> Any:
    return zero_where(g, a != 0)


@op("where(condition, a, b)", numpy=np.where)
def where(condition: Any, a: Any, b: Any) -> Any:
    """`a` where the condition holds, else `b`."""
    return np.where(condition, a, b)


@where.grad("a", "where(condition, g, 0)")
def _(g: Any, condition: Any) -> Any:
    return zero_where(g, ~condition)


@where.grad("b", "where(condition, 0, g)")
def _(g: Any, condition: Any) -> Any:
    return zero_where(g, condition)


@op("a + w * (b - a)", floating=True)
def lerp(a: Any, b: Any, w: Any) -> Any:
    """Linear interpolation between two tensors, with a weight: `a` at weight 0, `b` at weight 1."""
    # From the nearer end, so that the weight 1 gives b to the last bit.
    return np.where(np.abs(w) < 0.5, a + w * (b - a), b - (b - a) * (1 - w))


lerp.grad("a", "g * (1 - w)")
lerp.grad("b", "g * w")
lerp.grad("w", "g * (b - a)")


@op("minimum(maximum(a, low), high)", numpy=np.clip)
def clamp(a: Any, low: Any, high: Any) -> Any:
    """The elements, moved into the range from `low` to `high`; both edges belong to the range."""
    return np.minimum(np.maximum(a, low), high)


@clamp.grad("a", "where((low <= a) & (a <= high), g, 0)")
def _(g: Any, a: Any, low: Any, high: Any) -> Any:
    return zero_where(g, ~((a >= low) & (a <= high)))


@clamp.grad("low", "where((a < low) & (low < high), g, 0)")
def _(g: Any, a: Any, low: Any, high: Any) -> Any:
    return zero_where(g, ~((a < low) & (low < high)))


@clamp.grad("high", "where((a > high) | (low > high), g, 0)")
def _(g: Any, a: Any, low: Any, high: Any) -> Any:
    return zero_where(g, ~((a > high) | (low > high)))


def kind(value: Any) -> str:
    """NumPy's letter for the kind of an array's dtype; a Python number has none."""
    return value.dtype.kind if hasattr(value, "dtype") else ""


def log_of_number(a: float) -> float:
    """The logarithm of a Python number, with NumPy's values where Python's raises."""
    if a > 0:
        return math.log(a)
    return -math.inf if a == 0 else math.nan


def refuse_zero(a: Any, b: Any, name: str) -> None:
    """Refuse to divide integers by zero; floating-point numbers give inf or NaN instead."""
    if not floats(a, b) and not np.all(b):
        raise DivisionError(f"{name}: an integer was divided by zero; convert to float for inf and nan")


def floats(a: Any, b: Any) -> bool:
    """Whether the values, arrays or Python numbers, meet in a floating-point dtype."""
    return isinstance(a, float) or isinstance(b, float) or "f" in (kind(a), kind(b))
