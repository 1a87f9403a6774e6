"""Negative log-likelihoods of numbers as modules; those of classes are with the other losses."""

from __future__ import annotations

from microbp.nn import functional
from microbp.nn.loss import Loss
from microbp.tensor import Tensor

__all__ = ["GaussianNLLLoss", "PoissonNLLLoss"]


class PoissonNLLLoss(Loss):
    """-log P(t) for counts t of a Poisson distribution: see `microbp.nn.functional.poisson_nll_loss`.

    Parameters
    ----------
    log_input, full, eps
        As for `microbp.nn.functional.poisson_nll_loss`.
    reduction : {'mean', 'sum', 'none'}
        Mean of the losses, their sum, or the losses themselves.
    size_average, reduce
        As for `microbp.nn.functional.mse_loss`.

    Examples
    --------
    >>> import microbp
    >>> PoissonNLLLoss()(microbp.tensor([0.0, 0.0]), microbp.tensor([1.0, 2.0]))
    tensor(1.)
    """

    def __init__(
        self,
        log_input: bool = True,
        full: bool = False,
        size_average: None = None,
        eps: float = 1e-8,
        reduce: None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.log_input = log_input
        self.full = full
        self.eps = eps

    def forward(self, log_input: Tensor, target: Tensor) -> Tensor:
        return functional.poisson_nll_loss(
            log_input, target, self.log_input, self.full, eps=self.eps, reduction=self.reduction
        )


class GaussianNLLLoss(Loss):
    """-log p(t) for values t of a normal distribution: see `microbp.nn.functional.gaussian_nll_loss`.

    Parameters
    ----------
    full, eps
        As for `microbp.nn.functional.gaussian_nll_loss`.
    reduction : {'mean', 'sum', 'none'}
        Mean of the losses, their sum, or the losses themselves.

    Examples
    --------
    >>> import microbp
    >>> GaussianNLLLoss()(microbp.tensor([1.0, 2.0]), microbp.tensor([1.0, 4.0]), var=microbp.ones(2))
    tensor(1.)
    """

    def __init__(self, *, full: bool = False, eps: float = 1e-6, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)
        self.full = full
        self.eps = eps

    def forward(self, input: Tensor, target: Tensor, var: Tensor | float) -> Tensor:
        return functional.gaussian_nll_loss(input, target, var, self.full, self.eps, self.reduction)
