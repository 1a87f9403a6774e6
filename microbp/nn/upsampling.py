"""Layers that resize signals, images and volumes."""

from __future__ import annotations

from collections.abc import Sequence

from microbp.nn import functional
from microbp.nn.module import Module
from microbp.tensor import Tensor

__all__ = ["Upsample", "UpsamplingBilinear2d", "UpsamplingNearest2d"]

Size = int | Sequence[int] | None
Scale = float | Sequence[float] | None


class Upsample(Module):
    """A signal, an image or a volume in another size: see `microbp.nn.functional.interpolate`.

    Parameters
    ----------
    size, scale_factor, mode, align_corners, recompute_scale_factor
        As for `microbp.nn.functional.interpolate`.

    Examples
    --------
    >>> import microbp
    >>> layer = Upsample(scale_factor=2, mode="bilinear")
    >>> layer
    Upsample(scale_factor=2.0, mode='bilinear')
    >>> layer(microbp.ones(1, 3, 4, 5)).shape
    (1, 3, 8, 10)
    """

    scale_factor: Scale

    def __init__(
        self,
        size: Size = None,
        scale_factor: Scale = None,
        mode: str = "nearest",
        align_corners: bool | None = None,
        recompute_scale_factor: bool | None = None,
    ) -> None:
        super().__init__()
        self.name = self._get_name()
        self.size = size
        if isinstance(scale_factor, Sequence):
            self.scale_factor = tuple(map(float, scale_factor))
        else:
            self.scale_factor = float(scale_factor) if scale_factor else None
        self.mode = mode
        self.align_corners = align_corners
        self.recompute_scale_factor = recompute_scale_factor

    def forward(self, input: Tensor) -> Tensor:
        return functional.interpolate(
            input, self.size, self.scale_factor, self.mode, self.align_corners, self.recompute_scale_factor
        )

    def extra_repr(self) -> str:
        size = f"size={self.size!r}" if self.scale_factor is None else f"scale_factor={self.scale_factor!r}"
        return f"{size}, mode={self.mode!r}"


class UpsamplingNearest2d(Upsample):
    """An image in another size by nearest neighbours: `Upsample` under an old name.

    Parameters
    ----------
    size, scale_factor
        As for `Upsample`.

    Examples
    --------
    >>> import microbp
    >>> UpsamplingNearest2d(size=(1, 4))(microbp.tensor([[[[1.0, 2.0]]]]))
    tensor([[[[1., 1., 2., 2.]]]])
    """

    def __init__(self, size: Size = None, scale_factor: Scale = None) -> None:
        super().__init__(size, scale_factor, mode="nearest")


class UpsamplingBilinear2d(Upsample):
    """An image in another size by means of neighbours, with its corners left in place: `Upsample` under an old name.

    Parameters
    ----------
    size, scale_factor
        As for `Upsample`.

    Examples
    --------
    >>> import microbp
    >>> UpsamplingBilinear2d(size=(1, 3))(microbp.tensor([[[[1.0, 2.0]]]]))
    tensor([[[[1.0000, 1.5000, 2.0000]]]])
    """

    def __init__(self, size: Size = None, scale_factor: Scale = None) -> None:
        super().__init__(size, scale_factor, mode="bilinear", align_corners=True)
