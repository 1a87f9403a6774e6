"""Convolution layers, and their transposes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from microbp.errors import OptionError, ShapeError
from microbp.functions.creation import empty
from microbp.nn import functional
from microbp.nn.functional.check import tensor_for
from microbp.nn.functional.pooling import Sizes
from microbp.nn.functional.sliding import integers, not_negative, positive
from microbp.nn.init import uniform_by_fan_in
from microbp.nn.module import Module
from microbp.nn.parameter import Parameter
from microbp.tensor import Tensor

__all__ = ["Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d"]

MODES = ("zeros", "reflect", "replicate", "circular")


class Kernels(Module):
    """Base of all convolutions: holds the kernels, the bias and the options.

    Weight and bias start uniformly distributed between ±1/√(in_channels / groups * elements of a kernel), for
    transposed convolutions with out_channels instead.
    """

    dims: int  # over how many dimensions the kernels slide
    transposed: bool
    convolve: Callable[..., Tensor]
    padding: Any  # a number for each dimension, 'valid' or 'same'
    bias: Parameter

    def _hold(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes,
        padding: Sizes | str,
        dilation: Sizes,
        output_padding: Sizes,
        groups: int,
        bias: bool,
        padding_mode: str,
        device: Any,
        dtype: Any,
    ) -> None:
        """Check the options and make the parameters."""
        name = self._get_name()
        if groups <= 0:
            raise OptionError(f"{name}: groups must be a positive integer, got {groups}")
        for argument, channels in (("in_channels", in_channels), ("out_channels", out_channels)):
            if channels % groups:
                raise OptionError(f"{name}: {argument} must be divisible by groups, got {channels} and {groups}")
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.kernel_size = positive(name, "kernel_size", kernel_size, self.dims)
        self.stride = positive(name, "stride", stride, self.dims)
        self.padding = padding if isinstance(padding, str) else not_negative(name, "padding", padding, self.dims)
        self.dilation = positive(name, "dilation", dilation, self.dims)
        self.output_padding = not_negative(name, "output_padding", output_padding, self.dims)
        self.groups = groups
        self.padding_mode = padding_mode
        first, second = (in_channels, out_channels) if self.transposed else (out_channels, in_channels)
        shape = (first, second // groups, *self.kernel_size)
        self.weight = Parameter(empty(shape, device=device, dtype=dtype))
        if bias:
            self.bias = Parameter(empty(out_channels, device=device, dtype=dtype))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw weight and bias anew."""
        uniform_by_fan_in(self.weight, self.bias)

    def extra_repr(self) -> str:
        parts = [str(self.in_channels), str(self.out_channels)]
        parts += [f"kernel_size={self.kernel_size}", f"stride={self.stride}"]
        zeros, ones = (0,) * self.dims, (1,) * self.dims
        for name, usual in (("padding", zeros), ("dilation", ones), ("output_padding", zeros), ("groups", 1)):
            value = getattr(self, name)
            parts += [f"{name}={value}"] if value != usual else []
        parts += ["bias=False"] if self.bias is None else []
        parts += [f"padding_mode={self.padding_mode}"] if self.padding_mode != "zeros" else []
        return ", ".join(parts)


