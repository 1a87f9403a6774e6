"""Adamax: Adam with the largest gradient in place of the root of the mean square.

With the gradient g of a parameter p, learning rate η and factors β₁, β₂, step t is

    m ← β₁ m + (1 - β₁) g
    u ← max(β₂ u, |g| + ε)
    p ← p - η / (1 - β₁ᵗ) · m / u

Source: Kingma & Ba, "Adam: A Method for Stochastic Optimization" (ICLR 2015), algorithm 2.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

import numpy as np

from microbp.optim.adam import WithBetas
from microbp.optim.elementwise import Array, Group
from microbp.tensor import Tensor

__all__ = ["Adamax"]


class Adamax(WithBetas):
    """Adam by the infinity norm.

    Parameters
    ----------
    params : iterable
        Tensors, (name, tensor) pairs, or groups; see `microbp.optim.Optimizer`.
    lr : float
        Learning rate η.
    betas : (float, float)
        Factors β₁ of the average gradient and β₂ of the largest one.
    eps : float
        ε, which keeps the divisor away from 0.
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
    >>> optimizer = Adamax([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w
    tensor([ 0.9000, 99.9000], requires_grad=True)
    """

    moments: ClassVar[tuple[str, ...]] = ("exp_avg", "exp_inf")

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, defaults)

    def factors(self, step: float, group: Group, state: dict[str, Tensor]) -> tuple[float, ...]:
        return (float(group["lr"]) / (1 - group["betas"][0] ** step),)

    def update(self, p: Array, g: Array, state: dict[str, Array], group: Group, *factors: float) -> None:
        beta1, beta2 = group["betas"]
        m, u = state["exp_avg"], state["exp_inf"]
        m += (1 - beta1) * (g - m)
        np.maximum(beta2 * u, np.abs(g) + group["eps"], out=u)
        p -= factors[0] * (m / u)
