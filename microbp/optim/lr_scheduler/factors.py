"""Schedulers that multiply the learning rate by a factor which depends on the epoch.

Most multiply the rate that is there, not the first one, so that they can be combined, and that
a rate set by hand in between is not undone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from microbp.errors import OptionError
from microbp.optim.lr_scheduler.scheduler import LRScheduler, check_functions
from microbp.optim.optimizer import Optimizer

__all__ = [
    "ConstantLR",
    "ExponentialLR",
    "LambdaLR",
    "LinearLR",
    "MultiStepLR",
    "MultiplicativeLR",
    "PolynomialLR",
    "StepLR",
]

Lambda = Callable[[int], float]


class LambdaLR(LRScheduler):
    """The first rate times a function of the epoch.

    Parameters
    ----------
    optimizer : Optimizer
        Whose rates change.
    lr_lambda : callable, or list of callable
        ``lr_lambda(epoch)`` is the factor; a list has one for each group.
    last_epoch : int
        The epoch to go on from.

    Examples
    --------
    >>> import microbp
    >>> optimizer = microbp.optim.SGD([microbp.zeros(2, requires_grad=True)], lr=0.5)
    >>> scheduler = LambdaLR(optimizer, lambda epoch: 0.5**epoch)
    >>> optimizer.step()
    >>> scheduler.step()
    >>> scheduler.get_last_lr()
    [0.25]
    """

    def __init__(self, optimizer: Optimizer, lr_lambda: Lambda | list[Lambda], last_epoch: int = -1) -> None:
        self.optimizer = optimizer
        self.lr_lambdas: list[Lambda] = self.per_group("lr_lambda", lr_lambda)
        check_functions("lr_lambda", self.lr_lambdas)
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        return [base * factor(self.last_epoch) for factor, base in zip(self.lr_lambdas, self.base_lrs, strict=True)]


class MultiplicativeLR(LambdaLR):
    """The rate of the epoch before times a function of the epoch.

    Parameters
    ----------
    optimizer, lr_lambda, last_epoch
        As for `LambdaLR`.

    Examples
    --------
    >>> import microbp
    >>> optimizer = microbp.optim.SGD([microbp.zeros(2, requires_grad=True)], lr=0.5)
    >>> scheduler = MultiplicativeLR(optimizer, lambda epoch: 0.5)
    >>> for _ in range(2):
    ...     optimizer.step()
    ...     scheduler.step()
    >>> scheduler.get_last_lr()
    [0.125]
    """

    def get_lr(self) -> list[float]:
        return self.rates() if self.last_epoch <= 0 else self.multiplied()

    def multiplied(self) -> list[float]:
        """The present rates times the factors of the epoch."""
        return [rate * factor(self.last_epoch) for factor, rate in zip(self.lr_lambdas, self.rates(), strict=True)]

    def restart(self) -> None:
        self.last_epoch = 0
        self.set_rates(self.multiplied())  # it has no first rates to go back to


class Multiplied(LRScheduler):
    """Base of the schedulers with one factor for all groups."""

    def factor(self, epoch: int) -> float:
        """What the rate of the epoch before is multiplied by; in epoch 0, the first rate."""
        raise NotImplementedError

    def get_lr(self) -> list[float]:
        factor = self.factor(self.last_epoch)
        return [rate * factor for rate in self.rates()]


class StepLR(Multiplied):
    """A factor every so many epochs.

    Parameters
    ----------
    optimizer : Optimizer
        Whose rates change.
    step_size : int
        How many epochs a rate lasts.
    gamma : float
        The factor.
    last_epoch : int
        The epoch to go on from.

    Raises
    ------
    OptionError
        If `step_size` is less than 1.

    Examples
    --------
    >>> import microbp
    >>> optimizer = microbp.optim.SGD([microbp.zeros(2, requires_grad=True)], lr=0.5)
    >>> scheduler = StepLR(optimizer, step_size=2, gamma=0.5)
    >>> for _ in range(4):
    ...     optimizer.step()
    ...     scheduler.step()
    >>> scheduler.get_last_lr()
    [0.125]
    """

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1) -> None:
        if step_size < 1:
            raise OptionError(f"StepLR needs a step_size of at least 1, got {step_size}")
        self.step_size = step_size
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def factor(self, epoch: int) -> float:
        return self.gamma if epoch and epoch % self.step_size == 0 else 1.0


class MultiStepLR(Multiplied):
    """A factor at each of some epochs.

    Parameters
    ----------
    optimizer : Optimizer
        Whose rates change.
    milestones : iterable of int
        The epochs; one that is given twice counts twice.
    gamma : float
        The factor.
    last_epoch : int
        The epoch to go on from.

    Examples
    --------
    >>> import microbp
    >>> optimizer = microbp.optim.SGD([microbp.zeros(2, requires_grad=True)], lr=0.5)
    >>> scheduler = MultiStepLR(optimizer, milestones=[1, 3], gamma=0.5)
    >>> for _ in range(4):
    ...     optimizer.step()
    ...     scheduler.step()
    >>> scheduler.get_last_lr()
    [0.125]
    """

    def __init__(
        self, optimizer: Optimizer, milestones: Iterable[int], gamma: float = 0.1, last_epoch: int = -1
    ) -> None:
        self.milestones = Counter(milestones)
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def factor(self, epoch: int) -> float:
        return float(self.gamma ** self.milestones[epoch])


class ConstantLR(Multiplied):
    """The first rate times a factor for some epochs, then the first rate itself.

    Parameters
    ----------
    optimizer : Optimizer
        Whose rates change.
    factor : float
        The factor.
    total_iters : int
        For how many epochs.
    last_epoch : int
        The epoch to go on from.

    Raises
    ------
    OptionError
        If the factor is not from 0 to 1.

    Examples
    --------
    >>> import microbp
    >>> optimizer = microbp.optim.SGD([microbp.zeros(2, requires_grad=True)], lr=0.5)
    >>> scheduler = ConstantLR(optimizer, factor=0.5, total_iters=1)
    >>> optimizer.param_groups[0]["lr"]
    0.25
    >>> optimizer.step()
    >>> scheduler.step()
    >>> optimizer.param_groups[0]["lr"]
    0.5
    """

    def __init__(
        self, optimizer: Optimizer, factor: float = 1.0 / 3, total_iters: int = 5, last_epoch: int = -1
    ) -> None:
        if not 0 <= factor <= 1:
            raise OptionError(f"ConstantLR needs a factor from 0 to 1, got {factor}")
        self.first_factor = factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def factor(self, epoch: int) -> float:
        if epoch == 0:
            return self.first_factor
        return 1 / self.first_factor if epoch == self.total_iters else 1.0


class LinearLR(Multiplied):
    """The first rate times a factor that goes from one value to another, evenly over some epochs.

    Parameters
    ----------
    optimizer : Optimizer
        Whose rates change.
    start_factor, end_factor : float
        The factor in the first epoch, and after the last of them.
    total_iters : int
        Over how many epochs.
    last_epoch : int
        The epoch to go on from.

    Raises
    ------
    OptionError
        If a factor is not from 0 to 1, or the first one is 0.

    Examples
    --------
    >>> import microbp
    >>> optimizer = microbp.optim.SGD([microbp.zeros(2, requires_grad=True)], lr=0.5)
    >>> scheduler = LinearLR(optimizer, start_factor=0.5, total_iters=2)
    >>> for _ in range(3):
    ...     print(scheduler.get_last_lr())
    ...     optimizer.step()
    ...     scheduler.step()
    [0.25]
    [0.375]
    [0.5]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: float = 1.0 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:
        if not 0 < start_factor <= 1:
            raise OptionError(f"LinearLR needs a start_factor above 0, of at most 1, got {start_factor}")
        if not 0 <= end_factor <= 1:
            raise OptionError(f"LinearLR needs an end_factor from 0 to 1, got {end_factor}")
        self.start_factor = start_factor
        self.end_factor = end_factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def factor(self, epoch: int) -> float:
        if epoch == 0:
            return self.start_factor
        if epoch > self.total_iters:
            return 1.0
        rise = self.end_factor - self.start_factor
        return 1 + rise / (self.total_iters * self.start_factor + (epoch - 1) * rise)


