"""Dtypes: NumPy's own, under PyTorch's names, and the rule by which mixed dtypes meet.

PyTorch sorts the operands of an operation into tensors with dimensions, 0-d tensors and
Python numbers. The dtype is that of the first kind, unless a later kind is of a higher
category (bool < integer < floating). So ``float32_tensor * 2.0`` and ``float32_tensor *
float64_scalar_tensor`` stay float32, and ``int64_tensor * 2.0`` has the default dtype.

Source: "Tensor Attributes: type promotion" in PyTorch's documentation.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextvars import ContextVar
from typing import Any

import numpy as np

from microbp.errors import DtypeError

__all__ = [
    "as_dtype",
    "boolean",
    "float16",
    "float32",
    "float64",
    "get_default_dtype",
    "int8",
    "int16",
    "int32",
    "int64",
    "result_dtype",
    "set_default_dtype",
    "uint8",
]

DType = np.dtype[Any]

float16: DType = np.dtype("float16")
float32: DType = np.dtype("float32")
float64: DType = np.dtype("float64")
int8: DType = np.dtype("int8")
int16: DType = np.dtype("int16")
int32: DType = np.dtype("int32")
int64: DType = np.dtype("int64")
uint8: DType = np.dtype("uint8")
boolean: DType = np.dtype("bool")

# Equal dtypes can be different objects; each stands for itself here, so that `is` tells dtypes of tensors apart.
supported = {dtype: dtype for dtype in (float16, float32, float64, int8, int16, int32, int64, uint8, boolean)}
category = {"b": 0, "i": 1, "u": 1, "f": 2}

_default: ContextVar[DType] = ContextVar("microbp default dtype", default=float32)


def get_default_dtype() -> DType:
    """The dtype of tensors made from Python floats.

    Returns
    -------
    dtype

    Examples
    --------
    >>> get_default_dtype()
    dtype('float32')
    """
    return _default.get()


def set_default_dtype(d: Any) -> None:
    """Set the dtype of tensors made from Python floats, for this thread or task.

    A new thread starts with float32, whatever others have set, and a task with the dtype of the one that made it;
    PyTorch has one default for all.

    Parameters
    ----------
    d : dtype
        A floating-point dtype.

    Raises
    ------
    DtypeError
        If `d` is not a floating-point dtype.

    Examples
    --------
    >>> import microbp
    >>> microbp.set_default_dtype(microbp.float64)
    >>> microbp.tensor(0.1).dtype
    dtype('float64')
    >>> microbp.set_default_dtype(microbp.float32)
    """
    dtype = as_dtype(d)
    if dtype.kind != "f":
        raise DtypeError(f"the default dtype must be a floating-point dtype, got {dtype}")
    _default.set(dtype)


def as_dtype(dtype: Any) -> DType:
    """NumPy's dtype object for anything that names a dtype: ``float``, ``"float32"``, ``np.float64``.

    Raises
    ------
    DtypeError
        If microbp has no such dtype.
    """
    found = np.dtype(dtype).newbyteorder("=")
    if found not in supported:
        raise DtypeError(f"microbp has no dtype {found}; it has {', '.join(sorted(map(str, supported)))}")
    return supported[found]


def result_dtype(values: Iterable[Any], floating: bool = False) -> DType:
    """The dtype in which values meet, by PyTorch's rule.

    Parameters
    ----------
    values : iterable of arrays and Python numbers
        The operands.
    floating : bool
        Whether the operation has floating-point results for integers too, as ``exp`` has.
    """
    ranks: list[DType | None] = [None, None, None]
    for value in values:
        if hasattr(value, "dtype"):
            rank, dtype = (0 if value.ndim else 1), value.dtype
        else:
            rank, dtype = 2, _of_number(value)
        known = ranks[rank]
        ranks[rank] = dtype if known is None else meet(known, dtype)
    result: DType | None = None
    for found in ranks:
        if found is not None and (result is None or category[found.kind] > category[result.kind]):
            result = found
    if result is None or (floating and result.kind != "f"):
        return get_default_dtype()
    return result


def meet(first: DType, second: DType) -> DType:
    """The smallest dtype for both, where an integer never widens a floating-point dtype."""
    if first.kind != second.kind and "f" in (first.kind, second.kind):
        return first if first.kind == "f" else second
    return np.promote_types(first, second)


def _of_number(value: Any) -> DType:
    if isinstance(value, bool):
        return boolean
    return int64 if isinstance(value, int) else get_default_dtype()
