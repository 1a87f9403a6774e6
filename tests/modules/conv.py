"""Convolutions and their transposes."""

from __future__ import annotations

from tests.modules import Case
from tests.samples import normal

signal, image, volume = normal(2, 4, 9), normal(2, 4, 7, 6), normal(2, 2, 5, 4, 5)

cases = [
    Case("Conv1d", 4, 6, 3).on(signal),
    Case("Conv1d", 4, 6, (3,), stride=2, padding=2, dilation=2, bias=False).on(signal),
    Case("Conv1d", 4, 6, 3, groups=2).on(normal(4, 9)),
    Case("Conv1d", 4, 6, 3, padding="valid").on(signal),
    Case("Conv1d", 4, 6, 4, padding="same", dilation=2).on(signal),
    Case("Conv2d", 4, 6, 3).on(image),
    Case("Conv2d", 4, 6, (3, 2), (2, 1), (1, 0), (1, 2)).on(image),
    Case("Conv2d", 4, 8, 3, groups=4, bias=False).on(image),
    Case("Conv2d", 4, 6, 3, padding="same").on(normal(4, 7, 6)),
    Case("Conv2d", 4, 6, 1, stride=3).on(image),
    Case("Conv2d", 4, 6, 3).on(normal(0, 4, 7, 6)),
    Case("Conv3d", 2, 3, 2).on(volume),
    Case("Conv3d", 2, 4, (1, 2, 3), stride=(1, 2, 1), padding=(0, 1, 1), groups=2).on(volume),
    Case("ConvTranspose1d", 4, 6, 3).on(signal),
    Case("ConvTranspose1d", 4, 6, 3, 2, 1, 1, 2, False, 2).on(signal),
    Case("ConvTranspose1d", 4, 6, 3, stride=3).on(signal, output_size=(28,)),
    Case("ConvTranspose2d", 4, 6, 3).on(image),
    Case("ConvTranspose2d", 4, 6, (3, 2), stride=(2, 3), padding=1, output_padding=(1, 2), groups=2).on(image),
    Case("ConvTranspose2d", 4, 6, 3, stride=2, padding=1).on(image, output_size=[2, 6, 14, 11]),
    Case("ConvTranspose2d", 4, 6, 3, stride=2, bias=False).on(normal(4, 7, 6), output_size=[6, 16, 13]),
    Case("ConvTranspose3d", 2, 3, 2).on(volume),
    Case("ConvTranspose3d", 2, 4, 2, stride=2, dilation=2, groups=2, output_padding=1).on(volume),
]
for mode in ("reflect", "replicate", "circular"):
    cases += [
        Case("Conv1d", 4, 6, 3, padding=2, padding_mode=mode).on(signal),
        Case("Conv1d", 4, 6, 4, padding="same", padding_mode=mode).on(signal),
        Case("Conv2d", 4, 6, (3, 2), padding=(1, 2), stride=2, padding_mode=mode).on(image),
        Case("Conv2d", 4, 6, (4, 3), padding="same", dilation=(1, 2), padding_mode=mode).on(image),
        Case("Conv2d", 4, 6, 3, padding="valid", padding_mode=mode).on(image),
        Case("Conv3d", 2, 3, 3, padding=1, padding_mode=mode).on(volume),
    ]
