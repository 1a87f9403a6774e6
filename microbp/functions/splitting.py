"""One tensor taken apart into several: views of its parts, as in PyTorch."""

from __future__ import annotations

from collections.abc import Sequence
from operator import index as integer
from typing import Any

import numpy as np

from microbp.errors import OptionError, ShapeError
from microbp.functions.dims import as_dim
from microbp.methods import method
from microbp.ops import indexing
from microbp.tensor import Tensor, apply

__all__ = [
    "chunk",
    "dsplit",
    "hsplit",
    "split",
    "split_with_sizes",
    "tensor_split",
    "unbind",
    "vsplit",
]


def split(tensor: Tensor, split_size_or_sections: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """Parts of given sizes along an axis.

    Parameters
    ----------
    tensor : Tensor
        Of at least one dimension.
    split_size_or_sections : int or sequence of int
        The size of all parts, of which the last may be smaller; or the size of each.
    dim : int
        The axis.

    Returns
    -------
    tuple of Tensor
        Views.

    Raises
    ------
    ShapeError
        If the sizes do not add up to the size of the axis.
    OptionError
        If a size is negative, or 0 for an axis that is not empty.

    Examples
    --------
    >>> import microbp
    >>> microbp.split(microbp.arange(5), 2)
    (tensor([0, 1]), tensor([2, 3]), tensor([4]))
    >>> microbp.arange(5).split([1, 4])
    (tensor([0]), tensor([1, 2, 3, 4]))
    """
    if isinstance(split_size_or_sections, tuple | list):
        return split_with_sizes(tensor, split_size_or_sections, dim)
    axis = axis_to_split("split", tensor, dim)
    size, total = integer(split_size_or_sections), tensor.array.shape[axis]
    if size < 0 or (size == 0 and total):
        raise OptionError(f"split: split_size must be positive, got {size} for dimension {axis} of size {total}")
    return cut(tensor, axis, list(range(0, total, size or 1)) or [0], total)


@method("split")
def split_method(self: Tensor, split_size: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """Parts of given sizes along an axis; see `microbp.split`.

    Parameters
    ----------
    split_size : int or sequence of int
        The size of each part but perhaps the last, or the size of each.
    dim : int
        The axis.

    Returns
    -------
    tuple of Tensor
        Views.
    """
    return split(self, split_size, dim)


@method("split_with_sizes")
def split_with_sizes(input: Tensor, split_sizes: Sequence[int], dim: int = 0) -> tuple[Tensor, ...]:
    """Parts of given sizes along an axis.

    Parameters
    ----------
    input : Tensor
        Of at least one dimension.
    split_sizes : sequence of int
        The size of each part.
    dim : int
        The axis.

    Returns
    -------
    tuple of Tensor
        Views.

    Raises
    ------
    ShapeError
        If the sizes do not add up to the size of the axis.
    OptionError
        If a size is negative.

    Examples
    --------
    >>> import microbp
    >>> microbp.split_with_sizes(microbp.arange(5), [2, 3])
    (tensor([0, 1]), tensor([2, 3, 4]))
    """
    axis = axis_to_split("split", input, dim)
    sizes, total = [integer(size) for size in split_sizes], input.array.shape[axis]
    if min(sizes, default=0) < 0:
        raise OptionError(f"split: sizes must not be negative, got {sizes}")
    if sum(sizes) != total:
        raise ShapeError(f"split: sizes {sizes} add up to {sum(sizes)}, not to {total}, the size of dimension {axis}")
    return cut(input, axis, [sum(sizes[:k]) for k in range(len(sizes))], total)


@method("chunk")
def chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """At most so many parts of one size along an axis; the last may be smaller.

    Parameters
    ----------
    input : Tensor
        Of at least one dimension.
    chunks : int
        How many parts; there are fewer if rounding up their size uses up the axis.
    dim : int
        The axis.

    Returns
    -------
    tuple of Tensor
        Views.

    Raises
    ------
    OptionError
        If there are to be no parts.
    ShapeError
        If there are no dimensions.

    Examples
    --------
    >>> import microbp
    >>> microbp.chunk(microbp.arange(5), 3)
    (tensor([0, 1]), tensor([2, 3]), tensor([4]))
    """
    axis = axis_to_split("chunk", input, dim)
    if chunks <= 0:
        raise OptionError(f"chunk: chunks must be positive, got {chunks}")
    total = input.array.shape[axis]
    if not total:
        return cut(input, axis, [0] * chunks, 0)
    return split(input, -(-total // chunks), axis)


@method("tensor_split")
def tensor_split(
    input: Tensor, indices_or_sections: Any = None, dim: int = 0, *, indices: Any = None, sections: Any = None
) -> tuple[Tensor, ...]:
    """So many parts along an axis, as equal as can be, or the parts between given positions.

    Parameters
    ----------
    input : Tensor
        Of at least one dimension.
    indices_or_sections : int, or sequence or Tensor of int
        How many parts; or where each but the first begins.
    dim : int
        The axis.
    indices, sections
        PyTorch's names for `indices_or_sections`: positions, or how many.

    Returns
    -------
    tuple of Tensor
        Views.

    Raises
    ------
    OptionError
        If there are to be no parts.
    ShapeError
        If there are no dimensions.

    Examples
    --------
    >>> import microbp
    >>> microbp.tensor_split(microbp.arange(5), 2)
    (tensor([0, 1, 2]), tensor([3, 4]))
    >>> microbp.tensor_split(microbp.arange(5), (1, 3))
    (tensor([0]), tensor([1, 2]), tensor([3, 4]))
    """
    given = [value for value in (indices_or_sections, indices, sections) if value is not None]
    if len(given) != 1:
        raise TypeError("tensor_split() takes one of indices_or_sections, indices and sections")
    axis = axis_to_split("tensor_split", input, dim)
    total = input.array.shape[axis]
    wanted = given[0].tolist() if isinstance(given[0], Tensor | np.ndarray) else given[0]
    if isinstance(wanted, tuple | list):
        starts = [0, *(integer(start) for start in wanted)]
        parts = zip(starts, [*starts[1:], total], strict=True)
        return tuple(part(input, axis, slice(*ends)) for ends in parts)
    sections = integer(wanted)
    if sections <= 0:
        raise OptionError(f"tensor_split: the number of sections must be positive, got {sections}")
    size, larger = divmod(total, sections)
    return cut(input, axis, [k * size + min(k, larger) for k in range(sections)], total)


def hsplit(input: Tensor, indices_or_sections: Any) -> tuple[Tensor, ...]:
    """Parts along the second axis, or along the only one; the counterpart of `hstack`.

    Parameters
    ----------
    input : Tensor
        Of at least one dimension.
    indices_or_sections : int, or sequence of int
        How many parts, all of one size; or where each but the first begins.

    Returns
    -------
    tuple of Tensor
        Views.

    Raises
    ------
    ShapeError
        If the axis cannot be divided into so many equal parts.

    Examples
    --------
    >>> import microbp
    >>> [tuple(part.shape) for part in microbp.hsplit(microbp.zeros(2, 4), 2)]
    [(2, 2), (2, 2)]
    """
    return equal_parts("hsplit", input, indices_or_sections, int(input.ndim > 1), 1)


def vsplit(input: Tensor, indices_or_sections: Any) -> tuple[Tensor, ...]:
    """Parts along the first axis of at least two; see `hsplit`.

    Examples
    --------
    >>> import microbp
    >>> [tuple(part.shape) for part in microbp.vsplit(microbp.zeros(4, 2), [1])]
    [(1, 2), (3, 2)]
    """
    return equal_parts("vsplit", input, indices_or_sections, 0, 2)


def dsplit(input: Tensor, indices_or_sections: Any) -> tuple[Tensor, ...]:
    """Parts along the third axis; see `hsplit`.

    Examples
    --------
    >>> import microbp
    >>> [tuple(part.shape) for part in microbp.dsplit(microbp.zeros(1, 2, 4), 2)]
    [(1, 2, 2), (1, 2, 2)]
    """
    return equal_parts("dsplit", input, indices_or_sections, 2, 3)


@method("hsplit")
def hsplit_method(self: Tensor, split_size_or_sections: Any) -> tuple[Tensor, ...]:
    """Parts along the second axis, or along the only one; see `microbp.hsplit`.

    Parameters
    ----------
    split_size_or_sections
        As `indices_or_sections` of `microbp.hsplit`.

    Returns
    -------
    tuple of Tensor
        Views.
    """
    return hsplit(self, split_size_or_sections)


@method("vsplit")
def vsplit_method(self: Tensor, split_size_or_sections: Any) -> tuple[Tensor, ...]:
    """Parts along the first axis of at least two; see `microbp.vsplit`.

    Parameters
    ----------
    split_size_or_sections
        As `indices_or_sections` of `microbp.vsplit`.

    Returns
    -------
    tuple of Tensor
        Views.
    """
    return vsplit(self, split_size_or_sections)


@method("dsplit")
def dsplit_method(self: Tensor, split_size_or_sections: Any) -> tuple[Tensor, ...]:
    """Parts along the third axis; see `microbp.dsplit`.

    Parameters
    ----------
    split_size_or_sections
        As `indices_or_sections` of `microbp.dsplit`.

    Returns
    -------
    tuple of Tensor
        Views.
    """
    return dsplit(self, split_size_or_sections)


@method("unbind")
def unbind(input: Tensor, dim: int = 0, *, axis: int | None = None) -> tuple[Tensor, ...]:
    """The slices at all positions of an axis, which they do not have themselves.

    Parameters
    ----------
    input : Tensor
        Of at least one dimension.
    dim : int
        The axis.
    axis
        NumPy's name for `dim`.

    Returns
    -------
    tuple of Tensor
        Views.

    Raises
    ------
    IndexError
        For a tensor without dimensions.

    Examples
    --------
    >>> import microbp
    >>> microbp.unbind(microbp.tensor([[1, 2], [3, 4]]), dim=1)
    (tensor([1, 3]), tensor([2, 4]))
    """
    if not input.ndim:
        raise IndexError("unbind: a tensor without dimensions has no slices")
    place = as_dim("unbind", dim if axis is None else axis, input.ndim)
    return tuple(part(input, place, k) for k in range(input.array.shape[place]))


def equal_parts(name: str, input: Tensor, wanted: Any, axis: int, ndim: int) -> tuple[Tensor, ...]:
    """What the three splits along fixed axes have in common."""
    if input.ndim < ndim:
        raise ShapeError(f"{name} needs a tensor of at least {ndim} dimensions, got shape {tuple(input.shape)}")
    size = input.array.shape[axis]
    if not isinstance(wanted, tuple | list) and (wanted <= 0 or size % wanted):
        raise ShapeError(f"{name}: dimension {axis} of size {size} cannot be divided into {wanted} equal parts")
    return tensor_split(input, wanted, axis)


def axis_to_split(name: str, input: Tensor, dim: int) -> int:
    """A non-negative axis of a tensor that has one."""
    if not input.ndim:
        raise ShapeError(f"{name} needs a tensor of at least 1 dimension, got a 0-d one")
    return as_dim(name, dim, input.ndim)


def cut(input: Tensor, axis: int, starts: list[int], total: int) -> tuple[Tensor, ...]:
    """The parts of an axis that begin at these positions, each reaching to the next."""
    return tuple(
        part(input, axis, slice(start, end)) for start, end in zip(starts, [*starts[1:], total], strict=bool(starts))
    )


def part(input: Tensor, axis: int, where: int | slice) -> Tensor:
    """The view of a tensor at one position, or one range of positions, of an axis."""
    return apply(indexing.getitem, input, index=(*(slice(None),) * axis, where))
