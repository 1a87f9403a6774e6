"""From one dtype or memory layout to another, and tensors after the model of others."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.parity import Calls, Dtype, Values, call, operation

DTYPES = ("float64", "float32", "float16", "int64", "int32", "int16", "int8", "uint8", "bool")


def kinds(make: Values) -> Any:
    """Tensors of different dtypes, layouts and shapes."""
    yield from (make.uniform(0, 100, 3, 4), make.normal(), make.normal(0, 3), make.tied(5), make.integers(0, 9, 2, 3))
    yield from (make.truths(4), make.normal(3).astype(np.float32), make.integers(0, 9, 3).astype(np.uint8))


NAMES = ("bool", "byte", "char", "short", "int", "long", "half", "float", "double")


@operation(*(f"Tensor.{name}" for name in NAMES), keeps_dtype=False)
def to_a_dtype(make: Values) -> Calls:
    for array in kinds(make):
        yield call(array)


@operation("Tensor.cpu", "clone", "Tensor.contiguous")
def same(make: Values) -> Calls:
    for array in kinds(make):
        yield call(array)


@operation("Tensor.to", keeps_dtype=False)
def to(make: Values) -> Calls:
    for name in DTYPES:
        yield call(make.uniform(0, 100, 3, 2), Dtype(name))
        yield call(make.integers(0, 9, 3), dtype=Dtype(name))
    yield call(make.normal(3), "cpu")
    yield call(make.normal(3), "cpu", Dtype("float32"))
    yield call(make.normal(3), device="cpu", dtype=Dtype("float64"), copy=True)
    yield call(make.normal(3), Dtype("float64"), False, True)
    yield call(make.normal(3), make.normal(2).astype(np.float32), constants=(1,))
    yield call(make.normal(3), make.integers(0, 9))
    yield call(make.normal(), Dtype("float32"))
    yield call(make.normal(0, 3), Dtype("float32"), non_blocking=True)


@operation("Tensor.type", keeps_dtype=False)
def type_of(make: Values) -> Calls:
    for name in DTYPES:
        yield call(make.uniform(0, 100, 3, 2), Dtype(name))
    yield call(make.normal(), dtype=Dtype("float32"))
    yield call(make.normal(0, 3), Dtype("float32"))


@operation("Tensor.type_as", keeps_dtype=False)
def type_as(make: Values) -> Calls:
    for array in kinds(make):
        yield call(make.normal(3), array, constants=(1,))
        yield call(make.integers(0, 9, 3), array)


@operation("is_floating_point")
def is_floating_point(make: Values) -> Calls:
    for array in kinds(make):
        yield call(array)


@operation("is_tensor")
def is_tensor(make: Values) -> Calls:
    for array in kinds(make):
        yield call(array)
    for value in (1.0, "x", None):
        yield call(value)


@operation("Tensor.element_size")
def element_size(make: Values) -> Calls:
    for array in kinds(make):
        if array.dtype.kind != "f" or array.dtype == np.float64:
            yield call(array)


@operation("zeros_like", "ones_like")
def like(make: Values) -> Calls:
    for array in kinds(make):
        yield call(array)
        yield call(array, dtype=Dtype("float32"))
        yield call(array, dtype=Dtype("int64"), device="cpu")


@operation("full_like")
def full_like(make: Values) -> Calls:
    for array in kinds(make):
        yield call(array, 1)
    yield call(make.normal(2), float("nan"))
    yield call(make.normal(2), True)
    yield call(make.integers(0, 9, 2), 2.7)
    yield call(make.integers(0, 9, 2), 2.7, dtype=Dtype("float32"))
    yield call(make.normal(2), fill_value=7, dtype=Dtype("int32"))


@operation("Tensor.new_zeros", "Tensor.new_ones")
def new(make: Values) -> Calls:
    for array in kinds(make):
        yield call(array, (2, 3))
    yield call(make.normal(2), 3)
    yield call(make.normal(2), 2, 0)
    yield call(make.normal(2), size=(2,), dtype=Dtype("int64"))
    yield call(make.normal(2), [2], dtype=Dtype("float32"))
    yield call(make.normal(2), ())


@operation("Tensor.new_full")
def new_full(make: Values) -> Calls:
    for array in kinds(make):
        yield call(array, (2, 3), 1)
    yield call(make.normal(2), (), float("inf"))
    yield call(make.normal(2), [2], 3, dtype=Dtype("int64"))
    yield call(make.integers(0, 9, 2), size=(0, 2), fill_value=4)


@operation("Tensor.new_tensor")
def new_tensor(make: Values) -> Calls:
    for array in kinds(make):
        yield call(array, [[1, 0], [1, 1]])
    yield call(make.normal(2), 1.5)
    yield call(make.normal(2), [True, False])
    yield call(make.normal(2), [1.5], dtype=Dtype("float32"))
    yield call(make.integers(0, 9, 2), data=(1, 2))
