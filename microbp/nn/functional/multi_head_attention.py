"""Attention in several heads, with PyTorch's signature.

Source: Vaswani et al., "Attention Is All You Need" (2017).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from microbp.errors import DtypeError, OptionError, ShapeError, warn
from microbp.functions.joining import cat
from microbp.functions.splitting import split
from microbp.nn.functional.attention import shapes
from microbp.nn.functional.check import tensor_for
from microbp.nn.functional.dropout import dropout
from microbp.nn.functional.layer import linear
from microbp.nn.functional.padding import pad
from microbp.nn.functional.sliding import positive
from microbp.ops import activation, reduction
from microbp.ops import shape as shaping
from microbp.tensor import Tensor, apply, wrap

__all__ = ["multi_head_attention_forward"]


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
    in_proj_weight, in_proj_bias = given(in_proj_weight, "in_proj_weight"), given(in_proj_bias, "in_proj_bias")
    bias_k, bias_v, out_proj_bias = (
        given(bias_k, "bias_k"),
        given(bias_v, "bias_v"),
        given(out_proj_bias, "out_proj_bias"),
    )
    static_k, static_v = given(static_k, "static_k"), given(static_v, "static_v")
    out_proj_weight = tensor_for(name, out_proj_weight, "out_proj_weight")
    batched = query.ndim == 3
    if query.ndim not in (2, 3) or not query.ndim == key.ndim == value.ndim:
        raise ShapeError(
            f"{name}: query, key and value should all be (L, N, E), or (L, E) for a single sample, got "
            f"{shapes(query, key, value)}"
        )
    (heads,), width = positive(name, "num_heads", num_heads, 1), query.shape[-1]
    if width != embed_dim_to_check or width % heads:
        raise ShapeError(
            f"{name}: was expecting embedding dimension of {embed_dim_to_check}, a multiple of num_heads {heads}, but "
            f"got query {query.shape}"
        )
    if key.shape[:-1] != value.shape[:-1] or (not use_separate_proj_weight and key.shape != value.shape):
        raise ShapeError(f"{name}: key shape {key.shape} does not match value shape {value.shape}")
    if batched and query.shape[1] != key.shape[1]:
        raise ShapeError(f"{name}: query, key and value must be of one batch size, got {shapes(query, key, value)}")
    if is_causal and attn_mask is None:
        raise OptionError(f"{name}: Need attn_mask if specifying the is_causal hint")
    added = mask_of("attn_mask", attn_mask, query.dtype)
    padding = mask_of("key_padding_mask", key_padding_mask, query.dtype)
    if attn_mask is not None and key_padding_mask is not None and attn_mask.dtype != key_padding_mask.dtype:
        warn(f"{name}: Support for mismatched key_padding_mask and attn_mask is deprecated; use one dtype for both")

    require_shape("in_proj_bias", in_proj_bias, (3 * width,))
    require_shape("bias_k", bias_k, (1, 1, width))
    require_shape("bias_v", bias_v, (1, 1, width))
    if use_separate_proj_weight:
        weights = (
            given(q_proj_weight, "q_proj_weight"),
            given(k_proj_weight, "k_proj_weight"),
            given(v_proj_weight, "v_proj_weight"),
        )
        if any(weight is None for weight in weights):
            raise OptionError(f"{name}: use_separate_proj_weight is True but a projection weight is None")
        for argument, weight, x in zip("qkv", weights, (query, key, value), strict=True):
            require_shape(f"{argument}_proj_weight", weight, (width, x.shape[-1]))
        projected = separately((query, key, value), weights, in_proj_bias, width)
    elif in_proj_weight is None:
        raise OptionError(f"{name}: use_separate_proj_weight is False but in_proj_weight is None")
    else:
        require_shape("in_proj_weight", in_proj_weight, (3 * width, width))
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
    if k.shape[2] != v.shape[2]:
        raise ShapeError(f"{name}: there are {k.shape[2]} keys, but {v.shape[2]} values; give static_k and static_v")
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


def given(value: Any, argument: str) -> Tensor | None:
    """A tensor that may be left out."""
    return None if value is None else tensor_for("multi_head_attention_forward", value, argument)


def require_shape(argument: str, value: Tensor | None, shape: tuple[int, ...]) -> None:
    """Refuse a tensor of another shape, if there is one."""
    if value is not None and value.shape != shape:
        raise ShapeError(f"multi_head_attention_forward: {argument} must have shape {shape}, got {value.shape}")


def mask_of(argument: str, mask: Any, dtype: Any) -> Tensor | None:
    """A mask as numbers that are added: -inf where it is True."""
    if mask is None:
        return None
    mask = tensor_for("multi_head_attention_forward", mask, argument)
    if mask.dtype == bool:
        return wrap(np.where(mask.array, np.asarray(-np.inf, dtype), np.asarray(0, dtype)))
    if mask.dtype.kind != "f":
        raise DtypeError(
            f"multi_head_attention_forward: only bool and floating types of {argument} are supported, got {mask.dtype}"
        )
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