class Convolution(Kernels):
    """Base of the convolutions."""

    transposed = False

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes = 1,
        padding: Sizes | str = 0,
        dilation: Sizes = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        name = self._get_name()
        if padding_mode not in MODES:
            raise OptionError(f"{name}: padding_mode must be one of {', '.join(MODES)}, got {padding_mode!r}")
        if isinstance(padding, str) and padding not in ("valid", "same"):
            raise OptionError(f"{name}: padding must be 'valid', 'same' or integers, got {padding!r}")
        if padding == "same" and max(integers(name, "stride", stride, self.dims)) > 1:
            raise OptionError(f"{name}: padding='same' goes with a stride of 1 only, got {stride}")
        sizes = (kernel_size, stride, padding, dilation, 0)
        self._hold(in_channels, out_channels, *sizes, groups, bias, padding_mode, device, dtype)

    def forward(self, input: Tensor) -> Tensor:
        padding = self.padding
        if self.padding_mode != "zeros":
            input, padding = functional.pad(input, self._margin(), mode=self.padding_mode), 0
        return self.convolve(input, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)

    def _margin(self) -> list[int]:
        """How much to put before and after the input, the last dimension first."""
        if self.padding == "same":
            spans = [spread * (kernel - 1) for kernel, spread in zip(self.kernel_size, self.dilation, strict=True)]
            pairs = [(span // 2, span - span // 2) for span in spans]
        elif isinstance(self.padding, str):
            pairs = [(0, 0)] * self.dims
        else:
            pairs = [(size, size) for size in self.padding]
        return [size for pair in reversed(pairs) for size in pair]


class Conv1d(Convolution):
    """Convolution over the last dimension: see `Conv2d`.

    Examples
    --------
    >>> import microbp
    >>> Conv1d(3, 8, kernel_size=5, padding="same")(microbp.ones(2, 3, 20)).shape
    (2, 8, 20)
    """

    dims = 1
    convolve = staticmethod(functional.conv1d)


class Conv2d(Convolution):
    """Convolution over the last two dimensions: see `microbp.nn.functional.conv2d`.

    Weight and bias start uniformly distributed between ±1/√(in_channels / groups * elements of a kernel).

    Parameters
    ----------
    in_channels, out_channels : int
        How many channels the input has, and the output.
    kernel_size : int or tuple of int
        The size of the kernels, one for all dimensions or one for each.
    stride, dilation, groups
        As for `microbp.nn.functional.conv2d`.
    padding : int or tuple of int or {'valid', 'same'}
        How wide a margin to put around the input.
    bias : bool
        Whether a number is added to each channel of the output.
    padding_mode : {'zeros', 'reflect', 'replicate', 'circular'}
        What is in the margin: see `microbp.nn.functional.pad`.
    device, dtype : optional
        As for `microbp.empty`.

    Attributes
    ----------
    weight : Parameter
        ``(out_channels, in_channels / groups, *kernel_size)``.
    bias : Parameter or None
        (out_channels,).

    Raises
    ------
    OptionError
        If an option is unknown or does not go with the others, or groups do not divide the channels.

    Examples
    --------
    >>> import microbp
    >>> layer = Conv2d(3, 8, kernel_size=3, padding=1)
    >>> layer
    Conv2d(3, 8, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1))
    >>> layer(microbp.ones(2, 3, 10, 10)).shape
    (2, 8, 10, 10)
    """

    dims = 2
    convolve = staticmethod(functional.conv2d)


class Conv3d(Convolution):
    """Convolution over the last three dimensions: see `Conv2d`.

    Examples
    --------
    >>> import microbp
    >>> Conv3d(2, 4, kernel_size=3)(microbp.ones(1, 2, 5, 5, 5)).shape
    (1, 4, 3, 3, 3)
    """

    dims = 3
    convolve = staticmethod(functional.conv3d)


class TransposedConvolution(Kernels):
    """Base of the transposed convolutions."""

    transposed = True

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes = 1,
        padding: Sizes = 0,
        output_padding: Sizes = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Sizes = 1,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        if padding_mode != "zeros":
            raise OptionError(f"{self._get_name()}: padding_mode must be 'zeros', got {padding_mode!r}")
        margin = not_negative(self._get_name(), "padding", padding, self.dims)
        sizes = (kernel_size, stride, margin, dilation, output_padding)
        self._hold(in_channels, out_channels, *sizes, groups, bias, padding_mode, device, dtype)

    def forward(self, input: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        """Compute the output.

        Parameters
        ----------
        input : Tensor
            (N, C, ...) or (C, ...).
        output_size : sequence of int, optional
            The size that the output shall have, in place of ``output_padding``; N and C may stand before it.

        Raises
        ------
        ShapeError
            If no ``output_padding`` gives that size.
        """
        extra = self.output_padding if output_size is None else self._extra(input, output_size)
        return self.convolve(
            input, self.weight, self.bias, self.stride, self.padding, extra, self.groups, self.dilation
        )

    def _extra(self, input: Tensor, output_size: Sequence[int]) -> tuple[int, ...]:
        """The ``output_padding`` that gives the output a size."""
        shape = tensor_for(self._get_name(), input).shape
        before = len(shape) - self.dims
        wanted = tuple(output_size)
        wanted = wanted[before:] if len(wanted) == before + self.dims else wanted
        if len(wanted) != self.dims:
            raise ShapeError(
                f"for an input of shape {shape}, output_size must have {self.dims} or {before + self.dims} elements, "
                f"got {tuple(output_size)}"
            )
        least = tuple(
            (size - 1) * step - 2 * margin + spread * (kernel - 1) + 1
            for size, step, margin, spread, kernel in zip(
                shape[before:], self.stride, self.padding, self.dilation, self.kernel_size, strict=True
            )
        )
        most = tuple(size + step - 1 for size, step in zip(least, self.stride, strict=True))
        if any(not low <= size <= high for low, size, high in zip(least, wanted, most, strict=True)):
            raise ShapeError(
                f"requested an output size of {wanted}, but valid sizes range from {least} to {most} for an input of "
                f"shape {shape}"
            )
        return tuple(size - low for size, low in zip(wanted, least, strict=True))


class ConvTranspose1d(TransposedConvolution):
    """Transposed convolution over the last dimension: see `ConvTranspose2d`.

    Examples
    --------
    >>> import microbp
    >>> ConvTranspose1d(3, 8, kernel_size=4, stride=2)(microbp.ones(2, 3, 5)).shape
    (2, 8, 12)
    """

    dims = 1
    convolve = staticmethod(functional.conv_transpose1d)


class ConvTranspose2d(TransposedConvolution):
    """Transposed convolution over the last two dimensions: see `microbp.nn.functional.conv_transpose2d`.

    Weight and bias start uniformly distributed between ±1/√(out_channels / groups * elements of a kernel).

    Parameters
    ----------
    in_channels, out_channels : int
        How many channels the input has, and the output.
    kernel_size : int or tuple of int
        The size of the kernels, one for all dimensions or one for each.
    stride, padding, output_padding, groups, dilation
        As for `microbp.nn.functional.conv_transpose2d`.
    bias : bool
        Whether a number is added to each channel of the output.
    padding_mode : {'zeros'}
        For PyTorch's scripts; there is no other.
    device, dtype : optional
        As for `microbp.empty`.

    Attributes
    ----------
    weight : Parameter
        ``(in_channels, out_channels / groups, *kernel_size)``.
    bias : Parameter or None
        (out_channels,).

    Raises
    ------
    OptionError
        If an option is unknown, or groups do not divide the channels.

    Examples
    --------
    >>> import microbp
    >>> layer = ConvTranspose2d(3, 8, kernel_size=3, stride=2, padding=1)
    >>> layer(microbp.ones(2, 3, 5, 5)).shape
    (2, 8, 9, 9)
    >>> layer(microbp.ones(2, 3, 5, 5), output_size=(10, 10)).shape
    (2, 8, 10, 10)
    """

    dims = 2
    convolve = staticmethod(functional.conv_transpose2d)


class ConvTranspose3d(TransposedConvolution):
    """Transposed convolution over the last three dimensions: see `ConvTranspose2d`.

    Examples
    --------
    >>> import microbp
    >>> ConvTranspose3d(2, 4, kernel_size=2, stride=2)(microbp.ones(1, 2, 3, 3, 3)).shape
    (1, 4, 6, 6, 6)
    """

    dims = 3
    convolve = staticmethod(functional.conv_transpose3d)
