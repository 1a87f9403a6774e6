"""Strategies for rows that pick out and put in."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from tests.strategies import Case, Shape, Tries, arrays, labels, masks, part_of, shapes


@st.composite
def indices(draw: st.DrawFn, shape: Shape, once: bool = False) -> Any:
    """Anything that NumPy takes for an index, without naming an element twice if `once`."""
    kinds = ["basic", "mask"]
    if shape and 0 not in shape:
        kinds += ["array", "arrays", "mixed"]
    kind = draw(st.sampled_from(kinds))
    if kind == "basic":
        return draw(npst.basic_indices(shape, allow_newaxis=True))
    if kind == "mask":
        return draw(masks(shape))
    if kind == "arrays":
        found = draw(npst.integer_array_indices(shape, result_shape=npst.array_shapes(max_dims=1, max_side=3)))
        if not once:
            return found
        first = np.unique(np.ravel_multi_index(tuple(np.mod(i, n) for i, n in zip(found, shape, strict=True)), shape))
        return np.unravel_index(first, shape)
    dim = 0 if kind == "array" else draw(st.integers(0, len(shape) - 1))
    positions = draw(npst.arrays(np.int64, npst.array_shapes(max_dims=2, max_side=2), elements=places(shape[dim])))
    if once:
        positions = np.unique(positions % shape[dim])
    return positions if kind == "array" else ((slice(None),) * dim + (positions,))


def places(size: int) -> st.SearchStrategy[int]:
    """Positions along an axis, also from its end."""
    return st.integers(-size, size - 1)


@st.composite
def picked(draw: st.DrawFn) -> Case:
    """A tensor and an index."""
    shape = draw(shapes())
    return (draw(arrays(shape)),), {"index": draw(indices(shape))}


@st.composite
def put(draw: st.DrawFn) -> Case:
    """As many values as an index names elements."""
    shape = draw(shapes())
    index = draw(indices(shape))
    return (draw(arrays(np.zeros(shape)[index].shape)),), {"shape": shape, "index": index}


@st.composite
def replaced(draw: st.DrawFn, once: bool) -> Case:
    """A tensor, and values that can be broadcast to those at an index; or one number."""
    shape = draw(shapes())
    index = draw(indices(shape, once))
    found = np.zeros(shape)[index].shape
    values = draw(arrays(draw(part_of(found))) | st.just(2.5))
    return (draw(arrays(shape)), values), {"index": index}


@st.composite
def multiplied(draw: st.DrawFn) -> Case:
    """Factors for elements of a vector."""
    size, count = draw(st.integers(1, 4)), draw(st.integers(0, 4))
    return (draw(arrays((size,))), draw(arrays((count,)))), {"index": draw(labels((count,), size))}


@st.composite
def gathered(draw: st.DrawFn, transposed: bool) -> Case:
    """Along an axis, places of elements; the other axes may be shorter."""
    shape = draw(shapes(min_dims=1, min_side=1))
    dim = draw(st.integers(0, len(shape) - 1))
    size = tuple(draw(st.integers(0, 3 if axis == dim else n)) for axis, n in enumerate(shape))
    found = {"dim": dim, "places": draw(labels(size, shape[dim]))}
    return ((draw(arrays(size)),), {"shape": shape, **found}) if transposed else ((draw(arrays(shape)),), found)


strategies = {
    "getitem": Tries(picked()),
    "put_add": Tries(put()),
    "setitem": Tries(replaced(once=True)),
    "add_at": Tries(replaced(once=False)),
    "multiply_at": Tries(multiplied()),
    "gather": Tries(gathered(transposed=False)),
    "gather_transposed": Tries(gathered(transposed=True)),
}
