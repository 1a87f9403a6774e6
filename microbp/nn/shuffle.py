"""Layers that rearrange channels and pixels."""

from __future__ import annotations

from microbp.nn import functional
from microbp.nn.module import Module
from microbp.tensor import Tensor

__all__ = ["ChannelShuffle", "PixelShuffle", "PixelUnshuffle"]


class PixelShuffle(Module):
    """Channels rearranged into a finer image: see `microbp.nn.functional.pixel_shuffle`.

    Parameters
    ----------
    upscale_factor : int
        How much finer.

    Examples
    --------
    >>> import microbp
    >>> PixelShuffle(2)(microbp.ones(1, 8, 3, 3)).shape
    (1, 2, 6, 6)
    """

    def __init__(self, upscale_factor: int) -> None:
        super().__init__()
        self.upscale_factor = upscale_factor

    def forward(self, input: Tensor) -> Tensor:
        return functional.pixel_shuffle(input, self.upscale_factor)

    def extra_repr(self) -> str:
        return f"upscale_factor={self.upscale_factor}"


class PixelUnshuffle(Module):
    """An image rearranged into more channels: see `microbp.nn.functional.pixel_unshuffle`.

    Parameters
    ----------
    downscale_factor : int
        How much coarser the image becomes.

    Examples
    --------
    >>> import microbp
    >>> PixelUnshuffle(2)(microbp.ones(1, 2, 6, 6)).shape
    (1, 8, 3, 3)
    """

    def __init__(self, downscale_factor: int) -> None:
        super().__init__()
        self.downscale_factor = downscale_factor

    def forward(self, input: Tensor) -> Tensor:
        return functional.pixel_unshuffle(input, self.downscale_factor)

    def extra_repr(self) -> str:
        return f"downscale_factor={self.downscale_factor}"


class ChannelShuffle(Module):
    """Channels in turn from each of some groups: see `microbp.nn.functional.channel_shuffle`.

    Parameters
    ----------
    groups : int
        The number of groups, which divides that of the channels.

    Examples
    --------
    >>> import microbp
    >>> ChannelShuffle(2)(microbp.arange(4.0).reshape(1, 4, 1)).flatten()
    tensor([0., 2., 1., 3.])
    """

    def __init__(self, groups: int) -> None:
        super().__init__()
        self.groups = groups

    def forward(self, input: Tensor) -> Tensor:
        return functional.channel_shuffle(input, self.groups)

    def extra_repr(self) -> str:
        return f"groups={self.groups}"
