"""Convolutions with PyTorch's signatures.

A convolution slides kernels over the last one, two or three dimensions; each kernel sees all channels of the input
(or those of its group), and makes one channel of the output. All of it takes batches (N, C, ...) and single samples
(C, ...). How the gradients come about is told in `microbp.ops.convolution`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from microbp.errors import OptionError, ShapeError
from microbp.nn.functional.check import ordered, tensor_for
from microbp.nn.functional.sliding import check_dims, integers
from microbp.ops import convolution as rows
from microbp.ops.windows import Sizes as Ints
from microbp.ops.windows import counts, span
from microbp.tensor import Tensor, apply

__all__ = [
    "conv1d",
    "conv2d",
    "conv3d",
    "conv_transpose1d",
    "conv_transpose2d",
    "conv_transpose3d",
    "fold",
    "unfold",
]

Sizes = int | Sequence[int]


def conv1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Sizes = 1,
    padding: Sizes | str = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> Tensor:
    """Convolution over the last dimension.

    Parameters
    ----------
    input : Tensor
        (N, C, L) or (C, L).
    weight : Tensor
        (O, C / groups, K): a kernel for each of the O channels of the output.
    bias, stride, padding, dilation, groups
        As for `conv2d`.

    Returns
    -------
    Tensor
        (N, O, L') or (O, L').

    Raises
    ------
    ShapeError, OptionError, DtypeError
        As for `conv2d`.

    Examples
    --------
    >>> import microbp
    >>> conv1d(microbp.tensor([[1.0, 4.0, 2.0, 3.0]]), microbp.tensor([[[-1.0, 1.0]]]))
    tensor([[ 3., -2.,  1.]])
    """
    return convolution("conv1d", 1, input, weight, bias, stride, padding, dilation, groups)


def conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Sizes = 1,
    padding: Sizes | str = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> Tensor:
    """Convolution over the last two dimensions.

    y[n, o, i, j] = b[o] + Σ_{c, k, l} w[o, c, k, l] x[n, c, i stride + k dilation - padding, j stride + l dilation -
    padding], where x is 0 outside of its bounds. (Strictly, a correlation: the kernel is not turned over.)

    Source: LeCun, Bottou, Bengio & Haffner, "Gradient-Based Learning Applied to Document Recognition" (1998).

    Parameters
    ----------
    input : Tensor
        (N, C, H, W) or (C, H, W).
    weight : Tensor
        (O, C / groups, K, L): a kernel for each of the O channels of the output.
    bias : Tensor, optional
        (O,).
    stride : int or tuple of int
        The distance from one place of the kernel to the next, one for all dimensions or one for each.
    padding : int or tuple of int or {'valid', 'same'}
        How wide a margin of zeros to put around the input; 'valid' is none, 'same' makes the output as large as the
        input (one more zero after the end than before the beginning, if need be), and goes with a stride of 1 only.
    dilation : int or tuple of int
        The distance between neighbouring elements of the kernel.
    groups : int
        The channels of input and output come in so many groups, and the outputs see only the inputs of their group.

    Returns
    -------
    Tensor
        (N, O, H', W') or (O, H', W') with H' = floor((H + 2 padding - dilation (K - 1) - 1) / stride + 1).

    Raises
    ------
    ShapeError
        If input, weight and bias do not fit each other, or the kernel does not fit into the input.
    OptionError
        If stride, dilation or groups is not positive, padding is negative or unknown, or 'same' comes with a stride.
    DtypeError
        If the input is bool.

    Examples
    --------
    >>> import microbp
    >>> x = microbp.arange(9.0).reshape(1, 3, 3).requires_grad_()
    >>> y = conv2d(x, microbp.ones(1, 1, 2, 2))
    >>> y.detach()
    tensor([[[ 8., 12.],
             [20., 24.]]])
    >>> y.sum().backward()
    >>> x.grad
    tensor([[[1., 2., 1.],
             [2., 4., 2.],
             [1., 2., 1.]]])
    """
    return convolution("conv2d", 2, input, weight, bias, stride, padding, dilation, groups)


def conv3d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Sizes = 1,
    padding: Sizes | str = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> Tensor:
    """Convolution over the last three dimensions.

    Parameters
    ----------
    input : Tensor
        (N, C, D, H, W) or (C, D, H, W).
    weight : Tensor
        (O, C / groups, K, L, M): a kernel for each of the O channels of the output.
    bias, stride, padding, dilation, groups
        As for `conv2d`.

    Returns
    -------
    Tensor
        (N, O, D', H', W') or (O, D', H', W').

    Raises
    ------
    ShapeError, OptionError, DtypeError
        As for `conv2d`.

    Examples
    --------
    >>> import microbp
    >>> conv3d(microbp.ones(2, 4, 4, 4), microbp.ones(5, 2, 3, 3, 3), padding=1).shape
    (5, 4, 4, 4)
    """
    return convolution("conv3d", 3, input, weight, bias, stride, padding, dilation, groups)


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
        (N, C, *output_size) or (C, *output_size).

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


def convolution(
    name: str,
    dims: int,
    input: Any,
    weight: Any,
    bias: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    groups: int,
) -> Tensor:
    """A convolution of any number of dimensions."""
    input, weight, bias = fitting(name, dims, input, weight, bias, groups, transposed=False)
    kernel, length = weight.array.shape[2:], input.array.shape[-dims:]
    step, spread = positive(name, "stride", stride, dims), positive(name, "dilation", dilation, dims)
    if padding == "same":
        if max(step) > 1:
            raise OptionError(
                f"{name}: padding='same' goes with a stride of 1 only, got {step}; give padding in numbers"
            )
        margin = tuple(d * (k - 1) // 2 for k, d in zip(kernel, spread, strict=True))
        size = length
    elif isinstance(padding, str) and padding != "valid":
        raise OptionError(f"{name}: padding must be 'valid', 'same' or integers, got {padding!r}")
    else:
        margin = not_negative(name, "padding", 0 if padding == "valid" else padding, dims)
        size = counts(length, kernel, step, spread, margin)
    if min(size) < 1:
        raise ShapeError(
            f"{name}: a kernel of size {kernel} with dilation {spread} is larger than the input of shape "
            f"{input.array.shape} with padding {margin}; use a smaller kernel or more padding"
        )
    options = {"size": size, "stride": step, "padding": margin, "dilation": spread, "groups": groups}
    return unbatched(rows.convolve, dims + 2, input, weight, bias, **options)


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


def fitting(
    name: str, dims: int, input: Any, weight: Any, bias: Any, groups: Any, transposed: bool
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Input, weight and bias as tensors, if their shapes go together."""
    input, weight = ordered(name, input), tensor_for(name, weight, "weight")
    shape, kernels = input.array.shape, weight.array.shape
    check_dims(name, dims, input)
    (groups,) = positive(name, "groups", groups, 1)
    both = f"{name}: input {shape} and weight {kernels} with groups={groups}"
    first, second = ("C", "O / groups") if transposed else ("O", "C / groups")
    if len(kernels) != dims + 2 or 0 in kernels or kernels[0] % groups:
        raise ShapeError(
            f"{both}: the weight must have shape ({first}, {second}, {', '.join('KLM'[:dims])}), "
            f"nowhere empty, with a first dimension that groups divides"
        )
    channels, expected = shape[-dims - 1], kernels[0] if transposed else kernels[1] * groups
    if channels != expected:
        raise ShapeError(
            f"{both}: the weight needs an input of {expected} channels, which are dimension {-dims - 1} of the input, "
            f"got {channels}; {way_out(kernels, channels, groups, transposed)}"
        )
    if bias is None:
        return input, weight, None
    bias = tensor_for(name, bias, "bias")
    outputs = kernels[1] * groups if transposed else kernels[0]
    if bias.array.shape != (outputs,):
        raise ShapeError(
            f"{both}: the bias must have shape ({outputs},), an entry for each channel of the output, got "
            f"{bias.array.shape}"
        )
    return input, weight, bias


