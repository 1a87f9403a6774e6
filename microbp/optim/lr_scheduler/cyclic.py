"""Learning rates that rise and fall, with momentum that falls and rises.

Sources: Smith, "Cyclical Learning Rates for Training Neural Networks" (WACV 2017); Smith &
Topin, "Super-Convergence: Very Fast Training of Neural Networks Using Large Learning Rates" (2018).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from microbp.errors import OptionError
from microbp.optim.lr_scheduler.scheduler import LRScheduler, set_option
from microbp.optim.optimizer import Optimizer

__all__ = ["CyclicLR", "OneCycleLR"]


class WithMomentum(LRScheduler):
    """What schedulers share that change the momentum against the learning rate."""

    cycle_momentum: bool

    def momentum_option(self) -> str:
        """What the optimizer calls its momentum."""
        for name in ("betas", "momentum"):
            if name in self.optimizer.defaults:
                return name
        raise OptionError(
            f"{type(self).__name__} changes the momentum, and {type(self.optimizer).__name__} has none; "
            "pass cycle_momentum=False"
        )

    def set_momenta(self, values: list[float]) -> None:
        """Put a momentum into each group; for Adam and its like that is the first beta."""
        name = self.momentum_option()
        for group, value in zip(self.optimizer.param_groups, values, strict=True):
            if name == "betas":
                group["betas"] = (value, *group["betas"][1:])
            else:
                set_option(group, name, value)


class CyclicLR(WithMomentum):
    """Up to the largest rate in a straight line and down again, over and over; stepped after every batch.

    Parameters
    ----------
    optimizer : Optimizer
        Whose rates change.
    base_lr, max_lr : float, or list of float
        The least and the largest rate; a list has one for each group.
    step_size_up, step_size_down : int
        The number of steps up, and down; equal by default.
    mode : {'triangular', 'triangular2', 'exp_range'}
        Whether the cycles stay as they are, are halved each time, or shrink by `gamma` with each step.
    gamma : float
        For ``'exp_range'``.
    scale_fn : callable, optional
        A factor of one's own for the height of the cycle, in place of `mode`.
    scale_mode : {'cycle', 'iterations'}
        Whether `scale_fn` is told the number of the cycle or of the step.
    cycle_momentum : bool
        Move the momentum the other way, between `max_momentum` and `base_momentum`.
    base_momentum, max_momentum : float, or list of float
        Its bounds.
    last_epoch : int
        The step to go on from.

    Raises
    ------
    OptionError
        If an option makes no sense, or the optimizer has no momentum to cycle.

    Examples
    --------
    >>> import microbp
    >>> optimizer = microbp.optim.SGD([microbp.zeros(2, requires_grad=True)], lr=0.1, momentum=0.9)
    >>> scheduler = CyclicLR(optimizer, base_lr=0.125, max_lr=0.5, step_size_up=3)
    >>> for _ in range(5):
    ...     print(f"{scheduler.get_last_lr()[0]:.3f}", end=" ")
    ...     optimizer.step()
    ...     scheduler.step()
    0.125 0.250 0.375 0.500 0.375
    """

    def __init__(
        self,
        optimizer: Optimizer,
        base_lr: float | list[float],
        max_lr: float | list[float],
        step_size_up: int = 2000,
        step_size_down: int | None = None,
        mode: str = "triangular",
        gamma: float = 1.0,
        scale_fn: Callable[[float], float] | None = None,
        scale_mode: str = "cycle",
        cycle_momentum: bool = True,
        base_momentum: float | list[float] = 0.8,
        max_momentum: float | list[float] = 0.9,
        last_epoch: int = -1,
    ) -> None:
        if mode not in ("triangular", "triangular2", "exp_range") and scale_fn is None:
            raise OptionError(f"CyclicLR: mode is 'triangular', 'triangular2' or 'exp_range', got {mode!r}")
        self.optimizer = optimizer
        bases = self.per_group("base_lr", base_lr)
        if last_epoch == -1:
            for group, base in zip(optimizer.param_groups, bases, strict=True):
                set_option(group, "lr", base)
                group["initial_lr"] = base
        self.max_lrs: list[float] = self.per_group("max_lr", max_lr)
        self.total_size = float(step_size_up + (step_size_up if step_size_down is None else step_size_down))
        self.step_ratio = step_size_up / self.total_size
        self.mode = mode
        self.gamma = gamma
        self.scale_fn = scale_fn
        self.scale_mode = scale_mode if scale_fn is not None else "iterations" if mode == "exp_range" else "cycle"
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self.base_momentums: list[float] = self.per_group("base_momentum", base_momentum)
            self.max_momentums: list[float] = self.per_group("max_momentum", max_momentum)
            self.momentum_option()
        super().__init__(optimizer, last_epoch)
        self.base_lrs = bases

    def scale(self, x: float) -> float:
        """The height of the cycle, for its number, counted from 1, or that of the step."""
        if self.scale_fn is not None:
            return self.scale_fn(x)
        return float({"triangular": 1.0, "triangular2": 0.5 ** (x - 1), "exp_range": self.gamma**x}[self.mode])

    def get_lr(self) -> list[float]:
        cycle = math.floor(1 + self.last_epoch / self.total_size)
        x = 1 + self.last_epoch / self.total_size - cycle
        height = x / self.step_ratio if x <= self.step_ratio else (x - 1) / (self.step_ratio - 1)
        height *= self.scale(cycle if self.scale_mode == "cycle" else self.last_epoch)
        if self.cycle_momentum:
            pairs = zip(self.base_momentums, self.max_momentums, strict=True)
            self.set_momenta([most - (most - least) * height for least, most in pairs])
        return [base + (most - base) * height for base, most in zip(self.base_lrs, self.max_lrs, strict=True)]


class OneCycleLR(WithMomentum):
    """Up to the largest rate, and down to far below the first, once over the whole of training; stepped every batch.

    Parameters
    ----------
    optimizer : Optimizer
        Whose rates change.
    max_lr : float, or list of float
        The largest rate; a list has one for each group.
    total_steps : int, optional
        The number of steps of the cycle; else it is ``epochs * steps_per_epoch``.
    epochs, steps_per_epoch : int, optional
        These.
    pct_start : float
        The part of the cycle that the rate rises in.
    anneal_strategy : {'cos', 'linear'}
        The form of the rise and the fall.
    cycle_momentum : bool
        Move the momentum the other way, between `max_momentum` and `base_momentum`.
    base_momentum, max_momentum : float, or list of float
        Its bounds.
    div_factor : float
        The first rate is ``max_lr / div_factor``.
    final_div_factor : float
        The last rate is the first one divided by this.
    three_phase : bool
        Fall to the first rate as fast as it rose, and only then to the last.
    last_epoch : int
        The step to go on from.

    Raises
    ------
    OptionError
        If an option makes no sense, the optimizer has no momentum to cycle, or there are more steps than the cycle has.

    Examples
    --------
    >>> import microbp
    >>> optimizer = microbp.optim.SGD([microbp.zeros(2, requires_grad=True)], lr=0.1, momentum=0.9)
    >>> scheduler = OneCycleLR(optimizer, max_lr=0.5, total_steps=10, div_factor=5, final_div_factor=100)
    >>> for _ in range(9):
    ...     print(f"{scheduler.get_last_lr()[0]:.3f}", end=" ")
    ...     optimizer.step()
    ...     scheduler.step()
    0.100 0.300 0.500 0.475 0.406 0.306 0.195 0.095 0.026
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float | list[float],
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        cycle_momentum: bool = True,
        base_momentum: float | list[float] = 0.85,
        max_momentum: float | list[float] = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        last_epoch: int = -1,
    ) -> None:
        if total_steps is None:
            if epochs is None or steps_per_epoch is None:
                raise OptionError("OneCycleLR needs total_steps, or both epochs and steps_per_epoch")
            total_steps = epochs * steps_per_epoch
        if not isinstance(total_steps, int) or total_steps < 1:
            raise OptionError(f"OneCycleLR needs a positive integer number of steps, got {total_steps!r}")
        if not isinstance(pct_start, int | float) or not 0 <= pct_start <= 1:
            raise OptionError(f"OneCycleLR needs a pct_start from 0 to 1, got {pct_start!r}")
        if anneal_strategy not in ("cos", "linear"):
            raise OptionError(f"OneCycleLR: anneal_strategy is 'cos' or 'linear', got {anneal_strategy!r}")
        self.optimizer = optimizer
        self.total_steps = total_steps
        self.anneal_strategy = anneal_strategy
        rise = pct_start * total_steps - 1
        # Each phase: its last step, and the rates and momenta, by name, that it goes from and to.
        self.phases: list[tuple[float, str, str]] = [(rise, "initial", "max")]
        if three_phase:
            self.phases.append((2 * pct_start * total_steps - 2, "max", "initial"))
            self.phases.append((total_steps - 1, "initial", "min"))
        else:
            self.phases.append((total_steps - 1, "max", "min"))
        most = self.per_group("max_lr", max_lr)
        if last_epoch == -1:
            for group, rate in zip(optimizer.param_groups, most, strict=True):
                group["initial_lr"] = rate / div_factor
                group["max_lr"] = rate
                group["min_lr"] = group["initial_lr"] / final_div_factor
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self.momentum_option()
            if last_epoch == -1:
                least_momenta = self.per_group("base_momentum", base_momentum)
                most_momenta = self.per_group("max_momentum", max_momentum)
                for group, lowest, highest in zip(optimizer.param_groups, least_momenta, most_momenta, strict=True):
                    group["base_momentum"], group["max_momentum"] = lowest, highest
        super().__init__(optimizer, last_epoch)

    def between(self, start: float, end: float, share: float) -> float:
        """A value part of the way from one to another."""
        if self.anneal_strategy == "linear":
            return start + (end - start) * share
        return end + (start - end) / 2 * (1 + math.cos(math.pi * share))

    def get_lr(self) -> list[float]:
        step = self.last_epoch
        if step >= self.total_steps:
            raise OptionError(f"OneCycleLR was stepped {step} times, but its cycle has {self.total_steps} steps")
        number = next((k for k, phase in enumerate(self.phases) if step <= phase[0]), len(self.phases) - 1)
        begin = self.phases[number - 1][0] if number else 0.0
        end, source, target = self.phases[number]
        share = (step - begin) / (end - begin)
        # The momentum is least where the rate is largest.
        momenta = {"initial": "max_momentum", "max": "base_momentum", "min": "max_momentum"}
        groups: list[dict[str, Any]] = self.optimizer.param_groups
        if self.cycle_momentum:
            self.set_momenta([self.between(group[momenta[source]], group[momenta[target]], share) for group in groups])
        return [self.between(group[f"{source}_lr"], group[f"{target}_lr"], share) for group in groups]
