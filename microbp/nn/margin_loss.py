"""Losses over classes that ask for a margin, as modules."""

from __future__ import annotations

from microbp.errors import OptionError, ShapeError
from microbp.nn import functional
from microbp.nn.loss import Loss, WeightedLoss
from microbp.tensor import Tensor

__all__ = ["MultiLabelMarginLoss", "MultiLabelSoftMarginLoss", "MultiMarginLoss", "SoftMarginLoss"]


class SoftMarginLoss(Loss):
    """log(1 + exp(-t x)) for scores x and targets t of 1 or -1: see `microbp.nn.functional.soft_margin_loss`."""

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return functional.soft_margin_loss(input, target, reduction=self.reduction)


class MultiMarginLoss(WeightedLoss):
    """Hinge loss of scores and class labels: see `microbp.nn.functional.multi_margin_loss`.

    Parameters
    ----------
    p : {1, 2}
        The exponent.
    margin : float
        How far the right class has to be ahead.
    weight : Tensor, optional
        A factor for each class.
    reduction : {'mean', 'sum', 'none'}
        Mean of the losses, their sum, or the losses themselves.
    size_average, reduce
        As for `microbp.nn.functional.mse_loss`.

    Examples
    --------
    >>> import microbp
    >>> MultiMarginLoss()(microbp.tensor([[1.0, 0.5, 0.0]]), microbp.tensor([0]))
    tensor(0.1667)
    """

    def __init__(
        self,
        p: int = 1,
        margin: float = 1.0,
        weight: Tensor | None = None,
        size_average: None = None,
        reduce: None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(weight, size_average, reduce, reduction)
        if p not in (1, 2):
            raise OptionError(f"MultiMarginLoss: only p == 1 and p == 2 supported, got {p}")
        if weight is not None and weight.ndim != 1:
            raise ShapeError(f"MultiMarginLoss: expected weight to be None or 1D tensor, got shape {weight.shape}")
        self.p = p
        self.margin = margin

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return functional.multi_margin_loss(input, target, self.p, self.margin, self.weight, reduction=self.reduction)


class MultiLabelMarginLoss(Loss):
    """Hinge loss of scores and several class labels: see `microbp.nn.functional.multilabel_margin_loss`."""

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return functional.multilabel_margin_loss(input, target, reduction=self.reduction)


class MultiLabelSoftMarginLoss(WeightedLoss):
    """Cross entropy of logits of yes or no for each class: see `microbp.nn.functional.multilabel_soft_margin_loss`."""

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return functional.multilabel_soft_margin_loss(input, target, self.weight, reduction=self.reduction)
