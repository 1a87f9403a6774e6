"""Work that the rules of a row share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from microbp.autograd import grad
from microbp.ops.op import Op, op, registry
from microbp.tensor import apply, wrap


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
