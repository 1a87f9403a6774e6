"""Optimizers that treat all elements of a parameter alike.

Each remembers arrays of the parameter's shape, and its step is one formula for every element.
A subclass says which arrays these are (`remembers`), which numbers the formula needs
(`factors`) and what the formula is (`update`); what they have in common is here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from microbp.dtypes import get_default_dtype
from microbp.errors import OptionError
from microbp.ops.quiet import IGNORE, error_state
from microbp.optim.optimizer import Optimizer, check_number, place_of
from microbp.tensor import Tensor, wrap
from microbp.version import write

__all__ = ["ElementwiseOptimizer", "as_arrays", "blocks"]

Array = np.ndarray[Any, Any]
Group = dict[str, Any]

# Larger arrays are updated a block of rows at a time, so that the intermediate results stay in the cache.
block = 1 << 17


class ElementwiseOptimizer(Optimizer):
    """Base of the optimizers whose step is a formula for each element.

    Parameters
    ----------
    params, defaults
        As for `Optimizer`.

    Examples
    --------
    >>> import microbp
    >>> class SignMomentum(ElementwiseOptimizer):
    ...     moments = ("average",)
    ...
    ...     def __init__(self, params, lr=0.1, beta=0.9):
    ...         super().__init__(params, {"lr": lr, "beta": beta})
    ...
    ...     def update(self, p, g, state, group):
    ...         m = state["average"]
    ...         m += (1 - group["beta"]) * (g - m)
    ...         p -= group["lr"] * np.sign(m)
    >>> w = microbp.tensor([1.0, -2.0], requires_grad=True)
    >>> (w * w).sum().backward()
    >>> SignMomentum([w]).step()
    >>> w
    tensor([ 0.9000, -1.9000], requires_grad=True)
    """

    def remembers(self, group: Group) -> tuple[str, ...]:
        """The names of the arrays that a step needs, each of the parameter's shape.

        Parameters
        ----------
        group : dict
            The options.

        Returns
        -------
        tuple of str
        """
        return self.moments

    def first(self, name: str, p: Array, group: Group) -> Array:
        """What one of these arrays is before the first step: zeros.

        Parameters
        ----------
        name : str
            Which of them.
        p : array
            The parameter.
        group : dict
            The options.

        Returns
        -------
        array
            Of the parameter's shape.
        """
        return np.zeros_like(p)

    def factors(self, step: float, group: Group, state: dict[str, Tensor]) -> tuple[float, ...]:
        """The numbers of a step that are the same for all elements, for the count of the step; none.

        Parameters
        ----------
        step : float
            How many steps were begun, this one included.
        group : dict
            The options.
        state : dict of str to Tensor
            What is remembered of the parameter.

        Returns
        -------
        tuple of float
            What `update` is given as `factors`.
        """
        return ()

    def update(self, p: Array, g: Array, state: dict[str, Array], group: Group, *factors: float) -> None:
        """Change a parameter `p` and what is remembered of it in place; `g` is its gradient.

        Parameters
        ----------
        p, g : array
            The parameter, and the gradient of what is to be minimised, with the weight decay in it.
        state : dict of str to array
            The arrays that `remembers` names.
        group : dict
            The options.
        *factors : float
            As `factors` returns them.
        """
        raise NotImplementedError(f"{type(self).__name__} has no update()")

    def validate(self, options: Mapping[str, Any], place: str | int) -> None:
        super().validate(options, place)
        for name in ("differentiable", "capturable"):
            if options.get(name):
                raise NotImplementedError(f"{type(self).__name__} has no {name}=True, in {place_of(place, options)}")

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Change every parameter that has a gradient, by the formula of the class; see `Optimizer.step`."""
        loss = self.evaluate(closure)
        ready = self.ready()
        now = write()
        token = error_state.set(IGNORE)
        try:
            for group, parameters in ready:
                names = self.remembers(group)
                decays = bool(group.get("weight_decay") or group.get("maximize"))
                for p, g in parameters:
                    (p._version or p._versioned()).written = now
                    self.step_one(p.array, g, self.recall(p, group, names), group, names, decays)
        finally:
            error_state.reset(token)
        return loss

    def recall(self, p: Tensor, group: Group, names: tuple[str, ...]) -> dict[str, Tensor]:
        """The state of a parameter, with everything in it that a step needs.

        Parameters
        ----------
        p : Tensor
            The parameter.
        group : dict
            The options.
        names : tuple of str
            What `remembers` returned.

        Returns
        -------
        dict of str to Tensor
        """
        state: dict[str, Tensor] = self.state[p]
        if "step" not in state:
            state["step"] = wrap(np.zeros((), get_default_dtype()))
        for name in names:
            if name not in state:
                state[name] = wrap(self.first(name, p.array, group))
        return state

    def step_one(
        self, p: Array, g: Array, state: dict[str, Tensor], group: Group, names: tuple[str, ...], decays: bool
    ) -> None:
        """Count a step of one parameter, and take it.

        Parameters
        ----------
        p, g : array
            The parameter, and its gradient.
        state : dict of str to Tensor
            What is remembered of it.
        group : dict
            The options.
        names : tuple of str
            What `remembers` returned.
        decays : bool
            Whether the gradient is changed first, by weight decay or as what is maximised.
        """
        count = state["step"].array
        count[()] = step = float(count) + 1  # twice as fast as adding in place
        factors = self.factors(step, group, state)
        arrays = {name: state[name].array for name in names}
        if p.size <= block:
            self.update(p, decayed(p, g, group) if decays else g, arrays, group, *factors)
            return
        for rows in blocks(p, block):
            part = p[rows]
            self.update(
                part, decayed(part, g[rows], group), {name: a[rows] for name, a in arrays.items()}, group, *factors
            )


def decayed(p: Array, g: Array, group: Group) -> Array:
    """The gradient of what is to be minimised, with coupled weight decay in it; decoupled, that shrinks `p` itself."""
    if group.get("maximize"):
        g = -g
    decay = group.get("weight_decay")
    if not decay:
        return g
    if group.get("decoupled_weight_decay"):
        p *= 1 - float(group["lr"]) * decay
        return g
    coupled: Array = g + decay * p
    return coupled


@lru_cache(maxsize=256)
def as_arrays(dtype: np.dtype[Any], *numbers: float) -> tuple[Array, ...]:
    """Numbers as arrays without dimensions, which NumPy computes with faster than with Python's; not to be written to.

    Examples
    --------
    >>> as_arrays(np.dtype("float32"), 0.5, 2.0)
    (array(0.5, dtype=float32), array(2., dtype=float32))
    """
    return tuple(np.array(number, dtype) for number in numbers)


def blocks(array: Array, size: int) -> Iterator[slice]:
    """Slices that cut an array into blocks of rows, of about so many elements."""
    rows = max(1, size * len(array) // array.size)
    return (slice(start, start + rows) for start in range(0, len(array), rows))


def check_pair(name: str, pair: Any, low: float, high: float, place: str) -> None:
    """Refuse an option that is no pair of numbers, or has one that is not in its range."""
    if not isinstance(pair, tuple | list) or len(pair) != 2:
        raise OptionError(f"{name} in {place} must be a pair of numbers, got {pair!r}")
    for k, value in enumerate(pair):
        if not (type(value) is float and low <= value < high):
            check_number(f"{name}[{k}]", value, low, high, place)
