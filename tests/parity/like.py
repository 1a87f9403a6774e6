"""Making tensors after the model of another."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.parity import Calls, Dtype, Values, call, operation


def models(make: Values) -> tuple[Any, ...]:
    """Tensors to make others like."""
    return (
        make.normal(3, 4),
        make.normal(),
        make.normal(0, 3),
        make.laid_out(np.ones((2, 1), np.float32)),
        make.integers(0, 5, 2),
        make.truths(2, 2),
    )


def same(name: str, *arguments: Any) -> None:
    """Enter a function that gives a tensor of the same shape and dtype."""

    @operation(name)
    def calls(make: Values) -> Calls:
        for model in models(make):
            yield call(model, *arguments)
            yield call(model, *arguments, dtype=Dtype("float32"))
            yield call(model, *arguments, dtype=Dtype("int64"), device="cpu")


same("zeros_like")
same("ones_like")
same("full_like", 3)


@operation("Tensor.new_full")
def new_full(make: Values) -> Calls:
    for model in models(make):
        yield call(model, (2, 3), 3)
        yield call(model, (), 1, dtype=Dtype("float64"))
        yield call(model, (0, 2), True)


def constant(name: str) -> None:
    """Enter `Tensor.new_zeros` or `Tensor.new_ones`."""

    @operation(name)
    def calls(make: Values) -> Calls:
        for model in models(make):
            yield call(model, 2, 3)
            yield call(model, (2, 3))
            yield call(model, (), dtype=Dtype("float64"))
            yield call(model, size=(0, 2))


constant("Tensor.new_zeros")
constant("Tensor.new_ones")


@operation("Tensor.new_tensor")
def new_tensor(make: Values) -> Calls:
    for model in models(make):
        yield call(model, [[1, 2], [3, 0]])
        yield call(model, 1.0)
        yield call(model, [], dtype=Dtype("float64"))
