"""Learning rates that fall along half a cosine.

Source: Loshchilov & Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts" (ICLR 2017), eq. 5.
"""

from __future__ import annotations

import math

from microbp.errors import OptionError
from microbp.optim.lr_scheduler.scheduler import LRScheduler
from microbp.optim.optimizer import Optimizer

__all__ = ["CosineAnnealingLR", "CosineAnnealingWarmRestarts"]


class CosineAnnealingLR(LRScheduler):
    """From the first rate down to the least along half a cosine, and up again.

    In epoch t: η_min + (η - η_min) (1 + cos(π t / T)) / 2.

    Parameters
    ----------
    optimizer : Optimizer
        Whose rates change.
    T_max : int
        T, the epoch of the least rate.
    eta_min : float
        η_min, the least rate.
    last_epoch : int
        The epoch to go on from.

    Examples
    --------
    >>> import microbp
    >>> optimizer = microbp.optim.SGD([microbp.zeros(2, requires_grad=True)], lr=0.5)
    >>> scheduler = CosineAnnealingLR(optimizer, T_max=4)
    >>> for _ in range(2):
    ...     optimizer.step()
    ...     scheduler.step()
    >>> print(f"{scheduler.get_last_lr()[0]:.4f}")
    0.2500
    """

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1) -> None:
        self.T_max = T_max
        self.eta_min = eta_min
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        epoch = self.last_epoch
        if epoch == 0:
            return self.rates()
        before, now = (1 + math.cos(math.pi * t / self.T_max) for t in (epoch - 1, epoch))
        if (epoch - 1 - self.T_max) % (2 * self.T_max) == 0:  # from the least rate, nothing can be multiplied
            rise = (1 - math.cos(math.pi / self.T_max)) / 2
            return [rate + (base - self.eta_min) * rise for rate, base in zip(self.rates(), self.base_lrs, strict=True)]
        return [self.eta_min + now / before * (rate - self.eta_min) for rate in self.rates()]


class CosineAnnealingWarmRestarts(LRScheduler):
    """From the first rate down to the least along half a cosine, then at once from the first rate again.

    Parameters
    ----------
    optimizer : Optimizer
        Whose rates change.
    T_0 : int
        The number of epochs until the first restart.
    T_mult : int
        A factor of that number after each restart.
    eta_min : float
        The least rate.
    last_epoch : int
        The epoch to go on from.

    Raises
    ------
    OptionError
        If `T_0` or `T_mult` is no positive integer.

    Examples
    --------
    >>> import microbp
    >>> optimizer = microbp.optim.SGD([microbp.zeros(2, requires_grad=True)], lr=0.5)
    >>> scheduler = CosineAnnealingWarmRestarts(optimizer, T_0=2)
    >>> for _ in range(4):
    ...     print(f"{scheduler.get_last_lr()[0]:.4f}", end=" ")
    ...     optimizer.step()
    ...     scheduler.step()
    0.5000 0.2500 0.5000 0.2500
    """

    def __init__(
        self, optimizer: Optimizer, T_0: int, T_mult: int = 1, eta_min: float = 0.0, last_epoch: int = -1
    ) -> None:
        for name, value in (("T_0", T_0), ("T_mult", T_mult)):
            if not isinstance(value, int) or value < 1:
                raise OptionError(f"CosineAnnealingWarmRestarts needs a positive integer {name}, got {value!r}")
        self.T_0 = T_0
        self.T_mult = T_mult
        self.eta_min = eta_min
        self.T_i = T_0
        self.T_cur: float = last_epoch
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        share = (1 + math.cos(math.pi * self.T_cur / self.T_i)) / 2
        return [self.eta_min + (base - self.eta_min) * share for base in self.base_lrs]

    def step(self, epoch: float | None = None) -> None:
        """Go on to the next epoch, or to any, which may be a fraction: ``step(epoch + batch / batches)``.

        Parameters
        ----------
        epoch : float, optional
            Where to go; the next epoch without it.

        Raises
        ------
        OptionError
            If `epoch` is negative.
        """
        if epoch is None:
            super().step()
            return
        if epoch < 0:
            raise OptionError(f"CosineAnnealingWarmRestarts.step needs an epoch of at least 0, got {epoch}")
        self.T_cur, self.T_i = epoch, self.T_0
        while self.T_cur >= self.T_i:
            self.T_cur -= self.T_i
            self.T_i *= self.T_mult
        self._step_count += 1
        self.last_epoch = math.floor(epoch)
        self.set_rates(self.get_lr())

    def advance(self) -> None:
        self.T_cur += 1
        if self.T_cur >= self.T_i:
            self.T_cur -= self.T_i
            self.T_i *= self.T_mult
        super().advance()

    def restart(self) -> None:
        self.step(0)
