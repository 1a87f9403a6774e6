"""Softmax and what is made of it, with PyTorch's signatures."""

from __future__ import annotations

from typing import Any

import numpy as np

from microbp.errors import OptionError, warn
from microbp.functions.dims import as_dim
from microbp.functions.generator import generator_or_default
from microbp.functions.softmax import normalised
from microbp.nn.functional.check import ordered, require_floating, tensor_for
from microbp.ops import reduction
from microbp.ops.op import Op
from microbp.tensor import Tensor, apply, wrap

__all__ = ["gumbel_softmax", "log_softmax", "softmax", "softmin"]


def softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """exp(x) / sum(exp(x)) along a dimension: positive values that sum to 1.

    Parameters
    ----------
    input : Tensor
        Any shape.
    dim : int
        The dimension along which to normalise. Leaving it out is deprecated in PyTorch, and warns.
    dtype : dtype, optional
        Convert the input first.

    Returns
    -------
    Tensor
        Of the shape of `input`.

    Raises
    ------
    DtypeError
        If the input is not floating-point.

    Examples
    --------
    >>> import microbp
    >>> softmax(microbp.tensor([[0.0, 0.0, 0.0, 0.0]]), dim=1)
    tensor([[0.2500, 0.2500, 0.2500, 0.2500]])
    """
    return along(reduction.softmax, input, dim, dtype, "softmax")


def log_softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """log(softmax(x)) along a dimension, computed as x - logsumexp(x).

    Parameters
    ----------
    input, dim, dtype
        As for `softmax`.

    Returns
    -------
    Tensor
        Of the shape of `input`.

    Raises
    ------
    DtypeError
        If the input is not floating-point.

    Examples
    --------
    >>> import microbp
    >>> log_softmax(microbp.tensor([[0.0, 1.0]]), dim=1)
    tensor([[-1.3133, -0.3133]])
    """
    return along(reduction.log_softmax, input, dim, dtype, "log_softmax")


def softmin(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """softmax(-x) along a dimension.

    Parameters
    ----------
    input, dim, dtype
        As for `softmax`.

    Returns
    -------
    Tensor
        Of the shape of `input`.

    Raises
    ------
    DtypeError
        If the input is not floating-point.

    Examples
    --------
    >>> import microbp
    >>> softmin(microbp.tensor([[0.0, 1.0]]), dim=1)
    tensor([[0.7311, 0.2689]])
    """
    return along(reduction.softmax, -ordered("softmin", input), dim, dtype, "softmin")


def gumbel_softmax(logits: Tensor, tau: float = 1, hard: bool = False, eps: float = 1e-10, dim: int = -1) -> Tensor:
    """A sample from a distribution over classes that has a gradient: softmax((x + n) / tau) with Gumbel noise n.

    Source: Jang, Gu & Poole, "Categorical Reparameterization with Gumbel-Softmax" (2017).

    Parameters
    ----------
    logits : Tensor
        Unnormalised log-probabilities, of any shape.
    tau : float
        The temperature, positive: the smaller, the nearer a sample is to a single class.
    hard : bool
        Give a 1 for the class that was drawn and else 0, with the gradient of the soft sample.
    eps : float
        Without effect, as in PyTorch.
    dim : int
        The dimension of the classes.

    Returns
    -------
    Tensor
        Of the shape of `logits`.

    Raises
    ------
    OptionError, DtypeError, IndexError
        If tau is not positive, the logits are not floating-point, or there is no such dimension.

    Examples
    --------
    >>> import microbp
    >>> gumbel_softmax(microbp.tensor([0.0, 100.0, 0.0]), hard=True)
    tensor([0., 1., 0.])
    """
    if eps != 1e-10:
        warn("gumbel_softmax: `eps` parameter is deprecated and has no effect.")
    logits = tensor_for("gumbel_softmax", logits, "logits")
    require_floating("gumbel_softmax", logits)
    axis = as_dim("gumbel_softmax", dim, logits.ndim)
    if not tau > 0:
        raise OptionError(f"gumbel_softmax: tau must be positive, got {tau}")
    noise = generator_or_default(None).numpy.gumbel(size=logits.shape).astype(logits.dtype)
    soft = normalised(reduction.softmax, (logits + wrap(noise)) / tau, dim, None)
    if not hard:
        return soft
    chosen = apply(reduction.argmax, soft.detach(), dim=axis, keepdim=True)
    one = np.zeros_like(soft.array)
    np.put_along_axis(one, chosen.array, 1, axis=axis)
    return wrap(one - soft.array) + soft


def along(row: Op, input: Any, dim: int | None, dtype: Any, name: str) -> Tensor:
    """Apply a row that works along a dimension."""
    input = tensor_for(name, input)
    if dim is None:
        warn(
            f"Implicit dimension choice for {name} has been deprecated. "
            "Change the call to include dim=X as an argument."
        )
        dim = 0 if input.ndim in (0, 1, 3) else 1
    return normalised(row, input, dim, dtype)
