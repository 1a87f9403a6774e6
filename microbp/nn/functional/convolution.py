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
from microbp.nn.functional.sliding import check_dims, not_negative, positive, unbatched
from microbp.ops import convolution as rows
from microbp.ops.windows import Sizes as Ints
from microbp.ops.windows import counts
from microbp.tensor import Tensor

__all__ = ["conv1d", "conv2d", "conv3d"]

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
