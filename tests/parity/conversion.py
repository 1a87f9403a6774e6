"""From one dtype to another, and questions about a tensor."""

from __future__ import annotations

import numpy as np

from tests.parity import Calls, Dtype, Values, call, operation

SPECIAL = (0.0, -0.0, 0.5, -1.5, 2.5, 100.25)


def converts(name: str, *, special: tuple[float, ...] = SPECIAL, keeps_dtype: bool = False) -> None:
    """Enter a conversion to one dtype."""

    @operation(f"Tensor.{name}", keeps_dtype=keeps_dtype)
    def calls(make: Values) -> Calls:
        yield call(make.uniform(-9, 9, 3, 4))
        yield call(make.uniform(-9, 9))
        yield call(make.normal(0, 3))
        yield call(make.laid_out(special))
        yield call(make.laid_out(make.normal(2, 3).astype(np.float32)))
        yield call(make.integers(-9, 10, 3, 2))
        yield call(make.laid_out(make.integers(0, 256, 5).astype(np.uint8)))
        yield call(make.truths(2, 3))


converts("float", keeps_dtype=True)
converts("double")
converts("half")
converts("int")
converts("long")
converts("short")
converts("char")
converts("bool", special=(*SPECIAL, np.nan, np.inf, 1e-300))
converts("cpu", keeps_dtype=True)
converts("contiguous", keeps_dtype=True)


@operation("Tensor.byte", keeps_dtype=False)
def byte(make: Values) -> Calls:
    yield call(make.uniform(0, 200, 3, 4))
    yield call(make.uniform(0, 200))
    yield call(make.normal(0, 3))
    yield call(make.laid_out((0.0, 0.5, 255.9)))
    yield call(make.integers(-300, 600, 3, 2))
    yield call(make.truths(2, 3))


@operation("Tensor.type", keeps_dtype=False)
def type_of(make: Values) -> Calls:
    for name in ("float64", "float32", "float16", "int64", "int8", "bool"):
        yield call(make.uniform(-9, 9, 3, 4), Dtype(name))
        yield call(make.integers(-9, 10, 3), Dtype(name))
    yield call(make.normal(), Dtype("float32"))
    yield call(make.normal(0, 3), Dtype("float32"))


@operation("Tensor.type_as", keeps_dtype=False)
def type_as(make: Values) -> Calls:
    for other in (make.normal(2), make.integers(0, 2, 2), make.truths(3), make.laid_out(np.float32(1))):
        yield call(make.uniform(-9, 9, 3, 4), other)
        yield call(make.normal(), other)
        yield call(make.normal(0, 3), other)
        yield call(make.integers(-9, 10, 3), other)


@operation("Tensor.to", keeps_dtype=False)
def to(make: Values) -> Calls:
    for name in ("float64", "float32", "float16", "int64", "int8", "bool"):
        yield call(make.uniform(-9, 9, 3, 4), Dtype(name))
        yield call(make.integers(-9, 10, 3), dtype=Dtype(name))
    yield call(make.normal(3, 4), "cpu")
    yield call(make.normal(3, 4), "cpu", Dtype("float32"))
    yield call(make.normal(3, 4), device="cpu", copy=True)
    yield call(make.normal(3, 4), None, Dtype("float32"), True, False)
    yield call(make.normal(), make.integers(0, 2, 2))
    yield call(make.normal(0, 3), make.laid_out(np.float32(1)), non_blocking=True, copy=True)
    yield call(make.normal(2), Dtype("float32"), non_blocking=True)


def question(name: str, *more: object) -> None:
    """Enter a question about a tensor."""

    @operation(name)
    def calls(make: Values) -> Calls:
        yield call(make.normal(3, 4))
        yield call(make.normal())
        yield call(make.normal(0, 3))
        yield call(make.laid_out(make.normal(2).astype(np.float32)))
        yield call(make.laid_out(make.normal(2).astype(np.float16)))
        yield call(make.integers(0, 5, 2))
        yield call(make.laid_out(make.integers(0, 5, 2).astype(np.uint8)))
        yield call(make.truths(2))
        for value in more:
            yield call(value)


question("is_floating_point")
question("is_tensor", 1.5, "tensor", None, (1, 2))
question("Tensor.element_size")


@operation("Tensor.detach_", in_place=True)
def detach(make: Values) -> Calls:
    yield call(make.normal(3, 4))
    yield call(make.normal())
    yield call(make.normal(0, 3))
    yield call(make.integers(0, 5, 2))
    yield call(make.truths(2))
