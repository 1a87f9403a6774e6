"""Transposed convolutions with PyTorch's signatures: the way back from what a convolution makes to what it saw."""

from __future__ import annotations

from typing import Any

from microbp.errors import OptionError, ShapeError
from microbp.nn.functional.convolution import Sizes, fitting
from microbp.nn.functional.sliding import not_negative, positive, unbatched
from microbp.ops import convolution as rows
from microbp.ops.windows import span
from microbp.tensor import Tensor

__all__ = ["conv_transpose1d", "conv_transpose2d", "conv_transpose3d"]


def conv_transpose1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Sizes = 1,
    padding: Sizes = 0,
    output_padding: Sizes = 0,
    groups: int = 1,
    dilation: Sizes = 1,
) -> Tensor:
    """Transposed convolution over the last dimension.

    Parameters
    ----------
    input : Tensor
        (N, C, L) or (C, L).
    weight : Tensor
        (C, O / groups, K).
    bias, stride, padding, output_padding, groups, dilation
        As for `conv_transpose2d`.

    Returns
    -------
    Tensor
        (N, O, L') or (O, L').

    Raises
    ------
    ShapeError, OptionError, DtypeError
        As for `conv_transpose2d`.

    Examples
    --------
    >>> import microbp
    >>> conv_transpose1d(microbp.tensor([[1.0, 2.0, 3.0]]), microbp.tensor([[[1.0, 10.0]]]))
    tensor([[ 1., 12., 23., 30.]])
    """
    return transposed("conv_transpose1d", 1, input, weight, bias, stride, padding, output_padding, groups, dilation)


def conv_transpose2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Sizes = 1,
    padding: Sizes = 0,
    output_padding: Sizes = 0,
    groups: int = 1,
    dilation: Sizes = 1,
) -> Tensor:
    """Transposed convolution over the last two dimensions: the map of gradients of `conv2d`.

    Each element of the input lays a kernel, multiplied by it, on the output, and where kernels overlap, they add up.
    What `conv2d` with the same weight and options makes of shape (C, H, W), this brings back to where it came from.

    Source: Zeiler, Krishnan, Taylor & Fergus, "Deconvolutional Networks" (2010).

    Parameters
    ----------
    input : Tensor
        (N, C, H, W) or (C, H, W).
    weight : Tensor
        (C, O / groups, K, L).
    bias : Tensor, optional
        (O,).
    stride : int or tuple of int
        The distance from one kernel on the output to the next, one for all dimensions or one for each.
    padding : int or tuple of int
        How much to cut off from all sides of the output.
    output_padding : int or tuple of int
        How much of the output to keep, or add as zeros, after its end: with a stride, `conv2d` brings inputs of
        several sizes to the same size, and this tells which of them is meant. Smaller than stride or dilation.
    groups : int
        The channels of input and output come in so many groups, and the outputs see only the inputs of their group.
    dilation : int or tuple of int
        The distance between neighbouring elements of the kernel.

    Returns
    -------
    Tensor
        (N, O, H', W') or (O, H', W') with H' = (H - 1) stride - 2 padding + dilation (K - 1) + output_padding + 1.

    Raises
    ------
    ShapeError
        If input, weight and bias do not fit each other, or nothing is left of the output.
    OptionError
        If stride, dilation or groups is not positive, or a padding is negative or too large.
    DtypeError
        If the input is bool.

    Examples
    --------
    >>> import microbp
    >>> conv_transpose2d(microbp.tensor([[[1.0, 2.0]]]), microbp.ones(1, 1, 2, 2), stride=2)
    tensor([[[1., 1., 2., 2.],
             [1., 1., 2., 2.]]])
    """
    return transposed("conv_transpose2d", 2, input, weight, bias, stride, padding, output_padding, groups, dilation)


def conv_transpose3d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Sizes = 1,
    padding: Sizes = 0,
    output_padding: Sizes = 0,
    groups: int = 1,
    dilation: Sizes = 1,
) -> Tensor:
    """Transposed convolution over the last three dimensions.

    Parameters
    ----------
    input : Tensor
        (N, C, D, H, W) or (C, D, H, W).
    weight : Tensor
        (C, O / groups, K, L, M).
    bias, stride, padding, output_padding, groups, dilation
        As for `conv_transpose2d`.

    Returns
    -------
    Tensor
        (N, O, D', H', W') or (O, D', H', W').

    Raises
    ------
    ShapeError, OptionError, DtypeError
        As for `conv_transpose2d`.

    Examples
    --------
    >>> import microbp
    >>> conv_transpose3d(microbp.ones(2, 2, 2, 2), microbp.ones(2, 5, 3, 3, 3), stride=2).shape
    (5, 5, 5, 5)
    """
    return transposed("conv_transpose3d", 3, input, weight, bias, stride, padding, output_padding, groups, dilation)


def transposed(
    name: str,
    dims: int,
    input: Any,
    weight: Any,
    bias: Any,
    stride: Any,
    padding: Any,
    output_padding: Any,
    groups: int,
    dilation: Any,
) -> Tensor:
    """A transposed convolution of any number of dimensions."""
    input, weight, bias = fitting(name, dims, input, weight, bias, groups, transposed=True)
    kernel, length = weight.array.shape[2:], input.array.shape[-dims:]
    step, spread = positive(name, "stride", stride, dims), positive(name, "dilation", dilation, dims)
    margin = not_negative(name, "padding", padding, dims)
    extra = not_negative(name, "output_padding", output_padding, dims)
    if any(more >= max(s, d) for more, s, d in zip(extra, step, spread, strict=True)):
        raise OptionError(
            f"{name}: output_padding must be smaller than stride or dilation, got {extra} with stride {step} and "
            f"dilation {spread}; F.pad() adds more zeros"
        )
    reach = span(length, kernel, step, spread)
    size = tuple(n - 2 * cut + more for n, cut, more in zip(reach, margin, extra, strict=True))
    if min(size) < 1:
        raise ShapeError(
            f"{name}: padding {margin} cuts off all of an output of size {reach}, which input {input.array.shape} and "
            f"weight {weight.array.shape} make; use less padding"
        )
    options = {"size": size, "stride": step, "padding": margin, "dilation": spread, "groups": groups}
    out = unbatched(rows.convolve_transpose, dims + 2, input, weight, **options)
    return out if bias is None else out + bias.reshape((-1,) + (1,) * dims)
