"""Normalisation of the last dimensions, taken together, with PyTorch's signatures."""

from __future__ import annotations

import math
from operator import index
from typing import Any

import numpy as np

from microbp.errors import ShapeError
from microbp.nn.functional.check import require_floating, tensor_for
from microbp.nn.functional.normalization import scaled
from microbp.ops import normalization as rows
from microbp.tensor import Tensor, apply

__all__ = ["layer_norm", "rms_norm"]


def layer_norm(
    input: Tensor, normalized_shape: Any, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5
) -> Tensor:
    """The last dimensions, taken together, with mean 0 and variance 1.

    Source: Ba, Kiros & Hinton, "Layer Normalization" (2016).

    Parameters
    ----------
    input : Tensor
        ``(..., *normalized_shape)``, floating-point.
    normalized_shape : tuple of int
        The sizes of the last dimensions.
    weight, bias : Tensor, optional
        Of shape `normalized_shape`.
    eps : float
        Added to the variance.

    Returns
    -------
    Tensor
        Of the shape of `input`.

    Raises
    ------
    ShapeError
        If the last dimensions, `weight` or `bias` are of another shape.
    DtypeError
        If the input is not floating-point.

    Examples
    --------
    >>> import microbp
    >>> layer_norm(microbp.tensor([[1.0, 3.0], [10.0, 30.0]]), (2,))
    tensor([[-1.0000,  1.0000],
            [-1.0000,  1.0000]])
    """
    input = tensor_for("layer_norm", input)
    before, last, shape = layer_layout("layer_norm", input, normalized_shape, weight=weight, bias=bias)
    out = apply(rows.standardize, input, dim=last, count=math.prod(shape), eps=eps, known=None)
    return scaled(out, weight, bias, before, shape)


def rms_norm(input: Tensor, normalized_shape: Any, weight: Tensor | None = None, eps: float | None = None) -> Tensor:
    """The last dimensions, taken together, with a mean square of 1.

    Source: Zhang & Sennrich, "Root Mean Square Layer Normalization" (2019).

    Parameters
    ----------
    input : Tensor
        ``(..., *normalized_shape)``, floating-point.
    normalized_shape : tuple of int
        The sizes of the last dimensions.
    weight : Tensor, optional
        Of shape `normalized_shape`.
    eps : float, optional
        Added to the mean square; by default the distance from 1 to the next number of the input's dtype.

    Returns
    -------
    Tensor
        Of the shape of `input`.

    Raises
    ------
    ShapeError, DtypeError
        As for `layer_norm`.

    Examples
    --------
    >>> import microbp
    >>> rms_norm(microbp.tensor([[1.0, 7.0]]), (2,))
    tensor([[0.2000, 1.4000]])
    """
    input = tensor_for("rms_norm", input)
    before, last, shape = layer_layout("rms_norm", input, normalized_shape, weight=weight)
    epsilon = float(np.finfo(input.dtype).eps) if eps is None else eps
    out = apply(rows.rms_standardize, input, dim=last, count=math.prod(shape), eps=epsilon)
    return scaled(out, weight, None, before, shape)


def layer_layout(
    name: str, input: Tensor, normalized_shape: Any, **affine: Tensor | None
) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """The axes before the last ones, the last ones, and their shape, all checked."""
    require_floating(name, input)
    try:
        shape = tuple(map(index, normalized_shape))
    except TypeError:
        raise TypeError(f"{name}: normalized_shape must be a tuple of integers, got {normalized_shape!r}") from None
    if not shape:
        raise ShapeError(f"{name}: normalized_shape needs at least one dimension, got {normalized_shape}")
    before = input.ndim - len(shape)
    if input.shape[max(before, 0) :] != shape:
        raise ShapeError(
            f"{name}: Given normalized_shape={shape}, expected input with shape (*, {', '.join(map(str, shape))}), "
            f"but got input of shape {input.shape}"
        )
    for argument, value in affine.items():
        if value is not None and tensor_for(name, value, argument).shape != shape:
            raise ShapeError(f"{name}: {argument} must have normalized_shape {shape}, got shape {value.shape}")
    return tuple(range(before)), tuple(range(before, input.ndim)), shape
