"""Adaptive pooling with PyTorch's signatures: not the windows are given, but how many there are to be."""

from __future__ import annotations

import math
from typing import Any

from microbp.errors import OptionError
from microbp.nn.functional.check import ordered, require_floating, tensor_for
from microbp.nn.functional.pooling import maxima
from microbp.nn.functional.sliding import check_dims, integers
from microbp.ops import pooling as rows
from microbp.ops.resampling import Grid
from microbp.tensor import Tensor, apply

__all__ = [
    "adaptive_avg_pool1d",
    "adaptive_avg_pool2d",
    "adaptive_avg_pool3d",
    "adaptive_max_pool1d",
    "adaptive_max_pool2d",
    "adaptive_max_pool3d",
]


def adaptive_avg_pool1d(input: Tensor, output_size: Any) -> Tensor:
    """The means of as many windows as asked for, which cover the last dimension evenly.

    Parameters
    ----------
    input : Tensor
        (N, C, L) or (C, L), floating-point.
    output_size : int
        The number of windows.

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError, OptionError, DtypeError
        As for `adaptive_avg_pool2d`.

    Examples
    --------
    >>> import microbp
    >>> adaptive_avg_pool1d(microbp.tensor([[1.0, 4.0, 2.0]]), 2)
    tensor([[2.5000, 3.0000]])
    """
    return adaptive_avg_pool("adaptive_avg_pool1d", 1, input, output_size)


def adaptive_avg_pool2d(input: Tensor, output_size: Any) -> Tensor:
    """The means of as many windows as asked for, which cover the last two dimensions evenly.

    Of n windows along a dimension of size L, window k has the elements from floor(k L / n) to ceil((k + 1) L / n);
    if n does not divide L, windows overlap and are not of one size.

    Parameters
    ----------
    input : Tensor
        (N, C, H, W) or (C, H, W), floating-point.
    output_size : int or tuple of int or None
        The number of windows, one for all dimensions or one for each; None leaves a dimension as it is.

    Returns
    -------
    Tensor
        ``(N, C, *output_size)`` or ``(C, *output_size)``.

    Raises
    ------
    ShapeError
        If the input has another number of dimensions, or is empty but for the batch.
    OptionError
        If an output size is negative, or there is not one for each dimension.
    DtypeError
        If the input is not floating-point.

    Examples
    --------
    >>> import microbp
    >>> adaptive_avg_pool2d(microbp.arange(20.0).reshape(1, 4, 5), (2, 1))
    tensor([[[ 4.5000],
             [14.5000]]])
    """
    return adaptive_avg_pool("adaptive_avg_pool2d", 2, input, output_size)


def adaptive_avg_pool3d(input: Tensor, output_size: Any) -> Tensor:
    """The means of as many windows as asked for, which cover the last three dimensions evenly.

    Parameters
    ----------
    input : Tensor
        (N, C, D, H, W) or (C, D, H, W), floating-point.
    output_size
        As for `adaptive_avg_pool2d`.

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError, OptionError, DtypeError
        As for `adaptive_avg_pool2d`.

    Examples
    --------
    >>> import microbp
    >>> adaptive_avg_pool3d(microbp.ones(1, 4, 4, 4), 1).shape
    (1, 1, 1, 1)
    """
    return adaptive_avg_pool("adaptive_avg_pool3d", 3, input, output_size)


def adaptive_max_pool1d(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """The maxima of as many windows as asked for, which cover the last dimension evenly.

    Parameters
    ----------
    input : Tensor
        (N, C, L) or (C, L).
    output_size : int
        The number of windows.
    return_indices : bool
        As for `max_pool2d`.

    Returns
    -------
    Tensor, or tuple (values, indices) of Tensor

    Raises
    ------
    ShapeError, OptionError
        As for `adaptive_avg_pool2d`.

    Examples
    --------
    >>> import microbp
    >>> adaptive_max_pool1d(microbp.tensor([[1.0, 4.0, 2.0, 3.0]]), 2)
    tensor([[4., 3.]])
    """
    return adaptive_max_pool("adaptive_max_pool1d", 1, input, output_size, return_indices)


def adaptive_max_pool2d(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """The maxima of as many windows as asked for, which cover the last two dimensions evenly.

    Parameters
    ----------
    input : Tensor
        (N, C, H, W) or (C, H, W).
    output_size : int or tuple of int or None
        The number of windows, as for `adaptive_avg_pool2d`.
    return_indices : bool
        As for `max_pool2d`.

    Returns
    -------
    Tensor, or tuple (values, indices) of Tensor

    Raises
    ------
    ShapeError, OptionError
        As for `adaptive_avg_pool2d`.

    Examples
    --------
    >>> import microbp
    >>> adaptive_max_pool2d(microbp.arange(20.0).reshape(1, 4, 5), (2, 1))
    tensor([[[ 9.],
             [19.]]])
    """
    return adaptive_max_pool("adaptive_max_pool2d", 2, input, output_size, return_indices)


def adaptive_max_pool3d(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """The maxima of as many windows as asked for, which cover the last three dimensions evenly.

    Parameters
    ----------
    input : Tensor
        (N, C, D, H, W) or (C, D, H, W).
    output_size, return_indices
        As for `adaptive_max_pool2d`.

    Returns
    -------
    Tensor, or tuple (values, indices) of Tensor

    Raises
    ------
    ShapeError, OptionError
        As for `adaptive_avg_pool2d`.

    Examples
    --------
    >>> import microbp
    >>> adaptive_max_pool3d(microbp.ones(1, 4, 4, 4), 1).shape
    (1, 1, 1, 1)
    """
    return adaptive_max_pool("adaptive_max_pool3d", 3, input, output_size, return_indices)


def adaptive_max_pool(name: str, dims: int, input: Any, output_size: Any, return_indices: bool) -> Any:
    """The maxima of windows that cover the last `dims` dimensions evenly."""
    input = ordered(name, input)
    check_dims(name, dims, input)
    sizes = input.array.shape[-dims:]
    counts = target_sizes(name, output_size, sizes)
    return maxima(input, tuple(map(rows.adaptive_windows, sizes, counts)), return_indices)


def adaptive_avg_pool(name: str, dims: int, input: Any, output_size: Any) -> Tensor:
    """The means of windows that cover the last `dims` dimensions evenly."""
    input = tensor_for(name, input)
    require_floating(name, input)
    check_dims(name, dims, input)
    sizes = input.array.shape[-dims:]
    axes = list(map(rows.adaptive_mean_windows, sizes, target_sizes(name, output_size, sizes)))
    out: Tensor = apply(
        rows.avg_pool, input, grid=Grid(taps for taps, _ in axes), count=math.prod(count for _, count in axes)
    )
    return out


def target_sizes(name: str, output_size: Any, sizes: tuple[int, ...]) -> tuple[int, ...]:
    """The output sizes of adaptive pooling."""
    dims = len(sizes)
    given = output_size if isinstance(output_size, tuple | list) else (output_size,) * dims
    if len(given) != dims:
        raise OptionError(f"{name}: output_size must be one integer or one for each of {dims} dimensions, got {given}")
    counts = integers(
        name, "output_size", [size if one is None else one for one, size in zip(given, sizes, strict=True)], dims
    )
    if min(counts) < 0:
        raise OptionError(f"{name}: output_size must not be negative, got {counts}")
    return counts
