"""Picking elements out of tensors and putting others in: ``t[index]``, ``t[index] = v``, and their relatives.

An index is what it is in PyTorch: integers, slices, None, Ellipsis, and arrays, lists,
ranges or tensors of integers or truth values. Integers, slices, None and Ellipsis give a
view. Index arrays are copied, so that a later write to them cannot change what a graph
remembers.
"""

from __future__ import annotations

from operator import index as integer
from typing import Any

import numpy as np

from microbp import label
from microbp.errors import DtypeError, RangeError, ShapeError, warn
from microbp.functions.dims import as_dim
from microbp.inplace import apply_in_place, refuse_read_only
from microbp.methods import method
from microbp.mode import current
from microbp.ops import indexing as rows
from microbp.ops import shape as shaping
from microbp.ops.op import registry
from microbp.tensor import Tensor, apply, as_operand, new, wrap
from microbp.version import writes

__all__ = ["masked_fill", "masked_select", "narrow", "select"]


@method("__getitem__")
def getitem(self: Tensor, index: Any) -> Tensor:
    """The elements at an index: ``t[0]``, ``t[..., 1:3]``, ``t[rows, columns]``, ``t[t > 0]``.

    Raises
    ------
    IndexError
        If an index is out of range, or there are more indices than axes.
    """
    if type(index) is int or (type(index) is slice and index.step is None):
        if self._requires_grad or writes.moved > 0:
            return apply(rows.getitem, self, index=index)
        return unrecorded(self, index)
    first, second = as_index(index, self.array.ndim)
    result: Tensor = self if first is None else apply(rows.getitem, self, index=first)
    return result if second is None else apply(rows.getitem, result, index=second)


def unrecorded(source: Tensor, index: int | slice) -> Tensor:
    """What `apply` makes of a plain index into a tensor that needs no gradient, where no view has to catch up.

    Datasets are read row by row, and this is a third of the time.
    """
    array = source.array
    try:
        part = array[index] if array.ndim > 1 else array[index, ...]  # never a copy of the element
    except (IndexError, TypeError):
        return apply(rows.getitem, source, index=index)  # which says what is the matter
    out = new(Tensor)
    out.array = part
    mode = current.get()
    cut = source._cut if mode.recording else mode.cut
    if cut is not None:
        out._cut = cut
    out._be_view(source, rows.getitem, {"index": index}, mode.recording)
    return out


@method("__setitem__")
def setitem(self: Tensor, index: Any, value: Any) -> None:
    """Write values to the elements at an index; recorded if the tensor or the values require grad.

    Raises
    ------
    IndexError
        If an index is out of range, or there are more indices than axes.
    ShapeError
        If the values do not broadcast to the elements.
    GraphError
        If the tensor is a leaf that requires grad and operations are being recorded.
    """
    value = as_operand(value)
    if index is False:
        return  # names nothing
    first, second = as_index(index, self.array.ndim)
    recorded = self.requires_grad or (isinstance(value, Tensor) and value.requires_grad)
    if recorded and current.get().recording and self.array.dtype.kind == "f":
        if second is not None and first is not None:
            index = joined(self.array.shape, first, second)
        else:
            index = second if first is None else first
        if isinstance(value, Tensor):
            value = fitted(self, index, value)
        apply_in_place(rows.setitem, self, value, index=index)
        return
    refuse_read_only("t[index] = values", self)
    target = self.array if first is None else self.array[with_ellipsis(first)]
    values = value.array if isinstance(value, Tensor) else value
    try:
        target[... if second is None else second] = values
    except (ValueError, OverflowError) as error:
        kind = ShapeError if isinstance(value, Tensor) else RangeError
        raise kind(f"t[index] = values on a tensor of {label.describe(self)}: {error}") from None
    self._versioned().write()


