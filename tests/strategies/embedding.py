"""Strategies for embeddings."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from tests.strategies import Case, Tries, arrays, labels, shapes, side

NONE = -1
WHY_NOT = "its gradient is not the derivative of its values, on purpose"


@st.composite
def looked_up(draw: st.DrawFn, transposed: bool) -> Case:
    """A table and labels of its rows, or rows to be added up by their labels."""
    count, width, at = draw(st.integers(1, 4)), draw(side(3)), draw(shapes(max_dims=2, max_side=2))
    t = draw(labels(at, count))
    if transposed:
        padding = draw(st.sampled_from([NONE, *range(count)]))
        return (draw(arrays((*at, width))), t), {"rows": count, "padding_idx": padding}
    return (draw(arrays((count, width))), t), {"padding_idx": NONE}


@st.composite
def tempered(draw: st.DrawFn) -> Case:
    """Values, and factors for their gradients."""
    shape = draw(shapes())
    return (draw(arrays(shape)), np.asarray(draw(arrays(shape)))), {}


strategies = {
    "embedding": Tries(looked_up(transposed=False)),
    "put_rows": Tries(looked_up(transposed=True)),
    "temper": Tries(tempered(), why_not=WHY_NOT),
}
