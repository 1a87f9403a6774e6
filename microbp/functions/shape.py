"""Other shapes and orders of the same elements.

They are views where PyTorch gives views: the result shares memory with the
input, so that a write to one is seen in the other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from microbp.errors import ShapeError
from microbp.functions.dims import as_dim, as_dims, as_shape, fill_in
from microbp.methods import method
from microbp.ops import shape as rows
from microbp.tensor import Tensor, apply

__all__ = [
    "atleast_1d",
    "atleast_2d",
    "atleast_3d",
    "broadcast_to",
    "flatten",
    "numel",
    "permute",
    "ravel",
    "reshape",
    "squeeze",
    "swapaxes",
    "swapdims",
    "t",
    "transpose",
    "unflatten",
    "unsqueeze",
]


@method("reshape")
def reshape(input: Tensor, *sizes: Any, shape: Any = None) -> Tensor:
    """The same elements in another shape; a view if memory allows it, else a copy.

    Parameters
    ----------
    input : Tensor
        Of any shape.
    *sizes : int, or one tuple of int
        The new sizes; one of them may be -1 and is computed.
    shape
        The sizes by name.

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError
        If the shape holds another number of elements.

    Examples
    --------
    >>> import microbp
    >>> microbp.arange(6).reshape(2, -1)
    tensor([[0, 1, 2],
            [3, 4, 5]])
    """
    wanted = fill_in("reshape", as_shape("reshape", sizes, shape), input.array.size)
    return apply(rows.reshape, input, shape=wanted)


@method("view")
def view(input: Tensor, *sizes: Any, size: Any = None) -> Tensor:
    """The same elements in another shape, always on the same memory.

    Parameters
    ----------
    input : Tensor
        Of any shape.
    *sizes : int, or one tuple of int
        The new sizes; one of them may be -1 and is computed.
    size
        The sizes by name.

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError
        If the shape holds another number of elements, or the memory cannot be read in that shape.

    Examples
    --------
    >>> import microbp
    >>> microbp.arange(6).view(3, 2).shape
    (3, 2)
    """
    wanted = fill_in("view", as_shape("view", sizes, size), input.array.size)
    if not input.array.flags.c_contiguous:
        try:
            input.array.reshape(wanted, copy=False)
        except ValueError:
            raise ShapeError(
                f"view: a tensor of shape {tuple(input.shape)} whose memory is not in that order cannot be read in "
                f"shape {wanted} without a copy; use reshape()"
            ) from None
    return apply(rows.reshape, input, shape=wanted)


@method("view_as")
def view_as(input: Tensor, other: Tensor) -> Tensor:
    """The same elements in the shape of another tensor, on the same memory.

    Parameters
    ----------
    input : Tensor
        Of any shape.
    other : Tensor
        Gives the shape.

    Returns
    -------
    Tensor
        A view.

    Raises
    ------
    ShapeError
        As for the method `view`.
    """
    return view(input, other.array.shape)


@method("reshape_as")
def reshape_as(input: Tensor, other: Tensor) -> Tensor:
    """The same elements in the shape of another tensor; a view if memory allows it, else a copy.

    Parameters
    ----------
    input : Tensor
        Of any shape.
    other : Tensor
        Gives the shape.

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError
        If the shape holds another number of elements.
    """
    return reshape(input, other.array.shape)


@method("flatten")
def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """The axes from `start_dim` to `end_dim` as one.

    Parameters
    ----------
    input : Tensor
        Of any shape.
    start_dim, end_dim : int
        The first and the last axis to join.

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError
        If `start_dim` comes after `end_dim`.

    Examples
    --------
    >>> import microbp
    >>> microbp.zeros(2, 3, 4).flatten(1).shape
    (2, 12)
    """
    shape = input.array.shape
    first, last = as_dim("flatten", start_dim, len(shape)), as_dim("flatten", end_dim, len(shape))
    if first > last:
        raise ShapeError(f"flatten: start_dim {start_dim} comes after end_dim {end_dim}")
    joined = 1
    for size in shape[first : last + 1]:
        joined *= size
    return apply(rows.reshape, input, shape=(*shape[:first], joined, *shape[last + 1 :]))


@method("ravel")
def ravel(input: Tensor) -> Tensor:
    """All elements along one axis.

    Parameters
    ----------
    input : Tensor
        Of any shape.

    Returns
    -------
    Tensor
        Of one dimension; a view if memory allows it, else a copy.

    Examples
    --------
    >>> import microbp
    >>> microbp.ravel(microbp.eye(2))
    tensor([1., 0., 0., 1.])
    """
    return apply(rows.reshape, input, shape=(input.array.size,))


@method("unflatten")
def unflatten(input: Tensor, dim: int, sizes: Sequence[int]) -> Tensor:
    """One axis as several.

    Parameters
    ----------
    input : Tensor
        Of any shape.
    dim : int
        The axis to take apart.
    sizes : sequence of int
        The sizes of the axes in its place; one may be -1 and is computed.

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError
        If the sizes do not multiply to the size of the axis.

    Examples
    --------
    >>> import microbp
    >>> microbp.zeros(2, 12).unflatten(1, (3, -1)).shape
    (2, 3, 4)
    """
    shape = input.array.shape
    axis = as_dim("unflatten", dim, len(shape))
    inner = fill_in("unflatten", as_shape("unflatten", (sizes,)), shape[axis])
    return apply(rows.reshape, input, shape=(*shape[:axis], *inner, *shape[axis + 1 :]))


@method("squeeze")
def squeeze(input: Tensor, dim: Any = None, *, axis: Any = None) -> Tensor:
    """Without the axes of size 1.

    Parameters
    ----------
    input : Tensor
        Of any shape.
    dim : int or tuple of int, optional
        Take away these axes only, and leave them where their size is not 1.
    axis
        NumPy's name for `dim`.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import microbp
    >>> microbp.zeros(1, 3, 1).squeeze(0).shape
    (3, 1)
    """
    dim = axis if dim is None else dim
    shape = input.array.shape
    dims = range(len(shape)) if dim is None else as_dims("squeeze", dim, len(shape)) or ()
    kept = tuple(size for axis, size in enumerate(shape) if size != 1 or axis not in dims)
    return apply(rows.reshape, input, shape=kept)


@method("unsqueeze")
def unsqueeze(input: Tensor, dim: int) -> Tensor:
    """With an axis of size 1 put in at `dim`.

    Parameters
    ----------
    input : Tensor
        Of any shape.
    dim : int
        Where the new axis is in the result.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import microbp
    >>> microbp.zeros(3).unsqueeze(-1).shape
    (3, 1)
    """
    shape = input.array.shape
    axis = as_dim("unsqueeze", dim, len(shape) + 1)
    return apply(rows.reshape, input, shape=(*shape[:axis], 1, *shape[axis:]))


@method("transpose")
def transpose(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """With two axes exchanged.

    Parameters
    ----------
    input : Tensor
        Of any shape.
    dim0, dim1 : int
        The axes.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import microbp
    >>> microbp.zeros(2, 3, 4).transpose(0, -1).shape
    (4, 3, 2)
    """
    ndim = input.array.ndim
    order = list(range(ndim))
    first, second = as_dim("transpose", dim0, ndim), as_dim("transpose", dim1, ndim)
    if ndim:
        order[first], order[second] = second, first
    return apply(rows.permute, input, dims=tuple(order))


swapaxes = method("swapaxes")(transpose)
swapdims = method("swapdims")(transpose)


@method("permute")
def permute(input: Tensor, *axes: Any, dims: Any = None) -> Tensor:
    """The axes in another order.

    Parameters
    ----------
    input : Tensor
        Of any shape.
    *axes : int, or one tuple of int
        For each axis of the result, the axis of the input.
    dims
        The axes by name.

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError
        If not every axis is named once.

    Examples
    --------
    >>> import microbp
    >>> microbp.zeros(2, 3, 4).permute(2, 0, 1).shape
    (4, 2, 3)
    """
    given = as_shape("permute", axes, dims)
    ndim = input.array.ndim
    if len(given) != ndim:
        raise ShapeError(f"permute: {given} names {len(given)} axes, a tensor of shape {tuple(input.shape)} has {ndim}")
    return apply(rows.permute, input, dims=as_dims("permute", given, ndim) or ())


@method("t")
def t(input: Tensor) -> Tensor:
    """The transpose of a matrix; vectors and numbers stay as they are.

    Parameters
    ----------
    input : Tensor
        Of at most two dimensions.

    Returns
    -------
    Tensor
        A view.

    Raises
    ------
    ShapeError
        For a tensor of more than two dimensions.

    Examples
    --------
    >>> import microbp
    >>> microbp.t(microbp.zeros(2, 3)).shape
    (3, 2)
    """
    if input.array.ndim > 2:
        raise ShapeError(f"t() expects a tensor of at most 2 dimensions, got shape {tuple(input.shape)}")
    return apply(rows.permute, input, dims=tuple(range(input.array.ndim))[::-1])


@method("expand")
def expand(input: Tensor, *sizes: Any, size: Any = None) -> Tensor:
    """Repeated along axes of size 1 and along new axes in front, without a copy.

    Parameters
    ----------
    input : Tensor
        Of any shape.
    *sizes : int, or one tuple of int
        The sizes of the result; -1 leaves a size as it is.
    size
        The sizes by name.

    Returns
    -------
    Tensor
        A read-only view.

    Raises
    ------
    ShapeError
        If an axis of another size than 1 would be stretched.

    Examples
    --------
    >>> import microbp
    >>> microbp.tensor([[1], [2]]).expand(-1, 3)
    tensor([[1, 1, 1],
            [2, 2, 2]])
    """
    wanted = as_shape("expand", sizes, size)
    have = input.array.shape
    added = len(wanted) - len(have)
    shape = tuple(have[k - added] if one == -1 and k >= added else one for k, one in enumerate(wanted))
    fits = added >= 0 and all(mine in (1, one) for mine, one in zip(have, shape[added:], strict=True))
    if not fits or min(shape, default=0) < 0:
        raise ShapeError(f"expand: a tensor of shape {have} cannot be expanded to shape {wanted}")
    return apply(rows.expand, input, shape=shape)


@method("expand_as")
def expand_as(input: Tensor, other: Tensor) -> Tensor:
    """Repeated to the shape of another tensor, without a copy.

    Parameters
    ----------
    input : Tensor
        Of any shape.
    other : Tensor
        Gives the shape.

    Returns
    -------
    Tensor
        A read-only view.

    Raises
    ------
    ShapeError
        If an axis of another size than 1 would be stretched.
    """
    return expand(input, other.array.shape)


@method("broadcast_to")
def broadcast_to(input: Tensor, shape: Sequence[int]) -> Tensor:
    """Repeated to a shape, as operands of an operation are; see the method ``expand``.

    Parameters
    ----------
    input : Tensor
        Of any shape.
    shape : tuple of int
        The shape; its last sizes are those of `input`, or stand where that has size 1.

    Returns
    -------
    Tensor
        A view, which must not be written to.

    Raises
    ------
    ShapeError
        If the shape does not fit.

    Examples
    --------
    >>> import microbp
    >>> microbp.broadcast_to(microbp.tensor([1, 2]), (2, 2))
    tensor([[1, 2],
            [1, 2]])
    """
    return expand(input, tuple(shape))


def numel(input: Tensor) -> int:
    """The number of elements.

    Parameters
    ----------
    input : Tensor
        Of any shape.

    Returns
    -------
    int

    Examples
    --------
    >>> import microbp
    >>> microbp.numel(microbp.zeros(2, 3))
    6
    """
    return input.array.size


def atleast_1d(*tensors: Any) -> Any:
    """With an axis of size 1 if there is none.

    Parameters
    ----------
    *tensors : Tensor, or one sequence of Tensor
        Of any shapes.

    Returns
    -------
    Tensor, or tuple of Tensor if several were given

    Examples
    --------
    >>> import microbp
    >>> microbp.atleast_1d(microbp.tensor(5))
    tensor([5])
    """
    return each(tensors, lambda shape: shape or (1,))


def atleast_2d(*tensors: Any) -> Any:
    """With axes of size 1 put in front until there are two; see `atleast_1d`.

    Examples
    --------
    >>> import microbp
    >>> microbp.atleast_2d(microbp.tensor([5, 6]))
    tensor([[5, 6]])
    """
    return each(tensors, lambda shape: (1,) * (2 - len(shape)) + shape)


def atleast_3d(*tensors: Any) -> Any:
    """With axes of size 1 put in until there are three: a vector is a row, a matrix a layer; see `atleast_1d`.

    Examples
    --------
    >>> import microbp
    >>> microbp.atleast_3d(microbp.zeros(2)).shape, microbp.atleast_3d(microbp.zeros(2, 4)).shape
    ((1, 2, 1), (2, 4, 1))
    """
    return each(tensors, lambda shape: shape if len(shape) > 2 else (*(1,) * (2 - len(shape)), *shape, 1))


def each(tensors: tuple[Any, ...], change: Callable[[tuple[int, ...]], tuple[int, ...]]) -> Any:
    """Tensors in the shapes that a function makes of theirs; one of them stays one."""
    alone = len(tensors) == 1 and not isinstance(tensors[0], tuple | list)
    given = tensors[0] if len(tensors) == 1 and not alone else tensors
    changed = tuple(apply(rows.reshape, tensor, shape=change(tensor.array.shape)) for tensor in given)
    return changed[0] if alone else changed
