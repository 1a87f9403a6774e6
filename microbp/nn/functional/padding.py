"""Margins around tensors, with PyTorch's signature."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from operator import index
from typing import Any

import numpy as np

from microbp.errors import OptionError, ShapeError
from microbp.nn.functional.check import tensor_for
from microbp.ops import padding as rows
from microbp.ops.resampling import Grid, Taps, resample
from microbp.tensor import Tensor, apply

__all__ = ["pad"]


def pad(input: Tensor, pad: Sequence[int], mode: str = "constant", value: float | None = None) -> Tensor:
    """A tensor with a margin.

    Parameters
    ----------
    input : Tensor
        Of any shape; for the modes other than constant, (N, C, ...) or (C, ...) with one to three dimensions to pad.
    pad : sequence of int
        How much to add before and after, in pairs that begin with the **last** dimension:
        ``(left, right, top, bottom)`` for images. A negative number cuts off.
    mode : str
        What is in the margin: ``"constant"``, a value; ``"reflect"``, the elements mirrored at the edge element;
        ``"replicate"``, the edge element; ``"circular"``, the elements from the other side.
    value : float, optional
        The value for constant margins; by default 0.

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError
        If there are pairs for more dimensions than there are, more is cut off than there is, or a margin is too large
        to be reflected (as large as the dimension) or wrapped around (larger than it).
    OptionError
        If a number has no partner, or there is a value for a mode that takes none.
    NotImplementedError
        If there is no such mode.

    Examples
    --------
    >>> import microbp
    >>> x = microbp.tensor([[1.0, 2.0, 3.0]])
    >>> pad(x, (1, 2))
    tensor([[0., 1., 2., 3., 0., 0.]])
    >>> pad(x, (2, 1), mode="reflect")
    tensor([[3., 2., 1., 2., 3., 2.]])
    >>> pad(x, (0, -1, 1, 0), value=9)
    tensor([[9., 9.],
            [1., 2.]])
    """
    input = tensor_for("pad", input)
    pads = in_pairs(pad)
    if mode == "constant":
        return apply(rows.pad, input, pads=around(input, pads), value=0 if value is None else value)
    places = modes.get(mode)
    if places is None:
        raise NotImplementedError(
            f"pad: there is no mode {mode!r}; the modes are 'constant', {', '.join(map(repr, modes))}"
        )
    if value:
        raise OptionError(f"pad: mode {mode!r} takes no value, got {value}; only 'constant' does")
    shape = input.array.shape
    if not 1 <= len(pads) <= 3 or len(shape) - len(pads) not in (1, 2):
        raise NotImplementedError(
            f"pad: mode {mode!r} pads the last one, two or three dimensions of (N, C, ...) or (C, ...), and cannot pad "
            f"{len(pads)} of the {len(shape)} dimensions of shape {shape}"
        )
    first = len(shape) - len(pads)
    pairs = around(input, pads)
    return apply(
        resample, input, grid=Grid(margin(mode, shape, axis, *pairs[axis]) for axis in range(first, len(shape)))
    )


def reflected(positions: Any, size: int) -> Any:
    """Positions outside of an axis mirrored at its first or last element."""
    return size - 1 - np.abs(size - 1 - np.abs(positions))


def replicated(positions: Any, size: int) -> Any:
    """Positions outside of an axis moved to its first or last element."""
    return positions.clip(0, size - 1)


def wrapped(positions: Any, size: int) -> Any:
    """Positions outside of an axis moved to the other side."""
    return positions % size


modes = {"reflect": reflected, "replicate": replicated, "circular": wrapped}


@lru_cache(maxsize=256)
def margin(mode: str, shape: tuple[int, ...], axis: int, low: int, high: int) -> Taps:
    """Where the elements along an axis come from, after something was put before and after it."""
    start, stop = max(-low, 0), shape[axis] - max(-high, 0)
    before, after, size = max(low, 0), max(high, 0), shape[axis]
    if mode == "circular":  # what is cut off does not come back on the other side
        size = stop - start
    limits = {"reflect": size - 1, "circular": size}
    largest = limits.get(mode, before + after)
    if max(before, after) > largest or (size == 0 and before + after):
        raise ShapeError(
            f"pad: mode {mode!r} can add at most {max(largest, 0)} elements to dimension {axis} of shape {shape}, got "
            f"{(low, high)}; pad several times, or with another mode"
        )
    if mode == "circular":
        places = start + modes[mode](np.arange(-before, size + after), max(size, 1))
    else:
        places = modes[mode](np.arange(start - before, stop + after), size)
    return Taps(shape[axis], places[None].astype(np.intp))


def in_pairs(pad: Any) -> list[tuple[int, int]]:
    """The amounts before and after, the last dimension first."""
    try:
        given = list(map(index, pad))
    except TypeError:
        raise TypeError(f"pad: pad must be a sequence of integers, got {pad!r}") from None
    if len(given) % 2:
        raise OptionError(
            f"pad: pad must have a pair (before, after) for each dimension, got {len(given)} numbers {pad}"
        )
    return list(zip(given[::2], given[1::2], strict=True))


def around(input: Tensor, pads: list[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """A pair for each dimension, the first one first, checked for constant margins."""
    shape = input.array.shape
    if len(pads) > len(shape):
        raise ShapeError(f"pad: got pairs for {len(pads)} dimensions, the input of shape {shape} has {len(shape)}")
    every = (*((0, 0),) * (len(shape) - len(pads)), *reversed(pads))
    for axis, (size, (low, high)) in enumerate(zip(shape, every, strict=True)):
        if min(low, 0) + min(high, 0) + size < 0:
            raise ShapeError(
                f"pad: {(low, high)} cuts off more than the {size} elements that dimension {axis} of shape {shape} has"
            )
    return every