class ExponentialLR(Multiplied):
    """A factor in every epoch.

    Parameters
    ----------
    optimizer : Optimizer
        Whose rates change.
    gamma : float
        The factor.
    last_epoch : int
        The epoch to go on from.

    Examples
    --------
    >>> import microbp
    >>> optimizer = microbp.optim.SGD([microbp.zeros(2, requires_grad=True)], lr=0.5)
    >>> scheduler = ExponentialLR(optimizer, gamma=0.5)
    >>> optimizer.step()
    >>> scheduler.step()
    >>> scheduler.get_last_lr()
    [0.25]
    """

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1) -> None:
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def factor(self, epoch: int) -> float:
        return self.gamma if epoch else 1.0


class PolynomialLR(Multiplied):
    """The first rate times (1 - epoch / total_iters)^power, down to 0.

    Parameters
    ----------
    optimizer : Optimizer
        Whose rates change.
    total_iters : int
        After how many epochs the rate is 0.
    power : float
        The power; 1 is a straight line.
    last_epoch : int
        The epoch to go on from.

    Examples
    --------
    >>> import microbp
    >>> optimizer = microbp.optim.SGD([microbp.zeros(2, requires_grad=True)], lr=0.5)
    >>> scheduler = PolynomialLR(optimizer, total_iters=4)
    >>> optimizer.step()
    >>> scheduler.step()
    >>> scheduler.get_last_lr()
    [0.375]
    """

    def __init__(self, optimizer: Optimizer, total_iters: int = 5, power: float = 1.0, last_epoch: int = -1) -> None:
        self.total_iters = total_iters
        self.power = power
        super().__init__(optimizer, last_epoch)

    def factor(self, epoch: int) -> float:
        if not 0 < epoch <= self.total_iters:
            return 1.0
        left: Any = (1 - epoch / self.total_iters) / (1 - (epoch - 1) / self.total_iters)
        return float(left**self.power)
