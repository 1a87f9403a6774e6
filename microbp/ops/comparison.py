"""Rows with truth values or bits as results; none has a gradient."""

from __future__ import annotations

from typing import Any

import numpy as np

from microbp.ops.op import op

__all__ = [
    "bitwise_and",
    "bitwise_not",
    "bitwise_or",
    "bitwise_xor",
    "eq",
    "ge",
    "gt",
    "isfinite",
    "isinf",
    "isnan",
    "le",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "lt",
    "ne",
    "signbit",
]

# Comparisons


@op("a == b", numpy=np.equal)
def eq(a: Any, b: Any) -> Any:
    """Whether two values are equal, element by element; NaN equals nothing.

    Examples
    --------
    >>> import microbp
    >>> microbp.eq(microbp.tensor([1, 2, 3]), microbp.tensor([3, 2, 1]))
    tensor([False,  True, False])
    """
    return a == b


@op("a != b", numpy=np.not_equal)
def ne(a: Any, b: Any) -> Any:
    """Whether two values differ, element by element; NaN differs from everything.

    Examples
    --------
    >>> import microbp
    >>> microbp.ne(microbp.tensor([1, 2, 3]), 2)
    tensor([ True, False,  True])
    """
    return a != b


@op("a < b", numpy=np.less)
def lt(a: Any, b: Any) -> Any:
    """Whether `a` is smaller than `b`, element by element; False beside NaN.

    Examples
    --------
    >>> import microbp
    >>> microbp.lt(microbp.tensor([1, 2, 3]), 2)
    tensor([ True, False, False])
    """
    return a < b


@op("a <= b", numpy=np.less_equal)
def le(a: Any, b: Any) -> Any:
    """Whether `a` is smaller than `b` or equal to it, element by element; False beside NaN.

    Examples
    --------
    >>> import microbp
    >>> microbp.le(microbp.tensor([1, 2, 3]), 2)
    tensor([ True,  True, False])
    """
    return a <= b


@op("a > b", numpy=np.greater)
def gt(a: Any, b: Any) -> Any:
    """Whether `a` is larger than `b`, element by element; False beside NaN.

    Examples
    --------
    >>> import microbp
    >>> microbp.gt(microbp.tensor([1, 2, 3]), 2)
    tensor([False, False,  True])
    """
    return a > b


@op("a >= b", numpy=np.greater_equal)
def ge(a: Any, b: Any) -> Any:
    """Whether `a` is larger than `b` or equal to it, element by element; False beside NaN.

    Examples
    --------
    >>> import microbp
    >>> microbp.ge(microbp.tensor([1, 2, 3]), 2)
    tensor([False,  True,  True])
    """
    return a >= b


# Kinds of numbers


@op("isnan(a)", numpy=np.isnan)
def isnan(a: Any) -> Any:
    """Whether each element is NaN, "not a number".

    Examples
    --------
    >>> import microbp
    >>> microbp.isnan(microbp.tensor([1.0, float("nan"), float("inf")]))
    tensor([False,  True, False])
    """
    return np.isnan(a)


@op("isinf(a)", numpy=np.isinf)
def isinf(a: Any) -> Any:
    """Whether each element is plus or minus infinity.

    Examples
    --------
    >>> import microbp
    >>> microbp.isinf(microbp.tensor([1.0, float("nan"), float("inf")]))
    tensor([False, False,  True])
    """
    return np.isinf(a)


@op("isfinite(a)", numpy=np.isfinite)
def isfinite(a: Any) -> Any:
    """Whether each element is neither infinite nor NaN.

    Examples
    --------
    >>> import microbp
    >>> microbp.isfinite(microbp.tensor([1.0, float("nan"), float("inf")]))
    tensor([ True, False, False])
    """
    return np.isfinite(a)


@op("signbit(a)", numpy=np.signbit)
def signbit(a: Any) -> Any:
    """Whether each element has a minus, as -0.0 has.

    Examples
    --------
    >>> import microbp
    >>> microbp.signbit(microbp.tensor([1.0, -2.0, 0.0, -0.0]))
    tensor([False,  True, False,  True])
    """
    return np.signbit(a) if a.dtype.kind == "f" else a < 0


# Logic: every number but 0 counts as true


@op("logical_and(a, b)", numpy=np.logical_and)
def logical_and(a: Any, b: Any) -> Any:
    """Whether both of two values are true, element by element.

    Examples
    --------
    >>> import microbp
    >>> microbp.logical_and(microbp.tensor([True, True]), microbp.tensor([True, False]))
    tensor([ True, False])
    """
    return np.logical_and(a, b)


@op("logical_or(a, b)", numpy=np.logical_or)
def logical_or(a: Any, b: Any) -> Any:
    """Whether at least one of two values is true, element by element.

    Examples
    --------
    >>> import microbp
    >>> microbp.logical_or(microbp.tensor([True, False]), microbp.tensor([False, False]))
    tensor([ True, False])
    """
    return np.logical_or(a, b)


@op("logical_xor(a, b)", numpy=np.logical_xor)
def logical_xor(a: Any, b: Any) -> Any:
    """Whether exactly one of two values is true, element by element.

    Examples
    --------
    >>> import microbp
    >>> microbp.logical_xor(microbp.tensor([True, True]), microbp.tensor([True, False]))
    tensor([False,  True])
    """
    return np.logical_xor(a, b)


@op("logical_not(a)", numpy=np.logical_not)
def logical_not(a: Any) -> Any:
    """Whether each element is false.

    Examples
    --------
    >>> import microbp
    >>> microbp.logical_not(microbp.tensor([1.5, 0.0]))
    tensor([False,  True])
    """
    return np.logical_not(a)


# Bits, of integers and truth values


@op("a & b", numpy=np.bitwise_and)
def bitwise_and(a: Any, b: Any) -> Any:
    """The bits that are set in both of two integers, or the logical "and" of truth values.

    Raises
    ------
    ShapeError
        If the shapes cannot be broadcast against each other.
    DtypeError
        For floating-point numbers.

    Examples
    --------
    >>> import microbp
    >>> microbp.bitwise_and(microbp.tensor([6]), microbp.tensor([3]))
    tensor([2])
    """
    return a & b


@op("a | b", numpy=np.bitwise_or)
def bitwise_or(a: Any, b: Any) -> Any:
    """The bits that are set in at least one of two integers, or the logical "or" of truth values.

    Raises
    ------
    ShapeError
        If the shapes cannot be broadcast against each other.
    DtypeError
        For floating-point numbers.

    Examples
    --------
    >>> import microbp
    >>> microbp.bitwise_or(microbp.tensor([6]), microbp.tensor([3]))
    tensor([7])
    """
    return a | b


@op("a ^ b", numpy=np.bitwise_xor)
def bitwise_xor(a: Any, b: Any) -> Any:
    """The bits that are set in exactly one of two integers, or the logical "exclusive or" of truth values.

    Raises
    ------
    ShapeError
        If the shapes cannot be broadcast against each other.
    DtypeError
        For floating-point numbers.

    Examples
    --------
    >>> import microbp
    >>> microbp.bitwise_xor(microbp.tensor([6]), microbp.tensor([3]))
    tensor([5])
    """
    return a ^ b


@op("~a", numpy=np.invert)
def bitwise_not(a: Any) -> Any:
    """All bits of each integer turned over, or the logical "not" of truth values.

    Raises
    ------
    DtypeError
        For floating-point numbers.

    Examples
    --------
    >>> import microbp
    >>> microbp.bitwise_not(microbp.tensor([True, False]))
    tensor([False,  True])
    """
    return ~a
