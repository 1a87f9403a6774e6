"""Layers that write the windows of images out as columns, and back."""

from __future__ import annotations

from microbp.nn import functional
from microbp.nn.functional.pooling import Sizes
from microbp.nn.module import Module
from microbp.tensor import Tensor

__all__ = ["Fold", "Unfold"]


class Windows(Module):
    """Base of both: holds where the windows are."""

    def __init__(self, kernel_size: Sizes, dilation: Sizes = 1, padding: Sizes = 0, stride: Sizes = 1) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.dilation = dilation
        self.padding = padding
        self.stride = stride

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, dilation={self.dilation}, padding={self.padding}, stride={self.stride}"


class Unfold(Windows):
    """The windows of images, each written out as a column: see `microbp.nn.functional.unfold`.

    Parameters
    ----------
    kernel_size, dilation, padding, stride
        As for `microbp.nn.functional.unfold`.

    Examples
    --------
    >>> import microbp
    >>> Unfold(kernel_size=2)(microbp.ones(1, 3, 4, 5)).shape
    (1, 12, 12)
    """

    def forward(self, input: Tensor) -> Tensor:
        return functional.unfold(input, self.kernel_size, self.dilation, self.padding, self.stride)


class Fold(Windows):
    """Images of which the windows are given as columns: see `microbp.nn.functional.fold`.

    Parameters
    ----------
    output_size, kernel_size, dilation, padding, stride
        As for `microbp.nn.functional.fold`.

    Examples
    --------
    >>> import microbp
    >>> Fold(output_size=(4, 5), kernel_size=2)(microbp.ones(1, 12, 12)).shape
    (1, 3, 4, 5)
    """

    def __init__(
        self, output_size: Sizes, kernel_size: Sizes, dilation: Sizes = 1, padding: Sizes = 0, stride: Sizes = 1
    ) -> None:
        super().__init__(kernel_size, dilation, padding, stride)
        self.output_size = output_size

    def forward(self, input: Tensor) -> Tensor:
        return functional.fold(input, self.output_size, self.kernel_size, self.dilation, self.padding, self.stride)

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}, {super().extra_repr()}"