def as_index(index: Any, ndim: int) -> tuple[Any, Any]:
    """An index as a basic one and an advanced one to be applied after it; None for what is not needed.

    NumPy counts an integer beside index arrays among those, PyTorch among the slices: with
    t of shape (2, 3, 4), ``t[0, :, [1, 2]]`` has shape (3, 2). So the integers go first.
    """
    if type(index) is list and len(index) < 32 and any(is_no_element(part) for part in index):
        warn(
            "a list of lists, slices or tensors is taken for a tuple of indices, as in PyTorch; "
            "write t[rows, columns], or for an index of two dimensions t[microbp.tensor(index)]"
        )
        index = tuple(index)
    parts = [as_part(part) for part in (index if isinstance(index, tuple) else (index,))]
    arrays = [part for part in parts if isinstance(part, np.ndarray | bool)]
    if not arrays:
        return tuple(parts) if isinstance(index, tuple) or index is None else parts[0], None
    if not any(type(part) is int for part in parts):
        return None, tuple(parts) if len(parts) > 1 else parts[0]
    used = sum(
        part.ndim if isinstance(part, np.ndarray) and part.dtype.kind == "b" else 1
        for part in parts
        if part is not None and part is not Ellipsis and not isinstance(part, bool)
    )
    if used > ndim:
        raise IndexError(f"too many indices for a tensor of {ndim} dimensions: {used}")
    first: list[Any] = []
    second: list[Any] = []
    for part in parts:
        if type(part) is int:
            first.append(part)
        elif isinstance(part, np.ndarray):
            first += [slice(None)] * (part.ndim if part.dtype.kind == "b" else 1)
            second.append(part)
        elif part is None or isinstance(part, bool):
            second.append(part)
        else:
            first.append(part)
            second.append(part if part is Ellipsis else slice(None))
    return tuple(first), tuple(second)


def as_part(part: Any) -> Any:
    """One part of an index: an integer, slice, None, Ellipsis, truth value or array of its own."""
    if part is None or part is Ellipsis or isinstance(part, bool | int):
        return part
    if isinstance(part, slice):
        if part.step is not None and integer(part.step) <= 0:
            raise ValueError(f"step must be greater than zero, got {part.step}; to reverse an axis use flip()")
        return part
    if isinstance(part, Tensor):
        part = part.array
    elif isinstance(part, list | tuple | range):
        part = np.array([bare(item) for item in part])
        if part.size == 0:
            part = part.astype(np.int64)
    elif not isinstance(part, np.ndarray | np.generic):
        try:
            return integer(part)
        except TypeError:
            raise IndexError(
                f"an index is an integer, slice, None, ..., or an array of integers or bools, got {part!r}"
            ) from None
    if part.dtype.kind not in "ib" and part.dtype != np.uint8:
        raise IndexError(f"index arrays must hold integers or bools, got {part.dtype}")
    if part.dtype == np.uint8:
        raise IndexError("a uint8 index could be a mask or numbers; convert it with t.bool() or t.long()")
    if part.ndim == 0:
        return bool(part) if part.dtype.kind == "b" else int(part)
    return np.array(part)


def is_no_element(item: Any) -> bool:
    """Whether an item of a list is by itself an index of several elements, or a tensor."""
    return item is None or item is Ellipsis or isinstance(item, Tensor | np.ndarray | list | tuple | range | slice)


def bare(item: Any) -> Any:
    """An item of an index list without its tensors."""
    if isinstance(item, Tensor):
        return item.array
    if isinstance(item, slice) or item is None or item is Ellipsis:
        raise IndexError(f"an index list holds integers or bools, not {item!r}; write slices in a tuple: t[0, 1:]")
    return [bare(one) for one in item] if isinstance(item, list | tuple) else item


def joined(shape: tuple[int, ...], first: Any, second: Any) -> tuple[Any, ...]:
    """The index arrays, one for each axis, that name what a basic and then an advanced index name."""
    numbers = np.arange(np.prod(shape, dtype=int)).reshape(shape)
    return np.unravel_index(numbers[first][second], shape)


def with_ellipsis(index: Any) -> Any:
    """A basic index that gives a view even of a single element."""
    parts = index if isinstance(index, tuple) else (index,)
    return parts if any(part is Ellipsis for part in parts) else (*parts, ...)


def fitted(target: Tensor, index: Any, value: Tensor) -> Tensor:
    """Values in the dtype of the tensor that they are written to, without surplus axes of size 1 in front."""
    if value.array.dtype != target.array.dtype:
        value = apply(shaping.cast, value, dtype=target.array.dtype, source=value.array.dtype)
    surplus = 0
    while surplus < value.array.ndim and value.array.shape[surplus] == 1:
        surplus += 1
    if surplus:
        surplus = min(surplus, max(0, value.array.ndim - np.ndim(target.array[index])))
    return apply(shaping.reshape, value, shape=value.array.shape[surplus:]) if surplus else value


