"""Making tensors after the model of another: in its shape and dtype, or in its dtype alone."""

from __future__ import annotations

from typing import Any

import numpy as np

from microbp.dtypes import as_dtype
from microbp.functions.creation import empty, finished, full, ones, tensor, zeros
from microbp.methods import method
from microbp.tensor import Tensor

__all__ = [
    "empty_like",
    "full_like",
    "ones_like",
    "zeros_like",
]


def zeros_like(input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Zeros, of the shape and dtype of another tensor.

    Parameters
    ----------
    input : Tensor
        Gives the shape and, where no other is asked for, the dtype.
    dtype, device, requires_grad
        As for `microbp.tensor`.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import microbp
    >>> microbp.zeros_like(microbp.tensor([1, 2]))
    tensor([0, 0])
    """
    return full_like(input, 0, dtype=dtype, device=device, requires_grad=requires_grad)


def ones_like(input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Ones, of the shape and dtype of another tensor.

    Parameters
    ----------
    input : Tensor
        Gives the shape and, where no other is asked for, the dtype.
    dtype, device, requires_grad
        As for `microbp.tensor`.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import microbp
    >>> microbp.ones_like(microbp.tensor([3.0, 4.0]))
    tensor([1., 1.])
    """
    return full_like(input, 1, dtype=dtype, device=device, requires_grad=requires_grad)


def full_like(
    input: Tensor, fill_value: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """One value everywhere, in the shape and dtype of another tensor.

    Parameters
    ----------
    input : Tensor
        Gives the shape and, where no other is asked for, the dtype.
    fill_value : number
        The value.
    dtype, device, requires_grad
        As for `microbp.tensor`.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import microbp
    >>> microbp.full_like(microbp.tensor([3.0, 4.0]), 7)
    tensor([7., 7.])
    """
    kind = input.array.dtype if dtype is None else as_dtype(dtype)
    value = fill_value.item() if isinstance(fill_value, Tensor | np.generic) else fill_value
    return finished(np.full(input.array.shape, value, kind), device, requires_grad)


def empty_like(input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Whatever the memory held, in the shape and dtype of another tensor.

    Parameters
    ----------
    input : Tensor
        Gives the shape and, where no other is asked for, the dtype.
    dtype, device, requires_grad
        As for `microbp.tensor`.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import microbp
    >>> microbp.empty_like(microbp.zeros(2, 3)).shape
    (2, 3)
    """
    kind = input.array.dtype if dtype is None else as_dtype(dtype)
    return finished(np.empty(input.array.shape, kind), device, requires_grad)


@method("new_tensor")
def new_tensor(
    self: Tensor, data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """A tensor of data, as `microbp.tensor` makes it, in the dtype of this one."""
    return tensor(data, dtype=self.dtype if dtype is None else dtype, device=device, requires_grad=requires_grad)


@method("new_full")
def new_full(
    self: Tensor, size: Any, fill_value: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """A tensor of another size full of one value, in the dtype of this one.

    Parameters
    ----------
    size : tuple of int
        The shape.
    fill_value : number
        The value.
    dtype, device, requires_grad
        As for `microbp.tensor`.

    Returns
    -------
    Tensor
    """
    kind = self.dtype if dtype is None else dtype
    return full(size, fill_value, dtype=kind, device=device, requires_grad=requires_grad)


@method("new_zeros")
def new_zeros(
    self: Tensor, *sizes: Any, size: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """Zeros of another size, in the dtype of this tensor.

    Parameters
    ----------
    *sizes, size
        As for `microbp.zeros`.
    dtype, device, requires_grad
        As for `microbp.tensor`.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import microbp
    >>> microbp.tensor([1, 2]).new_zeros(3)
    tensor([0, 0, 0])
    """
    kind = self.dtype if dtype is None else dtype
    return zeros(*sizes, size=size, dtype=kind, device=device, requires_grad=requires_grad)


@method("new_ones")
def new_ones(
    self: Tensor, *sizes: Any, size: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """Ones of another size, in the dtype of this tensor.

    Parameters
    ----------
    *sizes, size
        As for `microbp.ones`.
    dtype, device, requires_grad
        As for `microbp.tensor`.

    Returns
    -------
    Tensor
    """
    kind = self.dtype if dtype is None else dtype
    return ones(*sizes, size=size, dtype=kind, device=device, requires_grad=requires_grad)


@method("new_empty")
def new_empty(
    self: Tensor, *sizes: Any, size: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """Whatever the memory held, in another size and the dtype of this tensor.

    Parameters
    ----------
    *sizes, size
        As for `microbp.empty`.
    dtype, device, requires_grad
        As for `microbp.tensor`.

    Returns
    -------
    Tensor
    """
    kind = self.dtype if dtype is None else dtype
    return empty(*sizes, size=size, dtype=kind, device=device, requires_grad=requires_grad)
