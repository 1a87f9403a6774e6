"""Layers that compute nothing: they pass on, or rearrange."""

from __future__ import annotations

import math
from typing import Any

from microbp.errors import ShapeError
from microbp.nn.functional.check import tensor_for
from microbp.nn.module import Module
from microbp.tensor import Tensor

__all__ = ["Flatten", "Identity", "Unflatten"]


class Identity(Module):
    """Returns its input; takes, and ignores, any arguments.

    Parameters
    ----------
    *args, **kwargs
        Not looked at.

    Examples
    --------
    >>> import microbp
    >>> Identity(54, unused=True)(microbp.ones(2))
    tensor([1., 1.])
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()

    def forward(self, input: Tensor) -> Tensor:
        return input


class Flatten(Module):
    """Joins neighbouring dimensions into one; by default all but the first, that of the batch.

    Parameters
    ----------
    start_dim, end_dim : int
        The first and the last of the dimensions.

    Examples
    --------
    >>> import microbp
    >>> Flatten()(microbp.ones(5, 8, 8)).shape
    (5, 64)
    """

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__()
        self.start_dim = start_dim
        self.end_dim = end_dim

    def forward(self, input: Tensor) -> Tensor:
        out: Tensor = tensor_for("Flatten", input).flatten(self.start_dim, self.end_dim)
        return out

    def extra_repr(self) -> str:
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class Unflatten(Module):
    """Splits a dimension into several.

    Parameters
    ----------
    dim : int
        The dimension.
    unflattened_size : tuple of int
        What to split it into; one of them may be -1.

    Examples
    --------
    >>> import microbp
    >>> Unflatten(1, (8, 8))(microbp.ones(5, 64)).shape
    (5, 8, 8)
    """

    def __init__(self, dim: int, unflattened_size: tuple[int, ...] | list[int]) -> None:
        super().__init__()
        if not isinstance(dim, int):
            raise NotImplementedError(f"Unflatten takes an integer dim, got {dim!r}; there are no named dimensions")
        sizes = isinstance(unflattened_size, tuple | list)
        if not sizes or not all(isinstance(size, int) for size in unflattened_size):
            raise TypeError(f"unflattened_size must be tuple of ints, got {unflattened_size!r}")
        self.dim = dim
        self.unflattened_size = unflattened_size

    def forward(self, input: Tensor) -> Tensor:
        if not -input.ndim <= self.dim < input.ndim:
            raise ShapeError(f"{self} got an input of shape {tuple(input.shape)}, which has no dimension {self.dim}")
        dim = self.dim % input.ndim
        before, size, after = input.shape[:dim], input.shape[dim], input.shape[dim + 1 :]
        known = math.prod(part for part in self.unflattened_size if part != -1)
        if size != known and (-1 not in self.unflattened_size or not known or size % known):
            raise ShapeError(f"{self} cannot split dimension {dim} of an input of shape {tuple(input.shape)} that way")
        sizes = (size // max(known, 1) if part == -1 else part for part in self.unflattened_size)
        out: Tensor = input.reshape((*before, *sizes, *after))
        return out

    def extra_repr(self) -> str:
        return f"dim={self.dim}, unflattened_size={self.unflattened_size}"
