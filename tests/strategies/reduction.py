"""Strategies for reductions, softmax and running sums and products."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from hypothesis import strategies as st

from tests.strategies import (
    NONZERO,
    Case,
    Shape,
    Tries,
    arrays,
    axes,
    distinct,
    of_shape,
    options,
    shapes,
)

NOT_EMPTY = shapes(min_side=1)
LINES = shapes(min_dims=1)


def reduced(shape: Shape) -> st.SearchStrategy[dict[str, Any]]:
    """Which axes are reduced, and whether they are kept."""
    return options(dim=axes(shape, none=True), keepdim=st.booleans())


@st.composite
def counted(draw: st.DrawFn, shape: Shape, freedom: bool = False) -> dict[str, Any]:
    """`reduced`, with the number of elements that are, and perhaps the degrees of freedom."""
    found = draw(reduced(shape))
    dims = range(len(shape)) if found["dim"] is None else found["dim"]
    count = math.prod(shape[axis] for axis in dims)
    corrected = {"freedom": count - draw(st.sampled_from([0, 0.5, *([1] if count > 1 else [])]))} if freedom else {}
    return {**found, "count": count, **corrected}


@st.composite
def deviating(draw: st.DrawFn) -> Case:
    """Values that are not all the same."""
    shape = draw(shapes(min_dims=1, min_side=2))
    dim = draw(axes(shape).filter(bool))
    count = math.prod(shape[axis] for axis in dim)
    freedom = count - draw(st.sampled_from([0, 0.5, 1]))
    return (draw(distinct(shape)),), {"dim": dim, "keepdim": draw(st.booleans()), "count": count, "freedom": freedom}


@st.composite
def spread(draw: st.DrawFn) -> Case:
    """What a reduction may have made of a shape."""
    shape = draw(shapes())
    found = draw(reduced(shape))
    dims = tuple(range(len(shape))) if found["dim"] is None else found["dim"]
    kept = tuple(1 if axis in dims else size for axis, size in enumerate(shape))
    left = tuple(size for axis, size in enumerate(shape) if axis not in dims)
    return (draw(arrays(kept if found["keepdim"] else left)),), {"shape": shape, "dim": found["dim"]}


@st.composite
def shared(draw: st.DrawFn) -> Case:
    """Values and their maximum."""
    shape = draw(NOT_EMPTY)
    a, dim = draw(arrays(shape)), draw(axes(shape, none=True))
    return (a, np.asarray(a.max(axis=dim, keepdims=draw(st.booleans())))), {"dim": dim}


def one_axis(shape: Shape, **more: Any) -> st.SearchStrategy[dict[str, Any]]:
    """One axis."""
    return options(dim=st.integers(0, len(shape) - 1), **more)


def along(**more: Any) -> Tries:
    """For a row that works along one axis."""
    return of_shape(lambda shape: one_axis(shape, **more), LINES)


def extreme() -> Tries:
    """For a row that picks an element."""
    return of_shape(reduced, NOT_EMPTY, distinct)


def place() -> Tries:
    """For a row that says where an element is."""
    return of_shape(lambda shape: one_axis(shape, keepdim=st.booleans()), shapes(min_dims=1, min_side=1))


@st.composite
def recurring(draw: st.DrawFn) -> Case:
    """Factors and terms of a recurrence."""
    shape = draw(LINES)
    return (draw(arrays(shape)), draw(arrays(shape))), draw(one_axis(shape, reverse=st.booleans()))


strategies = {
    "sum": of_shape(reduced),
    "spread": Tries(spread()),
    "mean": of_shape(counted, NOT_EMPTY),
    "var": of_shape(lambda shape: counted(shape, freedom=True).filter(lambda found: found["freedom"] > 0), NOT_EMPTY),
    "std": Tries(deviating()),
    "nansum": of_shape(reduced),
    "max": of_shape(lambda shape: options(keepdim=st.booleans()), NOT_EMPTY, distinct),
    "min": of_shape(lambda shape: options(keepdim=st.booleans()), NOT_EMPTY, distinct),
    "amax": extreme(),
    "amin": extreme(),
    "evenly": Tries(shared()),
    "argmax": place(),
    "argmin": place(),
    "any": of_shape(reduced),
    "all": of_shape(reduced),
    "count_nonzero": of_shape(lambda shape: options(dim=axes(shape, none=True))),
    "norm": of_shape(reduced, fill=distinct),
    "p_norm": Tries(
        NOT_EMPTY.flatmap(
            lambda shape: st.tuples(
                st.tuples(arrays(shape, NONZERO)),
                st.builds(lambda p, found: {"p": p, **found}, st.sampled_from([0.5, 1.0, 1.5, 2, 3.0]), reduced(shape)),
            )
        )
    ),
    "logsumexp": of_shape(reduced, NOT_EMPTY),
    "softmax": along(),
    "log_softmax": along(),
    "cumsum": along(reverse=st.booleans()),
    "cumprod": along(),
    "prod": along(keepdim=st.booleans()),
    "partial_products": along(reverse=st.booleans()),
    "recurrence": Tries(recurring()),
}
