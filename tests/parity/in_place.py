"""Methods that write their result into the tensor itself, each applied to a copy, so that the write is recorded."""

from __future__ import annotations

import numpy as np

import microbp
from microbp.tensor import wrap
from tests.parity import Call, Calls, Values, arithmetic, operation, pointwise, registered

OTHERS = (arithmetic, pointwise)  # the families of the functions that follow, which must be in the catalogue first

TWINS = (
    *("abs", "absolute", "acos", "acosh", "add", "addcdiv", "addcmul", "asin", "asinh", "atan", "atan2", "atanh"),
    *("ceil", "clamp", "clamp_max", "clamp_min", "clip", "copysign", "cos", "cosh", "deg2rad", "div", "divide", "erf"),
    *("erfc", "erfinv", "exp", "expm1", "floor", "floor_divide", "fmod", "frac", "hypot", "lerp", "log", "log10"),
    *("log1p", "log2", "mul", "multiply", "neg", "negative", "pow", "rad2deg", "reciprocal", "relu", "remainder"),
    *("round", "rsqrt", "sigmoid", "sign", "sin", "sinc", "sinh", "sqrt", "square", "sub", "subtract", "tan", "tanh"),
    "trunc",
)


# PyTorch computes these in place without a gradient.
WITHOUT_GRADIENT = ("acosh", "asinh", "atanh")


def fits(name: str, one: Call) -> bool:
    """Whether a call's result can take the place of its first argument."""
    first = one.arguments[0]
    if not isinstance(first, np.ndarray):
        return False
    result = registered[name].run(microbp, one, [wrap(array) for array in one.arrays()])
    return (result.shape, result.dtype) == (first.shape, first.dtype)


def in_place(name: str) -> None:
    """Enter the method in place of a function that is in the catalogue, with those of its calls that fit."""
    twin = registered[name]
    referee = (lambda lib, a: getattr(lib, name)(a)) if name in WITHOUT_GRADIENT else twin.torch

    @operation(f"Tensor.{name}_", in_place=True, torch=referee, no_scalar=twin.no_scalar)
    def calls(make: Values) -> Calls:
        yield from (one for one in twin.generate(make) if fits(name, one))


for _name in TWINS:
    in_place(_name)
