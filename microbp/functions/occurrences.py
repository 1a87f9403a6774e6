"""How often elements occur: in bins, or one after the other."""

from __future__ import annotations

from typing import Any

import numpy as np

from microbp.errors import DtypeError, OptionError, RangeError
from microbp.functions.dims import as_dim
from microbp.methods import method
from microbp.mode import look_at_values
from microbp.ops import indexing
from microbp.ops import shape as shaping
from microbp.tensor import Tensor, apply, wrap

__all__ = ["histc", "unique_consecutive"]


@method("histc")
def histc(input: Tensor, bins: int = 100, min: float = 0, max: float = 0) -> Tensor:
    """How many elements are in each of several bins of equal width.

    Parameters
    ----------
    input : Tensor
        Of a floating-point dtype; elements outside the range, and NaN, are not counted.
    bins : int
        How many bins.
    min, max : number
        The range; if they are equal, that of the elements.

    Returns
    -------
    Tensor
        Of shape (bins,) and the dtype of `input`; it has no gradient.

    Raises
    ------
    DtypeError
        For integers.
    OptionError
        If there are no bins, or `max` is smaller than `min`.
    RangeError
        If the range is not finite.

    Examples
    --------
    >>> import microbp
    >>> microbp.histc(microbp.tensor([1.0, 2.0, 1.0]), bins=4, min=0, max=3)
    tensor([0., 2., 1., 0.])
    """
    values = input.array.reshape(-1)
    if values.dtype.kind != "f":
        raise DtypeError(f"histc needs a floating-point tensor, got {values.dtype}; convert it first: t.float()")
    if bins <= 0:
        raise OptionError(f"histc: bins must be positive, got {bins}")
    if max < min:
        raise OptionError(f"histc: max must not be smaller than min, got min={min}, max={max}")
    look_at_values()
    low, high = float(min), float(max)
    if low == high and values.size:
        low, high = float(values.min()), float(values.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        raise RangeError(f"histc: the range from {low} to {high} is not finite")
    if low == high:
        low, high = low - 1, high + 1
    inside = values[(values >= low) & (values <= high)]
    place = ((inside - low) * (bins / (high - low))).astype(np.int64)
    counts = np.bincount(np.minimum(place, bins - 1), minlength=bins)
    return wrap(counts.astype(values.dtype))


@method("unique_consecutive")
def unique_consecutive(
    input: Tensor, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None
) -> Any:
    """The elements, or the slices along an axis, without those that equal the one before.

    Parameters
    ----------
    input : Tensor
        Of any shape; no NaN equals another.
    return_inverse : bool
        Give also, for each element, where it is in the result.
    return_counts : bool
        Give also how many there were one after the other.
    dim : int, optional
        The axis; without it, the elements of the flattened tensor are compared.

    Returns
    -------
    Tensor or tuple of Tensor
        The gradient of a value goes to the first element of its row.

    Examples
    --------
    >>> import microbp
    >>> microbp.unique_consecutive(microbp.tensor([1, 1, 2, 2, 1]), return_counts=True)
    (tensor([1, 2, 1]), tensor([2, 2, 1]))
    """
    axis = 0 if dim is None or not input.ndim else as_dim("unique_consecutive", dim, input.ndim)
    flat = dim is None or not input.ndim
    source = apply(shaping.reshape, input, shape=(input.array.size,)) if flat else input
    lines = np.moveaxis(source.array, axis, 0)
    starts = np.ones(lines.shape[0], np.bool_)
    starts[1:] = (lines[1:] != lines[:-1]).any(axis=tuple(range(1, lines.ndim)))
    first = np.flatnonzero(starts)
    values = apply(indexing.getitem, source, index=(*(slice(None),) * axis, first))
    found = [values]
    if return_inverse:
        inverse = np.cumsum(starts) - 1
        found.append(wrap(inverse.reshape(input.array.shape) if dim is None else inverse))
    if return_counts:
        found.append(wrap(np.diff(np.append(first, starts.size))))
    return tuple(found) if len(found) > 1 else values
