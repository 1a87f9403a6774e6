"""Strategies for pooling."""

from __future__ import annotations

import math
from typing import Any

from hypothesis import strategies as st

from microbp.ops.pooling import adaptive_mean_windows, adaptive_windows, max_windows, mean_windows
from microbp.ops.resampling import Grid
from tests.strategies import Case, Tries, arrays, distinct, labels, shapes

IMAGES = shapes(min_dims=1, min_side=1)


@st.composite
def regular(draw: st.DrawFn, size: int, dilated: bool) -> Any:
    """Kernel, stride, padding, dilation and number of regular windows along an axis."""
    kernel = draw(st.integers(1, size))
    padding = draw(st.integers(0, kernel // 2))
    dilation = draw(st.integers(1, 2)) if dilated and kernel == 2 and padding == 0 and size > 2 else 1
    stride = draw(st.integers(1, 3))
    return kernel, stride, padding, dilation, (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1


@st.composite
def largest(draw: st.DrawFn) -> Case:
    """Images, and windows of their last axes, regular or adaptive."""
    shape = draw(IMAGES)
    windows = tuple(
        adaptive_windows(size, draw(st.integers(1, 3)))
        if draw(st.booleans())
        else max_windows(size, *draw(regular(size, dilated=True)))
        for size in shape[draw(st.integers(0, len(shape) - 1)) :]
    )
    return (draw(distinct(shape)),), {"windows": windows}


@st.composite
def means(draw: st.DrawFn) -> Case:
    """Images, windows of their last axes as maps, and the number that their sums are divided by."""
    shape = draw(IMAGES)
    found = []
    for size in shape[draw(st.integers(0, len(shape) - 1)) :]:
        if draw(st.booleans()):
            found.append(adaptive_mean_windows(size, draw(st.integers(1, 3))))
        else:
            kernel, stride, padding, _, count = draw(regular(size, dilated=False))
            found.append(mean_windows(size, kernel, stride, padding, count, draw(st.booleans()), draw(st.booleans())))
    count = draw(st.sampled_from([math.prod(number for _, number in found), -2]))
    return (draw(arrays(shape)),), {"grid": Grid(taps for taps, _ in found), "count": count}


@st.composite
def placed(draw: st.DrawFn, transposed: bool) -> Case:
    """Places in a flattened array, and that array or values for them."""
    shape, at = draw(shapes(min_side=1)), draw(shapes())
    p = draw(labels(at, math.prod(shape)))
    return ((draw(arrays(at)), p), {"shape": shape}) if transposed else ((draw(arrays(shape)), p), {})


strategies = {
    "max_pool": Tries(largest()),
    "max_places": Tries(largest()),
    "take_places": Tries(placed(transposed=False)),
    "put_places": Tries(placed(transposed=True)),
    "avg_pool": Tries(means()),
}
