"""Methods in place whose result is that of a whole function, each applied to a copy, so that the write is recorded."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.parity import Calls, Values, alias, call, comparison, operation, pointwise, running
from tests.parity.in_place import in_place

OTHERS = (comparison, pointwise, running)  # the families of the functions that follow, which must be there first

for _name in ("cumprod", "cumsum", "float_power", "logit", "nan_to_num", "true_divide"):
    in_place(_name)

for _name, _other in {
    "arccos": "acos",
    "arccosh": "acosh",
    "arcsin": "asin",
    "arcsinh": "asinh",
    "arctan": "atan",
    "arctan2": "atan2",
    "arctanh": "atanh",
}.items():
    alias(f"Tensor.{_name}_", f"Tensor.{_other}_")


def compares(name: str, **traits: Any) -> None:
    """Enter a comparison that leaves 0 and 1 in the tensor's own dtype, which is then flat."""

    @operation(f"Tensor.{name}_", in_place=True, **traits)
    def calls(make: Values) -> Calls:
        yield call(make.tied(3, 4), make.tied(3, 4), constants=(1,))
        yield call(make.tied(3, 4), make.tied(4), constants=(1,))
        yield call(make.tied(3, 4), make.tied(), constants=(1,))
        yield call(make.tied(), make.tied(), constants=(1,))
        yield call(make.tied(0, 3), make.tied(3), constants=(1,))
        yield call(make.integers(-2, 3, 4), make.integers(-2, 3, 4))
        yield call(make.truths(4), make.truths(4))
        yield call(make.laid_out((np.nan, np.inf, 0.0)), make.laid_out((np.nan, 1.0, -0.0)), constants=(1,))


for _name in ("eq", "ge", "gt", "le", "lt", "ne"):
    compares(_name)
for _name, _other in {
    "greater": "gt",
    "greater_equal": "ge",
    "less": "lt",
    "less_equal": "le",
    "not_equal": "ne",
}.items():
    alias(f"Tensor.{_name}_", f"Tensor.{_other}_")


def logic(name: str) -> None:
    """Enter a connective; PyTorch lets the gradient through as if nothing had been done, which is wrong."""

    @operation(f"Tensor.{name}_", in_place=True, torch=lambda lib, a, b: right(lib, name, a, b))
    def calls(make: Values) -> Calls:
        yield call(make.tied(3, 4), make.tied(3, 4), constants=(1,))
        yield call(make.tied(3, 4), make.tied(4), constants=(1,))
        yield call(make.tied(), make.tied(), constants=(1,))
        yield call(make.tied(0, 3), make.tied(3), constants=(1,))
        yield call(make.integers(-1, 2, 6), make.integers(-1, 2, 6))
        yield call(make.truths(4), make.truths(4))


def right(lib: Any, name: str, a: Any, *others: Any) -> Any:
    """A connective in place under PyTorch, with a gradient of zeros."""
    result = getattr(lib, name)(a.detach(), *(b.detach() for b in others)).to(a.dtype)
    return result + 0 * a if a.requires_grad else result


for _name in ("logical_and", "logical_or", "logical_xor"):
    logic(_name)


@operation("Tensor.logical_not_", in_place=True, torch=lambda lib, a: right(lib, "logical_not", a))
def logical_not(make: Values) -> Calls:
    for shape in ((3, 4), (), (0, 3), (5,), (2, 1, 3)):
        yield call(make.tied(*shape))
    yield call(make.truths(4))
    yield call(make.integers(-1, 2, 6))


def bits(name: str) -> None:
    """Enter an operation on bits."""

    @operation(f"Tensor.{name}_", in_place=True)
    def calls(make: Values) -> Calls:
        yield call(make.integers(-9, 10, 3, 4), make.integers(-9, 10, 3, 4))
        yield call(make.integers(-9, 10, 3, 4), make.integers(-9, 10, 4))
        yield call(make.integers(-9, 10, 3), 5)
        yield call(make.integers(-9, 10), make.integers(-9, 10))
        yield call(make.integers(-9, 10, 0, 3), make.integers(-9, 10, 3))
        yield call(make.truths(4), make.truths(4))


for _name in ("bitwise_and", "bitwise_or", "bitwise_xor"):
    bits(_name)


@operation("Tensor.bitwise_not_", in_place=True)
def bitwise_not(make: Values) -> Calls:
    for shape in ((3, 4), (), (0, 3), (5,)):
        yield call(make.integers(-9, 10, *shape))
    yield call(make.truths(4))


@operation(
    "Tensor.heaviside_",
    in_place=True,
    torch=lambda lib, a, b: lib.heaviside(a.detach(), b.detach()) + 0 * a + lib.where(a == 0, b - b.detach(), 0),
)
def heaviside(make: Values) -> Calls:
    yield call(make.tied(3, 4), make.normal(3, 4))
    yield call(make.tied(3, 4), make.normal(4))
    yield call(make.tied(3, 4), make.normal())
    yield call(make.tied(), make.normal())
    yield call(make.tied(0, 3), make.normal(3))


def adds(name: str, target: tuple[int, ...], *factors: tuple[int, ...]) -> None:
    """Enter a product that is added to the tensor."""

    @operation(f"Tensor.{name}_", in_place=True, no_scalar="the tensor has the shape of a product")
    def calls(make: Values) -> Calls:
        for options in ({}, {"alpha": 0.5}, {"beta": -2}, {"beta": 0.5, "alpha": 3}, {"beta": 0}):
            yield call(make.normal(*target), *(make.normal(*factor) for factor in factors), **options)
        empty = [tuple(0 if size == 4 else size for size in shape) for shape in (target, *factors)]
        yield call(*(make.normal(*shape) for shape in empty))


adds("addmm", (3, 4), (3, 2), (2, 4))
adds("addmv", (4,), (4, 2), (2,))
adds("addr", (3, 4), (3,), (4,))
adds("addbmm", (3, 4), (5, 3, 2), (5, 2, 4))
adds("baddbmm", (5, 3, 4), (5, 3, 2), (5, 2, 4))
