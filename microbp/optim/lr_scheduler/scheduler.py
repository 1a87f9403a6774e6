"""What all schedulers share: counting epochs, and putting new learning rates into the groups."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from microbp.effect import effect
from microbp.errors import OptionError, warn
from microbp.optim.optimizer import Optimizer
from microbp.tensor import Tensor

__all__ = ["LRScheduler"]

Group = dict[str, Any]


class LRScheduler:
    """Base of the schedulers; a subclass says in `get_lr` what the next rates are.

    An *epoch* is whatever lies between two calls of `step`.

    Parameters
    ----------
    optimizer : Optimizer
        Whose learning rates are to change. Each group remembers its first one as ``initial_lr``.
    last_epoch : int
        The epoch that training goes on from; -1 at the beginning.

    Attributes
    ----------
    last_epoch : int
        The number of the present epoch; 0 at the beginning.
    base_lrs : list of float
        The rates that the groups began with.

    Raises
    ------
    TypeError
        If `optimizer` is none.
    KeyError
        If training goes on from an epoch, and a group has no ``initial_lr``.

    Examples
    --------
    A scheduler of one's own is a formula:

    >>> import microbp
    >>> class Harmonic(LRScheduler):
    ...     def get_lr(self):
    ...         return [base / (1 + self.last_epoch) for base in self.base_lrs]
    >>> optimizer = microbp.optim.SGD([microbp.zeros(2, requires_grad=True)], lr=0.6)
    >>> scheduler = Harmonic(optimizer)
    >>> for epoch in range(3):
    ...     print(scheduler.get_last_lr())
    ...     optimizer.step()
    ...     scheduler.step()
    [0.6]
    [0.3]
    [0.19999999999999998]
    """

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "step" in vars(cls):
            cls.step = effect(vars(cls)["step"])  # type: ignore[method-assign]

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"{type(self).__name__} needs an Optimizer, got {type(optimizer).__name__}")
        self.optimizer = optimizer
        for number, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", float(group["lr"]))
            elif "initial_lr" not in group:
                raise KeyError(
                    f"parameter group {number} has no 'initial_lr', which {type(self).__name__} needs to go on from "
                    f"epoch {last_epoch}; load the optimizer's state dict first"
                )
        self.base_lrs: list[float] = [group["initial_lr"] for group in optimizer.param_groups]
        self.last_epoch = last_epoch
        self._step_count = 0
        self._last_lr: list[float] = []
        self.advance()

    def get_lr(self) -> list[float]:
        """The rate of each group in epoch `last_epoch`; the groups still have those of the epoch before."""
        raise NotImplementedError(f"{type(self).__name__} has no get_lr()")

    def get_last_lr(self) -> list[float]:
        """The rates that this scheduler has set last, one for each group."""
        return self._last_lr

    @effect
    def step(self) -> None:
        """Go on to the next epoch; call it after ``optimizer.step()``."""
        if self._step_count == 1 and not self.optimizer.stepped:
            warn(
                "scheduler.step() was called before optimizer.step(), so the first learning rate is never used; "
                "call it after"
            )
        self.advance()

    def advance(self) -> None:
        """Count an epoch and set the rates."""
        self._step_count += 1
        self.last_epoch += 1
        self.set_rates(self.get_lr())

    def restart(self) -> None:
        """Begin again at epoch 0, with the first rates."""
        self.last_epoch = 0
        for group, base in zip(self.optimizer.param_groups, self.base_lrs, strict=True):
            set_option(group, "lr", base)
        self.set_rates(self.get_lr())

    def set_rates(self, rates: Sequence[float]) -> None:
        """Put a rate into each group.

        Parameters
        ----------
        rates : sequence of float
            One for each group.
        """
        for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
            set_option(group, "lr", rate)
        self._last_lr = self.rates()

    def rates(self) -> list[float]:
        """The present rate of each group."""
        return [float(group["lr"]) for group in self.optimizer.param_groups]

    def per_group(self, name: str, value: Any) -> list[Any]:
        """An option that may be one value for all groups, or a list with one for each.

        Parameters
        ----------
        name : str
            What the option is called, for the error.
        value : object, or list or tuple
            The value, or the values.

        Returns
        -------
        list
            One for each group.

        Raises
        ------
        OptionError
            If the list is of another length.
        """
        count = len(self.optimizer.param_groups)
        if not isinstance(value, list | tuple):
            return [value] * count
        if len(value) != count:
            raise OptionError(
                f"{type(self).__name__} needs one {name} for each of the {count} parameter groups, got {len(value)}"
            )
        return list(value)

    def state_dict(self) -> dict[str, Any]:
        """All that the scheduler remembers, without the optimizer, and without functions, which are code."""
        return {
            name: list(value) if isinstance(value, list) else value
            for name, value in self.__dict__.items()
            if name != "optimizer" and not holds_functions(value)
        }

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over what `state_dict` returned; the optimizer's own state dict holds the present rates.

        Of a state dict of PyTorch's, what this scheduler does not have is left aside.

        Parameters
        ----------
        state_dict : dict
            What `state_dict` returned.
        """
        own = self.__dict__
        for name, value in state_dict.items():
            if name in own and not holds_functions(own[name]):
                own[name] = list(value) if isinstance(value, list) else value


def set_option(group: Group, name: str, value: float) -> None:
    """Give a group an option; a tensor keeps its place and gets the value."""
    held = group[name]
    if isinstance(held, Tensor):
        held.array[...] = value
    else:
        group[name] = value


def holds_functions(value: Any) -> bool:
    """Whether a value is a function, or a list that has some."""
    return any(map(callable, value)) if isinstance(value, list) else callable(value)


def check_functions(name: str, functions: Sequence[Callable[..., Any]]) -> None:
    """Refuse what cannot be called."""
    for function in functions:
        if not callable(function):
            raise TypeError(f"{name} must be a function of the epoch, got {type(function).__name__}")
