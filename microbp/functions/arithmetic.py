"""Sums, quotients, powers, limits and choices, with PyTorch's arguments."""

from __future__ import annotations

from typing import Any, overload

import numpy as np

from microbp.dtypes import result_dtype
from microbp.errors import DtypeError, OptionError
from microbp.methods import method
from microbp.ops import arithmetic
from microbp.tensor import Tensor, apply, as_operand, wrap

__all__ = [
    "add",
    "addcdiv",
    "addcmul",
    "clamp",
    "clamp_max",
    "clamp_min",
    "clip",
    "div",
    "divide",
    "floor_divide",
    "lerp",
    "pow",
    "sub",
    "subtract",
    "true_divide",
    "where",
]


@method("add")
def add(input: Any, other: Any, *, alpha: float = 1) -> Tensor:
    """input + alpha * other, element by element.

    Parameters
    ----------
    input, other : Tensor or number
        The terms; their shapes are broadcast.
    alpha : number
        The factor of the second one.

    Returns
    -------
    Tensor

    Raises
    ------
    DtypeError
        If `alpha` is no integer, but both terms are.

    Examples
    --------
    >>> import microbp
    >>> microbp.add(microbp.tensor([1.0, 2.0]), microbp.tensor([10.0, 20.0]), alpha=0.5)
    tensor([ 6., 12.])
    """
    return apply(arithmetic.add, input, scaled("add", input, other, alpha))


@method("sub")
def sub(input: Any, other: Any, *, alpha: float = 1) -> Tensor:
    """input - alpha * other, element by element.

    Parameters
    ----------
    input, other : Tensor or number
        The terms; their shapes are broadcast.
    alpha : number
        The factor of the second one.

    Returns
    -------
    Tensor

    Raises
    ------
    DtypeError
        If `alpha` is no integer, but both terms are.

    Examples
    --------
    >>> import microbp
    >>> microbp.sub(microbp.tensor([1.0, 2.0]), 1, alpha=3)
    tensor([-2., -1.])
    """
    return apply(arithmetic.sub, input, scaled("sub", input, other, alpha))


def scaled(name: str, input: Any, other: Any, alpha: float) -> Any:
    """alpha * other, where integers must stay integers."""
    if alpha == 1:
        return other
    input, other = as_operand(input), as_operand(other)
    if (
        isinstance(alpha, float)
        and result_dtype([getattr(input, "array", input), getattr(other, "array", other)]).kind != "f"
    ):
        raise DtypeError(f"{name}: alpha must be an integer for integer tensors, got {alpha}")
    return other * alpha


@method("div")
def div(input: Any, other: Any, *, rounding_mode: str | None = None) -> Tensor:
    """Quotient of two tensors, or of a tensor and a number, element by element.

    Parameters
    ----------
    input, other : Tensor or number
        Dividend and divisor; their shapes are broadcast.
    rounding_mode : {None, "trunc", "floor"}
        Round the quotient towards zero, or towards minus infinity; integers then stay
        integers, and the gradient is 0.

    Returns
    -------
    Tensor
        Of a floating-point dtype, unless integers are rounded.

    Raises
    ------
    OptionError
        For any other rounding mode.
    DivisionError
        If an integer is divided by zero, with a rounding mode.

    Examples
    --------
    >>> import microbp
    >>> microbp.div(microbp.tensor([-7, 7]), 2)
    tensor([-3.5000,  3.5000])
    >>> microbp.div(microbp.tensor([-7, 7]), 2, rounding_mode="floor")
    tensor([-4,  3])
    """
    if rounding_mode is None:
        return apply(arithmetic.div, input, other)
    if rounding_mode == "trunc":
        return apply(arithmetic.trunc_divide, input, other)
    if rounding_mode == "floor":
        return apply(arithmetic.floor_divide, input, other)
    raise OptionError(f"div: rounding_mode must be None, 'trunc' or 'floor', got {rounding_mode!r}")


@method("true_divide")
def true_divide(input: Any, other: Any) -> Tensor:
    """Quotient of two tensors, or of a tensor and a number, never rounded.

    Parameters
    ----------
    input, other : Tensor or number
        Dividend and divisor; their shapes are broadcast.

    Returns
    -------
    Tensor
        Of a floating-point dtype.

    Examples
    --------
    >>> import microbp
    >>> microbp.true_divide(microbp.tensor([-7, 7]), 2)
    tensor([-3.5000,  3.5000])
    """
    return apply(arithmetic.div, input, other)


