"""Adam, and AdamW, which decouples the weight decay from the gradient.

With the gradient g of a parameter p, learning rate η and factors β₁, β₂, step t is

    m ← β₁ m + (1 - β₁) g            m̂ = m / (1 - β₁ᵗ)
    v ← β₂ v + (1 - β₂) g²           v̂ = v / (1 - β₂ᵗ)
    p ← p - η m̂ / (√v̂ + ε)

Weight decay λ adds λ p to g; in AdamW p ← (1 - η λ) p goes before the step instead. AMSGrad
divides by the largest √v so far.

Sources: Kingma & Ba, "Adam: A Method for Stochastic Optimization" (ICLR 2015), algorithm 1;
Loshchilov & Hutter, "Decoupled Weight Decay Regularization" (ICLR 2019); Reddi, Kale & Kumar,
"On the Convergence of Adam and Beyond" (ICLR 2018) for AMSGrad.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import numpy as np

from microbp.optim.elementwise import Array, ElementwiseOptimizer, Group, as_arrays, check_pair
from microbp.optim.optimizer import place_of
from microbp.tensor import Tensor

__all__ = ["Adam", "AdamW", "WithBetas"]


class WithBetas(ElementwiseOptimizer):
    """What Adam and its relatives check of their options."""

    ranges: ClassVar[dict[str, tuple[float, float]]] = {
        "lr": (0.0, math.inf),
        "eps": (0.0, math.inf),
        "weight_decay": (0.0, math.inf),
    }

    def validate(self, options: Mapping[str, Any], place: str | int) -> None:
        super().validate(options, place)
        if "betas" in options:
            check_pair("betas", options["betas"], 0.0, 1.0, place_of(place, options))


class Adam(WithBetas):
    """Adaptive moments: every element has a step size of its own, from averages of its gradient and its square.

    Parameters
    ----------
    params : iterable
        Tensors, (name, tensor) pairs, or groups; see `microbp.optim.Optimizer`.
    lr : float
        Learning rate η.
    betas : (float, float)
        Factors β₁ and β₂ of the averages of the gradient and of its square.
    eps : float
        ε, which keeps the divisor away from 0; it is added outside the root.
    weight_decay : float
        λ, a factor of the parameter that is added to its gradient.
    amsgrad : bool
        Divide by the largest average of squares so far.
    maximize : bool
        Climb instead of descending.
    decoupled_weight_decay : bool
        Shrink the parameter itself, as `AdamW` does.
    foreach, fused : bool, optional
        Accepted for PyTorch's sake, where they choose among implementations of the same step.
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
    >>> optimizer = Adam([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w  # the first step is as long as the learning rate, whatever the gradient
    tensor([ 0.9000, 99.9000], requires_grad=True)
    """

    moments: ClassVar[tuple[str, ...]] = ("exp_avg", "exp_avg_sq", "max_exp_avg_sq")

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "amsgrad": amsgrad,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "differentiable": differentiable,
            "fused": fused,
            "decoupled_weight_decay": decoupled_weight_decay,
        }
        super().__init__(params, defaults)

    def remembers(self, group: Group) -> tuple[str, ...]:
        return self.moments if group["amsgrad"] else self.moments[:2]

    def factors(self, step: float, group: Group, state: dict[str, Tensor]) -> tuple[float, ...]:
        beta1, beta2 = group["betas"]
        correction = math.sqrt(1 - beta2**step)
        return float(group["lr"]) / (1 - beta1**step) * correction, float(group["eps"]) * correction

    def update(self, p: Array, g: Array, state: dict[str, Array], group: Group, *factors: float) -> None:
        beta1, beta2 = map(float, group["betas"])
        share1, keep2, share2, rate, eps = as_arrays(p.dtype, 1 - beta1, beta2, 1 - beta2, *factors)
        m, v = state["exp_avg"], state["exp_avg_sq"]
        d = np.empty_like(p)  # the one temporary array
        np.subtract(g, m, out=d)
        d *= share1
        m += d
        v *= keep2
        np.multiply(g, share2, out=d)
        d *= g
        v += d
        if group["amsgrad"]:
            v = np.maximum(state["max_exp_avg_sq"], v, out=state["max_exp_avg_sq"])
        np.sqrt(v, out=d)  # η m̂ / (√v̂ + ε), with the corrections of m and v in `rate` and `eps`
        d += eps
        np.divide(m, d, out=d)
        d *= rate
        p -= d


class AdamW(Adam):
    """Adam with decoupled weight decay: the parameter shrinks by ``lr * weight_decay``, whatever its gradient.

    Parameters
    ----------
    params, lr, betas, eps, weight_decay, amsgrad, maximize, foreach, capturable, differentiable, fused
        As for `Adam`.

    Examples
    --------
    >>> import microbp
    >>> w = microbp.tensor([1.0], requires_grad=True)
    >>> w.grad = microbp.zeros(1)
    >>> AdamW([w], lr=0.1, weight_decay=0.5).step()
    >>> w
    tensor([0.9500], requires_grad=True)
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        super().__init__(
            params,
            lr,
            betas,
            eps,
            weight_decay,
            amsgrad,
            foreach=foreach,
            maximize=maximize,
            capturable=capturable,
            differentiable=differentiable,
            fused=fused,
            decoupled_weight_decay=True,
        )
