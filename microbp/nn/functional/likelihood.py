"""Negative log-likelihoods of numbers, with PyTorch's signatures; those of classes are with the cross entropy."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from microbp.errors import RangeError, ShapeError
from microbp.mode import look_at_values
from microbp.nn.functional.check import (
    alike,
    both_tensors,
    check_reduction,
    number,
    reduced,
    require_floating,
    tensor_for,
)
from microbp.ops import elementwise
from microbp.tensor import Tensor, apply, wrap

__all__ = ["gaussian_nll_loss", "poisson_nll_loss"]


def poisson_nll_loss(
    input: Tensor,
    target: Tensor,
    log_input: bool = True,
    full: bool = False,
    size_average: None = None,
    eps: float = 1e-8,
    reduce: None = None,
    reduction: str = "mean",
) -> Tensor:
    """-log P(t) for counts t of a Poisson distribution with rate λ, but for log(t!): λ - t log λ.

    Parameters
    ----------
    input : Tensor
        log λ, or λ itself if not `log_input`.
    target : Tensor
        Counts, of the same shape.
    log_input : bool
        Whether the input is log λ.
    full : bool
        Add Stirling's approximation of log(t!), t log t - t + log(2π t) / 2, where t > 1.
    eps : float
        Added to λ below the logarithm.
    reduction : {'mean', 'sum', 'none'}
        What to make of the losses.
    size_average, reduce
        As for `microbp.nn.functional.mse_loss`.

    Returns
    -------
    Tensor
        0-d, or of the shape of `input` for ``'none'``.

    Warns
    -----
    BroadcastWarning
        If the shapes differ.

    Examples
    --------
    >>> import microbp
    >>> poisson_nll_loss(microbp.tensor([0.0, 1.0]), microbp.tensor([1.0, 2.0]), reduction="none")
    tensor([1.0000, 0.7183])
    """
    check_reduction("poisson_nll_loss", reduction, size_average, reduce)
    input, target = alike(*both_tensors("poisson_nll_loss", input, target), "poisson_nll_loss")
    eps = number("poisson_nll_loss", "eps", eps)
    losses = input.exp() - target * input if log_input else input - target * (input + eps).log()
    if full:
        stirling = target * target.log() - target + 0.5 * (2 * math.pi * target).log()
        losses = losses + apply(elementwise.zero_where, stirling, wrap(target.array <= 1))
    return reduced(losses, reduction, "poisson_nll_loss")


def gaussian_nll_loss(
    input: Tensor,
    target: Tensor,
    var: Tensor | float,
    full: bool = False,
    eps: float = 1e-6,
    reduction: str = "mean",
) -> Tensor:
    """-log p(t) for values t of a normal distribution, but for a constant: (log var + (input - t)² / var) / 2.

    Source: Nix & Weigend, "Estimating the Mean and Variance of the Target Probability Distribution" (1994).

    Parameters
    ----------
    input : Tensor
        The means.
    target : Tensor
        The values, of the same shape.
    var : Tensor or float
        The variances: one for each element, or one for all along the last dimension (then of the input's shape
        without that, or with size 1 there), or one for all.
    full : bool
        Add the constant log(2π) / 2.
    eps : float
        The least variance; as in PyTorch, the gradient takes no notice of it.
    reduction : {'mean', 'sum', 'none'}
        What to make of the losses.

    Returns
    -------
    Tensor
        0-d, or of the shape of `input` for ``'none'``.

    Raises
    ------
    RangeError
        If a variance is negative.
    ShapeError
        If the variances do not fit the input.

    Warns
    -----
    BroadcastWarning
        If input and target have different shapes.

    Examples
    --------
    >>> import microbp
    >>> gaussian_nll_loss(microbp.tensor([1.0, 2.0]), microbp.tensor([1.0, 4.0]), 1.0)
    tensor(1.)
    """
    check_reduction("gaussian_nll_loss", reduction, None, None)
    input, target = both_tensors("gaussian_nll_loss", input, target)
    require_floating("gaussian_nll_loss", input, target)
    spread = variances(input, var)
    eps = number("gaussian_nll_loss", "eps", eps)
    input, target = alike(input, target, "gaussian_nll_loss")
    look_at_values()
    missing = np.maximum(eps - spread.array, 0)
    if missing.any():
        spread = spread + wrap(missing)
    losses = 0.5 * (spread.log() + (input - target).square() / spread)
    if full:
        losses = losses + 0.5 * math.log(2 * math.pi)
    return reduced(losses, reduction, "gaussian_nll_loss")


def variances(input: Tensor, var: Any) -> Tensor:
    """The variances in a shape that broadcasts to that of the input."""
    if isinstance(var, int | float):
        var = wrap(np.full(input.array.shape, var, input.array.dtype))
    given: Tensor = tensor_for("gaussian_nll_loss", var, "var")
    if (given.array < 0).any():
        raise RangeError(f"gaussian_nll_loss: var has negative entry/entries, the least one is {given.array.min()}")
    if given.shape == input.shape:
        return given
    if given.shape == input.shape[:-1]:
        column: Tensor = given.unsqueeze(-1)
        return column
    if given.ndim == input.ndim and [b for a, b in zip(input.shape, given.shape, strict=True) if a != b] == [1]:
        return given
    raise ShapeError(
        f"gaussian_nll_loss: var is of incorrect size: {given.shape} for input {input.shape}; it may have the input's "
        "shape, that without the last dimension, or that with one dimension of size 1"
    )