@method("floor_divide")
def floor_divide(input: Any, other: Any) -> Tensor:
    """Quotient of two tensors, or of a tensor and a number, rounded towards minus infinity.

    The function is flat, so its gradient is 0 (where PyTorch raises an error).

    Parameters
    ----------
    input, other : Tensor or number
        Dividend and divisor; their shapes are broadcast.

    Returns
    -------
    Tensor

    Raises
    ------
    DivisionError
        If an integer is divided by zero.

    Examples
    --------
    >>> import microbp
    >>> microbp.floor_divide(microbp.tensor([-7.0, 7.0]), 2)
    tensor([-4.,  3.])
    """
    return apply(arithmetic.floor_divide, input, other)


@method("pow")
def pow(input: Any, exponent: Any) -> Tensor:
    """The base to the power of the exponent, element by element.

    0 to the power 0 is 1, with gradient 0 for the base; a negative base has real powers for
    whole exponents only, NaN else.

    Parameters
    ----------
    input, exponent : Tensor or number
        Base and exponent; their shapes are broadcast.

    Returns
    -------
    Tensor

    Raises
    ------
    DtypeError
        For an integer tensor and a negative Python integer.

    Examples
    --------
    >>> import microbp
    >>> microbp.pow(microbp.tensor([-2.0, 3.0]), 2)
    tensor([4., 9.])
    """
    return apply(arithmetic.pow, input, exponent)


@method("addcmul")
def addcmul(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: float = 1) -> Tensor:
    """input + value * tensor1 * tensor2, element by element.

    Parameters
    ----------
    input, tensor1, tensor2 : Tensor
        The terms; their shapes are broadcast.
    value : number
        The factor of the product.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import microbp
    >>> microbp.addcmul(microbp.tensor([1.0]), microbp.tensor([2.0]), microbp.tensor([3.0]), value=0.5)
    tensor([4.])
    """
    return add(input, apply(arithmetic.mul, tensor1, tensor2), alpha=value)


@method("addcdiv")
def addcdiv(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: float = 1) -> Tensor:
    """input + value * tensor1 / tensor2, element by element.

    Parameters
    ----------
    input, tensor1, tensor2 : Tensor
        The terms; their shapes are broadcast.
    value : number
        The factor of the quotient.

    Returns
    -------
    Tensor

    Raises
    ------
    DtypeError
        If both terms of the quotient are integers.

    Examples
    --------
    >>> import microbp
    >>> microbp.addcdiv(microbp.tensor([1.0]), microbp.tensor([3.0]), microbp.tensor([2.0]), value=0.5)
    tensor([1.7500])
    """
    if tensor1.dtype.kind != "f" and tensor2.dtype.kind != "f":
        raise DtypeError(f"addcdiv does not divide integers ({tensor1.dtype} by {tensor2.dtype}); use tensor1.float()")
    return add(input, apply(arithmetic.div, tensor1, tensor2), alpha=value)


@method("lerp")
def lerp(input: Any, end: Any, weight: Any) -> Tensor:
    """Linear interpolation, input + weight * (end - input): `input` at weight 0, `end` at weight 1.

    Parameters
    ----------
    input, end : Tensor
        Where it starts and ends.
    weight : Tensor or number
        How far to go; all shapes are broadcast.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import microbp
    >>> microbp.lerp(microbp.tensor([0.0, 10.0]), microbp.tensor([1.0, 20.0]), 0.25)
    tensor([ 0.2500, 12.5000])
    """
    return apply(arithmetic.lerp, input, end, weight)


@method("clamp")
def clamp(input: Tensor, min: Any = None, max: Any = None) -> Tensor:
    """The elements, moved into the range from `min` to `max`.

    Inside the range and at its edges the gradient passes, outside it is 0. Where `min` is
    larger than `max` the result is `max`.

    Parameters
    ----------
    input : Tensor
        The elements.
    min, max : Tensor or number, optional
        The edges; their shapes are broadcast. One of them must be given.

    Returns
    -------
    Tensor

    Raises
    ------
    OptionError
        If both edges are missing.

    Examples
    --------
    >>> import microbp
    >>> microbp.clamp(microbp.tensor([-2.0, 0.5, 2.0]), min=-1, max=1)
    tensor([-1.0000,  0.5000,  1.0000])
    """
    return apply(arithmetic.clamp, input, *bounds("clamp", input, min, max))


