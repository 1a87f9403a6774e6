"""Strategies for views: what lies at the end of a path."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from microbp.ops import indexing, shape
from microbp.ops.view import follow
from tests.strategies import Case, Shape, Tries, arrays, permutations, shapes
from tests.strategies.shape import regroupings


@st.composite
def paths(draw: st.DrawFn, size: Shape) -> Any:
    """One or two operations that give a view; as views have it, some steps are copies."""
    path: list[Any] = []
    for _ in range(draw(st.integers(1, 2))):
        kind = draw(st.sampled_from(["getitem", "permute", "reshape"]))
        if kind == "getitem":
            path.append((indexing.getitem, {"index": draw(npst.basic_indices(size, allow_newaxis=True))}))
        elif kind == "permute":
            path.append((shape.permute, {"dims": draw(permutations(size))}))
        else:
            path.append((shape.reshape, {"shape": draw(regroupings(size))}))
        size = follow(np.zeros(size), path[-1:]).shape
    return tuple(path)


@st.composite
def looked(draw: st.DrawFn) -> Case:
    """A tensor, and the way to a view of it."""
    size = draw(shapes())
    return (draw(arrays(size)),), {"path": draw(paths(size))}


@st.composite
def put(draw: st.DrawFn) -> Case:
    """What a view shows."""
    size = draw(shapes())
    path = draw(paths(size))
    return (draw(arrays(follow(np.zeros(size), path).shape)),), {"shape": size, "path": path}


@st.composite
def written(draw: st.DrawFn) -> Case:
    """A tensor, and values for what a view of it shows; or one number."""
    (values,), chosen = draw(put())
    return (draw(arrays(chosen["shape"])), draw(st.just(values) | st.just(2.5))), {"path": chosen["path"]}


strategies = {"look": Tries(looked()), "put_view": Tries(put()), "write_through": Tries(written())}
