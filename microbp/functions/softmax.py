"""Softmax and its relatives: exponentials of which the sum matters, computed without overflow."""

from __future__ import annotations

from typing import Any

from microbp.errors import DtypeError
from microbp.functions.dims import as_dim
from microbp.functions.reduction import converted, prepared
from microbp.methods import method
from microbp.ops import reduction as rows
from microbp.ops import shape as shaping
from microbp.tensor import Tensor, apply

__all__ = ["log_softmax", "logsumexp", "softmax"]


@method("logsumexp")
def logsumexp(input: Tensor, dim: Any, keepdim: bool = False) -> Tensor:
    """Logarithm of the sum of exponentials, y = log(sum_k exp(a_k)), for values of any size.

    Parameters
    ----------
    input : Tensor
        Integers become the default dtype.
    dim : int or tuple of int
        The axes to sum over.
    keepdim : bool
        Leave the reduced axes with size 1.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import microbp
    >>> microbp.logsumexp(microbp.tensor([1000.0, 1000.0]), dim=0)
    tensor(1000.6932)
    """
    input, dims, keepdim = prepared("logsumexp", input, dim, None, keepdim, False, None)
    return apply(rows.logsumexp, input, dim=dims, keepdim=keepdim)


@method("softmax")
def softmax(input: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """Softmax along an axis, y_i = exp(a_i) / sum_k exp(a_k), for values of any size.

    Parameters
    ----------
    input : Tensor
        The logits.
    dim : int
        The axis along which the results sum to 1.
    dtype : dtype, optional
        Convert the input to this dtype first.

    Returns
    -------
    Tensor
        Of the shape of `input`.

    Raises
    ------
    DtypeError
        For integers, unless `dtype` converts them.

    Examples
    --------
    >>> import microbp
    >>> microbp.softmax(microbp.tensor([1000.0, 1000.0]), dim=0)
    tensor([0.5000, 0.5000])
    """
    return normalised(rows.softmax, input, dim, dtype)


@method("log_softmax")
def log_softmax(input: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """Logarithm of the softmax along an axis, y_i = a_i - log(sum_k exp(a_k)), for values of any size.

    Parameters
    ----------
    input, dim, dtype
        As for `softmax`.

    Returns
    -------
    Tensor
        Of the shape of `input`.

    Raises
    ------
    DtypeError
        For integers, unless `dtype` converts them.

    Examples
    --------
    >>> import microbp
    >>> microbp.log_softmax(microbp.tensor([0.0, 1000.0]), dim=0)
    tensor([-1000.,     0.])
    """
    return normalised(rows.log_softmax, input, dim, dtype)


def normalised(row: Any, input: Any, dim: Any, dtype: Any) -> Tensor:
    """`softmax` and `log_softmax`, which take the same arguments."""
    input = converted(input, dtype)
    if input.array.dtype.kind != "f":
        raise DtypeError(f"{row.name} needs a floating-point tensor, got {input.dtype}; convert it first: t.float()")
    axis = as_dim(row.name, dim, input.ndim)
    if input.ndim:
        return apply(row, input, dim=axis)
    flat = apply(shaping.reshape, input, shape=(1,))
    return apply(shaping.reshape, apply(row, flat, dim=0), shape=())
