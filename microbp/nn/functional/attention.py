"""Attention with PyTorch's signatures: means of values, weighted by how well keys answer queries.

Source: Vaswani et al., "Attention Is All You Need" (2017).
"""

from __future__ import annotations

import math

import numpy as np

from microbp.errors import DtypeError, OptionError, ShapeError
from microbp.nn.functional.check import number, require_floating, tensor_for
from microbp.nn.functional.dropout import dropout
from microbp.ops import activation
from microbp.ops import shape as shaping
from microbp.tensor import Tensor, apply, wrap

__all__ = ["scaled_dot_product_attention"]


def scaled_dot_product_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """softmax(Q Kᵀ · scale + mask) V: for each query a mean of the values.

    Parameters
    ----------
    query : Tensor
        Q, (..., L, E).
    key : Tensor
        K, (..., S, E).
    value : Tensor
        V, (..., S, E_v).
    attn_mask : Tensor, optional
        Of a shape that broadcasts to (..., L, S): of truth values, with True where a query may look at a key, or
        floating-point numbers that are added.
    dropout_p : float
        The probability that a weight is left out. It is used whenever it is not 0: pass 0 when not training.
    is_causal : bool
        Let query i look at the keys 0 to i only; without `attn_mask`.
    scale : float, optional
        1 / √E by default.
    enable_gqa : bool
        Let groups of the heads of `query`, its third dimension from the end, share a head of `key` and `value`.

    Returns
    -------
    Tensor
        (..., L, E_v). A query that may look at no key gets zeros.

    Raises
    ------
    ShapeError, DtypeError, OptionError
        If shapes or dtypes do not fit each other, or there are two masks.

    Examples
    --------
    >>> import microbp
    >>> q, k = microbp.tensor([[0.0, 0.0], [100.0, 0.0]]), microbp.tensor([[1.0, 0.0], [0.0, 1.0]])
    >>> scaled_dot_product_attention(q, k, microbp.tensor([[1.0], [3.0]]))
    tensor([[2.],
            [1.]])
    """
    name = "scaled_dot_product_attention"
    query, key, value = tensor_for(name, query, "query"), tensor_for(name, key, "key"), tensor_for(name, value, "value")
    require_floating(name, query)
    if not query.dtype == key.dtype == value.dtype:
        raise DtypeError(
            f"{name}: Expected query, key, and value to have the same dtype, but got {query.dtype}, {key.dtype} and "
            f"{value.dtype}"
        )
    if min(query.ndim, key.ndim, value.ndim) < 2:
        raise ShapeError(
            f"{name}: Expected (..., L, E), (..., S, E) and (..., S, E_v), got {shapes(query, key, value)}"
        )
    if is_causal and attn_mask is not None:
        raise OptionError(f"{name}: Explicit attn_mask should not be set when is_causal=True; put both into the mask")
    if query.shape[-1] != key.shape[-1] or key.shape[-2] != value.shape[-2]:
        raise ShapeError(
            f"{name}: query (..., L, E), key (..., S, E) and value (..., S, E_v) do not fit, got "
            f"{shapes(query, key, value)}"
        )
    if enable_gqa:
        key, value = shared(name, query, key), shared(name, query, value)
    factor = 1 / math.sqrt(query.shape[-1]) if scale is None and query.shape[-1] else scale
    try:
        scores = (query if factor is None else query * number(name, "scale", factor)) @ key.mT
    except ShapeError:
        raise ShapeError(
            f"{name}: the dimensions before the last two do not fit: {shapes(query, key, value)}"
        ) from None
    allowed = None
    if is_causal:
        allowed = wrap(np.tri(query.shape[-2], key.shape[-2], dtype=bool))
    elif attn_mask is not None:
        mask = tensor_for(name, attn_mask, "attn_mask")
        require_mask(name, mask, scores)
        if mask.dtype == bool:
            allowed = mask
        else:
            scores = scores + mask
    weights: Tensor = apply(activation.masked_softmax, scores, allowed)
    if dropout_p:
        weights = dropout(weights, dropout_p)
    out: Tensor = weights @ value
    return out


def shapes(query: Tensor, key: Tensor, value: Tensor) -> str:
    """Three shapes in words."""
    return f"query {query.shape}, key {key.shape} and value {value.shape}"


def shared(name: str, query: Tensor, other: Tensor) -> Tensor:
    """The heads of keys or values, each repeated for the queries that share it."""
    if query.ndim < 3 or other.ndim < 3 or not other.shape[-3] or query.shape[-3] % other.shape[-3]:
        raise ShapeError(
            f"{name}: with enable_gqa, the number of heads of key and value must divide that of query, got query "
            f"{query.shape} and {other.shape}"
        )
    times = query.shape[-3] // other.shape[-3]
    if times == 1:
        return other
    *before, heads, length, width = other.shape
    several = apply(shaping.expand, other.unsqueeze(-3), shape=(*before, heads, times, length, width))
    result: Tensor = apply(shaping.reshape, several, shape=(*before, heads * times, length, width))
    return result


def require_mask(name: str, mask: Tensor, scores: Tensor) -> None:
    """Refuse a mask of another dtype than bool or that of the query, or that does not broadcast."""
    if mask.dtype not in (bool, scores.dtype):
        raise DtypeError(
            f"{name}: Expected attn_mask dtype to be bool or to match query dtype {scores.dtype}, got {mask.dtype}"
        )
    try:
        fits = np.broadcast_shapes(mask.shape, scores.shape) == scores.shape
    except ValueError:
        fits = False
    if not fits:
        raise ShapeError(f"{name}: attn_mask of shape {mask.shape} does not broadcast to (..., L, S) = {scores.shape}")
