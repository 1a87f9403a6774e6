"""Making tensors: from data, or filled with a pattern.

Sizes are given one by one or as a tuple: ``zeros(2, 3)`` and ``zeros((2, 3))``. Where no
dtype is given, floating-point results have the default dtype (`get_default_dtype`).
"""

from __future__ import annotations

import math
import sys
from typing import Any

import numpy as np

from microbp.device import Device
from microbp.dtypes import as_dtype, get_default_dtype, meet
from microbp.errors import DtypeError, OptionError, ShapeError
from microbp.functions.dims import as_shape
from microbp.tensor import Tensor, refuse_masked, wrap

__all__ = [
    "arange",
    "as_tensor",
    "empty",
    "eye",
    "from_numpy",
    "full",
    "linspace",
    "ones",
    "tensor",
    "zeros",
]

Array = np.ndarray[Any, Any]


def tensor(data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Make a tensor from numbers, nested lists, an array or a tensor; the data is copied.

    Parameters
    ----------
    data : number, nested sequence, array or Tensor
        The values. Python floats get the default dtype, arrays keep theirs.
    dtype : dtype, optional
        The dtype of the result.
    device : optional
        Only ``"cpu"``.
    requires_grad : bool
        Record what is computed from it.

    Returns
    -------
    Tensor

    Raises
    ------
    DtypeError
        For objects, strings and None, and for integers that require grad.
    ShapeError
        For lists of unequal lengths.

    Examples
    --------
    >>> import microbp
    >>> microbp.tensor([[1, 2], [3, 4]])
    tensor([[1, 2],
            [3, 4]])
    >>> microbp.tensor([0.5, 1.5], requires_grad=True)
    tensor([0.5000, 1.5000], requires_grad=True)
    """
    out = finished(np.array(to_array(data, dtype)), device, requires_grad)
    if isinstance(data, Tensor):
        out._cut = data._cut_by("by tensor()", sys._getframe(1))
    return out


def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Tensor:
    """Make a tensor from data without a copy, where no conversion is needed: it shares the memory of an array.

    Parameters
    ----------
    data : number, nested sequence, array or Tensor
        The values.
    dtype : dtype, optional
        The dtype of the result.
    device : optional
        Only ``"cpu"``.

    Returns
    -------
    Tensor

    Raises
    ------
    DtypeError, ShapeError
        As for `tensor`.

    Examples
    --------
    >>> import microbp
    >>> a = np.array([1.0, 2.0])
    >>> t = microbp.as_tensor(a)
    >>> a[0] = 7
    >>> t
    tensor([7., 2.], dtype=float64)
    """
    if isinstance(data, Tensor):
        on_cpu(device)
        same = dtype is None or as_dtype(dtype) == data.array.dtype
        return data if same else data.to(as_dtype(dtype))
    return finished(to_array(data, dtype), device, False)


def from_numpy(ndarray: Array) -> Tensor:
    """Make a tensor that shares the memory of an array.

    Parameters
    ----------
    ndarray : array
        Of a dtype that microbp has, in either byte order; foreign byte order takes a copy.

    Returns
    -------
    Tensor

    Raises
    ------
    DtypeError
        If microbp has no such dtype.

    Examples
    --------
    >>> import microbp
    >>> a = np.zeros(2, dtype=np.float32)
    >>> t = microbp.from_numpy(a)
    >>> a[1] = 5
    >>> t
    tensor([0., 5.])
    """
    if not isinstance(ndarray, np.ndarray):
        raise TypeError(f"from_numpy() takes a NumPy array, got {type(ndarray).__name__}; use tensor() or as_tensor()")
    return wrap(to_array(ndarray))


def zeros(*sizes: Any, size: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor full of zeros.

    Parameters
    ----------
    *sizes : int, or one tuple of int
        The shape.
    dtype, device, requires_grad
        As for `tensor`; the default dtype if none is given.
    size
        The shape by name, ``size=(2, 3)``.

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError
        If a size is negative.

    Examples
    --------
    >>> import microbp
    >>> microbp.zeros(2, 3)
    tensor([[0., 0., 0.],
            [0., 0., 0.]])
    """
    return finished(np.zeros(shape_for("zeros", sizes, size), floating_or(dtype)), device, requires_grad)


def ones(*sizes: Any, size: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor full of ones.

    Parameters
    ----------
    *sizes : int, or one tuple of int
        The shape.
    dtype, device, requires_grad
        As for `tensor`; the default dtype if none is given.
    size
        The shape by name, ``size=(2, 3)``.

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError
        If a size is negative.

    Examples
    --------
    >>> import microbp
    >>> microbp.ones(3)
    tensor([1., 1., 1.])
    """
    return finished(np.ones(shape_for("ones", sizes, size), floating_or(dtype)), device, requires_grad)


def empty(*sizes: Any, size: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor whose values are whatever the memory held.

    Parameters
    ----------
    *sizes : int, or one tuple of int
        The shape.
    dtype, device, requires_grad
        As for `tensor`; the default dtype if none is given.
    size
        The shape by name, ``size=(2, 3)``.

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError
        If a size is negative.

    Examples
    --------
    >>> import microbp
    >>> microbp.empty(2, 3).shape
    (2, 3)
    """
    return finished(np.empty(shape_for("empty", sizes, size), floating_or(dtype)), device, requires_grad)


def full(size: Any, fill_value: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor full of one value.

    Parameters
    ----------
    size : tuple of int
        The shape.
    fill_value : number
        The value; without a dtype it decides: int64 for an integer, bool for a truth value.
    dtype, device, requires_grad
        As for `tensor`.

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError
        If a size is negative.
    DtypeError
        If the value is no number.

    Examples
    --------
    >>> import microbp
    >>> microbp.full((2,), 7)
    tensor([7, 7])
    """
    value = fill_value.item() if isinstance(fill_value, Tensor | np.generic) else fill_value
    kind = to_array(value).dtype if dtype is None else as_dtype(dtype)
    return finished(np.full(shape_for("full", (size,)), value, kind), device, requires_grad)


def eye(n: int, m: int | None = None, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """The identity matrix: ones on the diagonal, zeros elsewhere.

    Parameters
    ----------
    n, m : int
        The numbers of rows and columns; `m` is `n` if left out.
    dtype, device, requires_grad
        As for `tensor`; the default dtype if none is given.

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError
        If a size is negative.

    Examples
    --------
    >>> import microbp
    >>> microbp.eye(2)
    tensor([[1., 0.],
            [0., 1.]])
    """
    rows, columns = shape_for("eye", (n, n if m is None else m))
    return finished(np.eye(rows, columns, dtype=floating_or(dtype)), device, requires_grad)


def arange(
    start: Any = None,
    end: Any = None,
    step: Any = 1,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """The numbers start, start + step, ... before end; ``arange(end)`` starts from 0.

    Parameters
    ----------
    start, end, step : number
        int64 if all are integers, else the default dtype.
    dtype, device, requires_grad
        As for `tensor`.

    Returns
    -------
    Tensor
        Of shape (ceil((end - start) / step),).

    Raises
    ------
    OptionError
        If the step is 0, or leads away from `end`.

    Examples
    --------
    >>> import microbp
    >>> microbp.arange(3)
    tensor([0, 1, 2])
    >>> microbp.arange(1, 2, 0.25)
    tensor([1.0000, 1.2500, 1.5000, 1.7500])
    """
    if end is None:
        start, end = None, start
    if end is None:
        raise TypeError("arange() misses its argument 'end'")
    if start is None:
        start = 0
    start, end, step = (
        value.item() if isinstance(value, Tensor | np.generic) else value for value in (start, end, step)
    )
    if step == 0:
        raise OptionError("arange: step must not be 0")
    if (end - start) * step < 0:
        raise OptionError(f"arange: step {step} leads from {start} away from {end}")
    whole = all(isinstance(value, int) for value in (start, end, step))
    kind = as_dtype(dtype) if dtype is not None else np.dtype(np.int64) if whole else get_default_dtype()
    length = -((start - end) // step) if whole else math.ceil((end - start) / step)
    numbers = np.arange(length, dtype=np.int64 if whole else np.float64) * step + start
    return finished(numbers.astype(kind), device, requires_grad)


def linspace(
    start: float, end: float, steps: int, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """Numbers at equal distances, from `start` to `end`, both included.

    Parameters
    ----------
    start, end : number
        The first and the last number.
    steps : int
        How many.
    dtype, device, requires_grad
        As for `tensor`; the default dtype if none is given.

    Returns
    -------
    Tensor
        Of shape (steps,).

    Raises
    ------
    ShapeError
        If `steps` is negative.

    Examples
    --------
    >>> import microbp
    >>> microbp.linspace(0, 1, 5)
    tensor([0.0000, 0.2500, 0.5000, 0.7500, 1.0000])
    """
    (count,) = shape_for("linspace", (steps,))
    numbers = np.linspace(float(start), float(end), count)
    return finished(numbers.astype(floating_or(dtype)), device, requires_grad)


def finished(array: Array, device: Any, requires_grad: bool) -> Tensor:
    """A tensor on an array, after the options that all functions here share."""
    on_cpu(device)
    out = wrap(array)
    if requires_grad:
        out.requires_grad = True
    return out


def on_cpu(device: Any) -> None:
    """Refuse any other device."""
    if device is not None:
        Device(device)


def floating_or(dtype: Any) -> np.dtype[Any]:
    """The dtype asked for, or the default dtype."""
    return get_default_dtype() if dtype is None else as_dtype(dtype)


def shape_for(name: str, sizes: tuple[Any, ...], named: Any = None) -> tuple[int, ...]:
    """A shape in which a tensor can be made: without negative sizes."""
    shape = as_shape(name, sizes, named)
    if min(shape, default=0) < 0:
        raise ShapeError(f"{name}: sizes must not be negative, got {shape}")
    return shape


def to_array(data: Any, dtype: Any = None) -> Array:
    """Data as an array of a supported dtype, copied only if that takes a conversion."""
    if isinstance(data, Tensor):
        data = data.array
    if isinstance(data, np.ndarray | np.generic):
        if data.dtype.kind not in "biuf":
            raise DtypeError(f"cannot make a tensor of an array of dtype {data.dtype}")
        if isinstance(data, np.ndarray):
            refuse_masked(data)
        return converted(np.asarray(data), as_dtype(data.dtype if dtype is None else dtype))
    found: set[np.dtype[Any]] = set()
    plain = bare(data, found)
    try:
        array = np.asarray(plain)
    except ValueError:
        raise ShapeError("cannot make a tensor of a list whose parts have different shapes") from None
    except OverflowError as error:
        raise DtypeError(f"cannot make a tensor of these values: {error}") from None
    if array.dtype.kind not in "bif":
        raise DtypeError(f"cannot make a tensor of {type(data).__name__} data: {data!r}")
    if dtype is not None:
        return converted(array, as_dtype(dtype))
    if not found:
        return array.astype(get_default_dtype())
    first, *others = found
    for other in others:
        first = meet(first, other)
    return converted(array, first)


def converted(array: Array, dtype: np.dtype[Any]) -> Array:
    """The array in a dtype, copied only if need be; what is too large becomes infinite without a warning."""
    if array.dtype == dtype:
        return array
    with np.errstate(all="ignore"):
        return array.astype(dtype)


dtype_of = {bool: np.dtype(bool), int: np.dtype(np.int64)}
plain_numbers = frozenset({bool, int, float})


def bare(data: Any, found: set[np.dtype[Any]]) -> Any:
    """Nested sequences without their tensors, and the dtypes that their items have by PyTorch's rule."""
    if isinstance(data, list | tuple | range):
        kinds = set(map(type, data))
        if kinds <= plain_numbers:  # nothing to take out of tensors, most often
            found.update(get_default_dtype() if kind is float else dtype_of[kind] for kind in kinds)
            return data
        return [bare(item, found) for item in data]
    if isinstance(data, Tensor):
        data = data.array
    if isinstance(data, np.ndarray | np.generic):
        if isinstance(data, np.ndarray):
            refuse_masked(data)
        found.add(as_dtype(data.dtype))
    elif isinstance(data, bool):
        found.add(np.dtype(bool))
    elif isinstance(data, int):
        found.add(np.dtype(np.int64))
    elif isinstance(data, float):
        found.add(get_default_dtype())
    elif hasattr(data, "__array__"):
        data = np.asarray(data)
        found.add(as_dtype(data.dtype))
    else:
        raise DtypeError(f"cannot make a tensor of {type(data).__name__} data: {data!r}")
    return data
