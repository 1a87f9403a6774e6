"""Attention with PyTorch's signatures: means of values, weighted by how well keys answer queries.

Source: Vaswani et al., "Attention Is All You Need" (2017).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from microbp.errors import DtypeError, OptionError, ShapeError, warn
from microbp.functions.joining import cat
from microbp.functions.splitting import split
from microbp.nn.functional.check import number, require_floating, tensor_for
from microbp.nn.functional.dropout import dropout
from microbp.nn.functional.layer import linear
from microbp.nn.functional.padding import pad
from microbp.ops import activation, reduction
from microbp.ops import shape as shaping
from microbp.tensor import Tensor, apply, wrap

__all__ = ["multi_head_attention_forward", "scaled_dot_product_attention"]


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


def multi_head_attention_forward(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    embed_dim_to_check: int,
    num_heads: int,
    in_proj_weight: Tensor | None,
    in_proj_bias: Tensor | None,
    bias_k: Tensor | None,
    bias_v: Tensor | None,
    add_zero_attn: bool,
    dropout_p: float,
    out_proj_weight: Tensor,
    out_proj_bias: Tensor | None,
    training: bool = True,
    key_padding_mask: Tensor | None = None,
    need_weights: bool = True,
    attn_mask: Tensor | None = None,
    use_separate_proj_weight: bool = False,
    q_proj_weight: Tensor | None = None,
    k_proj_weight: Tensor | None = None,
    v_proj_weight: Tensor | None = None,
    static_k: Tensor | None = None,
    static_v: Tensor | None = None,
    average_attn_weights: bool = True,
    is_causal: bool = False,
) -> tuple[Tensor, Tensor | None]:
    """Attention in several heads, each with its own part of the linear maps of queries, keys and values.

    Parameters
    ----------
    query : Tensor
        (L, N, E), or (L, E) for a single sample.
    key, value : Tensor
        (S, N, E_k) and (S, N, E_v), or without N; E_k and E_v are E, but for separate weights.
    embed_dim_to_check : int
        E.
    num_heads : int
        The number of heads, which divides E.
    in_proj_weight, in_proj_bias : Tensor or None
        (3 E, E) and (3 E,): the maps of queries, keys and values one below the other.
    bias_k, bias_v : Tensor or None
        (1, 1, E): one more key and value.
    add_zero_attn : bool
        Add one more key and value of zeros.
    dropout_p : float
        The probability that a weight is left out in training.
    out_proj_weight, out_proj_bias : Tensor
        (E, E) and (E,): the map of the heads' results.
    training : bool
        Whether to leave weights out.
    key_padding_mask : Tensor, optional
        (N, S), or (S,): of truth values, with True for a key that nobody may look at, or numbers that are added.
    need_weights : bool
        Return the weights, too.
    attn_mask : Tensor, optional
        (L, S) or (N * num_heads, L, S): of truth values, with True where a query may **not** look at a key, or numbers
        that are added.
    use_separate_proj_weight : bool
        Use the next three instead of `in_proj_weight`.
    q_proj_weight, k_proj_weight, v_proj_weight : Tensor, optional
        (E, E), (E, E_k) and (E, E_v).
    static_k, static_v : Tensor, optional
        (N * num_heads, S, E / num_heads): keys and values of the heads to be used as they are.
    average_attn_weights : bool
        Return the mean of the heads' weights.
    is_causal : bool
        A hint that `attn_mask` is causal.

    Returns
    -------
    output : Tensor
        Of the shape of `query`.
    weights : Tensor or None
        (N, L, S), or (N, num_heads, L, S) if not averaged, without N for a single sample. With `need_weights`, a query
        that may look at no key gets NaN, as in PyTorch, and else zeros.

    Raises
    ------
    ShapeError, DtypeError, OptionError
        If shapes or dtypes do not fit each other, or what is needed is missing.

    Examples
    --------
    >>> import microbp
    >>> x, eye = microbp.ones(2, 1, 4), microbp.eye(4)
    >>> weight = microbp.cat([eye, eye, eye])
    >>> out, weights = multi_head_attention_forward(
    ...     x, x, x, 4, 2, weight, None, None, None, False, 0.0, eye, None)
    >>> out.shape, weights
    ((2, 1, 4), tensor([[[0.5000, 0.5000],
             [0.5000, 0.5000]]]))
    """
    name = "multi_head_attention_forward"
    same = (query is key, key is value)
    query, key, value = tensor_for(name, query, "query"), tensor_for(name, key, "key"), tensor_for(name, value, "value")
    batched = query.ndim == 3
    if query.ndim not in (2, 3) or not query.ndim == key.ndim == value.ndim:
        raise ShapeError(
            f"{name}: query, key and value should all be (L, N, E), or (L, E) for a single sample, got "
            f"{shapes(query, key, value)}"
        )
    width, heads = query.shape[-1], num_heads
    if width != embed_dim_to_check or width % heads:
        raise ShapeError(
            f"{name}: was expecting embedding dimension of {embed_dim_to_check}, a multiple of num_heads {heads}, but "
            f"got query {query.shape}"
        )
    if key.shape[:-1] != value.shape[:-1] or (not use_separate_proj_weight and key.shape != value.shape):
        raise ShapeError(f"{name}: key shape {key.shape} does not match value shape {value.shape}")
    if is_causal and attn_mask is None:
        raise OptionError(f"{name}: Need attn_mask if specifying the is_causal hint")
    added = mask_of("attn_mask", attn_mask, query.dtype)
    padding = mask_of("key_padding_mask", key_padding_mask, query.dtype)
    if attn_mask is not None and key_padding_mask is not None and attn_mask.dtype != key_padding_mask.dtype:
        warn(f"{name}: Support for mismatched key_padding_mask and attn_mask is deprecated; use one dtype for both")

    if use_separate_proj_weight:
        weights = (q_proj_weight, k_proj_weight, v_proj_weight)
        if any(weight is None for weight in weights):
            raise OptionError(f"{name}: use_separate_proj_weight is True but a projection weight is None")
        projected = separately((query, key, value), weights, in_proj_bias, width)
    elif in_proj_weight is None:
        raise OptionError(f"{name}: use_separate_proj_weight is False but in_proj_weight is None")
    else:
        projected = together((query, key, value), in_proj_weight, in_proj_bias, same)
    q, k, v = (each if batched else each.unsqueeze(1) for each in projected)
    length, samples = q.shape[:2]
    added = check_mask(name, added, samples * heads, length, k.shape[0])

    more = 0
    if (bias_k is None) != (bias_v is None):
        raise OptionError(f"{name}: bias_k and bias_v go together, one of them is None")
    if bias_k is not None and bias_v is not None:
        if static_k is not None or static_v is not None:
            raise OptionError(f"{name}: bias cannot be added to static key or value")
        k = cat([k, bias_k.expand(1, samples, width)])
        v = cat([v, bias_v.expand(1, samples, width)])
        more += 1
    q = in_heads(q, heads)
    k = in_heads(k, heads) if static_k is None else as_given(name, "static_k", static_k, samples, heads, width)
    v = in_heads(v, heads) if static_v is None else as_given(name, "static_v", static_v, samples, heads, width)
    if add_zero_attn:
        zeros = wrap(np.zeros((samples, heads, 1, width // heads), k.dtype))
        k, v = cat([k, zeros], dim=2), cat([v, zeros], dim=2)
        more += 1
    mask = merged(name, added, padding, samples, heads, more, k.shape[2])

    scores = (q * (1 / math.sqrt(width // heads))) @ k.mT
    if mask is not None:
        scores = scores + mask
    if need_weights:
        shares: Tensor = apply(reduction.softmax, scores, dim=3)
    else:
        shares = apply(activation.masked_softmax, scores, None)
    kept = dropout(shares, dropout_p, training)
    heard = apply(shaping.permute, kept @ v, dims=(2, 0, 1, 3)).reshape(length, samples, width)
    out = linear(heard, out_proj_weight, out_proj_bias)
    out = out if batched else out.squeeze(1)
    if not need_weights:
        return out, None
    found = kept.mean(dim=1) if average_attn_weights else kept
    return out, found if batched else found.squeeze(0)


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


def mask_of(argument: str, mask: Any, dtype: Any) -> Tensor | None:
    """A mask as numbers that are added: -inf where it is True."""
    if mask is None:
        return None
    mask = tensor_for("multi_head_attention_forward", mask, argument)
    if mask.dtype == bool:
        return wrap(np.where(mask.array, np.asarray(-np.inf, dtype), np.asarray(0, dtype)))
    if mask.dtype.kind != "f":
        raise DtypeError(f"only bool and floating types of {argument} are supported, got {mask.dtype}")
    found: Tensor = mask
    return found


def check_mask(name: str, mask: Tensor | None, heads: int, length: int, keys: int) -> Tensor | None:
    """Refuse an attention mask of another shape than (L, S) or (N * num_heads, L, S)."""
    if mask is not None and mask.shape not in ((length, keys), (heads, length, keys)):
        raise ShapeError(
            f"{name}: attn_mask should be of shape {(length, keys)} or {(heads, length, keys)}, got {mask.shape}"
        )
    return mask


def merged(
    name: str, added: Tensor | None, padding: Tensor | None, samples: int, heads: int, more: int, keys: int
) -> Tensor | None:
    """Both masks in one that broadcasts to (N, num_heads, L, S), with nothing masked in the keys that were added."""
    if added is not None:
        added = pad(added, (0, more)) if more else added
        if added.ndim == 3:
            added = added.reshape(samples, heads, *added.shape[1:])
    if padding is None:
        return added
    padding = pad(padding, (0, more)) if more else padding
    if padding.shape != (samples, keys) and (samples != 1 or padding.shape != (keys,)):
        raise ShapeError(
            f"{name}: key_padding_mask should be of shape {(samples, keys - more)}, or {(keys - more,)} for a single "
            f"sample, got {(*padding.shape[:-1], padding.shape[-1] - more)}"
        )
    padding = padding.reshape(samples, 1, 1, keys)
    return padding if added is None else added + padding


def together(
    inputs: tuple[Tensor, ...], weight: Tensor, bias: Tensor | None, same: tuple[bool, bool]
) -> tuple[Tensor, ...]:
    """Queries, keys and values mapped by the three parts of a weight, in as few products as possible."""
    query, key, value = inputs
    width = query.shape[-1]
    if all(same):
        return split(linear(query, weight, bias), width, dim=-1)
    parts = split(weight, width)
    biases = (None,) * 3 if bias is None else split(bias, width)
    return tuple(linear(x, w, b) for x, w, b in zip((query, key, value), parts, biases, strict=True))


def separately(
    inputs: tuple[Tensor, ...], weights: tuple[Any, ...], bias: Tensor | None, width: int
) -> tuple[Any, ...]:
    """Queries, keys and values mapped by a weight each."""
    biases = (None,) * 3 if bias is None else split(bias, width)
    return tuple(linear(x, w, b) for x, w, b in zip(inputs, weights, biases, strict=True))


def in_heads(x: Tensor, heads: int) -> Tensor:
    """(L, N, E) as (N, num_heads, L, E / num_heads)."""
    length, samples, width = x.shape
    apart = apply(shaping.reshape, x, shape=(length, samples, heads, width // heads))
    found: Tensor = apply(shaping.permute, apart, dims=(1, 2, 0, 3))
    return found


def as_given(name: str, argument: str, static: Tensor, samples: int, heads: int, width: int) -> Tensor:
    """Keys or values (N * num_heads, S, E / num_heads) as (N, num_heads, S, E / num_heads)."""
    if static.ndim != 3 or (static.shape[0], static.shape[2]) != (samples * heads, width // heads):
        raise ShapeError(
            f"{name}: expecting {argument} of shape ({samples * heads}, S, {width // heads}), got {static.shape}"
        )
    found: Tensor = static.reshape(samples, heads, static.shape[1], static.shape[2])
    return found