def bounds(name: str, input: Tensor, min: Any, max: Any) -> tuple[Any, Any]:
    """Both edges of a range; a missing one is the extreme of the dtype in which the values meet."""
    if min is None and max is None:
        raise OptionError(f"{name}: at least one of min and max must be given")
    if min is not None and max is not None:
        return min, max
    given = as_operand(max if min is None else min)
    dtype = result_dtype([value.array if isinstance(value, Tensor) else value for value in (input, given)])
    if dtype.kind == "f":
        lowest, highest = -np.inf, np.inf
    elif dtype.kind == "b":
        lowest, highest = False, True
    else:
        lowest, highest = int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)
    return (lowest, given) if min is None else (given, highest)


@method("clamp_min")
def clamp_min(input: Tensor, min: Any) -> Tensor:
    """The elements, with those below `min` moved up to it; see `clamp`.

    Examples
    --------
    >>> import microbp
    >>> microbp.clamp_min(microbp.tensor([-2.0, 2.0]), 0)
    tensor([0., 2.])
    """
    return clamp(input, min=min)


@method("clamp_max")
def clamp_max(input: Tensor, max: Any) -> Tensor:
    """The elements, with those above `max` moved down to it; see `clamp`.

    Examples
    --------
    >>> import microbp
    >>> microbp.clamp_max(microbp.tensor([-2.0, 2.0]), 0)
    tensor([-2.,  0.])
    """
    return clamp(input, max=max)


@overload
def where(condition: Any) -> tuple[Tensor, ...]: ...
@overload
def where(condition: Any, input: Any, other: Any) -> Tensor: ...
def where(condition: Any, input: Any = None, other: Any = None) -> Tensor | tuple[Tensor, ...]:
    """`input` where the condition holds, else `other`; with the condition alone, where that is.

    Only the value that is taken gets a gradient. Mind that a NaN or infinity in the function
    that computed the other value still meets that 0 on its way back, and 0 * inf is NaN:
    bring the argument into the function's domain first, ``log(where(x > 0, x, 1))``.

    Parameters
    ----------
    condition : Tensor of bool
        What to choose by.
    input, other : Tensor or number, optional
        The values to choose from; all shapes are broadcast.

    Returns
    -------
    Tensor, or tuple of Tensor
        The chosen values; without values, the indices of all non-zero elements of the
        condition, one tensor of int64 for each axis.

    Raises
    ------
    DtypeError
        If the condition of a choice is not of dtype bool.

    Examples
    --------
    >>> import microbp
    >>> x = microbp.tensor([-1.0, 2.0])
    >>> microbp.where(x > 0, x, 0.0)
    tensor([0., 2.])
    >>> microbp.where(x > 0)
    (tensor([1]),)
    """
    condition = as_operand(condition)
    if input is None and other is None:
        return tuple(wrap(places) for places in np.nonzero(np.atleast_1d(condition.array)))
    if input is None or other is None:
        raise TypeError("where() takes a condition alone, or with both input and other")
    if not isinstance(condition, Tensor) or condition.dtype.kind != "b":
        found = condition.dtype if isinstance(condition, Tensor) else type(condition).__name__
        raise DtypeError(f"where: the condition must be a tensor of dtype bool, got {found}; use condition != 0")
    input, other = as_operand(input), as_operand(other)
    if not isinstance(input, Tensor) and not isinstance(other, Tensor):
        input = wrap(np.array(input, dtype=result_dtype([input, other])))
    return apply(arithmetic.where, condition, input, other)


@method("where")
def where_of(self: Tensor, condition: Tensor, other: Any) -> Tensor:
    """This tensor where the condition holds, else `other`; see `microbp.where`."""
    return where(condition, self, other)


clip = method("clip")(clamp)
divide = method("divide")(div)
subtract = method("subtract")(sub)
