"""How long vectors are, how alike, and how far apart, with PyTorch's signatures."""

from __future__ import annotations

from typing import Any

import numpy as np

from microbp.dtypes import result_dtype
from microbp.functions.dims import as_dim, as_dims
from microbp.mode import look_at_values
from microbp.nn.functional.check import broadcast_shape, require_floating, tensor_for
from microbp.ops import shape as shaping
from microbp.tensor import Tensor, apply, wrap

__all__ = ["cosine_similarity", "normalize", "pairwise_distance"]


def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """The cosine of the angle between vectors, x1 · x2 / (max(‖x1‖, eps) max(‖x2‖, eps)).

    Parameters
    ----------
    x1, x2 : Tensor
        Floating-point, of shapes that broadcast against each other.
    dim : int
        The dimension along which the vectors lie.
    eps : float
        Keeps the divisors away from 0.

    Returns
    -------
    Tensor
        Without that dimension.

    Raises
    ------
    ShapeError, DtypeError
        If the shapes do not broadcast, or the tensors are not floating-point.

    Examples
    --------
    >>> import microbp
    >>> cosine_similarity(microbp.tensor([[3.0, 4.0]]), microbp.tensor([[4.0, 3.0]]))
    tensor([0.9600])
    """
    x1, x2 = tensor_for("cosine_similarity", x1, "x1"), tensor_for("cosine_similarity", x2, "x2")
    require_floating("cosine_similarity", x1, x2)
    shape = broadcast_shape("cosine_similarity", x1=x1, x2=x2)
    dtype = result_dtype([x1.array, x2.array], False)
    first, second = (
        x.to(dtype) if x.array.shape == shape else apply(shaping.expand, x.to(dtype), shape=shape) for x in (x1, x2)
    )
    axis = as_dim("cosine_similarity", dim, len(shape))
    products = (first / length(first, axis, eps)) * (second / length(second, axis, eps))
    result: Tensor = products.sum(axis)
    return result


def pairwise_distance(x1: Tensor, x2: Tensor, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Tensor:
    """The p-norm of the difference of vectors, ‖x1 - x2 + eps‖_p.

    Parameters
    ----------
    x1, x2 : Tensor
        (N, D) or (D,), or any shapes that broadcast against each other; the vectors lie along the last dimension.
    p : float
        The exponent of the norm.
    eps : float
        Added to each difference.
    keepdim : bool
        Leave the last dimension with size 1.

    Returns
    -------
    Tensor
        (N,), (N, 1) with `keepdim`, or 0-d.

    Raises
    ------
    ShapeError
        If the shapes do not broadcast.

    Examples
    --------
    >>> import microbp
    >>> pairwise_distance(microbp.tensor([[3.0, 0.0]]), microbp.tensor([[0.0, 4.0]]))
    tensor([5.])
    """
    x1, x2 = tensor_for("pairwise_distance", x1, "x1"), tensor_for("pairwise_distance", x2, "x2")
    broadcast_shape("pairwise_distance", x1=x1, x2=x2)
    result: Tensor = (x1 - x2 + eps).norm(p, -1, keepdim=keepdim)
    return result


def normalize(input: Tensor, p: float = 2.0, dim: Any = 1, eps: float = 1e-12, out: None = None) -> Tensor:
    """x / max(‖x‖_p, eps) along a dimension.

    Parameters
    ----------
    input : Tensor
        Any shape.
    p : float
        The exponent of the norm.
    dim : int or tuple of int
        The dimension, or dimensions, of the norm.
    eps : float
        Keeps the divisor away from 0.
    out : None
        Not supported.

    Returns
    -------
    Tensor
        Of the shape and dtype of `input`.

    Raises
    ------
    NotImplementedError
        If `out` is given.

    Examples
    --------
    >>> import microbp
    >>> normalize(microbp.tensor([[3.0, 4.0]]))
    tensor([[0.6000, 0.8000]])
    """
    if out is not None:
        raise NotImplementedError("normalize() has no out=; assign the result")
    input = tensor_for("normalize", input)
    require_floating("normalize", input)
    lengths = input.norm(p, as_dims("normalize", dim, input.ndim), keepdim=True)
    result: Tensor = input / lengths.clamp(min=eps)
    return result


def length(x: Tensor, dim: Any, eps: float) -> Tensor:
    """The norm along a dimension, but at least eps: as in PyTorch, its gradient takes no notice of eps."""
    norm: Tensor = x.norm(2, dim, keepdim=True)
    look_at_values()
    missing = np.maximum(eps - norm.array, 0)
    return norm + wrap(missing) if missing.any() else norm
