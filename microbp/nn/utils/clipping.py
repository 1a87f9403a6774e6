"""Limits for gradients."""

from __future__ import annotations

import math
from collections.abc import Generator, Iterable
from typing import Any

import numpy as np

from microbp.effect import effect
from microbp.errors import warn
from microbp.tensor import Tensor, wrap

__all__ = [
    "clip_grad_norm_",
    "clip_grad_value_",
    "clip_grads_with_norm_",
    "get_total_norm",
]


def listed_tensors(tensors: Tensor | Iterable[Tensor]) -> list[Tensor]:
    """One tensor, or several, as a list."""
    return [tensors] if isinstance(tensors, Tensor) else list(tensors)


def gradients_of(parameters: Tensor | Iterable[Tensor]) -> list[Tensor]:
    """The gradients that there are, of one parameter or several."""
    return [parameter.grad for parameter in listed_tensors(parameters) if parameter.grad is not None]


def get_total_norm(
    tensors: Tensor | Iterable[Tensor],
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """The norm of all tensors taken as one vector; nothing is recorded.

    Parameters
    ----------
    tensors : Tensor or iterable of Tensor
        Most often gradients.
    norm_type : float
        The exponent of the norm; ``float("inf")`` for the largest absolute value.
    error_if_nonfinite : bool
        Refuse a norm that is infinite or NaN.
    foreach : optional
        For PyTorch's scripts; makes no difference.

    Returns
    -------
    Tensor
        0-d; 0 if there are no tensors.

    Raises
    ------
    RuntimeError
        If the norm is not finite and `error_if_nonfinite`.

    Examples
    --------
    >>> import microbp
    >>> get_total_norm([microbp.tensor([3.0]), microbp.tensor([[4.0]])])
    tensor(5.)
    """
    listed = listed_tensors(tensors)
    if not listed:
        return wrap(np.zeros((), np.float32))
    norms = np.array([norm_of(t.array, norm_type) for t in listed])
    total = norms[0] if len(norms) == 1 else norm_of(norms, norm_type)
    if error_if_nonfinite and not math.isfinite(total):
        raise RuntimeError(
            f"The total norm of order {norm_type} for gradients from `parameters` is non-finite, so it cannot be "
            "clipped. To disable this error and scale the gradients by the non-finite norm anyway, set "
            "`error_if_nonfinite=False`"
        )
    return wrap(np.asarray(total, listed[0].dtype))


@effect
def clip_grads_with_norm_(
    parameters: Tensor | Iterable[Tensor], max_norm: float, total_norm: Tensor | float, foreach: bool | None = None
) -> None:
    """Scale all gradients by max_norm / (total_norm + 1e-6) if `total_norm` is larger than `max_norm`.

    Parameters
    ----------
    parameters : Tensor or iterable of Tensor
        Whose ``grad`` to scale, in place.
    max_norm : float
        The largest norm allowed.
    total_norm : Tensor
        The norm of the gradients, as `get_total_norm` gives it.
    foreach : optional
        For PyTorch's scripts; makes no difference.

    Examples
    --------
    >>> import microbp
    >>> w = microbp.tensor([3.0, 4.0], requires_grad=True)
    >>> w.sum().backward()
    >>> clip_grads_with_norm_(w, max_norm=1.0, total_norm=microbp.tensor(2.0))
    >>> w.grad
    tensor([0.5000, 0.5000])
    """
    total = float(total_norm)
    factor = min(max_norm / (total + 1e-6), 1.0) if not math.isnan(total) else math.nan
    if factor != 1.0:
        for g in gradients_of(parameters):
            with np.errstate(invalid="ignore"):  # infinity times 0 is NaN, as it should be
                np.multiply(g.array, factor, out=g.array)
            g._versioned().write()


@effect
def clip_grad_norm_(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Scale all gradients by max_norm / (norm + 1e-6) if their common norm is larger than max_norm.

    Source: Pascanu, Mikolov & Bengio, "On the Difficulty of Training Recurrent Neural Networks" (2013).

    Parameters
    ----------
    parameters : Tensor or iterable of Tensor
        Whose ``grad`` to scale, in place.
    max_norm : float
        The largest norm allowed.
    norm_type : float
        The exponent of the norm; ``float("inf")`` for the largest absolute value.
    error_if_nonfinite : bool
        Refuse a norm that is infinite or NaN, instead of spreading it.
    foreach : optional
        For PyTorch's scripts; makes no difference.

    Returns
    -------
    Tensor
        The norm before, of all gradients taken as one vector.

    Raises
    ------
    RuntimeError
        If the norm is not finite and `error_if_nonfinite`; the gradients stay as they were.

    Examples
    --------
    >>> import microbp
    >>> w = microbp.tensor([3.0, 4.0], requires_grad=True)
    >>> (w * w).sum().backward()
    >>> clip_grad_norm_(w, max_norm=1.0)
    tensor(10.)
    >>> w.grad
    tensor([0.6000, 0.8000])
    """
    listed = listed_tensors(parameters)
    if not listed and isinstance(parameters, Generator):
        warn("parameters is an empty generator, perhaps one that was used before: no gradients are clipped")
    total = get_total_norm(gradients_of(listed), norm_type, error_if_nonfinite)
    clip_grads_with_norm_(listed, max_norm, total)
    return total


def norm_of(values: np.ndarray[Any, Any], norm_type: float) -> float:
    """``(Σ |v|^p)^(1/p)`` over all elements; the largest ``|v|`` for p = inf."""
    flat = values.reshape(-1).astype(np.float64 if values.dtype == np.float64 else np.float32, copy=False)
    if norm_type == 2:
        return math.sqrt(float(flat.dot(flat)))
    return float(np.linalg.norm(flat, norm_type)) if flat.size else 0.0


@effect
def clip_grad_value_(parameters: Tensor | Iterable[Tensor], clip_value: float, foreach: bool | None = None) -> None:
    """Limit every element of the gradients to between -clip_value and clip_value, in place.

    Parameters
    ----------
    parameters : Tensor or iterable of Tensor
        Whose ``grad`` to limit.
    clip_value : float
        The largest absolute value allowed.
    foreach : optional
        For PyTorch's scripts; makes no difference.

    Examples
    --------
    >>> import microbp
    >>> w = microbp.tensor([3.0, 0.1], requires_grad=True)
    >>> (w * w).sum().backward()
    >>> clip_grad_value_(w, 1.0)
    >>> w.grad
    tensor([1.0000, 0.2000])
    """
    for g in gradients_of(parameters):
        np.clip(g.array, -clip_value, clip_value, out=g.array)
        g._versioned().write()