def way_out(kernels: Ints, channels: int, groups: int, transposed: bool) -> str:
    """The shape of a weight that fits an input with so many channels, if there is one."""
    if channels % groups:
        return f"whatever the weight, groups must divide the {channels} channels"
    shape = (channels, *kernels[1:]) if transposed else (kernels[0], channels // groups, *kernels[2:])
    return f"a weight for this input has shape {shape}"


def unbatched(row: Any, dims: int, input: Tensor, *others: Any, **options: Any) -> Tensor:
    """Apply a row for batches, which have so many dimensions, to a batch or to a single sample."""
    batch = input if input.ndim == dims else input.unsqueeze(0)
    out: Tensor = apply(row, batch, *others, **options)
    return out if input is batch else out.squeeze(0)


def blocks(name: str, kernel_size: Any, stride: Any, padding: Any, dilation: Any) -> tuple[Ints, Ints, Ints, Ints]:
    """Size, stride, padding and dilation of the windows of two dimensions."""
    return (
        positive(name, "kernel_size", kernel_size, 2),
        positive(name, "stride", stride, 2),
        not_negative(name, "padding", padding, 2),
        positive(name, "dilation", dilation, 2),
    )


def positive(name: str, argument: str, value: Any, dims: int) -> Ints:
    """An integer from 1 on for each dimension."""
    found = integers(name, argument, value, dims)
    if min(found) < 1:
        raise OptionError(f"{name}: {argument} must be positive, got {value}")
    return found


def not_negative(name: str, argument: str, value: Any, dims: int) -> Ints:
    """An integer from 0 on for each dimension."""
    found = integers(name, argument, value, dims)
    if min(found) < 0:
        raise OptionError(f"{name}: {argument} must not be negative, got {value}")
    return found
