"""What rows are made of: broadcasts undone, and work that rules share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import microbp
from microbp.autograd import grad
from microbp.ops.op import Op, op, registry, sum_to
from microbp.tensor import apply, wrap
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


@pytest.fixture
def scaled() -> Iterator[tuple[Op, list[Any]]]:
    """A row whose two rules share work, and what that was done for."""
    runs: list[Any] = []

    def flow(g: Any, y: Any) -> Any:
        runs.append(g)
        return g * y

    @op("a * b", broadcasts=False)
    def shared_product(a: Any, b: Any) -> Any:
        """The product."""
        return a * b

    shared_product.grad("a", "g * y / a", shares=flow)(lambda flow, a: flow / a)
    shared_product.grad("b", "g * y / b", shares=flow)(lambda flow, b: flow / b)
    yield shared_product, runs
    del registry["shared_product"]


def test_what_rules_share_is_computed_once_a_pass_and_anew_in_the_next(scaled: tuple[Op, list[Any]]) -> None:
    row, runs = scaled
    a, b = wrap(np.array([2.0, 3.0])).requires_grad_(), wrap(np.array([5.0, 7.0])).requires_grad_()
    out, g = apply(row, a, b), wrap(np.ones(2))
    out.backward(g, retain_graph=True)
    assert len(runs) == 1
    np.testing.assert_array_equal(a.grad, [5, 7])
    np.testing.assert_array_equal(b.grad, [2, 3])
    g *= 2  # the same array: what it gave before does not count any more
    out.backward(g)
    assert len(runs) == 2
    np.testing.assert_array_equal(a.grad, [15, 21])
    np.testing.assert_array_equal(b.grad, [6, 9])


def test_what_rules_share_is_recorded_once_where_the_pass_is_recorded(scaled: tuple[Op, list[Any]]) -> None:
    row, runs = scaled
    a, b = wrap(np.array([2.0, 3.0])).requires_grad_(), wrap(np.array([5.0, 7.0])).requires_grad_()
    found = grad(apply(row, a, b).sum(), (a, b), create_graph=True)
    assert len(runs) == 1
    (second,) = grad(found[0].sum(), b)
    assert second is not None
    np.testing.assert_array_equal(second.array, [1, 1])


def test_a_rule_whose_argument_needs_no_gradient_does_not_share_in_vain(scaled: tuple[Op, list[Any]]) -> None:
    row, runs = scaled
    a = wrap(np.array([2.0, 3.0])).requires_grad_()
    apply(row, a, wrap(np.array([5.0, 7.0]))).sum().backward()
    assert len(runs) == 1
    np.testing.assert_array_equal(a.grad, [5, 7])
