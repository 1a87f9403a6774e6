"""Pooling with PyTorch's signatures.

A pooling slides a window over the last one, two or three dimensions and makes one number of what it sees. All of it
takes batches (N, C, ...) and single samples (C, ...).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from microbp.errors import OptionError
from microbp.nn.functional.check import ordered, require_floating, tensor_for
from microbp.nn.functional.sliding import integers, sliding
from microbp.ops import pooling as rows
from microbp.ops.resampling import Grid
from microbp.tensor import Tensor, apply, wrap

__all__ = [
    "avg_pool1d",
    "avg_pool2d",
    "avg_pool3d",
    "max_pool1d",
    "max_pool2d",
    "max_pool3d",
]

Sizes = int | Sequence[int]


def max_pool1d(
    input: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The maximum of each window along the last dimension.

    Parameters
    ----------
    input : Tensor
        (N, C, L) or (C, L).
    kernel_size, stride, padding, dilation, ceil_mode, return_indices
        As for `max_pool2d`.

    Returns
    -------
    Tensor, or tuple (values, indices) of Tensor

    Raises
    ------
    ShapeError, OptionError
        As for `max_pool2d`.

    Examples
    --------
    >>> import microbp
    >>> max_pool1d(microbp.tensor([[1.0, 4.0, 2.0, 3.0]]), 2)
    tensor([[4., 3.]])
    """
    return max_pool("max_pool1d", 1, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def max_pool2d(
    input: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The maximum of each window over the last two dimensions.

    Of equal elements the first one gets the gradient; a NaN is larger than any number.

    Parameters
    ----------
    input : Tensor
        (N, C, H, W) or (C, H, W).
    kernel_size : int or tuple of int
        The size of the window, one for all dimensions or one for each.
    stride : int or tuple of int, optional
        The distance from one window to the next; by default the size of the window.
    padding : int or tuple of int
        How far the first window reaches over the edge, and the last one over the other edge; at most half a window.
        The margin is never the maximum.
    dilation : int or tuple of int
        The distance between neighbouring elements of a window.
    ceil_mode : bool
        Allow a last window that reaches further over the edge, if it starts inside.
    return_indices : bool
        Return also where the maxima are.

    Returns
    -------
    Tensor, or tuple (values, indices) of Tensor
        (N, C, H', W') or (C, H', W') with H' = floor((H + 2 padding - dilation (kernel_size - 1) - 1) / stride + 1);
        indices are int64 and count through the flattened plane of the pooled dimensions.

    Raises
    ------
    ShapeError
        If the input has another number of dimensions or is empty but for the batch, or no window fits into it.
    OptionError
        If a size is not positive, or the padding is more than half a window.

    Examples
    --------
    >>> import microbp
    >>> x = microbp.tensor([[[1.0, 2.0, 0.0, 1.0], [3.0, 0.0, 5.0, 5.0]]], requires_grad=True)
    >>> y = max_pool2d(x, 2)
    >>> y.detach()
    tensor([[[3., 5.]]])
    >>> y.sum().backward()
    >>> x.grad
    tensor([[[0., 0., 0., 0.],
             [1., 0., 1., 0.]]])
    """
    return max_pool("max_pool2d", 2, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def max_pool3d(
    input: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The maximum of each window over the last three dimensions.

    Parameters
    ----------
    input : Tensor
        (N, C, D, H, W) or (C, D, H, W).
    kernel_size, stride, padding, dilation, ceil_mode, return_indices
        As for `max_pool2d`.

    Returns
    -------
    Tensor, or tuple (values, indices) of Tensor

    Raises
    ------
    ShapeError, OptionError
        As for `max_pool2d`.

    Examples
    --------
    >>> import microbp
    >>> max_pool3d(microbp.ones(1, 4, 4, 4), 2).shape
    (1, 2, 2, 2)
    """
    return max_pool("max_pool3d", 3, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def avg_pool1d(
    input: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:
    """The mean of each window along the last dimension.

    Parameters
    ----------
    input : Tensor
        (N, C, L) or (C, L), floating-point.
    kernel_size, stride, padding, ceil_mode, count_include_pad
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
    >>> avg_pool1d(microbp.tensor([[1.0, 4.0, 2.0, 3.0]]), 2)
    tensor([[2.5000, 2.5000]])
    """
    return avg_pool("avg_pool1d", 1, input, kernel_size, stride, padding, ceil_mode, count_include_pad)


def avg_pool2d(
    input: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """The mean of each window over the last two dimensions.

    Parameters
    ----------
    input : Tensor
        (N, C, H, W) or (C, H, W), floating-point.
    kernel_size, stride, padding, ceil_mode
        As for `max_pool2d`; the margin is 0.
    count_include_pad : bool
        Whether the elements of the margin count in the mean. What a last window with `ceil_mode` sees beyond the margin
        never counts.
    divisor_override : int, optional
        Divide the sum of each window by this instead of by its number of elements.

    Returns
    -------
    Tensor
        Of a shape as for `max_pool2d` with dilation 1.

    Raises
    ------
    ShapeError, OptionError
        As for `max_pool2d`.
    DtypeError
        If the input is not floating-point.

    Examples
    --------
    >>> import microbp
    >>> avg_pool2d(microbp.tensor([[[1.0, 2.0, 0.0, 1.0], [3.0, 0.0, 5.0, 5.0]]]), 2)
    tensor([[[1.5000, 2.7500]]])
    """
    return avg_pool(
        "avg_pool2d", 2, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override
    )


def avg_pool3d(
    input: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """The mean of each window over the last three dimensions.

    Parameters
    ----------
    input : Tensor
        (N, C, D, H, W) or (C, D, H, W), floating-point.
    kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override
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
    >>> avg_pool3d(microbp.ones(1, 4, 4, 4), 2).shape
    (1, 2, 2, 2)
    """
    return avg_pool(
        "avg_pool3d", 3, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override
    )


# -- in any number of dimensions -----------------------------------------------------------


def max_pool(
    name: str,
    dims: int,
    input: Any,
    kernel_size: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    ceil_mode: bool,
    return_indices: bool,
) -> Any:
    """The maximum of each window over the last `dims` dimensions."""
    input = ordered(name, input)
    settings = sliding(name, dims, input, kernel_size, stride, padding, dilation, ceil_mode)
    sizes = input.array.shape[-dims:]
    windows = tuple(rows.max_windows(size, *setting) for size, setting in zip(sizes, settings, strict=True))
    return maxima(input, windows, return_indices)


def maxima(input: Tensor, windows: Any, return_indices: bool) -> Any:
    """The maxima of windows and, if asked for, their indices."""
    if not return_indices:
        return apply(rows.max_pool, input, windows=windows)
    places = apply(rows.max_places, input, windows=windows)
    area = math.prod(input.array.shape[input.ndim - len(windows) :])
    return apply(rows.take_places, input, places), wrap(places.array % area)


def avg_pool(
    name: str,
    dims: int,
    input: Any,
    kernel_size: Any,
    stride: Any,
    padding: Any,
    ceil_mode: bool,
    count_include_pad: bool,
    divisor_override: int | None = None,
) -> Tensor:
    """The mean of each window over the last `dims` dimensions."""
    input = tensor_for(name, input)
    require_floating(name, input)
    settings = sliding(name, dims, input, kernel_size, stride, padding, 1, ceil_mode)
    if divisor_override is not None and integers(name, "divisor_override", divisor_override) == (0,):
        raise OptionError(f"{name}: divisor_override must not be zero")
    sizes = input.array.shape[-dims:]
    divides = divisor_override is None
    axes = [
        rows.mean_windows(size, kernel, step, margin, count, bool(count_include_pad), divides)
        for size, (kernel, step, margin, _, count) in zip(sizes, settings, strict=True)
    ]
    count = math.prod(count for _, count in axes) if divisor_override is None else divisor_override
    out: Tensor = apply(rows.avg_pool, input, grid=Grid(taps for taps, _ in axes), count=count)
    return out
