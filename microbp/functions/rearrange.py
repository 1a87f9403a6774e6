"""Elements in another order, or several times: turned, shifted, repeated, spread over a grid."""

from __future__ import annotations

from typing import Any

import numpy as np

from microbp.errors import DtypeError, OptionError, ShapeError
from microbp.functions.dims import as_dim, as_dims, as_shape
from microbp.functions.shape import ravel, transpose
from microbp.methods import method
from microbp.mode import look_at_values
from microbp.ops import indexing
from microbp.ops import rearrange as rows
from microbp.ops import shape as shaping
from microbp.tensor import Tensor, apply, as_operand, wrap

__all__ = [
    "flip",
    "fliplr",
    "flipud",
    "meshgrid",
    "moveaxis",
    "movedim",
    "repeat_interleave",
    "roll",
    "rot90",
    "tile",
]


@method("movedim")
def movedim(input: Tensor, source: Any, destination: Any) -> Tensor:
    """Some axes moved to other places; the rest keep their order.

    Parameters
    ----------
    input : Tensor
        Of any shape.
    source, destination : int or tuple of int
        The axes, and the place of each in the result.

    Returns
    -------
    Tensor
        A view.

    Raises
    ------
    ShapeError
        If an axis or a place is named twice, or there are more of the one than of the other.

    Examples
    --------
    >>> import microbp
    >>> microbp.movedim(microbp.zeros(2, 3, 4), 0, -1).shape
    (3, 4, 2)
    """
    ndim = input.array.ndim
    here, there = as_dims("movedim", source, ndim) or (), as_dims("movedim", destination, ndim) or ()
    if len(here) != len(there):
        raise ShapeError(f"movedim: source {source} and destination {destination} must name equally many axes")
    places = dict(zip(there, here, strict=True))
    others = (axis for axis in range(ndim) if axis not in here)
    return apply(shaping.permute, input, dims=tuple(places[k] if k in places else next(others) for k in range(ndim)))


moveaxis = method("moveaxis")(movedim)


@method("flip")
def flip(input: Tensor, *axes: Any, dims: Any = None) -> Tensor:
    """The elements in reverse order along some axes.

    Parameters
    ----------
    input : Tensor
        Of any shape.
    *axes : int, or one tuple of int
        The axes.
    dims
        The axes by name.

    Returns
    -------
    Tensor
        A copy.

    Raises
    ------
    ShapeError
        If an axis is named twice.

    Examples
    --------
    >>> import microbp
    >>> microbp.flip(microbp.tensor([[1, 2], [3, 4]]), (0,))
    tensor([[3, 4],
            [1, 2]])
    """
    given = as_shape("flip", axes, (dims,) if isinstance(dims, int) else dims)
    return apply(rows.flip, input, dims=as_dims("flip", given, input.ndim) or ())


@method("fliplr")
def fliplr(input: Tensor) -> Tensor:
    """The columns in reverse order: `flip` along the second axis.

    Parameters
    ----------
    input : Tensor
        Of at least two dimensions.

    Returns
    -------
    Tensor
        A copy.

    Raises
    ------
    ShapeError
        If there are fewer dimensions.

    Examples
    --------
    >>> import microbp
    >>> microbp.fliplr(microbp.tensor([[1, 2], [3, 4]]))
    tensor([[2, 1],
            [4, 3]])
    """
    if input.ndim < 2:
        raise ShapeError(f"fliplr needs a tensor of at least 2 dimensions, got shape {tuple(input.shape)}")
    return apply(rows.flip, input, dims=(1,))


@method("flipud")
def flipud(input: Tensor) -> Tensor:
    """The rows in reverse order: `flip` along the first axis.

    Parameters
    ----------
    input : Tensor
        Of at least one dimension.

    Returns
    -------
    Tensor
        A copy.

    Raises
    ------
    ShapeError
        If there is none.

    Examples
    --------
    >>> import microbp
    >>> microbp.flipud(microbp.tensor([1, 2, 3]))
    tensor([3, 2, 1])
    """
    if input.ndim < 1:
        raise ShapeError("flipud needs a tensor of at least 1 dimension, got a 0-d one")
    return apply(rows.flip, input, dims=(0,))


