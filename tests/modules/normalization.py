"""Layers that normalise."""

from __future__ import annotations

from tests.modules import Case
from tests.samples import normal

table, signal, image, volume = normal(6, 4), normal(6, 4, 5), normal(3, 4, 5, 2), normal(3, 4, 2, 3, 2)

cases = [
    Case("BatchNorm1d", 4).on(table),
    Case("BatchNorm1d", 4, 1e-3, 0.3).on(signal),
    Case("BatchNorm1d", 4, momentum=None).on(signal),
    Case("BatchNorm1d", 4, affine=False).on(table),
    Case("BatchNorm1d", 4, bias=False).on(table),
    Case("BatchNorm1d", 4, track_running_stats=False).on(signal),
    Case("BatchNorm1d", 4, affine=False, track_running_stats=False, momentum=None).on(table),
    Case("BatchNorm2d", 4).on(image),
    Case("BatchNorm2d", 4, momentum=None, affine=False).on(image),
    Case("BatchNorm3d", 4).on(volume),
    Case("BatchNorm3d", 4, track_running_stats=False).on(volume),
    Case("LayerNorm", 5).on(signal),
    Case("LayerNorm", (4, 5), 1e-3).on(signal),
    Case("LayerNorm", [5], elementwise_affine=False).on(signal),
    Case("LayerNorm", [4, 5], bias=False).on(signal),
    Case("RMSNorm", 5).on(signal),
    Case("RMSNorm", (4, 5), eps=1e-3).on(signal),
    Case("RMSNorm", 5, elementwise_affine=False).on(signal),
    Case("GroupNorm", 2, 4).on(image),
    Case("GroupNorm", 4, 4, 1e-3, bias=False).on(table[:, :, None]),
    Case("GroupNorm", 1, 4, affine=False).on(table),
    Case("InstanceNorm1d", 4).on(signal),
    Case("InstanceNorm1d", 4).on(signal[0]),
    Case("InstanceNorm1d", 4, affine=True, track_running_stats=True).on(signal),
    Case("InstanceNorm1d", 4, track_running_stats=True, momentum=None).on(signal),
    Case("InstanceNorm2d", 4, 1e-3, 0.3, affine=True, bias=False).on(image),
    Case("InstanceNorm2d", 4, track_running_stats=True, momentum=0.5).on(image[0]),
    Case("InstanceNorm3d", 4, affine=True, track_running_stats=True).on(volume),
    Case("InstanceNorm3d", 4).on(volume[0]),
    Case("LocalResponseNorm", 2).on(image),
    Case("LocalResponseNorm", 3, 1.5, 0.5, 2).on(signal),
]
