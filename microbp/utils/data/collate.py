"""From a list of samples to a batch."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Any

import numpy as np

from microbp.errors import ShapeError
from microbp.functions.creation import as_tensor, tensor
from microbp.functions.joining import stack
from microbp.tensor import Tensor, wrap

__all__ = ["default_collate", "default_convert"]


def default_collate(batch: Sequence[Any]) -> Any:
    """Put samples together along a new first dimension.

    Parameters
    ----------
    batch : sequence
        The samples, all alike: tensors, arrays, numbers, strings, or (nested) tuples, named tuples, lists
        and dicts of these.

    Returns
    -------
    Tensor, or the structure of a sample with tensors in it
        Tensors and arrays are stacked; Python floats become float64, integers int64; strings stay as they are;
        a tuple becomes a list, all other structures stay what they are.

    Raises
    ------
    TypeError
        For samples of other kinds.
    ShapeError
        If the samples differ in shape or in length.

    Examples
    --------
    >>> default_collate([(0, "a"), (1, "b")])
    [tensor([0, 1]), ('a', 'b')]
    """
    first = batch[0]
    if isinstance(first, Tensor):
        joined = None if any_recorded(batch) else side_by_side([t.array for t in batch])
        return stack(list(batch)) if joined is None else wrap(joined)
    if isinstance(first, np.ndarray):
        joined = side_by_side(batch)
        return stack([as_tensor(array) for array in batch]) if joined is None else as_tensor(joined)
    if isinstance(first, str | bytes):
        return batch
    if isinstance(first, np.generic):
        return as_tensor(np.array(batch))
    if isinstance(first, bool | int):
        return tensor(list(batch))
    if isinstance(first, float):
        return tensor(list(batch), dtype=np.float64)
    if isinstance(first, Mapping):
        return rebuilt(first, {key: default_collate([sample[key] for sample in batch]) for key in first})
    if isinstance(first, Sequence):
        lengths = set(map(len, batch))
        if len(lengths) > 1:
            raise ShapeError(f"cannot put sequences of lengths {sorted(lengths)} into one batch; pass a collate_fn")
        parts = [default_collate(samples) for samples in zip(*batch, strict=True)]
        return parts if type(first) is tuple else rebuilt(first, parts)
    raise TypeError(
        "default_collate puts tensors, arrays, numbers, strings, tuples, lists and dicts into a batch, "
        f"not {type(first).__name__}; pass a collate_fn"
    )


def any_recorded(batch: Sequence[Any]) -> bool:
    """Whether putting the samples into a batch takes the operation that is recorded, or refused."""
    if set(map(type, batch)) == {Tensor}:
        return any(map(attrgetter("requires_grad"), batch))
    return any(not isinstance(sample, Tensor) or sample.requires_grad for sample in batch)


def side_by_side(arrays: Sequence[Any]) -> np.ndarray[Any, Any] | None:
    """Arrays along a new first axis in one copy; None if they differ in shape or dtype, or are no plain arrays."""
    first = arrays[0]
    shape, dtype, number = first.shape, first.dtype, len(arrays)
    if (
        list(map(type, arrays)).count(np.ndarray) < number  # counting is several times faster than a loop
        or [array.shape for array in arrays].count(shape) < number
        or [array.dtype for array in arrays].count(dtype) < number
    ):
        return None
    return np.concatenate(arrays).reshape(len(arrays), *shape) if shape else np.array(arrays, dtype)


def default_convert(data: Any) -> Any:
    """A single sample with its arrays as tensors; the rest stays as it is.

    Parameters
    ----------
    data : anything
        The sample.

    Returns
    -------
    the sample
        Nested as it was.

    Examples
    --------
    >>> import numpy as np
    >>> default_convert((np.array([1, 2]), "a"))
    [tensor([1, 2]), 'a']
    """
    if isinstance(data, Tensor | str | bytes):
        return data
    if isinstance(data, np.ndarray | np.generic):
        return data if data.dtype.kind in "OSU" else as_tensor(np.asarray(data))
    if isinstance(data, Mapping):
        return rebuilt(data, {key: default_convert(value) for key, value in data.items()})
    if isinstance(data, Sequence):
        parts = [default_convert(part) for part in data]
        return parts if type(data) is tuple else rebuilt(data, parts)
    return data


def rebuilt(like: Any, parts: Any) -> Any:
    """A structure of the same type as another, with other parts; plain if the type cannot be made so."""
    if hasattr(like, "_fields"):
        return type(like)(*parts)
    if type(like) in (list, dict):
        return parts
    try:
        if hasattr(like, "update"):
            clone = copy.copy(like)  # keeps what else the mapping knows
            clone.update(parts)
            return clone
        return type(like)(parts)
    except TypeError:
        return parts