@method("roll")
def roll(input: Tensor, shifts: Any, dims: Any = None) -> Tensor:
    """The elements moved on along some axes; what leaves at the end comes in at the beginning.

    Parameters
    ----------
    input : Tensor
        Of any shape.
    shifts : int or tuple of int
        By how many places; backwards if negative.
    dims : int or tuple of int, optional
        The axis for each shift; without it, the tensor is rolled as if it were flat.

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError
        If there are not as many shifts as axes.

    Examples
    --------
    >>> import microbp
    >>> microbp.roll(microbp.tensor([1, 2, 3]), 1)
    tensor([3, 1, 2])
    >>> microbp.roll(microbp.tensor([[1, 2], [3, 4]]), shifts=1, dims=1)
    tensor([[2, 1],
            [4, 3]])
    """
    steps = as_shape("roll", (shifts,))
    axes = () if dims is None else as_shape("roll", (dims,))
    if not axes and len(steps) == 1:
        flat = apply(rows.roll, ravel(input), shifts=steps, dims=(0,))
        return apply(shaping.reshape, flat, shape=input.array.shape)
    if len(steps) != len(axes):
        raise ShapeError(f"roll: there must be a shift for each dimension, got shifts={shifts} and dims={dims}")
    if not input.ndim:
        raise IndexError(f"roll: a tensor without dimensions has no dims={dims}")
    return apply(rows.roll, input, shifts=steps, dims=tuple(as_dim("roll", axis, input.ndim) for axis in axes))


@method("rot90")
def rot90(input: Tensor, k: int = 1, dims: Any = (0, 1)) -> Tensor:
    """Turned by 90 degrees, k times, from the first axis named towards the second.

    Parameters
    ----------
    input : Tensor
        Of at least two dimensions.
    k : int
        How many times; the other way round if negative.
    dims : tuple of two int
        The axes of the plane.

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError
        If `dims` are not two different axes.

    Examples
    --------
    >>> import microbp
    >>> microbp.rot90(microbp.tensor([[1, 2], [3, 4]]))
    tensor([[2, 4],
            [1, 3]])
    """
    axes = as_dims("rot90", tuple(dims), input.ndim) or ()
    if input.ndim < 2 or len(axes) != 2:
        raise ShapeError(f"rot90 turns 2 dimensions, got dims={tuple(dims)} for shape {tuple(input.shape)}")
    turns = k % 4
    if turns == 0:
        return apply(shaping.clone, input)
    turned = apply(rows.flip, input, dims={1: axes[1:], 2: axes, 3: axes[:1]}[turns])
    return turned if turns == 2 else transpose(turned, *axes)


@method("repeat")
def repeat(input: Tensor, *sizes: Any, repeats: Any = None) -> Tensor:
    """The whole tensor several times along each axis, as copies.

    Parameters
    ----------
    input : Tensor
        Of any shape.
    *sizes : int, or one tuple of int
        How often along each axis; there may be more than the tensor has axes, the first then being for new ones.
    repeats
        The numbers by name.

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError
        If there are fewer numbers than axes, or one is negative.

    Examples
    --------
    >>> import microbp
    >>> microbp.tensor([1, 2]).repeat(2, 2)
    tensor([[1, 2, 1, 2],
            [1, 2, 1, 2]])
    """
    times = as_shape("repeat", sizes, (repeats,) if isinstance(repeats, int) else repeats)
    if len(times) < input.ndim:
        raise ShapeError(f"repeat: {times} names fewer dimensions than a tensor of shape {tuple(input.shape)} has")
    return repeated("repeat", input, times)


@method("tile")
def tile(input: Tensor, *sizes: Any, dims: Any = None) -> Tensor:
    """The whole tensor several times along its last axes, as copies.

    Parameters
    ----------
    input : Tensor
        Of any shape.
    *sizes : int, or one tuple of int
        How often; if there are fewer numbers than axes they are for the last ones, if there are more, the first are
        for new axes.
    dims
        The numbers by name.

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError
        If a number is negative.

    Examples
    --------
    >>> import microbp
    >>> microbp.tile(microbp.tensor([[1], [2]]), (2,))
    tensor([[1, 1],
            [2, 2]])
    """
    times = as_shape("tile", sizes, (dims,) if isinstance(dims, int) else dims)
    return repeated("tile", input, (1,) * (input.ndim - len(times)) + times)


def repeated(name: str, input: Tensor, times: tuple[int, ...]) -> Tensor:
    """The tensor so many times along each axis of the result."""
    if min(times, default=0) < 0:
        raise ShapeError(f"{name}: a tensor cannot be repeated {min(times)} times")
    return apply(rows.repeat, input, repeats=times)


