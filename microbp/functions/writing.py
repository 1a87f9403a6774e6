"""What the functions have in common that put values into a tensor.

Each comes in two forms: ``scatter`` gives a new tensor, ``scatter_`` changes the one that it
is called on. Both make the same `Plan` and carry it out in their own way.
"""

from __future__ import annotations

from typing import Any

from microbp.errors import DtypeError
from microbp.inplace import apply_in_place
from microbp.ops.op import Op
from microbp.tensor import Tensor, apply, as_operand

__all__ = ["Plan", "anew", "in_place", "nowhere", "require_tensor", "same_dtype"]

Plan = tuple[Op, Any, Any]  # a row, the values that it puts in, and where


def anew(input: Tensor, plan: Plan) -> Tensor:
    """The result of a plan as a new tensor."""
    row, values, index = plan
    return apply(row, input, values, index=index)


def in_place(self: Tensor, plan: Plan) -> Tensor:
    """A tensor that a plan was carried out on."""
    row, values, index = plan
    return apply_in_place(row, self, values, index=index)


def nowhere(input: Tensor) -> Any:
    """An index of no elements."""
    return (slice(0, 0),) * input.ndim if input.ndim else False


def require_tensor(name: str, value: Any) -> Tensor:
    """The values as a tensor; numbers are refused."""
    values = as_operand(value)
    if not isinstance(values, Tensor):
        raise TypeError(f"{name}() takes a tensor of values, got {value!r}")
    return values


def same_dtype(name: str, input: Tensor, values: Tensor) -> None:
    """Refuse values of another dtype than that of the tensor that they are put into."""
    if input.dtype != values.dtype:
        raise DtypeError(f"{name}: input of {input.dtype} and values of {values.dtype} must have the same dtype")
