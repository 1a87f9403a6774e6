"""Losses over pairs and triplets of examples, as modules."""

from __future__ import annotations

from collections.abc import Callable

from microbp.errors import OptionError
from microbp.nn import functional
from microbp.nn.distance import PairwiseDistance
from microbp.nn.loss import Loss
from microbp.tensor import Tensor

__all__ = [
    "CosineEmbeddingLoss",
    "HingeEmbeddingLoss",
    "MarginRankingLoss",
    "TripletMarginLoss",
    "TripletMarginWithDistanceLoss",
]


class HingeEmbeddingLoss(Loss):
    """Small for pairs that are near or far as they should be: see `microbp.nn.functional.hinge_embedding_loss`."""

    def __init__(
        self, margin: float = 1.0, size_average: None = None, reduce: None = None, reduction: str = "mean"
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.margin = margin

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return functional.hinge_embedding_loss(input, target, self.margin, reduction=self.reduction)


class PairLoss(Loss):
    """Base of the losses of two inputs and whether the pair belongs together, or which is to rank higher."""

    loss: Callable[..., Tensor]

    def __init__(
        self, margin: float = 0.0, size_average: None = None, reduce: None = None, reduction: str = "mean"
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.margin = margin

    def forward(self, input1: Tensor, input2: Tensor, target: Tensor) -> Tensor:
        return self.loss(input1, input2, target, self.margin, reduction=self.reduction)


class MarginRankingLoss(PairLoss):
    """max(0, margin - t (x1 - x2)): see `microbp.nn.functional.margin_ranking_loss`.

    Examples
    --------
    >>> import microbp
    >>> x, y = microbp.tensor([3.0, 1.0]), microbp.tensor([2.0, 2.0])
    >>> MarginRankingLoss()(x, y, microbp.tensor([1.0, 1.0]))
    tensor(0.5000)
    """

    loss = staticmethod(functional.margin_ranking_loss)


class CosineEmbeddingLoss(PairLoss):
    """1 - cos(x1, x2), or the cosine above a margin: see `microbp.nn.functional.cosine_embedding_loss`."""

    loss = staticmethod(functional.cosine_embedding_loss)


class TripletMarginLoss(Loss):
    """max(0, margin + d(anchor, positive) - d(anchor, negative)): see `microbp.nn.functional.triplet_margin_loss`.

    Parameters
    ----------
    margin, p, eps, swap
        As for `microbp.nn.functional.triplet_margin_loss`.
    reduction : {'mean', 'sum', 'none'}
        Mean of the losses, their sum, or the losses themselves.
    size_average, reduce
        As for `microbp.nn.functional.mse_loss`.

    Examples
    --------
    >>> import microbp
    >>> a, b, c = (microbp.tensor([[float(x), 0.0]]) for x in (0, 1, 1.5))
    >>> TripletMarginLoss()(a, b, c)
    tensor(0.5000)
    """

    def __init__(
        self,
        margin: float = 1.0,
        p: float = 2.0,
        eps: float = 1e-6,
        swap: bool = False,
        size_average: None = None,
        reduce: None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.margin = positive_margin(self, margin)
        self.p = p
        self.eps = eps
        self.swap = swap

    def forward(self, anchor: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
        return functional.triplet_margin_loss(
            anchor, positive, negative, self.margin, self.p, self.eps, self.swap, reduction=self.reduction
        )


class TripletMarginWithDistanceLoss(Loss):
    """`TripletMarginLoss` with a distance of one's own.

    Parameters
    ----------
    distance_function : callable, optional
        As for `microbp.nn.functional.triplet_margin_with_distance_loss`; `PairwiseDistance` by default.
    margin, swap, reduction
        As for `TripletMarginLoss`.

    Raises
    ------
    OptionError
        If the margin is not positive.

    Examples
    --------
    >>> import microbp
    >>> a, b, c = microbp.tensor([0.0]), microbp.tensor([1.0]), microbp.tensor([1.5])
    >>> TripletMarginWithDistanceLoss(distance_function=lambda x, y: (x - y).abs())(a, b, c)
    tensor(0.5000)
    """

    def __init__(
        self,
        *,
        distance_function: Callable[[Tensor, Tensor], Tensor] | None = None,
        margin: float = 1.0,
        swap: bool = False,
        reduction: str = "mean",
    ) -> None:
        super().__init__(reduction=reduction)
        self.margin = positive_margin(self, margin)
        self.distance_function = PairwiseDistance() if distance_function is None else distance_function
        self.swap = swap

    def forward(self, anchor: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
        return functional.triplet_margin_with_distance_loss(
            anchor,
            positive,
            negative,
            distance_function=self.distance_function,
            margin=self.margin,
            swap=self.swap,
            reduction=self.reduction,
        )


def positive_margin(loss: Loss, margin: float) -> float:
    """A margin, if it is one."""
    if margin <= 0:
        raise OptionError(f"{loss._get_name()}: expected margin to be greater than 0, got {margin}")
    return margin
