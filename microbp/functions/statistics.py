"""Variance and standard deviation along axes, alone or together with the mean.

`dim`, `keepdim` and their other names are as for the sums and means of `microbp.functions.reduction`.
"""

from __future__ import annotations

from typing import Any

from microbp.functions.reduction import count, mean, prepared, require_floating
from microbp.methods import method
from microbp.ops import reduction as rows
from microbp.tensor import Tensor, apply

__all__ = ["std", "std_mean", "var", "var_mean"]


@method("var")
def var(
    input: Tensor,
    dim: Any = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
    axis: Any = None,
    keepdims: bool = False,
) -> Tensor:
    """Variance of the elements, y = sum_k (a_k - mean(a))^2 / (n - correction).

    Parameters
    ----------
    input : Tensor
        Of a floating-point dtype.
    dim : int or tuple of int, optional
        The axes to take together; all by default. ``var(False)`` means ``var(unbiased=False)``.
    unbiased : bool, optional
        True for the correction 1, False for 0.
    keepdim : bool
        Leave the reduced axes with size 1.
    correction : number, optional
        What to take off n; 1 by default.
    axis, keepdims
        NumPy's names for `dim` and `keepdim`.

    Returns
    -------
    Tensor
        NaN or infinite where n - correction is not positive.

    Raises
    ------
    DtypeError
        For integers.

    Examples
    --------
    >>> import microbp
    >>> t = microbp.tensor([1.0, 2.0, 6.0])
    >>> t.var(), t.var(correction=0)
    (tensor(7.), tensor(4.6667))
    """
    return spread_out(rows.var, input, dim, unbiased, keepdim, correction, axis, keepdims)


@method("std")
def std(
    input: Tensor,
    dim: Any = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
    axis: Any = None,
    keepdims: bool = False,
) -> Tensor:
    """Standard deviation of the elements: the square root of `var`, with gradient 0 where it is 0.

    Parameters
    ----------
    input, dim, unbiased, keepdim, correction
        As for `var`.
    axis, keepdims
        NumPy's names for `dim` and `keepdim`.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import microbp
    >>> microbp.tensor([1.0, 5.0]).std(correction=0)
    tensor(2.)
    """
    return spread_out(rows.std, input, dim, unbiased, keepdim, correction, axis, keepdims)


def var_mean(
    input: Tensor,
    dim: Any = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
    axis: Any = None,
    keepdims: bool = False,
) -> tuple[Tensor, Tensor]:
    """Variance and mean of the elements.

    Parameters
    ----------
    input, dim, unbiased, keepdim, correction
        As for `var`.
    axis, keepdims
        NumPy's names for `dim` and `keepdim`.

    Returns
    -------
    tuple (variance, mean) of Tensor

    Examples
    --------
    >>> import microbp
    >>> microbp.var_mean(microbp.tensor([1.0, 2.0, 6.0]))
    (tensor(7.), tensor(3.))
    """
    return with_mean(rows.var, input, dim, unbiased, keepdim, correction, axis, keepdims)


def std_mean(
    input: Tensor,
    dim: Any = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
    axis: Any = None,
    keepdims: bool = False,
) -> tuple[Tensor, Tensor]:
    """Standard deviation and mean of the elements.

    Parameters
    ----------
    input, dim, unbiased, keepdim, correction
        As for `var`.
    axis, keepdims
        NumPy's names for `dim` and `keepdim`.

    Returns
    -------
    tuple (deviation, mean) of Tensor

    Examples
    --------
    >>> import microbp
    >>> microbp.std_mean(microbp.tensor([1.0, 5.0]), correction=0)
    (tensor(2.), tensor(3.))
    """
    return with_mean(rows.std, input, dim, unbiased, keepdim, correction, axis, keepdims)


def with_mean(
    row: Any, input: Any, dim: Any, unbiased: Any, keepdim: Any, correction: Any, axis: Any, keepdims: Any
) -> tuple[Tensor, Tensor]:
    """`var_mean` and `std_mean`, which take the same arguments."""
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    spread = spread_out(row, input, dim, unbiased, keepdim, correction, axis, keepdims)
    return spread, mean(input, dim, keepdim, axis=axis, keepdims=keepdims)


def spread_out(
    row: Any, input: Any, dim: Any, unbiased: Any, keepdim: Any, correction: Any, axis: Any, keepdims: Any
) -> Tensor:
    """`var` and `std`, which take the same arguments."""
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    if unbiased is not None and correction is not None:
        raise TypeError(f"{row.name}() got both unbiased and correction, which mean the same")
    if correction is None:
        correction = 0 if unbiased is False else 1
    input, dims, keepdim = prepared(row.name, input, dim, axis, keepdim, keepdims, None)
    require_floating(row.name, input)
    n = count(input, dims)
    freedom = n - correction if n > correction else 0
    return apply(row, input, dim=dims, keepdim=keepdim, count=n, freedom=freedom)
