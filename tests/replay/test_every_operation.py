"""Every operation of the catalogue, compiled: what is replayed on other values is what the function itself computes.

The values are changed in ways on which a hidden branch might depend: their order, zeros, signs, NaN, labels that name
nothing. Equal means bit by bit, in result, gradients and errors.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import microbp
from microbp.autograd.tree import tensors_of
from microbp.tensor import Tensor, wrap
from tests.parity import Operation, catalogue
from tests.parity.test_parity import run

CATALOGUE = catalogue()
CALLS = 6
"""So many calls of each operation are tried, spread over the catalogue's."""


def variants(arrays: list[Any]) -> Iterator[list[Any]]:
    """Arrays of the same shapes and dtypes, with other values."""
    rng = np.random.default_rng(0)

    def each(change: Callable[[Any], Any]) -> list[Any]:
        return [change(array.copy()) if array.size else array for array in arrays]

    yield each(lambda a: rng.permutation(a.ravel()).reshape(a.shape))
    yield each(lambda a: a if a.dtype.kind == "f" else np.roll(a, 1))
    yield each(np.zeros_like)
    yield each(lambda a: -a if a.dtype.kind == "f" else a)
    yield each(lambda a: a * np.where(np.arange(a.size) == 0, np.nan, 1).reshape(a.shape) if a.dtype.kind == "f" else a)
    yield each(lambda a: a if a.dtype.kind in "fb" else a + a.dtype.type(100))
    yield each(lambda a: a if a.dtype.kind in "fbu" else a - a.dtype.type(100))


def outcome(function: Callable[..., Any], arrays: list[Any], needed: list[bool]) -> Any:
    """Values and gradients, or the error."""
    tensors = [wrap(array.copy()) for array in arrays]
    for tensor, need in zip(tensors, needed, strict=True):
        tensor.requires_grad_(need)
    microbp.manual_seed(0)
    try:
        output = function(*tensors)
        parts = tensors_of(output)
        found = [part.array.copy() for part in parts]
        for part in parts:
            if part.requires_grad and part.dtype.kind == "f":
                part.sum().backward(retain_graph=True)
    except Exception as error:
        return type(error), str(error)
    return found, [part.requires_grad for part in parts], [None if t.grad is None else t.grad.array for t in tensors]


def equal(one: Any, two: Any) -> bool:
    """Whether two outcomes are the same bit by bit."""
    if isinstance(one, np.ndarray) or isinstance(two, np.ndarray):
        return (
            isinstance(one, np.ndarray)
            and isinstance(two, np.ndarray)
            and one.dtype == two.dtype
            and one.shape == two.shape
            and np.array_equal(one, two, equal_nan=one.dtype.kind == "f")
        )
    if isinstance(one, list | tuple):
        return isinstance(two, list | tuple) and len(one) == len(two) and all(map(equal, one, two))
    return bool(one == two)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("operation", CATALOGUE.values(), ids=list(CATALOGUE))
def test_replayed_on_other_values(operation: Operation) -> None:
    calls = [one for layout, one in operation.calls() if not one.written]
    for one in calls[:: max(1, len(calls) // CALLS)][:CALLS]:
        arrays = [np.ascontiguousarray(array) for array in one.arrays()]
        needed = [array.dtype.kind == "f" for array in arrays]

        def function(*tensors: Tensor, one: Any = one) -> Any:
            return run(operation, one, microbp, *tensors)

        compiled = microbp.compile(lambda *tensors: function(*tensors))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for _ in range(3):
                assert equal(outcome(compiled, arrays, needed), outcome(function, arrays, needed)), f"{one}"
            for other in variants(arrays):
                mine, theirs = outcome(compiled, other, needed), outcome(function, other, needed)
                assert equal(mine, theirs), f"{operation.name}{one}: {mine} is not {theirs}\n{compiled.source}"


def trained(operation: Operation, compiled: bool) -> tuple[list[Any], int]:
    """The gradients of leaves that an operation is applied to, after each of some steps; and how many were replayed."""
    one = next(one for layout, one in operation.calls() if not one.written)
    leaves = [wrap(np.ascontiguousarray(array).copy()) for array in one.arrays()]
    for leaf in leaves:
        leaf.requires_grad_(leaf.dtype.kind == "f")

    def step(factor: Tensor) -> None:
        parts = [part for part in tensors_of(run(operation, one, microbp, *leaves)) if part.requires_grad]
        loss: Any = sum((part.sum() for part in parts), start=factor * 0.0) * factor
        loss.backward()

    call = microbp.compile(step) if compiled else step
    found: list[Any] = []
    for number in range(4):
        microbp.manual_seed(0)
        try:
            call(microbp.tensor(number + 1.0))
        except Exception as error:
            found.append((type(error), str(error)))
        found.append([None if leaf.grad is None else leaf.grad.array.copy() for leaf in leaves])
    return found, call.replayed if compiled else 0


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("operation", CATALOGUE.values(), ids=list(CATALOGUE))
def test_replayed_within_a_training_step(operation: Operation) -> None:
    if any(not one.written for _, one in operation.calls()):
        assert equal(trained(operation, compiled=True)[0], trained(operation, compiled=False)[0])


def test_common_operations_are_replayed() -> None:
    names = ["add", "mul", "exp", "tanh", "relu", "matmul", "sum", "mean", "logsumexp", "where", "cumsum"]
    found = {name: trained(CATALOGUE[name], compiled=True)[1] for name in names}
    assert found == dict.fromkeys(names, 2)
