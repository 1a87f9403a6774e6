"""Strategies for rows that rearrange, repeat and join."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from hypothesis import strategies as st

from tests.strategies import Case, Shape, Tries, arrays, of_shape, options, part_of, permutations, shapes, unary

DOUBLE = np.dtype("float64")


def regroupings(shape: Shape) -> st.SearchStrategy[Shape]:
    """Shapes of as many elements."""
    count = math.prod(shape)
    if not count:
        return st.permutations(shape).map(tuple)
    divisors = [n for n in range(1, count + 1) if count % n == 0]
    return st.sampled_from([(count,), (1, count), *((n, count // n) for n in divisors), *([()] if count == 1 else [])])


@st.composite
def expanded(draw: st.DrawFn) -> Case:
    """A tensor, and a shape that it can be broadcast to."""
    shape = draw(shapes())
    return (draw(arrays(draw(part_of(shape)))),), {"shape": shape}


@st.composite
def joined(draw: st.DrawFn) -> Case:
    """Tensors that are alike but for their sizes along an axis."""
    shape = draw(shapes(min_dims=1, max_side=2))
    dim = draw(st.integers(0, len(shape) - 1))
    sizes = draw(st.lists(st.integers(0, 2), min_size=1, max_size=3))
    ends = np.cumsum(sizes).tolist()
    before = (slice(None),) * dim
    parts = tuple((*before, slice(end - size, end)) for end, size in zip(ends, sizes, strict=True))
    return tuple(draw(arrays((*shape[:dim], n, *shape[dim + 1 :]))) for n in sizes), {"dim": dim, "parts": parts}


@st.composite
def stacked(draw: st.DrawFn) -> Case:
    """Tensors of one shape."""
    shape: Any = draw(shapes(max_side=2))
    dim, count = draw(st.integers(0, len(shape))), draw(st.integers(1, 3))
    parts = tuple((slice(None),) * dim + (k,) for k in range(count))
    return tuple(draw(arrays(shape)) for _ in range(count)), {"dim": dim, "parts": parts}


strategies = {
    "cast": unary(dtype=DOUBLE, source=DOUBLE),
    "clone": unary(),
    "reshape": of_shape(lambda shape: options(shape=regroupings(shape))),
    "permute": of_shape(lambda shape: options(dims=permutations(shape))),
    "expand": Tries(expanded()),
    "cat": Tries(joined()),
    "stack": Tries(stacked()),
}
