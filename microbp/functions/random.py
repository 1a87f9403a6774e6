"""Random tensors, drawn by the default generator or by one that is given; see `microbp.functions.generator`."""

from __future__ import annotations

from typing import Any

import numpy as np

from microbp.dtypes import as_dtype
from microbp.errors import OptionError
from microbp.functions.creation import finished, floating_or, shape_for
from microbp.functions.generator import Generator, generator_or_default
from microbp.tensor import Tensor

__all__ = [
    "normal",
    "rand",
    "rand_like",
    "randint",
    "randint_like",
    "randn",
    "randn_like",
    "randperm",
]


def rand(
    *sizes: Any,
    size: Any = None,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Numbers uniformly distributed over [0, 1).

    Parameters
    ----------
    *sizes : int, or one tuple of int
        The shape.
    generator : Generator, optional
        Where they come from.
    dtype, device, requires_grad
        As for `tensor`; the default dtype if none is given.
    size
        The shape by name, ``size=(2, 3)``.

    Returns
    -------
    Tensor

    Raises
    ------
    OptionError
        If the dtype is not floating-point.

    Examples
    --------
    >>> import microbp
    >>> microbp.rand(2, 3).shape
    (2, 3)
    """
    array = drawn("rand", generator_or_default(generator).numpy.random, shape_for("rand", sizes, size), dtype)
    return finished(array, device, requires_grad)


def randn(
    *sizes: Any,
    size: Any = None,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Normally distributed numbers with mean 0 and variance 1.

    Parameters
    ----------
    *sizes : int, or one tuple of int
        The shape.
    generator : Generator, optional
        Where they come from.
    dtype, device, requires_grad
        As for `tensor`; the default dtype if none is given.
    size
        The shape by name, ``size=(2, 3)``.

    Returns
    -------
    Tensor

    Raises
    ------
    OptionError
        If the dtype is not floating-point.

    Examples
    --------
    >>> import microbp
    >>> microbp.randn(2, 3).shape
    (2, 3)
    """
    array = drawn(
        "randn", generator_or_default(generator).numpy.standard_normal, shape_for("randn", sizes, size), dtype
    )
    return finished(array, device, requires_grad)


def drawn(name: str, draw: Any, shape: tuple[int, ...], dtype: Any) -> np.ndarray[Any, Any]:
    """Numbers of a floating-point dtype; those of float16 are drawn as float32."""
    kind = floating_or(dtype)
    if kind.kind != "f":
        raise OptionError(f"{name} draws floating-point numbers, not {kind}")
    array: np.ndarray[Any, Any] = draw(shape, dtype=np.float32 if kind.itemsize == 2 else kind)
    if kind.itemsize < 4:  # what is rounded up to 1 would no longer be below it
        array = array.astype(kind)
        if name == "rand":
            np.minimum(array, np.nextafter(kind.type(1), kind.type(0)), out=array)
    return array


def rand_like(
    input: Tensor, *, generator: Generator | None = None, dtype: Any = None, requires_grad: bool = False
) -> Tensor:
    """Numbers uniformly distributed over [0, 1), in the shape and dtype of another tensor.

    Parameters
    ----------
    input : Tensor
        Gives the shape and, where no other is asked for, the dtype, which is floating-point.
    generator, dtype, requires_grad
        As for `rand`.

    Returns
    -------
    Tensor

    Raises
    ------
    OptionError
        If the dtype is not floating-point.

    Examples
    --------
    >>> import microbp
    >>> microbp.rand_like(microbp.zeros(2, 3)).shape
    (2, 3)
    """
    kind = input.array.dtype if dtype is None else dtype
    return rand(input.array.shape, generator=generator, dtype=kind, requires_grad=requires_grad)


def randn_like(
    input: Tensor, *, generator: Generator | None = None, dtype: Any = None, requires_grad: bool = False
) -> Tensor:
    """Normally distributed numbers, in the shape and dtype of another tensor.

    Parameters
    ----------
    input : Tensor
        Gives the shape and, where no other is asked for, the dtype, which is floating-point.
    generator, dtype, requires_grad
        As for `randn`.

    Returns
    -------
    Tensor

    Raises
    ------
    OptionError
        If the dtype is not floating-point.

    Examples
    --------
    >>> import microbp
    >>> microbp.randn_like(microbp.zeros(2, 3)).shape
    (2, 3)
    """
    kind = input.array.dtype if dtype is None else dtype
    return randn(input.array.shape, generator=generator, dtype=kind, requires_grad=requires_grad)


def randint(
    low: Any = None,
    high: Any = None,
    size: Any = None,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Integers uniformly distributed over low, ..., high - 1; ``randint(high, size)`` starts from 0.

    Parameters
    ----------
    low, high : int
        The first number, and the first one beyond.
    size : tuple of int
        The shape.
    generator : Generator, optional
        Where they come from.
    dtype, device, requires_grad
        As for `tensor`; int64 if no dtype is given.

    Returns
    -------
    Tensor

    Raises
    ------
    OptionError
        If there is no number to draw.

    Examples
    --------
    >>> import microbp
    >>> microbp.randint(0, 10, (2, 3)).shape
    (2, 3)
    """
    if size is None:
        low, high, size = None, low, high
    if high is None:
        low, high = None, low
    if high is None:
        raise TypeError("randint() misses its argument 'high'")
    if low is None:
        low = 0
    if not isinstance(size, tuple | list):
        raise TypeError(f"randint: size must be a tuple of int, got {size!r}")
    if low >= high:
        raise OptionError(f"randint: there is no integer from {low} to below {high}")
    numbers = generator_or_default(generator).numpy.integers(low, high, shape_for("randint", (size,)), np.int64)
    return finished(numbers.astype(as_dtype(np.int64 if dtype is None else dtype), copy=False), device, requires_grad)


def randint_like(
    input: Tensor, low: int, high: int | None = None, *, generator: Generator | None = None, dtype: Any = None
) -> Tensor:
    """Integers uniformly distributed over low, ..., high - 1, in the shape and dtype of another tensor.

    Parameters
    ----------
    input : Tensor
        Gives the shape and, where no other is asked for, the dtype.
    low, high, generator, dtype
        As for `randint`; ``randint_like(input, high)`` starts from 0.

    Returns
    -------
    Tensor

    Raises
    ------
    OptionError
        If there is no number to draw.

    Examples
    --------
    >>> import microbp
    >>> microbp.randint_like(microbp.zeros(2, 3), 10).shape
    (2, 3)
    """
    kind = input.array.dtype if dtype is None else dtype
    return randint(low, high, input.array.shape, generator=generator, dtype=kind)


def randperm(n: int, *, generator: Generator | None = None, dtype: Any = None, device: Any = None) -> Tensor:
    """The numbers 0, ..., n - 1 in random order.

    Parameters
    ----------
    n : int
        How many.
    generator : Generator, optional
        Where the order comes from.
    dtype, device
        As for `tensor`; int64 if no dtype is given.

    Returns
    -------
    Tensor
        Of shape (n,).

    Examples
    --------
    >>> import microbp
    >>> sorted(microbp.randperm(4).tolist())
    [0, 1, 2, 3]
    """
    (count,) = shape_for("randperm", (n,))
    order = generator_or_default(generator).numpy.permutation(count)
    return finished(order.astype(as_dtype(np.int64 if dtype is None else dtype), copy=False), device, False)


def normal(
    mean: Any,
    std: Any = 1.0,
    size: Any = None,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Normally distributed numbers.

    Parameters
    ----------
    mean, std : number or Tensor
        Mean and standard deviation; if one is a tensor, each of its elements is the parameter of one number.
    size : tuple of int, optional
        The shape, where both are numbers.
    generator : Generator, optional
        Where they come from.
    dtype, device, requires_grad
        As for `tensor`; the default dtype if none is given.

    Returns
    -------
    Tensor

    Raises
    ------
    OptionError
        If a standard deviation is negative.
    TypeError
        If both are numbers and there is no size, or there is one with a tensor.

    Examples
    --------
    >>> import microbp
    >>> microbp.normal(5.0, 2.0, (2, 3)).shape
    (2, 3)
    """
    tensors = [value.array for value in (mean, std) if isinstance(value, Tensor)]
    if bool(tensors) == (size is not None):
        raise TypeError("normal() takes a size if, and only if, mean and std are both numbers")
    if np.min(std.array if isinstance(std, Tensor) else std, initial=np.inf) < 0:
        raise OptionError(f"normal: std must not be negative, got {std}")
    shape = np.broadcast_shapes(*(array.shape for array in tensors)) if tensors else shape_for("normal", (size,))
    kind = tensors[0].dtype if tensors and dtype is None else dtype
    noise = drawn("normal", generator_or_default(generator).numpy.standard_normal, shape, kind)
    centre, width = (value.array if isinstance(value, Tensor) else float(value) for value in (mean, std))
    return finished((noise * width + centre).astype(noise.dtype, copy=False), device, requires_grad)
