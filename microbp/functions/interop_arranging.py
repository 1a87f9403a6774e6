"""NumPy's functions that rearrange, repeat, split, join, sort and search, on tensors.

They have NumPy's names and defaults; see `microbp.functions.interop`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from microbp.errors import ShapeError
from microbp.functions import diagonal, gathering, joining, rearrange, searching, shape, sorting, splitting
from microbp.functions import reduction as reducing
from microbp.functions.arithmetic import where
from microbp.functions.dims import as_dim
from microbp.functions.interop import implements
from microbp.ops import padding
from microbp.tensor import Tensor, apply, as_operand, wrap

__all__: list[str] = []

implements(np.fliplr)(rearrange.fliplr)
implements(np.flipud)(rearrange.flipud)
implements(np.moveaxis)(rearrange.movedim)
implements(np.rot90)(lambda m, k=1, axes=(0, 1): rearrange.rot90(m, k, axes))
implements(np.tile)(lambda A, reps: rearrange.tile(A, reps))
implements(np.repeat)(lambda a, repeats, axis=None: rearrange.repeat_interleave(a, places(repeats), axis))

implements(np.tril)(lambda m, k=0: diagonal.tril(m, k))
implements(np.triu)(lambda m, k=0: diagonal.triu(m, k))
implements(np.diag)(lambda v, k=0: diagonal.diag(v, k))
implements(np.diagflat)(lambda v, k=0: diagonal.diagflat(v, k))
implements(np.diagonal)(lambda a, offset=0, axis1=0, axis2=1: diagonal.diagonal(a, offset, axis1, axis2))

implements(np.array_split)(
    lambda ary, indices_or_sections, axis=0: splitting.tensor_split(ary, indices_or_sections, axis)
)
implements(np.hsplit)(lambda ary, indices_or_sections: splitting.hsplit(ary, indices_or_sections))
implements(np.vsplit)(lambda ary, indices_or_sections: splitting.vsplit(ary, indices_or_sections))
implements(np.dsplit)(lambda ary, indices_or_sections: splitting.dsplit(ary, indices_or_sections))

implements(np.hstack)(lambda tup: joining.hstack(tup))
implements(np.vstack)(lambda tup: joining.vstack(tup))
implements(np.dstack)(lambda tup: joining.dstack(tup))
implements(np.column_stack)(lambda tup: joining.column_stack(tup))
implements(np.atleast_1d)(shape.atleast_1d)
implements(np.atleast_2d)(shape.atleast_2d)
implements(np.atleast_3d)(shape.atleast_3d)

implements(np.argwhere)(lambda a: searching.argwhere(a))
implements(np.nonzero)(lambda a: searching.nonzero(a, as_tuple=True))
implements(np.flatnonzero)(lambda a: searching.nonzero(shape.ravel(a), as_tuple=True)[0])


@implements(np.flip)
def flip(m: Tensor, axis: Any = None) -> Tensor:
    """The elements in reverse order along some axes, or all."""
    return rearrange.flip(m, tuple(range(m.ndim)) if axis is None else axis)


@implements(np.roll)
def roll(a: Tensor, shift: Any, axis: Any = None) -> Tensor:
    """The elements moved on along some axes; a single shift is for all of them."""
    if axis is None:
        return rearrange.roll(a, shift)
    shifts, axes = np.broadcast_arrays(shift, axis)
    return rearrange.roll(a, tuple(shifts.reshape(-1).tolist()), tuple(axes.reshape(-1).tolist()))


@implements(np.trace)
def trace(a: Tensor, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
    """The sums of the elements on a diagonal of the planes of two axes."""
    return reducing.sum(diagonal.diagonal(a, offset, axis1, axis2), -1)


@implements(np.split)
def split(ary: Tensor, indices_or_sections: Any, axis: int = 0) -> tuple[Tensor, ...]:
    """Equal parts along an axis, or the parts between given positions."""
    size = ary.array.shape[as_dim("np.split", axis, ary.ndim)]
    if isinstance(indices_or_sections, int) and size % indices_or_sections:
        raise ShapeError(f"np.split: an axis of size {size} cannot be divided into {indices_or_sections} equal parts")
    return splitting.tensor_split(ary, indices_or_sections, axis)


@implements(np.meshgrid)
def meshgrid(*xi: Any, copy: bool = True, sparse: bool = False, indexing: str = "xy") -> tuple[Tensor, ...]:
    """The coordinates of all points of a grid."""
    if sparse:
        raise NotImplementedError("np.meshgrid of tensors has no sparse=True")
    grids = rearrange.meshgrid(*xi, indexing=indexing)
    return tuple(grid.clone() for grid in grids) if copy else grids


@implements(np.sort)
def sort(a: Tensor, axis: int | None = -1, kind: Any = None, *, stable: bool | None = None) -> Tensor:
    """The elements in order along an axis, or of the flattened tensor."""
    return sorting.sort(shape.ravel(a) if axis is None else a, -1 if axis is None else axis).values


@implements(np.argsort)
def argsort(a: Tensor, axis: int | None = -1, kind: Any = None, *, stable: bool | None = None) -> Tensor:
    """Where the elements in order along an axis were, or in the flattened tensor."""
    return sorting.argsort(shape.ravel(a) if axis is None else a, -1 if axis is None else axis)


@implements(np.unique)
def unique(ar: Tensor, *, return_inverse: bool = False, return_counts: bool = False, axis: int | None = None) -> Any:
    """The different elements, or slices along an axis, in ascending order."""
    return searching.unique(ar, True, return_inverse, return_counts, axis)


@implements(np.searchsorted)
def searchsorted(a: Any, v: Any, side: str = "left", sorter: Any = None) -> Tensor:
    """Where values would have to be put into an ordered sequence."""
    return searching.searchsorted(as_operand(a), v, side=side, sorter=None if sorter is None else as_operand(sorter))


@implements(np.bincount)
def bincount(x: Any, /, weights: Any = None, minlength: int = 0) -> Tensor:
    """How often each of the numbers 0, 1, 2, ... occurs."""
    return searching.bincount(as_operand(x), None if weights is None else as_operand(weights), minlength)


@implements(np.take_along_axis)
def take_along_axis(arr: Tensor, indices: Any, axis: int | None = -1) -> Tensor:
    """Along an axis, the element that `indices` names for each position."""
    return gathering.take_along_dim(arr, places(indices), axis)


def places(value: Any) -> Any:
    """Positions or counts as a tensor; a number as it is."""
    return value if isinstance(value, int | Tensor) else wrap(np.asarray(value))


@implements(np.append)
def append(arr: Any, values: Any, axis: int | None = None) -> Tensor:
    """The values behind the elements; both flattened if there is no axis."""
    parts = [as_operand(part if isinstance(part, Tensor) else np.asarray(part)) for part in (arr, values)]
    return joining.cat([shape.ravel(part) for part in parts], 0) if axis is None else joining.cat(parts, axis)


@implements(np.broadcast_arrays)
def broadcast_arrays(*args: Any, subok: bool = False) -> tuple[Tensor, ...]:
    """Tensors repeated to one shape."""
    given = [as_operand(part if isinstance(part, Tensor) else np.asarray(part)) for part in args]
    common = np.broadcast_shapes(*(part.shape for part in given))
    return tuple(part.expand(common) for part in given)


@implements(np.copy)
def copy(a: Tensor) -> Tensor:
    """A copy that gradients flow through."""
    return a.clone()


@implements(np.astype)
def astype(x: Tensor, dtype: Any, /, *, copy: bool = True) -> Tensor:
    """The elements in another dtype."""
    converted: Tensor = x.to(dtype)
    return converted.clone() if copy and converted is x else converted


@implements(np.compress, np.extract)
def compress(condition: Any, a: Any, axis: int | None = None) -> Tensor:
    """The elements, or the slices along an axis, where a condition holds."""
    chosen = np.asarray(condition.array if isinstance(condition, Tensor) else condition).reshape(-1) != 0
    source: Any = as_operand(a)
    source = shape.ravel(source) if axis is None else source
    return source[(*(slice(None),) * (0 if axis is None else axis % source.ndim), np.flatnonzero(chosen))]  # type: ignore[no-any-return]


@implements(np.rollaxis)
def rollaxis(a: Tensor, axis: int, start: int = 0) -> Tensor:
    """One axis moved to stand before another."""
    place = as_dim("np.rollaxis", axis, a.ndim)
    before = start + a.ndim if start < 0 else start
    return rearrange.movedim(a, place, before - 1 if place < before else before)


@implements(np.unstack)
def unstack(x: Tensor, /, *, axis: int = 0) -> tuple[Tensor, ...]:
    """The slices along an axis."""
    return splitting.unbind(x, axis)


@implements(np.select)
def select(condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    """For each element the first choice whose condition holds."""
    if len(condlist) != len(choicelist):
        raise ShapeError(f"np.select: got {len(condlist)} conditions for {len(choicelist)} choices")
    chosen = default
    for condition, choice in zip(reversed(condlist), reversed(choicelist), strict=True):
        chosen = where(as_operand(condition), choice, chosen)
    return chosen


@implements(np.pad)
def pad(array: Tensor, pad_width: Any, mode: str = "constant", *, constant_values: float = 0) -> Tensor:
    """The elements with a constant around them."""
    if mode != "constant":
        raise NotImplementedError(f"np.pad of a tensor has no mode={mode!r}; use microbp.nn.functional.pad")
    widths = np.broadcast_to(np.asarray(pad_width), (array.ndim, 2)).tolist()
    return apply(padding.pad, array, pads=tuple(tuple(pair) for pair in widths), value=constant_values)


@implements(np.block)
def block(arrays: Any) -> Tensor:
    """Tensors put together from nested lists: the innermost along the last axis, those around along the one before."""

    def depth(part: Any) -> int:
        return 1 + max(map(depth, part)) if isinstance(part, list) else 0

    levels = depth(arrays)
    leaves: list[Any] = []

    def gather(part: Any) -> None:
        if isinstance(part, list):
            for item in part:
                gather(item)
        else:
            leaves.append(as_operand(part if isinstance(part, Tensor) else np.asarray(part)))

    gather(arrays)
    ndim = max(levels, *(leaf.ndim for leaf in leaves))
    waiting = iter(leaves)

    def joined(part: Any, level: int) -> Any:
        if isinstance(part, list):
            return joining.cat([joined(item, level - 1) for item in part], ndim - level)
        leaf = next(waiting)
        return leaf.reshape((1,) * (ndim - leaf.ndim) + tuple(leaf.shape))

    return joined(arrays, levels)  # type: ignore[no-any-return]