@method("repeat_interleave")
def repeat_interleave(
    input: Tensor, repeats: Any = None, dim: int | None = None, *, output_size: int | None = None
) -> Tensor:
    """Each element, or each slice along an axis, several times in a row.

    Parameters
    ----------
    input : Tensor
        Of any shape. Given alone, it holds the repeats, and what is repeated are their positions 0, 1, 2, ...
    repeats : int or Tensor
        How often; a tensor of integers has one number for each slice.
    dim : int, optional
        The axis; without it, the elements of the flattened tensor are repeated.
    output_size : int, optional
        The size of the result along the axis, which is checked.

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError
        If there is not a number for each slice, or the size is not `output_size`.
    OptionError
        If a number is negative.
    DtypeError
        If the numbers are no integers.

    Examples
    --------
    >>> import microbp
    >>> microbp.repeat_interleave(microbp.tensor([1, 2]), 2)
    tensor([1, 1, 2, 2])
    >>> microbp.tensor([[1, 2], [3, 4]]).repeat_interleave(microbp.tensor([2, 1]), dim=0)
    tensor([[1, 2],
            [1, 2],
            [3, 4]])
    """
    if repeats is None:
        input, repeats = wrap(np.arange(input.array.size)), input
    if dim is None or not input.ndim:
        input = ravel(input)
    axis = as_dim("repeat_interleave", dim or 0, input.ndim)
    shape = input.array.shape
    times = np.asarray(repeats.array if isinstance(repeats, Tensor) else repeats)
    if times.dtype.kind != "i":
        raise DtypeError(f"repeat_interleave: repeats must be integers, got {times.dtype}")
    if times.ndim > 1 or times.size not in (1, shape[axis]):
        raise ShapeError(
            f"repeat_interleave: repeats of shape {times.shape} must be one number, or one for each of the "
            f"{shape[axis]} slices of dimension {axis}"
        )
    look_at_values()
    if times.size and times.min() < 0:
        raise OptionError(f"repeat_interleave: repeats must not be negative, got {times.min()}")
    once = times.size == 1
    size = int(times.item()) * shape[axis] if once else int(times.sum())
    if output_size is not None and output_size != size:
        raise ShapeError(f"repeat_interleave: the result has size {size} along dimension {axis}, not {output_size}")
    if not once:
        places = np.repeat(np.arange(shape[axis]), times)
        return apply(indexing.getitem, input, index=(*(slice(None),) * axis, places))
    before, after = shape[: axis + 1], shape[axis + 1 :]
    split = apply(shaping.reshape, input, shape=(*before, 1, *after))
    stretched = apply(shaping.expand, split, shape=(*before, int(times.item()), *after))
    joined = apply(shaping.reshape, stretched, shape=(*shape[:axis], size, *after))
    return apply(shaping.clone, joined) if joined._base is not None else joined


def meshgrid(*tensors: Any, indexing: str | None = None) -> tuple[Tensor, ...]:
    """The coordinates of all points of a grid, given those along each of its axes.

    Parameters
    ----------
    *tensors : Tensor, or one sequence of Tensor
        Of at most one dimension each, and of one dtype.
    indexing : {"ij", "xy"}, optional
        With ``"ij"``, the default, axis k of the results belongs to ``tensors[k]``; with ``"xy"`` the first two axes
        are exchanged, as the rows and columns of a picture are.

    Returns
    -------
    tuple of Tensor
        One for each tensor, of the shape of the grid; read-only views.

    Raises
    ------
    ShapeError
        If a tensor has more than one dimension, or there are none.
    DtypeError
        If the dtypes differ.
    OptionError
        For any other `indexing`.

    Examples
    --------
    >>> import microbp
    >>> x, y = microbp.meshgrid(microbp.tensor([1, 2]), microbp.tensor([5, 6, 7]), indexing="ij")
    >>> x
    tensor([[1, 1, 1],
            [2, 2, 2]])
    >>> y
    tensor([[5, 6, 7],
            [5, 6, 7]])
    """
    if len(tensors) == 1 and isinstance(tensors[0], tuple | list):
        tensors = tuple(tensors[0])
    given: list[Tensor] = [as_operand(tensor) for tensor in tensors]
    if not given:
        raise ShapeError("meshgrid() got no tensors")
    if indexing not in (None, "ij", "xy"):
        raise OptionError(f"meshgrid: indexing must be 'ij' or 'xy', got {indexing!r}")
    for k, tensor in enumerate(given):
        if not isinstance(tensor, Tensor):
            raise TypeError(f"meshgrid: tensors[{k}] must be a tensor, got {tensor!r}")
        if tensor.ndim > 1:
            raise ShapeError(f"meshgrid: tensors[{k}] must have at most 1 dimension, got shape {tuple(tensor.shape)}")
        if tensor.dtype != given[0].dtype:
            raise DtypeError(f"meshgrid: tensors[{k}] of {tensor.dtype} and tensors[0] of {given[0].dtype} differ")
    axes = list(range(len(given)))
    if indexing == "xy" and len(given) > 1:
        axes[:2] = 1, 0
    sizes = [tensor.array.size for tensor in given]
    shape = tuple(sizes[axis] for axis in axes)  # exchanging two axes is its own inverse
    columns = (
        apply(shaping.reshape, tensor, shape=tuple(size if k == axis else 1 for k in range(len(given))))
        for tensor, size, axis in zip(given, sizes, axes, strict=True)
    )
    return tuple(apply(shaping.expand, column, shape=shape) for column in columns)
