"""Functions computed element by element that take options."""

from __future__ import annotations

from typing import Any

import numpy as np

from microbp.dtypes import result_dtype
from microbp.errors import DtypeError, OptionError
from microbp.functions.arithmetic import clamp
from microbp.functions.conversion import convert
from microbp.methods import method
from microbp.ops import arithmetic, elementwise, special
from microbp.tensor import Tensor, apply, as_operand, wrap

__all__ = ["float_power", "logit", "nan_to_num", "positive", "xlogy"]


@method("nan_to_num")
def nan_to_num(
    input: Tensor, nan: float | None = None, posinf: float | None = None, neginf: float | None = None
) -> Tensor:
    """Numbers in place of NaN and infinities, which get no gradient.

    Parameters
    ----------
    input : Tensor
        The elements; integers stay as they are.
    nan : number, optional
        What takes the place of NaN; 0 by default.
    posinf, neginf : number, optional
        What takes the place of inf and -inf; by default the largest and smallest numbers of the dtype.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import microbp
    >>> microbp.nan_to_num(microbp.tensor([1.0, float("nan"), float("inf")]), posinf=9.0)
    tensor([1., 0., 9.])
    """
    return apply(elementwise.nan_to_num, input, nan=0.0 if nan is None else nan, posinf=posinf, neginf=neginf)


@method("logit")
def logit(input: Tensor, eps: float | None = None) -> Tensor:
    """Logarithm of the odds, log(p / (1 - p)): the inverse of the logistic function `sigmoid`.

    Parameters
    ----------
    input : Tensor
        Probabilities.
    eps : float, optional
        Move them into the range from eps to 1 - eps first; those outside of it get no gradient.

    Returns
    -------
    Tensor
        Infinite for 0 and 1; NaN, also in the gradient, for what is no probability.

    Raises
    ------
    OptionError
        If `eps` is not from 0 to 1.

    Examples
    --------
    >>> import microbp
    >>> microbp.logit(microbp.tensor([0.5, 0.0, 1.0]), eps=0.1)
    tensor([ 0.0000, -2.1972,  2.1972])
    """
    if eps is None:
        return apply(special.logit, input)
    if not 0 <= eps <= 1:
        raise OptionError(f"logit: eps must be from 0 to 1, got {eps}")
    return apply(special.logit, clamp(input, eps, 1 - eps))


@method("float_power")
def float_power(input: Any, exponent: Any) -> Tensor:
    """The base to the power of the exponent, element by element, computed in float64.

    Parameters
    ----------
    input, exponent : Tensor or number
        Base and exponent; their shapes are broadcast.

    Returns
    -------
    Tensor
        Of float64.

    Examples
    --------
    >>> import microbp
    >>> microbp.float_power(microbp.tensor([1, 2, 3]), -2)
    tensor([1.0000, 0.2500, 0.1111], dtype=float64)
    """
    base, power = (as_operand(value) for value in (input, exponent))
    base, power = (convert(v, np.float64) if isinstance(v, Tensor) else float(v) for v in (base, power))
    if not isinstance(base, Tensor) and not isinstance(power, Tensor):
        base = wrap(np.float64(base))
    return apply(arithmetic.pow, base, power)


@method("positive")
def positive(input: Tensor) -> Tensor:
    """The tensor itself, as ``+t`` gives it.

    Parameters
    ----------
    input : Tensor
        Of any shape.

    Returns
    -------
    Tensor

    Raises
    ------
    DtypeError
        For truth values.

    Examples
    --------
    >>> import microbp
    >>> microbp.positive(microbp.tensor([-1.0, 2.0]))
    tensor([-1.,  2.])
    """
    if input.dtype.kind == "b":
        raise DtypeError("positive is not for truth values")
    return input


@method("xlogy")
def xlogy(input: Any, other: Any) -> Tensor:
    """input * log(other), element by element, and 0 where `input` is 0, whatever the logarithm.

    Parameters
    ----------
    input, other : Tensor or number
        Factor and argument; their shapes are broadcast. One of them is a tensor.

    Returns
    -------
    Tensor
        NaN where `other` is negative or NaN.

    Examples
    --------
    >>> import microbp
    >>> microbp.xlogy(microbp.tensor([0.0, 2.0]), microbp.tensor([0.0, 1.0]))
    tensor([0., 0.])
    """
    given = [as_operand(value) for value in (input, other)]
    dtype = result_dtype([value.array if isinstance(value, Tensor) else value for value in given], floating=True)
    factor, argument = (v if isinstance(v, Tensor) else wrap(np.array(v, dtype)) for v in given)
    return apply(special.xlogy, factor, argument)
