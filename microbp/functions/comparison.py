"""Comparing whole tensors."""

from __future__ import annotations

import numpy as np

from microbp.errors import DtypeError, OptionError
from microbp.methods import method
from microbp.mode import look_at_values
from microbp.tensor import Tensor, wrap

__all__ = [
    "allclose",
    "equal",
    "is_nonzero",
    "is_same_size",
    "isclose",
    "isneginf",
    "isposinf",
    "isreal",
]


@method("isclose")
def isclose(input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Tensor:
    """Whether two values are close, element by element: \\|input - other\\| <= atol + rtol * \\|other\\|.

    Parameters
    ----------
    input, other : Tensor
        The values, of the same dtype; their shapes are broadcast.
    rtol, atol : float
        Relative and absolute tolerance.
    equal_nan : bool
        Count NaN as close to NaN.

    Returns
    -------
    Tensor of bool

    Raises
    ------
    DtypeError
        If the dtypes differ.
    OptionError
        If a tolerance is negative.

    Examples
    --------
    >>> import microbp
    >>> microbp.isclose(microbp.tensor([1.0, 2.0]), microbp.tensor([1.000001, 2.1]))
    tensor([ True, False])
    """
    for tensor in (input, other):
        if not isinstance(tensor, Tensor):
            raise TypeError(f"isclose compares tensors, got {type(tensor).__name__}")
    if input.dtype != other.dtype:
        raise DtypeError(f"isclose: input of {input.dtype} and other of {other.dtype} must have the same dtype")
    if rtol < 0 or atol < 0:
        raise OptionError(f"isclose: tolerances must not be negative, got rtol={rtol}, atol={atol}")
    return wrap(np.isclose(input.array, other.array, rtol=rtol, atol=atol, equal_nan=equal_nan))


@method("allclose")
def allclose(input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> bool:
    """Whether all elements of two tensors are close; arguments and errors as for `isclose`.

    Returns
    -------
    bool

    Examples
    --------
    >>> import microbp
    >>> microbp.allclose(microbp.tensor([1.0, 2.0]), microbp.tensor([1.000001, 2.0]))
    True
    """
    look_at_values()
    return bool(isclose(input, other, rtol, atol, equal_nan).array.all())


@method("equal")
def equal(input: Tensor, other: Tensor) -> bool:
    """Whether two tensors have the same shape and equal elements; NaN equals nothing.

    Parameters
    ----------
    input, other : Tensor
        Of any shapes and dtypes.

    Returns
    -------
    bool

    Examples
    --------
    >>> import microbp
    >>> microbp.equal(microbp.tensor([1, 2]), microbp.tensor([1, 2]))
    True
    >>> microbp.equal(microbp.tensor([1, 2]), microbp.tensor([[1, 2]]))
    False
    """
    for tensor in (input, other):
        if not isinstance(tensor, Tensor):
            raise TypeError(f"equal compares tensors, got {type(tensor).__name__}; use input == other for numbers")
    look_at_values()
    return bool(np.array_equal(input.array, other.array))


@method("isposinf")
def isposinf(input: Tensor) -> Tensor:
    """Whether each element is plus infinity.

    Parameters
    ----------
    input : Tensor
        Of any shape.

    Returns
    -------
    Tensor of bool
        Of the same shape.

    Examples
    --------
    >>> import microbp
    >>> microbp.isposinf(microbp.tensor([1.0, float("inf"), -float("inf")]))
    tensor([False,  True, False])
    """
    return wrap(input.array == np.inf)


@method("isneginf")
def isneginf(input: Tensor) -> Tensor:
    """Whether each element is minus infinity.

    Parameters
    ----------
    input : Tensor
        Of any shape.

    Returns
    -------
    Tensor of bool
        Of the same shape.

    Examples
    --------
    >>> import microbp
    >>> microbp.isneginf(microbp.tensor([1.0, float("inf"), -float("inf")]))
    tensor([False, False,  True])
    """
    return wrap(input.array == -np.inf)


@method("isreal")
def isreal(input: Tensor) -> Tensor:
    """Whether each element is a real number, which all are here.

    Parameters
    ----------
    input : Tensor
        Of any shape.

    Returns
    -------
    Tensor of bool
        Of the same shape.

    Examples
    --------
    >>> import microbp
    >>> microbp.isreal(microbp.tensor([1.0, float("nan")]))
    tensor([True, True])
    """
    return wrap(np.ones(input.array.shape, np.bool_))


@method("is_nonzero")
def is_nonzero(input: Tensor) -> bool:
    """Whether the one element of a tensor is not zero.

    Parameters
    ----------
    input : Tensor
        Of one element.

    Returns
    -------
    bool

    Raises
    ------
    ShapeError
        If there is not exactly one element.

    Examples
    --------
    >>> import microbp
    >>> microbp.is_nonzero(microbp.tensor([0.5]))
    True
    """
    return bool(input.item() != 0)


@method("is_same_size")
def is_same_size(input: Tensor, other: Tensor) -> bool:
    """Whether two tensors have the same shape.

    Parameters
    ----------
    input, other : Tensor
        Of any shapes.

    Returns
    -------
    bool

    Examples
    --------
    >>> import microbp
    >>> microbp.Tensor.is_same_size(microbp.ones(2), microbp.ones(2, 1))
    False
    """
    return input.array.shape == other.array.shape
