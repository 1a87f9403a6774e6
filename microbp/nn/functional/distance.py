"""How long vectors are, how alike, and how far apart, with PyTorch's signatures."""

from __future__ import annotations

from typing import Any

import numpy as np

from microbp.errors import ShapeError
from microbp.nn.functional.check import require_floating, tensor_for
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
    first, second = broadcast("cosine_similarity", x1, x2)
    products = (first / length(first, dim, eps)) * (second / length(second, dim, eps))
    result: Tensor = products.sum(dim)
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
    broadcast("pairwise_distance", x1, x2)
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
    lengths = input.norm(p, dim, keepdim=True)
    result: Tensor = input / lengths.clamp(min=eps)
    return result


def broadcast(name: str, x1: Tensor, x2: Tensor) -> tuple[Tensor, Tensor]:
    """Two tensors in their common shape."""
    if x1.array.shape == x2.array.shape:
        return x1, x2
    try:
        shape = np.broadcast_shapes(x1.shape, x2.shape)
    except ValueError:
        raise ShapeError(f"{name}: x1 {x1.shape} and x2 {x2.shape} do not fit each other") from None
    return apply(shaping.expand, x1, shape=shape), apply(shaping.expand, x2, shape=shape)


def length(x: Tensor, dim: Any, eps: float) -> Tensor:
    """The norm along a dimension, but at least eps: as in PyTorch, its gradient takes no notice of eps."""
    norm: Tensor = x.norm(2, dim, keepdim=True)
    missing = np.maximum(eps - norm.array, 0)
    return norm + wrap(missing) if missing.any() else norm
