"""Resilient backpropagation: only the sign of the gradient counts, and every element has its own step size.

With the gradient g of a parameter p, factors η⁻ < 1 < η⁺ and step size Δ, one step is

    Δ ← η⁺ Δ  where g has the sign that it had before,  η⁻ Δ  where it has the other one
    g ← 0     where it has the other one
    p ← p - sign(g) Δ

Meant for gradients of the whole data set.

Source: Riedmiller & Braun, "A Direct Adaptive Method for Faster Backpropagation Learning: The RPROP
Algorithm" (1993).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import inf
from typing import Any, ClassVar

import numpy as np

from microbp.errors import OptionError
from microbp.optim.elementwise import Array, ElementwiseOptimizer, Group, check_pair
from microbp.optim.optimizer import place_of

__all__ = ["Rprop"]


class Rprop(ElementwiseOptimizer):
    """Descent by the signs of the gradients, with a step size for each element.

    Parameters
    ----------
    params : iterable
        Tensors, (name, tensor) pairs, or groups; see `microbp.optim.Optimizer`.
    lr : float
        The first step size Δ.
    etas : (float, float)
        Factors η⁻ and η⁺ of the step size.
    step_sizes : (float, float)
        The smallest and the largest step size.
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
    >>> optimizer = Rprop([w], lr=0.5)
    >>> for _ in range(2):
    ...     optimizer.zero_grad()
    ...     (w * w).sum().backward()
    ...     optimizer.step()
    >>> w  # 0.5 and 0.6 lower
    tensor([-0.1000, 98.9000], requires_grad=True)
    """

    moments: ClassVar[tuple[str, ...]] = ("prev", "step_size")

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50),
        *,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "etas": etas,
            "step_sizes": step_sizes,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, defaults)

    def validate(self, options: Mapping[str, Any], place: str | int) -> None:
        super().validate(options, place)
        where = place_of(place, options)
        if "etas" in options:
            check_pair("etas", options["etas"], 0.0, inf, where)
            if not 0 < options["etas"][0] < 1 < options["etas"][1]:
                raise OptionError(f"etas in {where} must lie on the two sides of 1, got {options['etas']}")
        if "step_sizes" in options:
            check_pair("step_sizes", options["step_sizes"], 0.0, inf, where)

    def first(self, name: str, p: Array, group: Group) -> Array:
        return np.full_like(p, float(group["lr"])) if name == "step_size" else np.zeros_like(p)

    def update(self, p: Array, g: Array, state: dict[str, Array], group: Group, *factors: float) -> None:
        smaller, larger = group["etas"]
        size, before = state["step_size"], state["prev"]
        agreement = g * before
        turned = agreement < 0
        size *= np.where(agreement > 0, larger, np.where(turned, smaller, 1.0))
        np.clip(size, *group["step_sizes"], out=size)
        before[...] = np.where(turned, 0, g)
        p -= np.sign(before) * size
