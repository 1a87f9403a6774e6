"""Strategies for contractions, distances and cross products."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.strategies import Case, Domain, Tries, arrays, broadcastable, side

BELOW: Domain = ((-2, -0.25),)
ABOVE: Domain = ((0.25, 2),)
ROLES = {"shared": (1, 1, 1), "summed": (1, 1, 0), "rows": (1, 0, 1), "columns": (0, 1, 1)}


@st.composite
def contracted(draw: st.DrawFn) -> Case:
    """Axes with labels, each of which is in two of the three: the operands and the result."""
    roles = [ROLES[role] for role in draw(st.lists(st.sampled_from(sorted(ROLES)), max_size=4))]
    sizes = [draw(side(2)) for _ in roles]
    terms = [
        tuple(draw(st.permutations([label for label, role in enumerate(roles) if role[place]]))) for place in range(3)
    ]
    operands = tuple(draw(arrays(tuple(sizes[label] for label in term))) for term in terms[:2])
    return operands, dict(zip(("left", "right", "out"), terms, strict=True))


@st.composite
def points(draw: st.DrawFn) -> Case:
    """Rows none of which is near one of the other side."""
    a, b = draw(broadcastable(signature="(n,d),(m,d)->(n,m)", max_dims=1))
    return (draw(arrays(a, BELOW)), draw(arrays(b, ABOVE))), {}


@st.composite
def crossed(draw: st.DrawFn) -> Case:
    """Vectors of size 3, along any axis."""
    before, after = draw(broadcastable(signature="(n),(n)->(n)", max_dims=1)), draw(st.lists(side(2), max_size=1))
    behind = len(after)
    a, b = ((*shape[:-1], 3, *after) for shape in before)
    dim = max(len(a), len(b)) - 1 - behind
    a, b = ((1,) * (dim + 1 + behind - len(shape)) + shape for shape in (a, b))  # an axis is counted from the front
    return (draw(arrays(a)), draw(arrays(b))), {"dim": dim}


strategies = {"contract": Tries(contracted()), "cdist": Tries(points()), "cross": Tries(crossed())}
