"""Layers that resize, unfold, or rearrange channels and pixels."""

from __future__ import annotations

from tests.modules import Case
from tests.samples import normal

signal, image, volume = normal(2, 3, 5), normal(2, 3, 4, 5), normal(2, 3, 4, 3, 5)

cases = [
    Case("Upsample", scale_factor=2).on(signal),
    Case("Upsample", 7).on(signal),
    Case("Upsample", size=(5, 7)).on(image),
    Case("Upsample", scale_factor=(2, 1.5), mode="nearest-exact").on(image),
    Case("Upsample", scale_factor=1.7, mode="linear").on(signal),
    Case("Upsample", scale_factor=1.7, mode="bilinear", recompute_scale_factor=True).on(image),
    Case("Upsample", (7, 8), mode="bilinear", align_corners=True).on(image),
    Case("Upsample", scale_factor=2, mode="bicubic").on(image),
    Case("Upsample", scale_factor=2, mode="trilinear", align_corners=False).on(volume),
    Case("UpsamplingNearest2d", scale_factor=2).on(image),
    Case("UpsamplingNearest2d", (3, 9)).on(image),
    Case("UpsamplingBilinear2d", scale_factor=(2, 3)).on(image),
    Case("UpsamplingBilinear2d", 6).on(image),
    Case("Unfold", 2).on(image),
    Case("Unfold", (2, 3), 1, (1, 0), (2, 1)).on(normal(3, 4, 5)),
    Case("Unfold", kernel_size=2, dilation=2).on(image),
    Case("Fold", (4, 5), 2).on(normal(2, 12, 12)),
    Case("Fold", 4, (2, 1), dilation=2, padding=(1, 0), stride=(1, 2)).on(normal(6, 8)),
    Case("PixelShuffle", 2).on(normal(2, 8, 3, 2)),
    Case("PixelUnshuffle", 2).on(normal(2, 3, 4, 6)),
    Case("ChannelShuffle", 2).on(normal(2, 6, 3)),
]
