"""Pooling by norms with PyTorch's signatures."""

from __future__ import annotations

import math
from typing import Any

from microbp.errors import OptionError
from microbp.nn.functional.check import number, require_floating, tensor_for
from microbp.nn.functional.pooling import Sizes, avg_pool, max_pool
from microbp.nn.functional.sliding import integers
from microbp.tensor import Tensor

__all__ = ["lp_pool1d", "lp_pool2d", "lp_pool3d"]


def lp_pool1d(
    input: Tensor, norm_type: float, kernel_size: Sizes, stride: Sizes | None = None, ceil_mode: bool = False
) -> Tensor:
    """The p-norm of each window along the last dimension, as `lp_pool2d` has it.

    Parameters
    ----------
    input : Tensor
        (N, C, L) or (C, L), floating-point.
    norm_type, kernel_size, stride, ceil_mode
        As for `lp_pool2d`.

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError, OptionError, DtypeError
        As for `lp_pool2d`.

    Examples
    --------
    >>> import microbp
    >>> lp_pool1d(microbp.tensor([[3.0, 4.0, 5.0, 12.0]]), 2, 2)
    tensor([[ 5., 13.]])
    """
    return lp_pool("lp_pool1d", 1, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool2d(
    input: Tensor, norm_type: float, kernel_size: Sizes, stride: Sizes | None = None, ceil_mode: bool = False
) -> Tensor:
    """The p-norm of each window over the last two dimensions: (sum of xᵖ)^(1/p), without absolute values.

    Parameters
    ----------
    input : Tensor
        (N, C, H, W) or (C, H, W), floating-point.
    norm_type : float
        The exponent p; with infinity, the maximum of the absolute values, with minus infinity the minimum.
    kernel_size, stride, ceil_mode
        As for `avg_pool2d`.

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError, OptionError, DtypeError
        As for `avg_pool2d`.

    Examples
    --------
    >>> import microbp
    >>> lp_pool2d(microbp.tensor([[[3.0, 4.0], [0.0, 0.0]]]), 2, 2)
    tensor([[[5.]]])
    """
    return lp_pool("lp_pool2d", 2, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool3d(
    input: Tensor, norm_type: float, kernel_size: Sizes, stride: Sizes | None = None, ceil_mode: bool = False
) -> Tensor:
    """The p-norm of each window over the last three dimensions, as `lp_pool2d` has it.

    Parameters
    ----------
    input : Tensor
        (N, C, D, H, W) or (C, D, H, W), floating-point.
    norm_type, kernel_size, stride, ceil_mode
        As for `lp_pool2d`.

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError, OptionError, DtypeError
        As for `lp_pool2d`.

    Examples
    --------
    >>> import microbp
    >>> lp_pool3d(microbp.ones(1, 2, 2, 2), 1, 2)
    tensor([[[[8.]]]])
    """
    return lp_pool("lp_pool3d", 3, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool(
    name: str, dims: int, input: Any, norm_type: float, kernel_size: Any, stride: Any, ceil_mode: bool
) -> Tensor:
    """The p-norm of each window over the last `dims` dimensions."""
    input = tensor_for(name, input)
    require_floating(name, input)
    norm_type = number(name, "norm_type", norm_type)
    if norm_type == 0:
        raise OptionError(f"{name}: norm_type must not be 0, of which there is no root")
    if math.isinf(norm_type):
        sign = 1 if norm_type > 0 else -1
        found: Tensor = max_pool(name, dims, input.abs() * sign, kernel_size, stride, 0, 1, ceil_mode, False) * sign
        return found
    mean = avg_pool(name, dims, input**norm_type, kernel_size, stride, 0, ceil_mode, True)
    elements = math.prod(integers(name, "kernel_size", kernel_size, dims))
    out: Tensor = (mean.sign() * mean.abs().relu() * elements) ** (1.0 / norm_type)
    return out
