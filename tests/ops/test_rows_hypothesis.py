"""Every row of the registry at inputs that hypothesis makes: its gradients are right to second order.

Where to look for the inputs of a row: `tests.strategies`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

import microbp
from microbp.autograd import check_graph, gradcheck, gradgradcheck
from microbp.ops.op import registry
from microbp.tensor import apply, wrap
from tests.spoil import spoiled
from tests.strategies import Case, table

STRATEGIES = table()
ROWS = sorted(registry)
KNOWN = [name for name in ROWS if name in STRATEGIES]  # those without a strategy have a test of their own
SMOOTH = [name for name in KNOWN if registry[name].rules and not STRATEGIES[name].why_not]
EXAMPLES = settings(max_examples=20, deadline=None, derandomize=True, database=None)
FEWER = settings(EXAMPLES, max_examples=8)


def leaves(name: str, inputs: tuple[Any, ...]) -> list[Any]:
    """The inputs as tensors; those with a rule require grad."""
    found = []
    for position, value in enumerate(inputs):
        if isinstance(value, np.ndarray):
            needs = value.dtype.kind == "f" and bool(registry[name].differentiable >> position & 1)
            found.append(wrap(value.copy(order="K")).requires_grad_(needs))
        else:
            found.append(value)
    return found


def needs_gradient(tensors: Sequence[Any]) -> bool:
    """Whether one of them requires grad."""
    return any(isinstance(t, microbp.Tensor) and t.requires_grad for t in tensors)


@pytest.mark.parametrize("name", ROWS)
def test_every_row_has_a_strategy(name: str) -> None:
    assert name in STRATEGIES, f"add a line for {name!r} to the strategies of its family in tests/strategies/"


def test_no_strategy_without_a_row() -> None:
    assert not STRATEGIES.keys() - registry.keys()


@pytest.mark.parametrize("name", SMOOTH)
def test_gradients_agree_with_differences_to_second_order(name: str) -> None:
    row, tries = registry[name], STRATEGIES[name]

    @EXAMPLES
    @given(tries.cases)
    def run(case: Case) -> None:
        inputs, options = case
        tensors = leaves(name, inputs)
        if needs_gradient(tensors):

            def function(*values: Any) -> Any:
                return apply(row, *tries.prepare(*values), **options)

            assert gradcheck(function, tensors, atol=1e-6, rtol=1e-5)
            assert gradgradcheck(function, tensors, atol=1e-5, rtol=1e-4)
            assert check_graph(function(*tensors)).unchecked == ()

    run()


@pytest.mark.parametrize("name", SMOOTH)
def test_a_wrong_rule_is_found_at_these_inputs(name: str) -> None:
    row, tries = registry[name], STRATEGIES[name]

    @EXAMPLES
    @given(tries.cases)
    def run(case: Case) -> None:
        inputs, options = case
        tensors = leaves(name, inputs)
        if needs_gradient(tensors) and not all(found.values()):

            def function(*values: Any) -> Any:
                return apply(row, *tries.prepare(*values), **options)

            found["gradcheck"] |= not gradcheck(function, tensors, raise_exception=False)
            found["check_graph"] |= f"has a wrong rule dL/d{argument}" in str(
                check_graph(function(*tensors), raise_exception=False)
            )

    for argument in row.rules:
        found = {"gradcheck": False, "check_graph": False}
        with spoiled(row, argument, lambda g: g + 0.01):
            run()
        assert all(found.values()), f"a wrong rule for {argument!r} was not noticed by all: {found}"


@pytest.mark.parametrize("name", KNOWN)
def test_rows_leave_their_inputs_alone_and_own_their_results(name: str) -> None:
    row, tries = registry[name], STRATEGIES[name]

    @FEWER
    @given(tries.cases)
    def run(case: Case) -> None:
        inputs, options = case
        tensors = leaves(name, inputs)
        handed = tries.prepare(*tensors)
        before = [t.array.copy() if isinstance(t, microbp.Tensor) else t for t in handed]
        out = apply(row, *handed, **options)
        assert out.requires_grad is needs_gradient(handed)
        again = apply(row, *handed, **options)
        np.testing.assert_array_equal(out.array, again.array)
        if not row.view and name != "copy":  # what `copy` gives is written to its place at once
            assert not any(isinstance(t, microbp.Tensor) and np.may_share_memory(out.array, t.array) for t in handed)
        if out.requires_grad:
            g = np.ones(out.shape)
            out.backward(wrap(g))
            assert (g == 1).all()
        for t, values in zip(handed, before, strict=True):
            if isinstance(t, microbp.Tensor):
                np.testing.assert_array_equal(t.array, values)

    run()
