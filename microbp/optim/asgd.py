"""Averaged stochastic gradient descent.

With the gradient g of a parameter p, learning rate η, decay λ and power α, step t is

    p ← (1 - λ ηₜ) p - ηₜ g          ηₜ₊₁ = η / (1 + λ η t)^α,             η₁ = η
    a ← a + μₜ (p - a)               μₜ₊₁ = 1 / max(1, t - t₀),            μ₁ = 1

where a is the average of the parameter over the steps after t₀.

Source: Polyak & Juditsky, "Acceleration of Stochastic Approximation by Averaging" (1992).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, ClassVar

import numpy as np

from microbp.dtypes import get_default_dtype
from microbp.optim.elementwise import Array, ElementwiseOptimizer, Group
from microbp.tensor import Tensor, wrap

__all__ = ["ASGD"]


class ASGD(ElementwiseOptimizer):
    """Descent that also keeps the average of each parameter over its path, in ``optimizer.state[p]["ax"]``.

    Parameters
    ----------
    params : iterable
        Tensors, (name, tensor) pairs, or groups; see `microbp.optim.Optimizer`.
    lr : float
        Learning rate η.
    lambd : float
        Decay λ of the parameter and of the learning rate.
    alpha : float
        Power α by which the learning rate falls.
    t0 : float
        The step after which averaging begins.
    weight_decay : float
        A factor of the parameter that is added to its gradient.
    maximize : bool
        Climb instead of descending.
    foreach : bool, optional
        Accepted for PyTorch's sake, where it chooses among implementations of the same step.
    capturable, differentiable : bool
        Only False.
    Raises
    ------
    OptionError, TypeError
        As for `microbp.optim.Optimizer`.

    Examples
    --------
    >>> import microbp
    >>> w = microbp.tensor([1.0], requires_grad=True)
    >>> optimizer = ASGD([w], lr=0.1, t0=1)
    >>> for _ in range(3):
    ...     optimizer.zero_grad()
    ...     (w * w).sum().backward()
    ...     optimizer.step()
    >>> w, optimizer.state[w]["ax"]
    (tensor([0.5120], requires_grad=True), tensor([0.5120]))
    """

    ranges: ClassVar[dict[str, tuple[float, float]]] = {
        "lr": (0.0, math.inf),
        "lambd": (-math.inf, math.inf),
        "alpha": (-math.inf, math.inf),
        "t0": (-math.inf, math.inf),
        "weight_decay": (0.0, math.inf),
    }
    moments: ClassVar[tuple[str, ...]] = ("ax",)

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        lambd: float = 1e-4,
        alpha: float = 0.75,
        t0: float = 1e6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "lambd": lambd,
            "alpha": alpha,
            "t0": t0,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, defaults)

    def factors(self, step: float, group: Group, state: dict[str, Tensor]) -> tuple[float, ...]:
        lr, lambd = float(group["lr"]), group["lambd"]
        for name, value in (("eta", lr), ("mu", 1.0)):
            if name not in state:
                state[name] = wrap(np.array(value, get_default_dtype()))
        eta, mu = float(state["eta"].array), float(state["mu"].array)
        state["eta"].array[...] = lr / (1 + lambd * lr * step) ** group["alpha"]
        state["mu"].array[...] = 1 / max(1.0, step - group["t0"])
        return eta, mu

    def update(self, p: Array, g: Array, state: dict[str, Array], group: Group, *factors: float) -> None:
        eta, mu = factors
        p *= 1 - group["lambd"] * eta
        p -= eta * g
        a = state["ax"]
        if mu == 1:
            a[...] = p
        else:
            a += mu * (p - a)
