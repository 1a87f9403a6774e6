"""RAdam: Adam that trusts its average of squares only once it rests on enough steps.

With the gradient g of a parameter p, learning rate η and factors β₁, β₂, step t is

    m ← β₁ m + (1 - β₁) g            m̂ = m / (1 - β₁ᵗ)
    v ← β₂ v + (1 - β₂) g²           ρ∞ = 2 / (1 - β₂) - 1,   ρ = ρ∞ - 2 t β₂ᵗ / (1 - β₂ᵗ)
    p ← p - η m̂ r √(1 - β₂ᵗ) / (√v + ε)   with r² = (ρ - 4)(ρ - 2) ρ∞ / ((ρ∞ - 4)(ρ∞ - 2) ρ),   if ρ > 5
    p ← p - η m̂                                                                            else

Source: Liu et al., "On the Variance of the Adaptive Learning Rate and Beyond" (ICLR 2020), algorithm 2.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, ClassVar

import numpy as np

from microbp.optim.adam import WithBetas
from microbp.optim.elementwise import Array, Group
from microbp.tensor import Tensor

__all__ = ["RAdam"]


class RAdam(WithBetas):
    """Adam with a rectified variance, which needs no slow start.

    Parameters
    ----------
    params : iterable
        Tensors, (name, tensor) pairs, or groups; see `microbp.optim.Optimizer`.
    lr : float
        Learning rate η.
    betas : (float, float)
        Factors β₁ and β₂ of the averages of the gradient and of its square.
    eps : float
        ε, which keeps the divisor away from 0.
    weight_decay : float
        A factor of the parameter that is added to its gradient.
    decoupled_weight_decay : bool
        Shrink the parameter itself, as `AdamW` does.
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
    >>> optimizer = RAdam([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> optimizer.step()  # the first steps are those of plain descent
    >>> w
    tensor([ 0.8000, 80.0000], requires_grad=True)
    """

    moments: ClassVar[tuple[str, ...]] = ("exp_avg", "exp_avg_sq")

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "decoupled_weight_decay": decoupled_weight_decay,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def factors(self, step: float, group: Group, state: dict[str, Tensor]) -> tuple[float, ...]:
        beta1, beta2 = group["betas"]
        rate = float(group["lr"]) / (1 - beta1**step)
        longest = 2 / (1 - beta2) - 1
        length = longest - 2 * step * beta2**step / (1 - beta2**step)
        if length <= 5:
            return rate, 0.0
        rectified = (length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length)
        return rate, math.sqrt(rectified) * math.sqrt(1 - beta2**step)

    def update(self, p: Array, g: Array, state: dict[str, Array], group: Group, *factors: float) -> None:
        beta1, beta2 = group["betas"]
        rate, rectified = factors
        m, v = state["exp_avg"], state["exp_avg_sq"]
        m += (1 - beta1) * (g - m)
        v *= beta2
        v += (1 - beta2) * g * g
        p -= rate * m * (rectified / (np.sqrt(v) + group["eps"]) if rectified else 1.0)
