"""Strategies for losses, and for what they are made of."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.strategies import (
    NONZERO,
    POSITIVE,
    REAL,
    SHARES,
    Case,
    Domain,
    Tries,
    arrays,
    labels,
    options,
    shapes,
    side,
    unary,
)

AROUND_ONE: Domain = ((-3, -1.25), (-0.75, 0.75), (1.25, 3))
SOME = shapes(max_dims=1, max_side=2)


@st.composite
def classified(draw: st.DrawFn) -> Case:
    """Logits and labels."""
    samples, classes = draw(side(3)), draw(st.integers(1, 4))
    return (draw(arrays((samples, classes))), draw(labels((samples,), classes))), {"n": draw(st.sampled_from([1, 2.5]))}


@st.composite
def taken(draw: st.DrawFn, transposed: bool) -> Case:
    """Values for classes, or for the one that a label names; some labels are to be ignored."""
    samples, classes, after = draw(side(3)), draw(st.integers(1, 3)), draw(SOME)
    t = draw(labels((samples, *after), classes, -1))
    if transposed:
        return (draw(arrays((samples, *after))), t), {"classes": classes}
    return (draw(arrays((samples, classes, *after))), t), {}


@st.composite
def named(draw: st.DrawFn) -> Case:
    """Labels."""
    classes = draw(st.integers(1, 4))
    return (draw(labels(draw(shapes()), classes)),), {"classes": classes}


def pair(a: Domain, t: Domain) -> st.SearchStrategy[tuple[object, ...]]:
    """Predictions and targets of one shape."""
    return shapes().flatmap(lambda shape: st.tuples(arrays(shape, a), arrays(shape, t)))


strategies = {
    "cross_entropy": Tries(classified()),
    "one_hot": Tries(named()),
    "take_class": Tries(taken(transposed=False)),
    "put_class": Tries(taken(transposed=True)),
    "mse_loss": Tries(st.tuples(pair(REAL, REAL), options(n=st.sampled_from([1, 2.5])))),
    "huber": unary(AROUND_ONE, delta=1.0),
    "binary_cross_entropy": Tries(st.tuples(pair(SHARES, SHARES), st.just({}))),
    "binary_cross_entropy_with_logits": Tries(st.tuples(pair(NONZERO, SHARES), st.just({}))),
    "xlogx": unary(POSITIVE),
}
