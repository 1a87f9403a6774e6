"""Pooling layers."""

from __future__ import annotations

from tests.modules import Case
from tests.samples import normal, positive

signal, image, volume = normal(2, 3, 9), normal(2, 3, 7, 6), normal(2, 3, 5, 6, 4)

cases = [
    Case("MaxPool1d", 2).on(signal),
    Case("MaxPool1d", 3, 2, 1, ceil_mode=True).on(signal),
    Case("MaxPool1d", (3,), dilation=2, return_indices=True).on(normal(3, 9)),
    Case("MaxPool2d", 2).on(image),
    Case("MaxPool2d", (3, 2), (2, 1), (1, 0)).on(image),
    Case("MaxPool2d", 2, dilation=2, ceil_mode=True, return_indices=True).on(normal(3, 7, 6)),
    Case("MaxPool3d", 2).on(volume),
    Case("MaxPool3d", (2, 3, 2), 1, padding=1, return_indices=True).on(volume),
    Case("AvgPool1d", 2).on(signal),
    Case("AvgPool1d", (3,), (2,), 1, True, False).on(signal),
    Case("AvgPool2d", 2).on(image),
    Case("AvgPool2d", (3, 2), 2, (1, 0), ceil_mode=True, count_include_pad=False).on(image),
    Case("AvgPool2d", 2, divisor_override=3).on(normal(3, 7, 6)),
    Case("AvgPool3d", 2).on(volume),
    Case("AvgPool3d", (2, 3, 2), 1, 1, divisor_override=5).on(volume),
    Case("LPPool1d", 2, 3).on(positive(2, 3, 9)),
    Case("LPPool1d", 3.5, 3, 2, True).on(positive(2, 3, 9)),
    Case("LPPool2d", 2, 2).on(positive(2, 3, 7, 6)),
    Case("LPPool2d", 1.5, (3, 2), stride=(2, 1), ceil_mode=True).on(positive(2, 3, 7, 6)),
    Case("LPPool3d", 2, 2).on(positive(2, 3, 5, 6, 4)),
    Case("AdaptiveAvgPool1d", 4).on(signal),
    Case("AdaptiveAvgPool2d", 3).on(image),
    Case("AdaptiveAvgPool2d", (None, 4)).on(normal(3, 7, 6)),
    Case("AdaptiveAvgPool3d", (2, None, 3)).on(volume),
    Case("AdaptiveMaxPool1d", 4).on(signal),
    Case("AdaptiveMaxPool1d", 2, return_indices=True).on(signal),
    Case("AdaptiveMaxPool2d", (3, 2)).on(image),
    Case("AdaptiveMaxPool2d", (None, 4), True).on(image),
    Case("AdaptiveMaxPool3d", 2).on(volume),
]
