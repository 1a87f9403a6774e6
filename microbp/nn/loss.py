"""Losses as modules."""

from __future__ import annotations

from microbp.nn import functional
from microbp.nn.functional.check import check_reduction
from microbp.nn.module import Module
from microbp.tensor import Tensor

__all__ = [
    "BCELoss",
    "BCEWithLogitsLoss",
    "CrossEntropyLoss",
    "HuberLoss",
    "KLDivLoss",
    "L1Loss",
    "MSELoss",
    "NLLLoss",
    "SmoothL1Loss",
]


class Loss(Module):
    """Base of the losses: holds how to reduce a loss per element to a number.

    Parameters
    ----------
    size_average, reduce : None
        Deprecated in PyTorch; refused here.
    reduction : {'mean', 'sum', 'none'}
        Mean of the losses, their sum, or the losses themselves.
    """

    reductions: tuple[str, ...] = ()

    def __init__(self, size_average: None = None, reduce: None = None, reduction: str = "mean") -> None:
        super().__init__()
        check_reduction(type(self).__name__, reduction, size_average, reduce, self.reductions)
        self.reduction = reduction


class WeightedLoss(Loss):
    """Base of the losses with weights, which are a buffer."""

    weight: Tensor | None

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: None = None,
        reduce: None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.register_buffer("weight", weight)


class MSELoss(Loss):
    """Squared error: see `microbp.nn.functional.mse_loss`.

    Examples
    --------
    >>> import microbp
    >>> MSELoss()(microbp.tensor([1.0, 2.0]), microbp.tensor([1.0, 4.0]))
    tensor(2.)
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return functional.mse_loss(input, target, reduction=self.reduction)


class L1Loss(Loss):
    """Absolute error: see `microbp.nn.functional.l1_loss`."""

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return functional.l1_loss(input, target, reduction=self.reduction)


class SmoothL1Loss(Loss):
    """Absolute error with a parabola for a tip: see `microbp.nn.functional.smooth_l1_loss`."""

    def __init__(
        self, size_average: None = None, reduce: None = None, reduction: str = "mean", beta: float = 1.0
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.beta = beta

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return functional.smooth_l1_loss(input, target, reduction=self.reduction, beta=self.beta)


class HuberLoss(Loss):
    """Squared error near 0, absolute error beyond: see `microbp.nn.functional.huber_loss`."""

    def __init__(self, reduction: str = "mean", delta: float = 1.0) -> None:
        super().__init__(reduction=reduction)
        self.delta = delta

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return functional.huber_loss(input, target, reduction=self.reduction, delta=self.delta)


class CrossEntropyLoss(WeightedLoss):
    """Cross entropy of logits and class labels or probabilities: see `microbp.nn.functional.cross_entropy`.

    Parameters
    ----------
    weight : Tensor, optional
        A factor for each class.
    ignore_index : int
        The label that does not count.
    reduction : {'mean', 'sum', 'none'}
        Mean of the losses, their sum, or the losses themselves.
    label_smoothing : float
        The share of the target that is spread over all classes.
    size_average, reduce
        As for `microbp.nn.functional.mse_loss`.

    Examples
    --------
    >>> import microbp
    >>> CrossEntropyLoss()(microbp.zeros(5, 4), microbp.tensor([0, 1, 2, 3, 0]))
    tensor(1.3863)
    """

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: None = None,
        ignore_index: int = -100,
        reduce: None = None,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(weight, size_average, reduce, reduction)
        self.ignore_index = ignore_index
        self.label_smoothing = label_smoothing

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return functional.cross_entropy(
            input,
            target,
            weight=self._buffers["weight"],
            ignore_index=self.ignore_index,
            reduction=self.reduction,
            label_smoothing=self.label_smoothing,
        )


class NLLLoss(WeightedLoss):
    """Negative log-likelihood of class labels: see `microbp.nn.functional.nll_loss`."""

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: None = None,
        ignore_index: int = -100,
        reduce: None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(weight, size_average, reduce, reduction)
        self.ignore_index = ignore_index

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return functional.nll_loss(
            input, target, weight=self.weight, ignore_index=self.ignore_index, reduction=self.reduction
        )


class BCELoss(WeightedLoss):
    """Cross entropy of probabilities of yes or no: see `microbp.nn.functional.binary_cross_entropy`."""

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return functional.binary_cross_entropy(input, target, weight=self.weight, reduction=self.reduction)


class BCEWithLogitsLoss(WeightedLoss):
    """Cross entropy of logits of yes or no: see `microbp.nn.functional.binary_cross_entropy_with_logits`.

    Parameters
    ----------
    weight : Tensor, optional
        A factor for each element, broadcast.
    reduction : {'mean', 'sum', 'none'}
        Mean of the losses, their sum, or the losses themselves.
    pos_weight : Tensor, optional
        A factor for positive examples, broadcast.
    size_average, reduce
        As for `microbp.nn.functional.mse_loss`.
    """

    pos_weight: Tensor | None

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: None = None,
        reduce: None = None,
        reduction: str = "mean",
        pos_weight: Tensor | None = None,
    ) -> None:
        super().__init__(weight, size_average, reduce, reduction)
        self.register_buffer("pos_weight", pos_weight)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return functional.binary_cross_entropy_with_logits(
            input, target, self.weight, pos_weight=self.pos_weight, reduction=self.reduction
        )


class KLDivLoss(Loss):
    """Kullback-Leibler divergence: see `microbp.nn.functional.kl_div`."""

    reductions = ("batchmean",)

    def __init__(
        self, size_average: None = None, reduce: None = None, reduction: str = "mean", log_target: bool = False
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.log_target = log_target

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return functional.kl_div(input, target, reduction=self.reduction, log_target=self.log_target)
