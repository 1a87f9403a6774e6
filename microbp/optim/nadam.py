"""NAdam: Adam with Nesterov's momentum.

With the gradient g of a parameter p, learning rate η, factors β₁, β₂ and momentum decay ψ,
step t is

    μₜ = β₁ (1 - ½ · 0.96^(t ψ))     m ← β₁ m + (1 - β₁) g
    Πₜ = μ₁ μ₂ ... μₜ                v ← β₂ v + (1 - β₂) g²       v̂ = v / (1 - β₂ᵗ)
    p ← p - η ((1 - μₜ) / (1 - Πₜ) · g + μₜ₊₁ / (1 - Πₜ₊₁) · m) / (√v̂ + ε)

Source: Dozat, "Incorporating Nesterov Momentum into Adam" (ICLR workshop 2016).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, ClassVar

import numpy as np

from microbp.dtypes import get_default_dtype
from microbp.optim.adam import WithBetas
from microbp.optim.elementwise import Array, Group
from microbp.tensor import Tensor, wrap

__all__ = ["NAdam"]


class NAdam(WithBetas):
    """Adam that looks ahead by one step of its momentum.

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
    momentum_decay : float
        ψ, how fast the momentum grows towards β₁.
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
    >>> optimizer = NAdam([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w
    tensor([ 0.8944, 99.8944], requires_grad=True)
    """

    ranges: ClassVar[dict[str, tuple[float, float]]] = {**WithBetas.ranges, "momentum_decay": (0.0, math.inf)}
    moments: ClassVar[tuple[str, ...]] = ("exp_avg", "exp_avg_sq")

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum_decay: float = 4e-3,
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
            "momentum_decay": momentum_decay,
            "decoupled_weight_decay": decoupled_weight_decay,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def factors(self, step: float, group: Group, state: dict[str, Tensor]) -> tuple[float, ...]:
        beta1, beta2 = group["betas"]
        lr = float(group["lr"])
        now, later = (beta1 * (1 - 0.5 * 0.96 ** (t * group["momentum_decay"])) for t in (step, step + 1))
        if "mu_product" not in state:
            state["mu_product"] = wrap(np.ones((), get_default_dtype()))
        product = state["mu_product"].array
        product *= now
        of_gradient = lr * (1 - now) / (1 - float(product))
        of_average = lr * later / (1 - float(product) * later)
        return of_gradient, of_average, 1 - beta2**step

    def update(self, p: Array, g: Array, state: dict[str, Array], group: Group, *factors: float) -> None:
        beta1, beta2 = group["betas"]
        of_gradient, of_average, correction = factors
        m, v = state["exp_avg"], state["exp_avg_sq"]
        m += (1 - beta1) * (g - m)
        v *= beta2
        v += (1 - beta2) * g * g
        p -= (of_gradient * g + of_average * m) / (np.sqrt(v / correction) + group["eps"])
