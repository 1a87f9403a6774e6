"""Margins, resizing, and channels put elsewhere."""

from __future__ import annotations

import numpy as np

from tests.parity import Calls, Values, call, operation

CHANNELS = "the input has a dimension of channels"


@operation("nn.functional.pad")
def pad(make: Values) -> Calls:
    yield call(make.normal(2, 3), (1, 2))
    yield call(make.normal(2, 3, 4), (1, 2, 0, 1, 3, 0), value=1.5)
    yield call(make.normal(2, 3), [-1, 2, 1, -1])
    yield call(make.normal(2, 3), (-1, -2), "constant", -np.inf)
    yield call(make.normal(), ())
    yield call(make.normal(0, 3), (1, 1, 2, 0))
    yield call(make.integers(-5, 5, 2, 3), (1, 1), value=2)
    yield call(make.truths(3), (1, 1), value=True)
    for mode, most in (("reflect", 3), ("replicate", 6), ("circular", 4)):
        yield call(make.normal(2, 4), (most, 1), mode)
        yield call(make.normal(2, 3, 4), (0, most), mode=mode)
        yield call(make.normal(1, 2, 3, 4), (1, 2, 2, 0), mode=mode)
        yield call(make.normal(1, 2, 3, 3, 4), (1, 2, 2, 0, 1, 1), mode=mode)
        yield call(make.normal(2, 3, 4), (-1, 2, 1, -1), mode=mode)
        yield call(make.normal(0, 2, 4), (1, 1), mode=mode)


@operation("nn.functional.interpolate", no_scalar=CHANNELS)
def interpolate(make: Values) -> Calls:
    shapes = {1: (2, 3, 5), 2: (2, 2, 4, 5), 3: (1, 2, 3, 2, 3)}
    sizes = {1: (8,), 2: (7, 3), 3: (2, 5, 4)}
    for dims, linear in ((1, "linear"), (2, "bilinear"), (3, "trilinear")):
        for mode in ("nearest", "nearest-exact", "area", linear, *(["bicubic"] if dims == 2 else [])):
            yield call(make.normal(*shapes[dims]), sizes[dims], mode=mode)
            yield call(make.normal(*shapes[dims]), scale_factor=2, mode=mode)
        for mode in (linear, *(["bicubic"] if dims == 2 else [])):
            yield call(make.normal(*shapes[dims]), sizes[dims], None, mode, True)
            yield call(make.normal(*shapes[dims]), scale_factor=1.7, mode=mode, align_corners=False)
            yield call(make.normal(*shapes[dims]), scale_factor=1.7, mode=mode, recompute_scale_factor=True)
            yield call(make.normal(*shapes[dims]), size=1, mode=mode, align_corners=True)
        yield call(make.normal(*shapes[dims]), scale_factor=[1.4, 0.6, 2.5][:dims])
        yield call(make.normal(0, 2, *shapes[dims][2:]), size=3)
    yield call(make.laid_out(make.integers(0, 255, 1, 2, 3, 4).astype(np.uint8)), (5, 2))


@operation("nn.functional.upsample", no_scalar=CHANNELS)
def upsample(make: Values) -> Calls:
    yield call(make.normal(2, 3, 4), 6)
    yield call(make.normal(2, 3, 4), scale_factor=2)
    yield call(make.normal(2, 3, 4), None, 1.5, "linear", True)
    yield call(make.normal(1, 2, 3, 4), (2, 7), mode="bilinear")
    yield call(make.normal(0, 2, 3), 5)


@operation("nn.functional.pixel_shuffle", no_scalar=CHANNELS)
def pixel_shuffle(make: Values) -> Calls:
    yield call(make.normal(2, 8, 2, 3), 2)
    yield call(make.normal(9, 2, 1), 3)
    yield call(make.normal(2, 1, 4, 3, 2), 2)
    yield call(make.normal(2, 3, 2), upscale_factor=1)
    yield call(make.integers(0, 9, 4, 2, 2), 2)
    yield call(make.normal(4, 0, 2), 2, constants=(0,))  # PyTorch's gradient has another shape than the input


@operation("nn.functional.pixel_unshuffle", no_scalar=CHANNELS, no_empty="PyTorch leaves an empty image as it is")
def pixel_unshuffle(make: Values) -> Calls:
    yield call(make.normal(2, 2, 4, 6), 2)
    yield call(make.normal(1, 6, 3), 3)
    yield call(make.normal(2, 1, 2, 4, 2), 2)
    yield call(make.normal(2, 3, 2), downscale_factor=1)
    yield call(make.integers(0, 9, 1, 4, 4), 2)


@operation("nn.functional.channel_shuffle", no_scalar=CHANNELS)
def channel_shuffle(make: Values) -> Calls:
    yield call(make.normal(2, 6, 3), 2)
    yield call(make.normal(1, 6, 3, 2), 3)
    yield call(make.normal(2, 4, 1, 2, 2), 4)
    yield call(make.normal(2, 3, 2), 1)
    yield call(make.normal(0, 4, 2), 2)
