"""Schedulers made of schedulers."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any

from microbp.errors import OptionError
from microbp.optim.lr_scheduler.plateau import ReduceLROnPlateau
from microbp.optim.lr_scheduler.scheduler import LRScheduler, set_option
from microbp.optim.optimizer import Optimizer

__all__ = ["ChainedScheduler", "SequentialLR"]


class Composed(LRScheduler):
    """What schedulers made of schedulers share."""

    _schedulers: list[LRScheduler]

    def take(self, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None) -> Optimizer:
        """Take over the parts, which must all be of one optimizer."""
        name = type(self).__name__
        parts = list(schedulers)
        if not parts:
            raise OptionError(f"{name} needs at least one scheduler")
        owner = parts[0].optimizer if optimizer is None else optimizer
        for k, part in enumerate(parts):
            if isinstance(part, ReduceLROnPlateau):
                raise OptionError(f"{name} does not take ReduceLROnPlateau (number {k}), whose step needs a metric")
            if part.optimizer is not owner:
                raise OptionError(f"{name}: scheduler {k}, a {type(part).__name__}, is of another optimizer")
        self._schedulers = parts
        return owner

    def state_dict(self) -> dict[str, Any]:
        """All that the scheduler and its parts remember."""
        state = super().state_dict()
        state["_schedulers"] = [part.state_dict() for part in self._schedulers]
        return state

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over what `state_dict` returned."""
        super().load_state_dict({name: value for name, value in state_dict.items() if name != "_schedulers"})
        for part, state in zip(self._schedulers, state_dict["_schedulers"], strict=True):
            part.load_state_dict(state)


class SequentialLR(Composed):
    """One scheduler after another.

    Parameters
    ----------
    optimizer : Optimizer
        Whose rates change.
    schedulers : list of LRScheduler
        In order; all of this optimizer.
    milestones : list of int
        The epochs at which the second, the third, ... takes over.
    last_epoch : int
        The epoch to go on from.

    Raises
    ------
    OptionError
        If there is not one milestone less than schedulers, or one is of another optimizer.

    Examples
    --------
    >>> import microbp
    >>> from microbp.optim.lr_scheduler import ConstantLR, ExponentialLR, LinearLR
    >>> optimizer = microbp.optim.SGD([microbp.zeros(2, requires_grad=True)], lr=0.5)
    >>> warmup = LinearLR(optimizer, start_factor=0.5, total_iters=2)
    >>> scheduler = SequentialLR(optimizer, [warmup, ExponentialLR(optimizer, gamma=0.5)], milestones=[2])
    >>> for _ in range(5):
    ...     print(scheduler.get_last_lr()[0], end=" ")
    ...     optimizer.step()
    ...     scheduler.step()
    0.25 0.375 0.5 0.25 0.125
    """

    def __init__(
        self, optimizer: Optimizer, schedulers: list[LRScheduler], milestones: list[int], last_epoch: int = -1
    ) -> None:
        self.optimizer = self.take(schedulers, optimizer)
        if len(milestones) != len(schedulers) - 1:
            raise OptionError(
                f"SequentialLR needs one milestone less than schedulers, got {len(milestones)} milestones and "
                f"{len(schedulers)} schedulers"
            )
        self._milestones = list(milestones)
        self.last_epoch = last_epoch + 1
        self._step_count = 1
        for group in optimizer.param_groups:
            set_option(group, "lr", group["initial_lr"])
        undo(self)
        first = self._schedulers[bisect_right(self._milestones, 0)]
        first.advance()
        self.base_lrs = first.base_lrs
        self._last_lr = first.get_last_lr()

    def advance(self) -> None:
        self._step_count += 1
        self.last_epoch += 1
        current = bisect_right(self._milestones, self.last_epoch)
        part = self._schedulers[current]
        if current and self._milestones[current - 1] == self.last_epoch:
            part.restart()
        else:
            part.advance()
        self._last_lr = part.get_last_lr()

    def restart(self) -> None:
        self.last_epoch = 0
        first = self._schedulers[bisect_right(self._milestones, 0)]
        first.restart()
        self._last_lr = first.get_last_lr()


def undo(scheduler: LRScheduler) -> None:
    """Take back the first step that a scheduler, and the parts of it, made when they were created."""
    if isinstance(scheduler, Composed):
        for part in scheduler._schedulers:
            undo(part)
    else:
        scheduler.last_epoch -= 1
        scheduler._step_count -= 1


class ChainedScheduler(Composed):
    """Several schedulers at once, each of which changes the rates that the one before left.

    Parameters
    ----------
    schedulers : sequence of LRScheduler
        In order; all of one optimizer.
    optimizer : Optimizer, optional
        By default that of the first scheduler.

    Raises
    ------
    OptionError
        If there is none, or one is of another optimizer.

    Examples
    --------
    >>> import microbp
    >>> from microbp.optim.lr_scheduler import ConstantLR, ExponentialLR, LinearLR
    >>> optimizer = microbp.optim.SGD([microbp.zeros(2, requires_grad=True)], lr=0.5)
    >>> scheduler = ChainedScheduler([ConstantLR(optimizer, 0.5, 1), ExponentialLR(optimizer, 0.5)])
    >>> for _ in range(3):
    ...     print(scheduler.get_last_lr()[0], end=" ")
    ...     optimizer.step()
    ...     scheduler.step()
    0.25 0.25 0.125
    """

    def __init__(self, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None = None) -> None:
        self.optimizer = self.take(schedulers, optimizer)
        self.last_epoch = self._schedulers[0].last_epoch
        self._step_count = 1
        self.base_lrs = self._schedulers[0].base_lrs
        self._last_lr = self.rates()

    def advance(self) -> None:
        self._step_count += 1
        self.last_epoch += 1
        for part in self._schedulers:
            part.advance()
        self._last_lr = self.rates()

    def restart(self) -> None:
        self.last_epoch = 0
        for part in self._schedulers:
            part.restart()
        self._last_lr = self.rates()
