"""Adagrad: gradients divided by the root of the sum of all their squares.

With the gradient g of a parameter p, learning rate η and its decay κ, step t is

    s ← s + g²
    p ← p - η / (1 + (t - 1) κ) · g / (√s + ε)

Source: Duchi, Hazan & Singer, "Adaptive Subgradient Methods for Online Learning and Stochastic
Optimization" (JMLR 2011), figure 1.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import numpy as np

from microbp.optim.elementwise import Array, ElementwiseOptimizer, Group
from microbp.tensor import Tensor

__all__ = ["Adagrad"]


class Adagrad(ElementwiseOptimizer):
    """Descent in which every element slows down with the gradients that it has seen.

    Parameters
    ----------
    params : iterable
        Tensors, (name, tensor) pairs, or groups; see `microbp.optim.Optimizer`.
    lr : float
        Learning rate η.
    lr_decay : float
        κ, which lowers the learning rate with the number of steps.
    weight_decay : float
        A factor of the parameter that is added to its gradient.
    initial_accumulator_value : float
        What the sum of squares s starts with.
    eps : float
        ε, which keeps the divisor away from 0.
    foreach, fused : bool, optional
        Accepted for PyTorch's sake, where they choose among implementations of the same step.
    maximize : bool
        Climb instead of descending.
    differentiable : bool
        Only False.

    Raises
    ------
    OptionError, TypeError
        As for `microbp.optim.Optimizer`.

    Examples
    --------
    >>> import microbp
    >>> w = microbp.tensor([1.0, 100.0], requires_grad=True)
    >>> optimizer = Adagrad([w], lr=0.1)
    >>> for _ in range(2):
    ...     optimizer.zero_grad()
    ...     w.sum().backward()
    ...     optimizer.step()
    >>> w  # 0.1 / √1 + 0.1 / √2 lower
    tensor([ 0.8293, 99.8293], requires_grad=True)
    """

    ranges: ClassVar[dict[str, tuple[float, float]]] = dict.fromkeys(
        ("lr", "lr_decay", "weight_decay", "initial_accumulator_value", "eps"), (0.0, math.inf)
    )
    moments: ClassVar[tuple[str, ...]] = ("sum",)

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        defaults = {
            "lr": lr,
            "lr_decay": lr_decay,
            "eps": eps,
            "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "fused": fused,
        }
        super().__init__(params, defaults)

    def add_param_group(self, param_group: Mapping[str, Any]) -> None:
        super().add_param_group(param_group)
        group = self.param_groups[-1]
        for p in group["params"]:
            self.recall(
                p, group, self.remembers(group)
            )  # the sums are part of the state from the beginning, as in PyTorch

    def first(self, name: str, p: Array, group: Group) -> Array:
        return np.full_like(p, group["initial_accumulator_value"])

    def factors(self, step: float, group: Group, state: dict[str, Tensor]) -> tuple[float, ...]:
        return (float(group["lr"]) / (1 + (step - 1) * group["lr_decay"]),)

    def update(self, p: Array, g: Array, state: dict[str, Array], group: Group, *factors: float) -> None:
        s = state["sum"]
        s += g * g
        p -= factors[0] * (g / (np.sqrt(s) + group["eps"]))
