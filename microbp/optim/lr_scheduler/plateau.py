"""Lower the learning rate when training makes no more progress."""

from __future__ import annotations

import math
from typing import Any

from microbp.errors import OptionError
from microbp.optim.lr_scheduler.scheduler import LRScheduler, set_option
from microbp.optim.optimizer import Optimizer

__all__ = ["ReduceLROnPlateau"]


class ReduceLROnPlateau(LRScheduler):
    """Multiply the rates by a factor when a metric has not improved for some epochs.

    Parameters
    ----------
    optimizer : Optimizer
        Whose rates change.
    mode : {'min', 'max'}
        Whether a smaller or a larger metric is better.
    factor : float
        The factor, less than 1.
    patience : int
        How many epochs without progress are let pass.
    threshold : float
        What counts as progress: a change of the best metric by more than this.
    threshold_mode : {'rel', 'abs'}
        Whether `threshold` is a part of the best metric, or a difference.
    cooldown : int
        How many epochs to wait after the rate was lowered.
    min_lr : float, or list of float
        The least rate; a list has one for each group.
    eps : float
        Changes of the rate below this are not made.

    Raises
    ------
    OptionError
        If an option makes no sense.

    Examples
    --------
    >>> import microbp
    >>> optimizer = microbp.optim.SGD([microbp.zeros(2, requires_grad=True)], lr=0.5)
    >>> scheduler = ReduceLROnPlateau(optimizer, factor=0.5, patience=1)
    >>> for loss in (1.0, 0.5, 0.5, 0.5):
    ...     optimizer.step()
    ...     scheduler.step(loss)
    >>> scheduler.get_last_lr()
    [0.25]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        mode: str = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: str = "rel",
        cooldown: int = 0,
        min_lr: float | list[float] = 0,
        eps: float = 1e-8,
    ) -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"ReduceLROnPlateau needs an Optimizer, got {type(optimizer).__name__}")
        if factor >= 1.0:
            raise OptionError(f"ReduceLROnPlateau needs a factor less than 1, got {factor}")
        if mode not in ("min", "max"):
            raise OptionError(f"ReduceLROnPlateau: mode is 'min' or 'max', got {mode!r}")
        if threshold_mode not in ("rel", "abs"):
            raise OptionError(f"ReduceLROnPlateau: threshold_mode is 'rel' or 'abs', got {threshold_mode!r}")
        self.optimizer = optimizer
        self.mode = mode
        self.factor = factor
        self.patience = patience
        self.threshold = threshold
        self.threshold_mode = threshold_mode
        self.cooldown = cooldown
        self.min_lrs: list[float] = self.per_group("min_lr", min_lr)
        self.eps = eps
        self.last_epoch = 0
        self.cooldown_counter = 0
        self.best = math.inf if mode == "min" else -math.inf
        self.num_bad_epochs = 0
        self._last_lr = self.rates()

    def step(self, metrics: Any) -> None:  # type: ignore[override]
        """Look at the metric of the epoch that has ended, and lower the rates if it is time.

        Parameters
        ----------
        metrics : float or 0-d Tensor
            The metric, such as the loss on validation data.
        """
        current = float(metrics)
        self.last_epoch += 1
        if self.is_better(current, self.best):
            self.best = current
            self.num_bad_epochs = 0
        else:
            self.num_bad_epochs += 1
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0  # while it cools down, no epoch counts as bad
        if self.num_bad_epochs > self.patience:
            self.lower()
            self.cooldown_counter = self.cooldown
            self.num_bad_epochs = 0
        self._last_lr = self.rates()

    def is_better(self, metric: float, best: float) -> bool:
        """Whether a metric is progress over the best so far."""
        change = self.threshold if self.mode == "max" else -self.threshold
        bar = best * (1 + change) if self.threshold_mode == "rel" else best + change
        return metric > bar if self.mode == "max" else metric < bar

    def lower(self) -> None:
        """Multiply the rates by the factor, down to the least."""
        for group, rate, least in zip(self.optimizer.param_groups, self.rates(), self.min_lrs, strict=True):
            lowered = max(rate * self.factor, least)
            if rate - lowered > self.eps:
                set_option(group, "lr", lowered)
