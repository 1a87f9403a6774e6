"""The ways from a loss to a tensor, and what comes along each."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import microbp
from microbp import Tensor, viz
from microbp.autograd import Function
from microbp.errors import GraphError
from tests.viz.networks import counting


class Scale(Function):
    """A function of one's own with two outputs."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, factor: float) -> tuple[Tensor, Tensor]:
        ctx.save_for_backward(x)
        ctx.factor = factor
        return x * factor, x * x

    @staticmethod
    def backward(ctx: Any, g: Tensor, h: Tensor) -> tuple[Tensor, None]:
        (x,) = ctx.saved_tensors
        return g * ctx.factor + 2 * h * x, None


def test_explain_sums_over_the_ways() -> None:
    x = microbp.tensor([0.5, 2.0], requires_grad=True)
    x.name = "x"
    loss = (x * x.exp() + x.square()).sum()
    explanation = viz.explain(x, loss)
    assert explanation.count == 3
    assert sorted(map(str, explanation.paths)) == [
        "sum_1 → add_1 → mul_1 → exp_1 → x",
        "sum_1 → add_1 → mul_1 → x",
        "sum_1 → add_1 → square_1 → x",
    ]
    np.testing.assert_allclose(sum(path.gradient for path in explanation.paths), explanation.gradient, rtol=1e-6)
    loss.backward()
    assert x.grad is not None
    np.testing.assert_array_equal(explanation.gradient, x.grad.array)
    assert "the sum over the ways: ∂L/∂x =" in str(explanation)
    assert "∂L/∂x = ∂L/∂square_1 × 2" in str(explanation) or "2 × ∂L/∂square_1 × x" in str(explanation)


def test_explain_a_broadcast_and_a_function_of_ones_own() -> None:
    b = (counting(4) / 2 + 0.1).requires_grad_()
    loss = ((counting(5, 4) + b) * b).sum()
    explanation = viz.explain(b, loss)
    np.testing.assert_allclose(sum(path.gradient for path in explanation.paths), explanation.gradient, rtol=1e-5)
    x = microbp.tensor([1.0, -2.0], requires_grad=True)
    first, second = Scale.apply(x, 3.0)
    explanation = viz.explain(x, (first * second).sum())
    assert explanation.count == 2
    np.testing.assert_allclose(sum(path.gradient for path in explanation.paths), explanation.gradient)
    np.testing.assert_allclose(explanation.gradient, 9 * x.array**2)


def test_explain_counts_ways_that_are_too_many_to_list() -> None:
    x = microbp.tensor(1.0, requires_grad=True)
    y = x
    for _ in range(60):
        y = y + y
    explanation = viz.explain(x, y)
    assert explanation.count == 2**60
    assert explanation.paths == ()
    assert f"{2**60:,} ways" in str(explanation)


def test_explain_an_intermediate_result_and_the_loss_itself() -> None:
    x = microbp.tensor([1.0, 2.0], requires_grad=True)
    h = x.exp()
    loss = (h * h).sum()
    np.testing.assert_allclose(viz.explain(h, loss).gradient, 2 * h.array)
    assert viz.explain(loss, loss).gradient == 1
    assert "one way" in str(viz.explain(loss, loss))


def test_explain_refuses_what_the_loss_does_not_depend_on() -> None:
    x = microbp.ones(2, requires_grad=True)
    with pytest.raises(GraphError, match="does not depend on this tensor"):
        viz.explain(microbp.ones(2, requires_grad=True), x.sum())
