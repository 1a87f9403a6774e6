"""Making tensors as older scripts do: by a function for each dtype, which takes values or sizes.

``FloatTensor([2, 3])`` has the values 2 and 3; ``FloatTensor(2, 3)`` is a matrix with whatever the
memory held. `microbp.tensor` and `microbp.empty` say which of the two is meant.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from microbp.device import Device
from microbp.dtypes import boolean, float16, float32, float64, get_default_dtype, int8, int16, int32, int64, uint8
from microbp.functions.creation import empty, tensor
from microbp.methods import method
from microbp.tensor import Tensor

__all__ = [
    "BoolTensor",
    "ByteTensor",
    "CharTensor",
    "DoubleTensor",
    "FloatTensor",
    "HalfTensor",
    "IntTensor",
    "LongTensor",
    "ShortTensor",
]


def made(name: str, dtype: np.dtype[Any], arguments: tuple[Any, ...]) -> Tensor:
    """Values as a tensor, or sizes as one that is not filled."""
    if all(isinstance(value, int | np.integer) for value in arguments):
        return empty(*map(int, arguments), dtype=dtype) if arguments else empty(0, dtype=dtype)
    if len(arguments) != 1:
        raise TypeError(f"{name} takes one sequence of values, or sizes as integers, got {len(arguments)} arguments")
    if isinstance(arguments[0], float | np.floating):
        raise TypeError(f"{name} takes a sequence of values, or sizes as integers, got a number: {arguments[0]!r}")
    return tensor(arguments[0], dtype=dtype)


def FloatTensor(*values_or_sizes: Any) -> Tensor:
    """A float32 tensor of values (copied), or of a size.

    Parameters
    ----------
    *values_or_sizes
        A sequence, an array or a tensor; or integers, the sizes of a tensor that is not filled.

    Returns
    -------
    Tensor

    Raises
    ------
    TypeError
        For several sequences, or a single float.

    Examples
    --------
    >>> FloatTensor([1, 2])
    tensor([1., 2.])
    >>> FloatTensor(2, 3).shape
    (2, 3)
    """
    return made("FloatTensor", float32, values_or_sizes)


def DoubleTensor(*values_or_sizes: Any) -> Tensor:
    """As `FloatTensor`, of float64."""
    return made("DoubleTensor", float64, values_or_sizes)


def HalfTensor(*values_or_sizes: Any) -> Tensor:
    """As `FloatTensor`, of float16."""
    return made("HalfTensor", float16, values_or_sizes)


def LongTensor(*values_or_sizes: Any) -> Tensor:
    """As `FloatTensor`, of int64.

    Examples
    --------
    >>> LongTensor([3, 1])
    tensor([3, 1])
    """
    return made("LongTensor", int64, values_or_sizes)


def IntTensor(*values_or_sizes: Any) -> Tensor:
    """As `FloatTensor`, of int32."""
    return made("IntTensor", int32, values_or_sizes)


def ShortTensor(*values_or_sizes: Any) -> Tensor:
    """As `FloatTensor`, of int16."""
    return made("ShortTensor", int16, values_or_sizes)


def CharTensor(*values_or_sizes: Any) -> Tensor:
    """As `FloatTensor`, of int8."""
    return made("CharTensor", int8, values_or_sizes)


def ByteTensor(*values_or_sizes: Any) -> Tensor:
    """As `FloatTensor`, of uint8."""
    return made("ByteTensor", uint8, values_or_sizes)


def BoolTensor(*values_or_sizes: Any) -> Tensor:
    """As `FloatTensor`, of bool."""
    return made("BoolTensor", boolean, values_or_sizes)


@method("__init__")
def fill(self: Tensor, *values_or_sizes: Any, device: Any = None) -> None:
    """As `FloatTensor`, in the default dtype."""
    Device(device or "cpu")
    self.array = made("Tensor", get_default_dtype(), values_or_sizes).array
