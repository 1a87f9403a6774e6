"""Several tensors put together in one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from microbp.errors import ShapeError
from microbp.functions.dims import as_dim
from microbp.ops import shape as rows
from microbp.tensor import Tensor, apply, as_operand

__all__ = [
    "cat",
    "concat",
    "concatenate",
    "stack",
]


def cat(tensors: Sequence[Tensor], dim: int = 0, *, axis: int | None = None) -> Tensor:
    """The tensors one after the other along an axis.

    Parameters
    ----------
    tensors : sequence of Tensor
        Of one shape but for the size of `dim`; tensors of shape (0,) are passed over.
    dim : int
        The axis along which they are joined.

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
    if (0,) in shapes and any(shape != (0,) for shape in shapes):
        given = [tensor for tensor in given if tensor.array.shape != (0,)]
        shapes = [tensor.array.shape for tensor in given]
    first = shapes[0]
    if not first:
        raise ShapeError("cat: 0-d tensors cannot be joined end to end; use stack()")
    place = as_dim("cat", dim, len(first))
    others = (*first[:place], *first[place + 1 :])
    parts, start = [], 0
    for k, shape in enumerate(shapes):
        if len(shape) != len(first) or (*shape[:place], *shape[place + 1 :]) != others:
            raise ShapeError(
                f"cat: tensors[{k}] has shape {shape}, which differs from the shape {first} of tensors[0] "
                f"not only in dimension {place}"
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
