"""Pooling layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from microbp.nn import functional
from microbp.nn.functional.pooling import Sizes
from microbp.nn.functional.sliding import integers
from microbp.nn.module import Module
from microbp.tensor import Tensor

__all__ = [
    "AdaptiveAvgPool1d",
    "AdaptiveAvgPool2d",
    "AdaptiveAvgPool3d",
    "AdaptiveMaxPool1d",
    "AdaptiveMaxPool2d",
    "AdaptiveMaxPool3d",
    "AvgPool1d",
    "AvgPool2d",
    "AvgPool3d",
    "LPPool1d",
    "LPPool2d",
    "LPPool3d",
    "MaxPool1d",
    "MaxPool2d",
    "MaxPool3d",
]


class Pooling(Module):
    """Base of the pooling layers: each has its function, and shows some of its options."""

    pool: Callable[..., Any]
    shown: tuple[str, ...]

    def extra_repr(self) -> str:
        return ", ".join(f"{name}={getattr(self, name)}" for name in self.shown)


class MaxPool(Pooling):
    """Base of the layers that take the maximum of each window."""

    shown = ("kernel_size", "stride", "padding", "dilation", "ceil_mode")

    def __init__(
        self,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Sizes = 0,
        dilation: Sizes = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding = padding
        self.dilation = dilation
        self.return_indices = return_indices
        self.ceil_mode = ceil_mode

    def forward(self, input: Tensor) -> Any:
        return self.pool(
            input, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode, self.return_indices
        )


class MaxPool1d(MaxPool):
    """The maximum of each window along the last dimension: see `MaxPool2d`."""

    pool = staticmethod(functional.max_pool1d)


class MaxPool2d(MaxPool):
    """The maximum of each window over the last two dimensions: see `microbp.nn.functional.max_pool2d`.

    Parameters
    ----------
    kernel_size, stride, padding, dilation, ceil_mode
        As for `microbp.nn.functional.max_pool2d`.
    return_indices : bool
        Return also where the maxima are.

    Examples
    --------
    >>> import microbp
    >>> layer = MaxPool2d(2)
    >>> layer
    MaxPool2d(kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False)
    >>> layer(microbp.ones(5, 3, 8, 8)).shape
    (5, 3, 4, 4)
    """

    pool = staticmethod(functional.max_pool2d)


class MaxPool3d(MaxPool):
    """The maximum of each window over the last three dimensions: see `MaxPool2d`."""

    pool = staticmethod(functional.max_pool3d)


class AvgPool1d(Pooling):
    """The mean of each window along the last dimension: see `microbp.nn.functional.avg_pool1d`."""

    pool = staticmethod(functional.avg_pool1d)
    shown = ("kernel_size", "stride", "padding")

    def __init__(
        self,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Sizes = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        super().__init__()
        self.kernel_size = integers("AvgPool1d", "kernel_size", kernel_size)
        self.stride = integers("AvgPool1d", "stride", kernel_size if stride is None else stride)
        self.padding = integers("AvgPool1d", "padding", padding)
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad

    def forward(self, input: Tensor) -> Tensor:
        out: Tensor = self.pool(
            input, self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad
        )
        return out


class AvgPool(Pooling):
    """Base of the layers that take the mean of each window over several dimensions."""

    shown = ("kernel_size", "stride", "padding")

    def __init__(
        self,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Sizes = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding = padding
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad
        self.divisor_override = divisor_override

    def forward(self, input: Tensor) -> Tensor:
        options = (self.ceil_mode, self.count_include_pad, self.divisor_override)
        out: Tensor = self.pool(input, self.kernel_size, self.stride, self.padding, *options)
        return out


class AvgPool2d(AvgPool):
    """The mean of each window over the last two dimensions: see `microbp.nn.functional.avg_pool2d`.

    Parameters
    ----------
    kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override
        As for `microbp.nn.functional.avg_pool2d`.

    Examples
    --------
    >>> import microbp
    >>> AvgPool2d(2)(microbp.arange(8.0).reshape(1, 2, 4))
    tensor([[[2.5000, 4.5000]]])
    """

    pool = staticmethod(functional.avg_pool2d)


class AvgPool3d(AvgPool):
    """The mean of each window over the last three dimensions: see `AvgPool2d`."""

    pool = staticmethod(functional.avg_pool3d)


class LPPool(Pooling):
    """Base of the layers that take the p-norm of each window."""

    shown = ("norm_type", "kernel_size", "stride", "ceil_mode")

    def __init__(
        self, norm_type: float, kernel_size: Sizes, stride: Sizes | None = None, ceil_mode: bool = False
    ) -> None:
        super().__init__()
        self.norm_type = norm_type
        self.kernel_size = kernel_size
        self.stride = stride
        self.ceil_mode = ceil_mode

    def forward(self, input: Tensor) -> Tensor:
        out: Tensor = self.pool(input, float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode)
        return out


class LPPool1d(LPPool):
    """The p-norm of each window along the last dimension: see `LPPool2d`."""

    pool = staticmethod(functional.lp_pool1d)


class LPPool2d(LPPool):
    """The p-norm of each window over the last two dimensions: see `microbp.nn.functional.lp_pool2d`.

    Parameters
    ----------
    norm_type, kernel_size, stride, ceil_mode
        As for `microbp.nn.functional.lp_pool2d`.

    Examples
    --------
    >>> import microbp
    >>> LPPool2d(2, 2)(microbp.tensor([[[3.0, 4.0], [0.0, 0.0]]]))
    tensor([[[5.]]])
    """

    pool = staticmethod(functional.lp_pool2d)


class LPPool3d(LPPool):
    """The p-norm of each window over the last three dimensions: see `LPPool2d`."""

    pool = staticmethod(functional.lp_pool3d)


class AdaptiveAvgPool(Pooling):
    """Base of the layers that take the means of as many windows as asked for."""

    shown = ("output_size",)

    def __init__(self, output_size: Any) -> None:
        super().__init__()
        self.output_size = output_size

    def forward(self, input: Tensor) -> Tensor:
        out: Tensor = self.pool(input, self.output_size)
        return out


class AdaptiveAvgPool1d(AdaptiveAvgPool):
    """The means of as many windows along the last dimension as asked for: see `AdaptiveAvgPool2d`."""

    pool = staticmethod(functional.adaptive_avg_pool1d)


class AdaptiveAvgPool2d(AdaptiveAvgPool):
    """The means of as many windows over the last two dimensions as asked for.

    See `microbp.nn.functional.adaptive_avg_pool2d`.

    Parameters
    ----------
    output_size : int or tuple of int or None
        The number of windows, one for all dimensions or one for each; None leaves a dimension as it is.

    Examples
    --------
    >>> import microbp
    >>> AdaptiveAvgPool2d((1, None))(microbp.ones(2, 3, 8, 5)).shape
    (2, 3, 1, 5)
    """

    pool = staticmethod(functional.adaptive_avg_pool2d)


class AdaptiveAvgPool3d(AdaptiveAvgPool):
    """The means of as many windows over the last three dimensions as asked for: see `AdaptiveAvgPool2d`."""

    pool = staticmethod(functional.adaptive_avg_pool3d)


class AdaptiveMaxPool(Pooling):
    """Base of the layers that take the maxima of as many windows as asked for."""

    shown = ("output_size",)

    def __init__(self, output_size: Any, return_indices: bool = False) -> None:
        super().__init__()
        self.output_size = output_size
        self.return_indices = return_indices

    def forward(self, input: Tensor) -> Any:
        return self.pool(input, self.output_size, self.return_indices)


class AdaptiveMaxPool1d(AdaptiveMaxPool):
    """The maxima of as many windows along the last dimension as asked for: see `AdaptiveMaxPool2d`."""

    pool = staticmethod(functional.adaptive_max_pool1d)


class AdaptiveMaxPool2d(AdaptiveMaxPool):
    """The maxima of as many windows over the last two dimensions as asked for.

    See `microbp.nn.functional.adaptive_max_pool2d`.

    Parameters
    ----------
    output_size : int or tuple of int or None
        The number of windows, one for all dimensions or one for each; None leaves a dimension as it is.
    return_indices : bool
        Return also where the maxima are.

    Examples
    --------
    >>> import microbp
    >>> AdaptiveMaxPool2d(1)(microbp.arange(6.0).reshape(1, 2, 3))
    tensor([[[5.]]])
    """

    pool = staticmethod(functional.adaptive_max_pool2d)


class AdaptiveMaxPool3d(AdaptiveMaxPool):
    """The maxima of as many windows over the last three dimensions as asked for: see `AdaptiveMaxPool2d`."""

    pool = staticmethod(functional.adaptive_max_pool3d)
