"""Several tensors put together in one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from microbp.errors import ShapeError
from microbp.functions.dims import as_dim
from microbp.functions.shape import atleast_1d, atleast_2d, atleast_3d, reshape
from microbp.ops import shape as rows
from microbp.tensor import Tensor, apply, as_operand

__all__ = [
    "cat",
    "column_stack",
    "concat",
    "concatenate",
    "dstack",
    "hstack",
    "row_stack",
    "stack",
    "vstack",
]


def cat(tensors: Sequence[Tensor], dim: int = 0, *, axis: int | None = None) -> Tensor:
    """The tensors one after the other along an axis.

    Parameters
    ----------
    tensors : sequence of Tensor
        Of one shape but for the size of `dim`; tensors of shape (0,) are passed over.
    dim : int
        The axis along which they are joined.
    axis
        NumPy's name for `dim`.

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError
        If there are no tensors, or another size differs.

    Examples
    --------
    >>> import microbp
    >>> microbp.cat([microbp.tensor([1, 2]), microbp.tensor([3])])
    tensor([1, 2, 3])
    """
    dim = dim if axis is None else axis
    given = several("cat", tensors)
    shapes = [tensor.array.shape for tensor in given]
    first = next((shape for shape in shapes if shape != (0,)), (0,))
    if not first:
        raise ShapeError("cat: 0-d tensors cannot be joined end to end; use stack()")
    place = as_dim("cat", dim, len(first))
    others = (*first[:place], *first[place + 1 :])
    if (0,) in shapes and len(first) > 1:
        empty = (*first[:place], 0, *first[place + 1 :])
        given = [apply(rows.reshape, t, shape=empty) if t.array.shape == (0,) else t for t in given]
        shapes = [tensor.array.shape for tensor in given]
    parts, start = [], 0
    for k, shape in enumerate(shapes):
        if len(shape) != len(first) or (*shape[:place], *shape[place + 1 :]) != others:
            raise ShapeError(
                f"cat: tensors[{k}] has shape {shape}, which differs from the shape {first} of "
                f"tensors[{shapes.index(first)}] not only in dimension {place}"
            )
        parts.append((*(slice(None),) * place, slice(start, start + shape[place])))
        start += shape[place]
    return apply(rows.cat, *given, dim=place, parts=tuple(parts))


concat = concatenate = cat


def stack(tensors: Sequence[Tensor], dim: int = 0, *, axis: int | None = None) -> Tensor:
    """The tensors side by side along a new axis.

    Parameters
    ----------
    tensors : sequence of Tensor
        Of one shape.
    dim : int
        Where the new axis is in the result.
    axis
        NumPy's name for `dim`.

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError
        If there are no tensors, or their shapes differ.

    Examples
    --------
    >>> import microbp
    >>> microbp.stack([microbp.tensor([1, 2]), microbp.tensor([3, 4])], dim=1)
    tensor([[1, 3],
            [2, 4]])
    """
    dim = dim if axis is None else axis
    given = several("stack", tensors)
    first = given[0].array.shape
    for k, tensor in enumerate(given):
        if tensor.array.shape != first:
            raise ShapeError(f"stack: tensors[{k}] has shape {tensor.array.shape}, tensors[0] has shape {first}")
    place = as_dim("stack", dim, len(first) + 1)
    parts = tuple((*(slice(None),) * place, k) for k in range(len(given)))
    return apply(rows.stack, *given, dim=place, parts=parts)


def hstack(tensors: Sequence[Tensor]) -> Tensor:
    """The tensors one after the other along the second axis, or along the only one.

    Parameters
    ----------
    tensors : sequence of Tensor
        Of one shape but for the size of that axis; numbers count as vectors of one element.

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError
        If there are no tensors, or another size differs.

    Examples
    --------
    >>> import microbp
    >>> microbp.hstack([microbp.tensor([[1], [2]]), microbp.tensor([[3], [4]])])
    tensor([[1, 3],
            [2, 4]])
    """
    given = [atleast_1d(tensor) for tensor in several("hstack", tensors)]
    return cat(given, int(given[0].ndim > 1))


def vstack(tensors: Sequence[Tensor]) -> Tensor:
    """The tensors one below the other; vectors are rows.

    Parameters
    ----------
    tensors : sequence of Tensor
        Of one shape but for the size of the first axis.

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError
        If there are no tensors, or another size differs.

    Examples
    --------
    >>> import microbp
    >>> microbp.vstack([microbp.tensor([1, 2]), microbp.tensor([3, 4])])
    tensor([[1, 2],
            [3, 4]])
    """
    return cat([atleast_2d(tensor) for tensor in several("vstack", tensors)], 0)


row_stack = vstack


def dstack(tensors: Sequence[Tensor]) -> Tensor:
    """The tensors one behind the other along the third axis; vectors are rows, and matrices are layers.

    Parameters
    ----------
    tensors : sequence of Tensor
        Of one shape but for the size of the third axis.

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError
        If there are no tensors, or another size differs.

    Examples
    --------
    >>> import microbp
    >>> microbp.dstack([microbp.tensor([1, 2]), microbp.tensor([3, 4])])
    tensor([[[1, 3],
             [2, 4]]])
    """
    return cat([atleast_3d(tensor) for tensor in several("dstack", tensors)], 2)


def column_stack(tensors: Sequence[Tensor]) -> Tensor:
    """The tensors one beside the other; vectors are columns.

    Parameters
    ----------
    tensors : sequence of Tensor
        Of one shape but for the size of the second axis.

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError
        If there are no tensors, or another size differs.

    Examples
    --------
    >>> import microbp
    >>> microbp.column_stack([microbp.tensor([1, 2]), microbp.tensor([3, 4])])
    tensor([[1, 3],
            [2, 4]])
    """
    given = several("column_stack", tensors)
    return cat([t if t.ndim > 1 else reshape(t, (t.array.size, 1)) for t in given], 1)


def several(name: str, tensors: Any) -> list[Tensor]:
    """A sequence of tensors and arrays, as tensors."""
    if isinstance(tensors, Tensor):
        raise TypeError(f"{name}() takes a list or tuple of tensors, got one tensor")
    given = [as_operand(tensor) for tensor in tensors]
    if not given:
        raise ShapeError(f"{name}() got no tensors")
    for k, tensor in enumerate(given):
        if not isinstance(tensor, Tensor):
            raise TypeError(f"{name}: tensors[{k}] must be a tensor, got {tensor!r}")
    return given
