"""Adadelta: steps whose size follows from that of earlier steps, not from a learning rate alone.

With the gradient g of a parameter p, factor ρ and learning rate η, one step is

    v ← ρ v + (1 - ρ) g²
    d = √(u + ε) / √(v + ε) · g
    u ← ρ u + (1 - ρ) d²
    p ← p - η d

Source: Zeiler, "ADADELTA: An Adaptive Learning Rate Method" (2012), algorithm 1.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, ClassVar

import numpy as np

from microbp.optim.elementwise import Array, ElementwiseOptimizer, Group
from microbp.tensor import Tensor

__all__ = ["Adadelta"]


class Adadelta(ElementwiseOptimizer):
    """Descent in the units of the parameter: gradients are scaled by the ratio of earlier steps and gradients.

    Parameters
    ----------
    params : iterable
        Tensors, (name, tensor) pairs, or groups; see `microbp.optim.Optimizer`.
    lr : float
        Learning rate η, a factor of the step.
    rho : float
        Factor ρ of the averages of squares.
    eps : float
        ε, which starts the steps and keeps the divisor away from 0; it is added inside the roots.
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
    >>> w = microbp.tensor([1.0, 100.0], requires_grad=True)
    >>> optimizer = Adadelta([w], eps=1e-4)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w
    tensor([ 0.9684, 99.9684], requires_grad=True)
    """

    ranges: ClassVar[dict[str, tuple[float, float]]] = {
        "lr": (0.0, math.inf),
        "rho": (0.0, math.nextafter(1.0, 2.0)),  # 1 is allowed
        "eps": (0.0, math.inf),
        "weight_decay": (0.0, math.inf),
    }
    moments: ClassVar[tuple[str, ...]] = ("square_avg", "acc_delta")

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        capturable: bool = False,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "rho": rho,
            "eps": eps,
            "weight_decay": weight_decay,
            "maximize": maximize,
            "capturable": capturable,
            "foreach": foreach,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def factors(self, step: float, group: Group, state: dict[str, Tensor]) -> tuple[float, ...]:
        return (float(group["lr"]),)

    def update(self, p: Array, g: Array, state: dict[str, Array], group: Group, *factors: float) -> None:
        rho, eps = group["rho"], group["eps"]
        v, u = state["square_avg"], state["acc_delta"]
        v *= rho
        v += (1 - rho) * g * g
        d = np.sqrt(u + eps) / np.sqrt(v + eps) * g
        u *= rho
        u += (1 - rho) * d * d
        p -= factors[0] * d
