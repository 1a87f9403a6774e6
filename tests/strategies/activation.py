"""Strategies for activation functions."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.strategies import NONZERO, REAL, Case, Domain, Tries, arrays, broadcasting, masks, part_of, shapes, unary

# Away from the kinks of functions made of straight lines.
AROUND_HALF: Domain = ((-2, -0.75), (-0.25, 0.25), (0.75, 2))
AROUND_ONE: Domain = ((-2, -1.25), (-0.75, 0.75), (1.25, 2))
AROUND_THREE: Domain = ((-4, -3.25), (-2.75, -0.25), (0.25, 2.75), (3.25, 4))


@st.composite
def scores(draw: st.DrawFn) -> Case:
    """Scores, and a mask of those that take part, or none."""
    shape = draw(shapes(min_dims=1))
    return (draw(arrays(shape)), draw(st.none() | part_of(shape).flatmap(masks))), {}


@st.composite
def dropped(draw: st.DrawFn) -> Case:
    """Values, and a mask of factors."""
    shape = draw(shapes())
    return (draw(arrays(shape)), 2.0 * draw(masks(shape))), {}


strategies = {
    "leaky_relu": unary(NONZERO, negative_slope=st.sampled_from([-0.5, 0, 0.01, 2])),
    "prelu": broadcasting(NONZERO, REAL, scalars=False),
    "elu": unary(NONZERO, alpha=st.sampled_from([0.5, 1.0, 2])),
    "celu": unary(NONZERO, alpha=st.sampled_from([0.5, 1.0, 2])),
    "selu": unary(NONZERO),
    "gelu": unary(),
    "gelu_tanh": unary(),
    "silu": unary(),
    "mish": unary(),
    "softplus": unary(((-2, 2), (25, 30)), beta=st.sampled_from([0.9, 1.0, 3]), threshold=20),
    "logsigmoid": unary(((-30, 30),)),
    "softsign": unary(NONZERO),
    "tanhshrink": unary(),
    "hardtanh": unary(AROUND_ONE, min_val=-1.0, max_val=st.sampled_from([1, 5.0])),
    "hardsigmoid": unary(AROUND_THREE),
    "hardswish": unary(AROUND_THREE),
    "threshold": unary(AROUND_HALF, threshold=st.sampled_from([-0.5, 0.5]), value=st.sampled_from([0, 7.5])),
    "hardshrink": unary(AROUND_HALF, lambd=0.5),
    "softshrink": unary(AROUND_HALF, lambd=0.5),
    "masked_softmax": Tries(scores()),
    "dropout": Tries(dropped()),
}
