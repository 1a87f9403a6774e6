"""Views of all windows of an axis, and sums that undo a broadcast."""

from __future__ import annotations

from typing import Any

import numpy as np

from microbp.errors import OptionError, RangeError, ShapeError
from microbp.functions.dims import as_dim, as_shape
from microbp.functions.reduction import sum as total
from microbp.methods import method
from microbp.ops.shape import reshape
from microbp.tensor import Tensor, apply

__all__ = ["adjoint"]


@method("unfold")
def unfold(self: Tensor, dimension: int, size: int, step: int) -> Tensor:
    """All windows along an axis, in a new last axis; a copy, where PyTorch has a view.

    Parameters
    ----------
    dimension : int
        The axis.
    size : int
        Of a window.
    step : int
        From one window to the next.

    Returns
    -------
    Tensor
        Of shape (..., windows, ..., size).

    Raises
    ------
    RangeError
        If the axis is shorter than a window.
    OptionError
        If the size is negative, or the step not positive.

    Examples
    --------
    >>> import microbp
    >>> microbp.arange(5).unfold(0, 3, 2)
    tensor([[0, 1, 2],
            [2, 3, 4]])
    """
    axis = as_dim("unfold", dimension, self.ndim)
    length = self.array.shape[axis] if self.ndim else 1
    if step <= 0 or size < 0:
        raise OptionError(f"unfold needs a size that is not negative and a positive step, got size={size}, step={step}")
    if size > length:
        raise RangeError(f"unfold: windows of size {size} do not fit into dimension {axis} of size {length}")
    places = np.arange(0, length - size + 1, step)[:, None] + np.arange(size)
    source: Any = self if self.ndim else apply(reshape, self, shape=(1,))
    if not self.ndim:
        return source[places[0]]  # type: ignore[no-any-return]
    windows: Tensor = source[(*(slice(None),) * axis, places)]
    return windows.movedim(axis + 1, -1)


@method("sum_to_size")
def sum_to_size(self: Tensor, *size: Any) -> Tensor:
    """The sum over the axes along which a tensor of another size would be broadcast to this one's.

    Parameters
    ----------
    *size : int, or one tuple of int
        The size.

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError
        If a tensor of that size cannot be broadcast to this one's.

    Examples
    --------
    >>> import microbp
    >>> microbp.ones(2, 3).sum_to_size(1, 3)
    tensor([[2., 2., 2.]])
    """
    shape = as_shape("sum_to_size", size)
    added = self.ndim - len(shape)
    if added < 0 or any(wanted not in (1, given) for wanted, given in zip(shape, self.shape[added:], strict=True)):
        raise ShapeError(f"sum_to_size: a tensor of size {shape} is not broadcast to {self.shape}")
    if shape == self.shape:
        return self
    stretched = [k + added for k, wanted in enumerate(shape) if wanted != self.shape[k + added]]
    axes = (*range(added), *stretched)
    return apply(reshape, total(self, axes, keepdim=True) if axes else self, shape=shape)


@method("adjoint")
def adjoint(input: Tensor) -> Tensor:
    """The transpose of the last two axes; for complex numbers, which there are none of, also the conjugate.

    Parameters
    ----------
    input : Tensor
        Of shape (..., m, n).

    Returns
    -------
    Tensor
        Of shape (..., n, m); a view.

    Raises
    ------
    ShapeError
        If there are fewer than two dimensions.

    Examples
    --------
    >>> import microbp
    >>> microbp.adjoint(microbp.ones(5, 2, 3)).shape
    (5, 3, 2)
    """
    if input.ndim < 2:
        raise ShapeError(f"adjoint needs at least 2 dimensions, got shape {input.shape}")
    return input.mT
