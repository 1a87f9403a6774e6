"""Broadcasts, undone."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import microbp
from microbp.autograd import grad
from microbp.ops.formula import sum_to
from microbp.tensor import wrap
from tests.strategies import Shape, arrays, part_of, shapes

EXAMPLES = settings(max_examples=100, deadline=None, derandomize=True, database=None)


def added_up(g: Any, shape: Shape) -> Any:
    """The gradient of each element of the argument, added up place by place."""
    found = np.zeros(shape)
    for place in np.ndindex(g.shape):
        inner = place[len(place) - len(shape) :]
        found[tuple(0 if size == 1 else k for k, size in zip(inner, shape, strict=True))] += g[place]
    return found


@st.composite
def repeated(draw: st.DrawFn) -> tuple[Any, Shape]:
    """A gradient, and the shape of an argument that was broadcast to its shape."""
    shape = draw(shapes())
    return draw(arrays(shape)), draw(part_of(shape))


@EXAMPLES
@given(repeated())
def test_sum_to_adds_up_what_each_element_was_repeated_for(case: tuple[Any, Shape]) -> None:
    g, shape = case
    found = sum_to(g, shape)
    assert isinstance(found, np.ndarray)
    assert found.shape == shape
    np.testing.assert_allclose(found, added_up(g, shape), rtol=1e-15, atol=1e-15)


@EXAMPLES
@given(repeated())
def test_sum_to_of_a_tensor_is_recorded_as_the_transpose_of_a_broadcast(case: tuple[Any, Shape]) -> None:
    g, shape = case
    t = wrap(g.copy()).requires_grad_()
    found = sum_to(t, shape)
    np.testing.assert_array_equal(found.array, sum_to(g, shape))
    weights = np.cos(np.arange(found.numel())).reshape(shape)
    (back,) = grad(found, t, wrap(weights))
    assert back is not None
    np.testing.assert_array_equal(back.array, np.broadcast_to(weights, g.shape))


@EXAMPLES
@given(st.data())
def test_gradients_of_any_broadcast_have_the_shapes_of_the_arguments_and_are_added_up(data: st.DataObject) -> None:
    g, shape = data.draw(repeated())
    a = data.draw(arrays(shape))
    small, large = (wrap(x.copy()).requires_grad_() for x in (a, g))
    ((small * large) * microbp.ones(1, dtype=microbp.float64)).sum().backward()
    assert small.grad is not None
    assert large.grad is not None
    np.testing.assert_allclose(small.grad.array, added_up(g, shape), rtol=1e-15, atol=1e-15)
    np.testing.assert_array_equal(large.grad.array, np.broadcast_to(a, g.shape))
