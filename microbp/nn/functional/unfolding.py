"""Images as the columns of their windows, and back, with PyTorch's signatures."""

from __future__ import annotations

from typing import Any

from microbp.errors import ShapeError
from microbp.nn.functional.check import ordered, tensor_for
from microbp.nn.functional.convolution import Sizes
from microbp.nn.functional.sliding import check_dims, not_negative, positive, unbatched
from microbp.ops import convolution as rows
from microbp.ops.windows import Sizes as Ints
from microbp.ops.windows import counts
from microbp.tensor import Tensor

__all__ = ["fold", "unfold"]


def unfold(input: Tensor, kernel_size: Sizes, dilation: Sizes = 1, padding: Sizes = 0, stride: Sizes = 1) -> Tensor:
    """The windows of the last two dimensions, each written out as a column.

    Parameters
    ----------
    input : Tensor
        (N, C, H, W) or (C, H, W).
    kernel_size : int or tuple of int
        The size of a window, one for both dimensions or one for each.
    dilation, padding, stride : int or tuple of int
        As for `conv2d`.

    Returns
    -------
    Tensor
        (N, C * elements of a window, number of windows), or without N.

    Raises
    ------
    ShapeError
        If the input has another number of dimensions, or no window fits into it.
    OptionError
        If kernel_size, dilation or stride is not positive, or padding is negative.

    Examples
    --------
    >>> import microbp
    >>> unfold(microbp.arange(6.0).reshape(1, 2, 3), 2)
    tensor([[0., 1.],
            [1., 2.],
            [3., 4.],
            [4., 5.]])
    """
    input = tensor_for("unfold", input)
    check_dims("unfold", 2, input)
    kernel, step, margin, spread = blocks("unfold", kernel_size, stride, padding, dilation)
    places = counts(input.array.shape[-2:], kernel, step, spread, margin)
    if min(places) < 1:
        raise ShapeError(
            f"unfold: no window of size {kernel} with dilation {spread} fits into an input of shape "
            f"{input.array.shape} with padding {margin}; use a smaller kernel_size or more padding"
        )
    options = {"kernel": kernel, "stride": step, "padding": margin, "dilation": spread}
    return unbatched(rows.im2col, 4, input, **options)


def fold(
    input: Tensor,
    output_size: Sizes,
    kernel_size: Sizes,
    dilation: Sizes = 1,
    padding: Sizes = 0,
    stride: Sizes = 1,
) -> Tensor:
    """Images of which the windows are given as columns, as `unfold` makes them; where windows overlap, their sum.

    Parameters
    ----------
    input : Tensor
        (N, C * elements of a window, number of windows), or without N.
    output_size : int or tuple of int
        The size of the images, one for both dimensions or one for each.
    kernel_size, dilation, padding, stride : int or tuple of int
        As for `unfold`.

    Returns
    -------
    Tensor
        ``(N, C, *output_size)`` or ``(C, *output_size)``.

    Raises
    ------
    ShapeError
        If the input has another number of dimensions, of elements in a window, or of windows.
    OptionError
        If output_size, kernel_size, dilation or stride is not positive, or padding is negative.
    DtypeError
        If the input is bool.

    Examples
    --------
    >>> import microbp
    >>> fold(microbp.ones(4, 4), output_size=3, kernel_size=2)
    tensor([[[1., 2., 1.],
             [2., 4., 2.],
             [1., 2., 1.]]])
    """
    input = ordered("fold", input)
    size = positive("fold", "output_size", output_size, 2)
    kernel, step, margin, spread = blocks("fold", kernel_size, stride, padding, dilation)
    shape, elements = input.array.shape, kernel[0] * kernel[1]
    places = counts(size, kernel, step, spread, margin)
    if min(places) < 1:
        raise ShapeError(
            f"fold: no window of size {kernel} with dilation {spread} fits into output_size {size} with padding "
            f"{margin}; use a smaller kernel_size or more padding"
        )
    if len(shape) not in (2, 3) or shape[-2] % elements or not shape[-2] or shape[-1] != places[0] * places[1]:
        raise ShapeError(
            f"fold: input of shape {shape} must have shape (N, C * {elements}, {places[0] * places[1]}), or without N: "
            f"windows have {kernel[0]} * {kernel[1]} = {elements} elements, and an output of {size} has "
            f"{places[0]} * {places[1]} windows with stride {step}, padding {margin} and dilation {spread}"
        )
    options = {"size": size, "kernel": kernel, "stride": step, "padding": margin, "dilation": spread}
    return unbatched(rows.col2im, 3, input, **options)


def blocks(name: str, kernel_size: Any, stride: Any, padding: Any, dilation: Any) -> tuple[Ints, Ints, Ints, Ints]:
    """Size, stride, padding and dilation of the windows of two dimensions."""
    return (
        positive(name, "kernel_size", kernel_size, 2),
        positive(name, "stride", stride, 2),
        not_negative(name, "padding", padding, 2),
        positive(name, "dilation", dilation, 2),
    )
