"""Losses over pairs and triplets of examples, with PyTorch's signatures.

Examples that belong together are to be near each other, and others farther away, by a margin.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from microbp.errors import OptionError, ShapeError
from microbp.nn.functional.check import (
    alike,
    both_tensors,
    broadcast_shape,
    check_reduction,
    number,
    reduced,
    require_floating,
    tensor_for,
)
from microbp.nn.functional.distance import pairwise_distance
from microbp.ops import arithmetic, elementwise
from microbp.tensor import Tensor, apply, wrap

__all__ = [
    "cosine_embedding_loss",
    "hinge_embedding_loss",
    "margin_ranking_loss",
    "triplet_margin_loss",
    "triplet_margin_with_distance_loss",
]


def hinge_embedding_loss(
    input: Tensor,
    target: Tensor,
    margin: float = 1.0,
    size_average: None = None,
    reduce: None = None,
    reduction: str = "mean",
) -> Tensor:
    """A distance x itself where the target is 1, and max(0, margin - x) where it is -1.

    Parameters
    ----------
    input : Tensor
        Distances.
    target : Tensor
        1 or -1, of the same shape.
    margin : float
        How far apart examples with target -1 have to be.
    reduction : {'mean', 'sum', 'none'}
        What to make of the losses.
    size_average, reduce
        As for `mse_loss`.

    Returns
    -------
    Tensor
        0-d, or of the shape of `input` for ``'none'``.

    Warns
    -----
    BroadcastWarning
        If the shapes differ.

    Examples
    --------
    >>> import microbp
    >>> hinge_embedding_loss(microbp.tensor([0.25, 0.25]), microbp.tensor([1.0, -1.0]), reduction="none")
    tensor([0.2500, 0.7500])
    """
    check_reduction("hinge_embedding_loss", reduction, size_average, reduce)
    input, target = alike(*both_tensors("hinge_embedding_loss", input, target), "hinge_embedding_loss")
    require_floating("hinge_embedding_loss", input)
    margin = number("hinge_embedding_loss", "margin", margin)
    near = apply(elementwise.zero_where, input, wrap(target.array == -1))
    far = apply(elementwise.zero_where, at_least_0(margin - input), wrap(target.array == 1))
    return reduced(near + far, reduction, "hinge_embedding_loss")


def margin_ranking_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: None = None,
    reduce: None = None,
    reduction: str = "mean",
) -> Tensor:
    """max(0, margin - t (x1 - x2)): the first is to rank higher where t is 1, the second where it is -1.

    Parameters
    ----------
    input1, input2 : Tensor
        The ranks x1 and x2.
    target : Tensor
        t, 1 or -1, of the same shape.
    margin : float
        How far apart the ranks have to be.
    reduction : {'mean', 'sum', 'none'}
        What to make of the losses.
    size_average, reduce
        As for `mse_loss`.

    Returns
    -------
    Tensor
        0-d, or of the shape of the inputs for ``'none'``.

    Raises
    ------
    ShapeError
        If the tensors have not the same number of dimensions.

    Warns
    -----
    BroadcastWarning
        If the shapes differ.

    Examples
    --------
    >>> import microbp
    >>> x, y = microbp.tensor([3.0, 1.0]), microbp.tensor([2.0, 2.0])
    >>> margin_ranking_loss(x, y, microbp.tensor([1.0, 1.0]), reduction="none")
    tensor([0., 1.])
    """
    name = "margin_ranking_loss"
    check_reduction(name, reduction, size_average, reduce)
    input1, input2 = tensor_for(name, input1, "input1"), tensor_for(name, input2, "input2")
    target = tensor_for(name, target, "target")
    if not input1.ndim == input2.ndim == target.ndim:
        raise ShapeError(
            f"{name}: All input tensors should have the same number of dimensions, but got input1 "
            f"{input1.shape}, input2 {input2.shape} and target {target.shape}"
        )
    broadcast_shape(name, input1=input1, input2=input2)
    difference, target = alike(input1 - input2, target, name)
    margin = float(number(name, "margin", margin))
    return reduced(at_least_0(margin - target * difference), reduction, name)


def cosine_embedding_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: None = None,
    reduce: None = None,
    reduction: str = "mean",
) -> Tensor:
    """1 - cos(x1, x2) where the target is 1, and max(0, cos(x1, x2) - margin) where it is -1.

    Parameters
    ----------
    input1, input2 : Tensor
        (N, D) or (D,).
    target : Tensor
        1 or -1: (N,) or 0-d.
    margin : float
        The cosine up to which vectors with target -1 count as different.
    reduction : {'mean', 'sum', 'none'}
        What to make of the losses.
    size_average, reduce
        As for `mse_loss`.

    Returns
    -------
    Tensor
        0-d, or of shape (N,) for ``'none'``.

    Raises
    ------
    ShapeError
        If the shapes do not fit each other.

    Examples
    --------
    >>> import microbp
    >>> x, y = microbp.tensor([[3.0, 4.0], [3.0, 4.0]]), microbp.tensor([[4.0, 3.0], [4.0, 3.0]])
    >>> cosine_embedding_loss(x, y, microbp.tensor([1, -1]), reduction="none")
    tensor([0.0400, 0.9600])
    """
    name = "cosine_embedding_loss"
    check_reduction(name, reduction, size_average, reduce)
    input1, input2 = tensor_for(name, input1, "input1"), tensor_for(name, input2, "input2")
    target = tensor_for(name, target, "target")
    if target.ndim > 1 or not input1.ndim == input2.ndim == target.ndim + 1:
        raise ShapeError(
            f"{name}: a target (N,) takes inputs (N, D), and a 0-d target inputs (D,), got target {target.shape} with "
            f"input1 {input1.shape} and input2 {input2.shape}"
        )
    broadcast_shape(name, input1=input1, input2=input2)
    margin = number(name, "margin", margin)
    # As PyTorch has it, this is not cosine_similarity(): what keeps the divisor away from 0 is added, not a bound.
    scale = ((input1.square().sum(dim=-1) + 1e-12) * (input2.square().sum(dim=-1) + 1e-12)).sqrt()
    cosine, target = alike((input1 * input2).sum(dim=-1) / scale, target, name)
    near = apply(elementwise.zero_where, 1 - cosine, wrap(target.array != 1))
    far = apply(elementwise.zero_where, at_least_0(cosine - margin), wrap(target.array != -1))
    return reduced(near + far, reduction, name)


def triplet_margin_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    margin: float = 1.0,
    p: float = 2,
    eps: float = 1e-6,
    swap: bool = False,
    size_average: None = None,
    reduce: None = None,
    reduction: str = "mean",
) -> Tensor:
    """max(0, margin + d(anchor, positive) - d(anchor, negative)) with `pairwise_distance` for d.

    Source: Balntas, Riba, Ponsa & Mikolajczyk, "Learning Local Feature Descriptors with Triplets and Shallow
    Convolutional Neural Networks" (2016).

    Parameters
    ----------
    anchor, positive, negative : Tensor
        (N, D) or (D,).
    margin : float
        How much farther away the negative example has to be; positive.
    p, eps : float
        As for `pairwise_distance`.
    swap : bool
        Take the distance between the positive and the negative example, if that is the smaller one.
    reduction : {'mean', 'sum', 'none'}
        What to make of the losses.
    size_average, reduce
        As for `mse_loss`.

    Returns
    -------
    Tensor
        0-d, or of shape (N,) for ``'none'``.

    Raises
    ------
    ShapeError, OptionError
        If the tensors have not the same number of dimensions or do not fit, or the margin is not positive.

    Examples
    --------
    >>> import microbp
    >>> a, b, c = (microbp.tensor([[float(x), 0.0]]) for x in (0, 1, 1.5))
    >>> triplet_margin_loss(a, b, c)
    tensor(0.5000)
    """
    name = "triplet_margin_loss"
    check_reduction(name, reduction, size_average, reduce)
    anchor, positive = tensor_for(name, anchor, "anchor"), tensor_for(name, positive, "positive")
    negative = tensor_for(name, negative, "negative")
    broadcast_shape(name, anchor=anchor, positive=positive, negative=negative)

    def distance(x: Tensor, y: Tensor) -> Tensor:
        return pairwise_distance(x, y, p, eps)

    return triplet_loss(name, anchor, positive, negative, distance, margin, swap, reduction)


def triplet_margin_with_distance_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    *,
    distance_function: Callable[[Tensor, Tensor], Tensor] | None = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: str = "mean",
) -> Tensor:
    """`triplet_margin_loss` with a distance of one's own.

    Parameters
    ----------
    anchor, positive, negative : Tensor
        Of one shape.
    distance_function : callable, optional
        Takes two of them, and gives the distance for each sample; `pairwise_distance` by default.
    margin, swap, reduction
        As for `triplet_margin_loss`.

    Returns
    -------
    Tensor
        As for `triplet_margin_loss`.

    Raises
    ------
    ShapeError, OptionError
        As for `triplet_margin_loss`.

    Examples
    --------
    >>> import microbp
    >>> a, b, c = microbp.tensor([0.0]), microbp.tensor([1.0]), microbp.tensor([1.5])
    >>> triplet_margin_with_distance_loss(a, b, c, distance_function=lambda x, y: (x - y).abs())
    tensor(0.5000)
    """
    check_reduction("triplet_margin_with_distance_loss", reduction, None, None)
    name = "triplet_margin_with_distance_loss"
    distance = pairwise_distance if distance_function is None else distance_function
    if not callable(distance):
        raise TypeError(f"{name}: distance_function must be callable, got {type(distance).__name__} {distance!r}")
    return triplet_loss(name, anchor, positive, negative, distance, margin, swap, reduction)


def triplet_loss(
    name: str,
    anchor: Any,
    positive: Any,
    negative: Any,
    distance: Callable[[Tensor, Tensor], Tensor],
    margin: float,
    swap: bool,
    reduction: str,
) -> Tensor:
    """max(0, margin + d(anchor, positive) - d(anchor, negative))."""
    margin = number(name, "margin", margin)
    if margin <= 0:
        raise OptionError(f"{name}: margin must be greater than 0, got {margin}")
    anchor, positive = tensor_for(name, anchor, "anchor"), tensor_for(name, positive, "positive")
    negative = tensor_for(name, negative, "negative")
    if not anchor.ndim == positive.ndim == negative.ndim:
        raise ShapeError(
            f"{name}: anchor, positive and negative are expected to have the same number of dimensions, but got "
            f"{anchor.shape}, {positive.shape} and {negative.shape}"
        )
    near, far = distance(anchor, positive), distance(anchor, negative)
    if swap:
        far = apply(arithmetic.minimum, far, distance(positive, negative))
    return reduced(at_least_0(margin + near - far), reduction, name)


def at_least_0(x: Tensor) -> Tensor:
    """max(x, 0), with PyTorch's derivative of 1 where x is 0 exactly."""
    result: Tensor = x.clamp(min=0)
    return result
