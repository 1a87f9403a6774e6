"""RMSprop: gradients divided by a running root of their mean square.

With the gradient g of a parameter p, learning rate η, factor α and momentum μ, one step is

    v ← α v + (1 - α) g²
    a ← α a + (1 - α) g              (centred: v - a² takes the place of v)
    b ← μ b + g / (√v + ε)
    p ← p - η b

Sources: Tieleman & Hinton, lecture 6.5 of "Neural Networks for Machine Learning" (2012); Graves,
"Generating Sequences With Recurrent Neural Networks" (2013), eq. 38-45 for the centred form.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, ClassVar

import numpy as np

from microbp.optim.elementwise import Array, ElementwiseOptimizer, Group, as_arrays
from microbp.tensor import Tensor

__all__ = ["RMSprop"]


class RMSprop(ElementwiseOptimizer):
    """Descent with gradients of about the same size in every element.

    Parameters
    ----------
    params : iterable
        Tensors, (name, tensor) pairs, or groups; see `microbp.optim.Optimizer`.
    lr : float
        Learning rate η.
    alpha : float
        Factor α of the average of squares.
    eps : float
        ε, which keeps the divisor away from 0; it is added outside the root.
    weight_decay : float
        A factor of the parameter that is added to its gradient.
    momentum : float
        Factor μ of what is remembered of earlier steps.
    centered : bool
        Divide by the root of the variance, not of the mean square.
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
    >>> optimizer = RMSprop([w], lr=0.1, alpha=0.75)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w
    tensor([ 0.8000, 99.8000], requires_grad=True)
    """

    ranges: ClassVar[dict[str, tuple[float, float]]] = dict.fromkeys(
        ("lr", "alpha", "eps", "weight_decay", "momentum"), (0.0, math.inf)
    )
    moments: ClassVar[tuple[str, ...]] = ("square_avg", "momentum_buffer", "grad_avg")

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "alpha": alpha,
            "eps": eps,
            "centered": centered,
            "weight_decay": weight_decay,
            "capturable": capturable,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def remembers(self, group: Group) -> tuple[str, ...]:
        needed = {"square_avg": True, "momentum_buffer": group["momentum"] > 0, "grad_avg": group["centered"]}
        return tuple(name for name in self.moments if needed[name])

    def factors(self, step: float, group: Group, state: dict[str, Tensor]) -> tuple[float, ...]:
        return (float(group["lr"]),)

    def update(self, p: Array, g: Array, state: dict[str, Array], group: Group, *factors: float) -> None:
        alpha, eps = float(group["alpha"]), float(group["eps"])
        keep, share, offset, rate = as_arrays(p.dtype, alpha, 1 - alpha, eps, *factors)
        v = state["square_avg"]
        d = np.empty_like(p)  # where all intermediate results go
        v *= keep
        np.multiply(g, share, out=d)
        d *= g
        v += d
        if group["centered"]:
            a = state["grad_avg"]
            np.subtract(g, a, out=d)
            d *= share
            a += d
            np.multiply(a, a, out=d)
            np.subtract(v, d, out=d)
            v = d
        np.sqrt(v, out=d)
        d += offset
        np.divide(g, d, out=d)
        if group["momentum"] > 0:
            b = state["momentum_buffer"]
            b *= group["momentum"]
            b += d
            np.multiply(b, rate, out=d)
        else:
            d *= rate
        p -= d
