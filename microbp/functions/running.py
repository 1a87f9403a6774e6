"""Running sums and products along an axis, and the differences that undo a running sum."""

from __future__ import annotations

from typing import Any

from microbp.errors import OptionError, ShapeError
from microbp.functions.dims import as_dim
from microbp.functions.joining import cat
from microbp.functions.reduction import converted, in_dtype, prod
from microbp.functions.reduction import sum as total
from microbp.methods import method
from microbp.ops import arithmetic, comparison, indexing
from microbp.ops import reduction as rows
from microbp.tensor import Tensor, apply, as_operand

__all__ = ["cumprod", "cumsum", "diff"]


@method("cumsum")
def cumsum(input: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """Sums of all elements up to each along an axis, y_i = sum_{k <= i} a_k.

    Parameters
    ----------
    input : Tensor
        Integers and truth values are summed as int64.
    dim : int
        The axis to sum along.
    dtype : dtype, optional
        Convert the elements to this dtype first.

    Returns
    -------
    Tensor
        Of the shape of `input`.

    Examples
    --------
    >>> import microbp
    >>> microbp.tensor([1, 2, 3]).cumsum(dim=0)
    tensor([1, 3, 6])
    """
    input = converted(input, dtype)
    axis = as_dim("cumsum", dim, input.ndim)
    if input.ndim:
        return in_dtype(apply(rows.cumsum, input, dim=axis, reverse=False), dtype)
    return total(input, dtype=dtype)


@method("cumprod")
def cumprod(input: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """Products of all elements up to each along an axis; the gradient is exact also where some are zero.

    Parameters
    ----------
    input : Tensor
        Integers and truth values are multiplied as int64.
    dim : int
        The axis to multiply along.
    dtype : dtype, optional
        Convert the elements to this dtype first.

    Returns
    -------
    Tensor
        Of the shape of `input`.

    Raises
    ------
    IndexError
        If there is no such axis.

    Examples
    --------
    >>> import microbp
    >>> microbp.tensor([1, 2, 3, 4]).cumprod(dim=0)
    tensor([ 1,  2,  6, 24])
    """
    input = converted(input, dtype)
    axis = as_dim("cumprod", dim, input.ndim)
    if input.ndim:
        return in_dtype(apply(rows.cumprod, input, dim=axis), dtype)
    return prod(input, dtype=dtype)


@method("diff")
def diff(input: Tensor, n: int = 1, dim: int = -1, prepend: Any = None, append: Any = None) -> Tensor:
    """Differences of neighbours along an axis, y_i = a_{i+1} - a_i.

    Parameters
    ----------
    input : Tensor
        Of at least one dimension; truth values have differences that are true where neighbours differ.
    n : int
        How often to take differences, of the differences before.
    dim : int
        The axis.
    prepend, append : Tensor, optional
        What to put before and after `input` along the axis first.

    Returns
    -------
    Tensor
        Along the axis n shorter, but not below 0.

    Raises
    ------
    ShapeError
        For a tensor without dimensions.
    OptionError
        If `n` is negative.

    Examples
    --------
    >>> import microbp
    >>> microbp.diff(microbp.tensor([1, 4, 9, 16]))
    tensor([3, 5, 7])
    """
    tensor = as_operand(input)
    if tensor.ndim == 0:
        raise ShapeError("diff needs a tensor of at least one dimension")
    if n < 0:
        raise OptionError(f"diff: n must not be negative, got {n}")
    axis = as_dim("diff", dim, tensor.ndim)
    around = [as_operand(part) for part in (prepend, tensor, append) if part is not None]
    tensor = cat(around, axis) if len(around) > 1 else tensor
    row = comparison.logical_xor if tensor.dtype.kind == "b" else arithmetic.sub
    for _ in range(n):
        front = (slice(None),) * axis
        later = apply(indexing.getitem, tensor, index=(*front, slice(1, None)))
        earlier = apply(indexing.getitem, tensor, index=(*front, slice(None, max(tensor.shape[axis] - 1, 0))))
        tensor = apply(row, later, earlier)
    return tensor  # type: ignore[no-any-return]
