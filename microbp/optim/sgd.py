"""Stochastic gradient descent, with momentum.

With the gradient g of a parameter p, weight decay λ, momentum μ, dampening τ and learning
rate η, one step is

    d = g + λ p
    b ← μ b + (1 - τ) d        (b = d in the first step)
    p ← p - η b                (Nesterov: p ← p - η (d + μ b); without momentum: p ← p - η d)

Sources: Polyak, "Some methods of speeding up the convergence of iteration methods" (1964) for
the momentum; Sutskever et al., "On the importance of initialization and momentum in deep
learning" (ICML 2013), section 2 for Nesterov's; the form is that of `torch.optim.SGD`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from math import inf
from typing import Any, ClassVar

import numpy as np

from microbp.errors import OptionError
from microbp.optim.elementwise import as_arrays, blocks
from microbp.optim.optimizer import Optimizer, place_of
from microbp.tensor import Tensor, wrap
from microbp.version import write

__all__ = ["SGD"]

Array = np.ndarray[Any, Any]

# Larger arrays are updated a block of rows at a time, so that the intermediate results stay in the cache.
block = 1 << 18


class SGD(Optimizer):
    """Stochastic gradient descent, optionally with momentum.

    Parameters
    ----------
    params : iterable
        Tensors, (name, tensor) pairs, or groups: dicts with ``"params"`` and options of their own.
        `microbp.optim.layer_groups` makes groups from layer names.
    lr : float
        Learning rate η, the global one: groups that have none of their own use it.
    momentum : float
        Factor μ of what is remembered of earlier gradients.
    dampening : float
        1 minus the factor of the gradient, where it is added to what is remembered.
    weight_decay : float
        Factor λ of the parameter, where it is added to its gradient.
    nesterov : bool
        Look ahead by one step of the momentum.
    maximize : bool
        Climb instead of descending.
    foreach, fused : bool, optional
        Accepted for PyTorch's sake, where they choose among implementations of the same step.
    differentiable : bool
        Only False.

    Raises
    ------
    OptionError, TypeError
        As for `Optimizer`; also if `nesterov` is set without momentum or with dampening.

    Examples
    --------
    >>> import microbp
    >>> slow = microbp.tensor([1.0], requires_grad=True)
    >>> fast = microbp.tensor([1.0], requires_grad=True)
    >>> optimizer = SGD([{"params": [slow]}, {"params": [fast], "lr": 0.5}], lr=0.1)
    >>> (slow * slow + fast * fast).sum().backward()
    >>> optimizer.step()
    >>> slow.item(), fast.item()
    (0.800000011920929, 0.0)
    >>> print(optimizer)
    SGD (
    Global options
        lr: 0.1, momentum: 0, dampening: 0, weight_decay: 0, nesterov: False, maximize: False
    Parameter Group 0 (1 tensor, 1 number)
            (1,)
    Parameter Group 1 (1 tensor, 1 number)
        lr: 0.5
            (1,)
    )
    """

    ranges: ClassVar[dict[str, tuple[float, float]]] = {
        "lr": (0.0, inf),
        "momentum": (0.0, inf),
        "dampening": (-inf, inf),
        "weight_decay": (0.0, inf),
    }
    moments: ClassVar[tuple[str, ...]] = ("momentum_buffer",)

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "dampening": dampening,
            "weight_decay": weight_decay,
            "nesterov": nesterov,
            "maximize": maximize,
            "foreach": foreach,
            "differentiable": differentiable,
            "fused": fused,
        }
        super().__init__(params, defaults)

    def validate(self, options: Mapping[str, Any], place: str | int) -> None:
        super().validate(options, place)
        if options["nesterov"] and (options["momentum"] == 0 or options["dampening"] != 0):
            raise OptionError(
                f"Nesterov momentum requires a momentum and zero dampening, unlike {place_of(place, options)}"
            )
        if options["differentiable"]:
            raise NotImplementedError("SGD has no differentiable=True: its steps are not recorded")

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Change every parameter that has a gradient, by the formulas above; see `Optimizer.step`.

        Examples
        --------
        >>> import microbp
        >>> w = microbp.tensor([1.0, 2.0], requires_grad=True)
        >>> w.sum().backward()
        >>> SGD([w], lr=0.5).step()
        >>> w
        tensor([0.5000, 1.5000], requires_grad=True)
        """
        loss = self.evaluate(closure)
        now = write()
        for group, parameters in self.ready():
            if not (group["momentum"] or group["weight_decay"] or group["maximize"]):
                descend_plainly(parameters, float(group["lr"]), now)
                continue
            momentum, decay = float(group["momentum"]), float(group["weight_decay"])
            factors = float(group["lr"]), momentum, 1.0 - group["dampening"], decay
            for p, g in parameters:
                array, b, first = p.array, None, False
                (p._version or p._versioned()).written = now
                if momentum:
                    state = self.state[p]
                    first = "momentum_buffer" not in state
                    if first:
                        state["momentum_buffer"] = wrap(np.empty_like(array))
                    b = state["momentum_buffer"].array
                for rows in blocks(array, block) if array.size > block else (...,):
                    descend(
                        array[rows],
                        g[rows],
                        None if b is None else b[rows],
                        first,
                        *factors,
                        group["nesterov"],
                        group["maximize"],
                    )
        return loss


def descend_plainly(parameters: list[tuple[Tensor, Array]], lr: float, now: int) -> None:
    """p ← p - η g, for all parameters of a group."""
    rate = None
    for p, g in parameters:
        array = p.array
        (p._version or p._versioned()).written = now
        if rate is None or rate.dtype is not array.dtype:
            rate = np.array(lr, array.dtype)  # NumPy is quicker with it than with a Python number
        if array.size <= block:
            array -= g * rate
        else:
            for rows in blocks(array, block):
                array[rows] -= g[rows] * rate


def descend(
    p: Array,
    d: Array,
    b: Array | None,
    first: bool,
    lr: float,
    momentum: float,
    share: float,
    decay: float,
    nesterov: bool,
    maximize: bool,
) -> None:
    """One step of one parameter, in place; `d` starts as the gradient, `b` is what is remembered."""
    if maximize:
        d = -d
    if decay:
        d = d + decay * p
    if b is not None:
        if first:
            b[...] = d
        else:
            b *= as_arrays(b.dtype, momentum)[0]
            b += d if share == 1.0 else share * d
        d = d + momentum * b if nesterov else b
    p -= d * as_arrays(p.dtype, lr)[0]