@method("select")
def select(input: Tensor, dim: int, index: int) -> Tensor:
    """The slice at one position of an axis, which is left out of the result.

    Parameters
    ----------
    input : Tensor
        Of at least one dimension.
    dim, index : int
        The axis and the position.

    Returns
    -------
    Tensor
        A view.

    Examples
    --------
    >>> import microbp
    >>> microbp.select(microbp.tensor([[1, 2], [3, 4]]), 1, 0)
    tensor([1, 3])
    """
    axis = as_dim("select", dim, input.array.ndim)
    return getitem(input, (*(slice(None),) * axis, integer(index)))


@method("narrow")
def narrow(input: Tensor, dim: int, start: int, length: int) -> Tensor:
    """The part of an axis that begins at `start` and has `length` positions.

    Parameters
    ----------
    input : Tensor
        Of at least one dimension.
    dim, start, length : int
        The axis, and which part of it.

    Returns
    -------
    Tensor
        A view.

    Raises
    ------
    IndexError
        If the part is not within the axis.

    Examples
    --------
    >>> import microbp
    >>> microbp.narrow(microbp.arange(5), 0, 1, 3)
    tensor([1, 2, 3])
    """
    axis = as_dim("narrow", dim, input.array.ndim)
    size = input.array.shape[axis]
    begin = start + size if start < 0 else start
    if length < 0 or not 0 <= begin <= begin + length <= size:
        raise IndexError(f"narrow: start {start} and length {length} are not within dimension {dim} of size {size}")
    return getitem(input, (*(slice(None),) * axis, slice(begin, begin + length)))


@method("masked_select")
def masked_select(input: Tensor, mask: Tensor) -> Tensor:
    """The elements where a mask is true, along one axis.

    Parameters
    ----------
    input, mask : Tensor
        Of shapes that broadcast; the mask holds truth values.

    Returns
    -------
    Tensor
        Of one dimension.

    Raises
    ------
    DtypeError
        If the mask does not hold truth values.

    Examples
    --------
    >>> import microbp
    >>> t = microbp.tensor([1.0, -2.0, 3.0])
    >>> microbp.masked_select(t, t > 0)
    tensor([1., 3.])
    """
    where = truths("masked_select", mask)
    shape = np.broadcast_shapes(input.array.shape, where.shape)
    whole = input if shape == input.array.shape else apply(shaping.expand, input, shape=shape)
    return apply(rows.getitem, whole, index=np.array(np.broadcast_to(where, shape)))


@method("masked_fill")
def masked_fill(input: Tensor, mask: Tensor, value: Any) -> Tensor:
    """The tensor with a value where a mask is true.

    Parameters
    ----------
    input, mask : Tensor
        Of shapes that broadcast; the mask holds truth values.
    value : number or 0-d Tensor
        What to put there.

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError
        If the value is not 0-d.
    DtypeError
        If the value cannot be stored in the dtype of `input`, or the mask does not hold truth values.

    Examples
    --------
    >>> import microbp
    >>> t = microbp.tensor([1.0, -2.0, 3.0])
    >>> microbp.masked_fill(t, t < 0, 0)
    tensor([1., 0., 3.])
    """
    value = as_operand(value)
    if np.ndim(value):
        raise ShapeError(f"masked_fill: value must be a number or a 0-d tensor, got shape {np.shape(value)}")
    if isinstance(value, Tensor) and value.array.dtype != input.array.dtype:
        value = apply(shaping.cast, value, dtype=input.array.dtype, source=value.array.dtype)
    if isinstance(value, float) and input.array.dtype.kind != "f":
        raise DtypeError(f"masked_fill: the value {value} cannot be stored in {input.dtype}")
    return apply(registry["where"], wrap(truths("masked_fill", mask)), value, input)


def truths(name: str, mask: Any) -> np.ndarray[Any, Any]:
    """A mask as an array of its own."""
    found = np.array(mask.array if isinstance(mask, Tensor) else mask)
    if found.dtype.kind != "b":
        raise DtypeError(f"{name}: mask must hold truth values, got {found.dtype}; compare first, or use t.bool()")
    return found
