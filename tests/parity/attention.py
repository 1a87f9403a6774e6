"""Attention, with the masks that it takes."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.parity import Calls, Values, call, operation

SEQUENCES = "queries are sequences of vectors"


def by_formula(lib: Any, *arguments: Any, **options: Any) -> Any:
    """PyTorch has second derivatives for one of its implementations only."""
    with lib.nn.attention.sdpa_kernel(lib.nn.attention.SDPBackend.MATH):
        return lib.nn.functional.scaled_dot_product_attention(*arguments, **options)


@operation("nn.functional.scaled_dot_product_attention", no_scalar=SEQUENCES, twice=by_formula)
def scaled_dot_product_attention(make: Values) -> Calls:
    for shape in ((2, 3), (2,), ()):
        yield call(make.normal(*shape, 4, 5), make.normal(*shape, 6, 5), make.normal(*shape, 6, 2))
        yield call(make.normal(*shape, 4, 5), make.normal(*shape, 4, 5), make.normal(*shape, 4, 5), is_causal=True)
        yield call(make.normal(*shape, 4, 5), make.normal(*shape, 6, 5), make.normal(*shape, 6, 5), make.normal(4, 6))
        yield call(make.normal(*shape, 4, 5), make.normal(*shape, 6, 5), make.normal(*shape, 6, 5), scale=0.3)
    q, k, v = (2, 3, 4, 5), (2, 3, 6, 5), (2, 3, 6, 5)
    mask = np.random.default_rng(1).random((4, 6)) < 0.6
    mask[1] = False  # one query that may look at nothing
    yield call(make.normal(*q), make.normal(*k), make.normal(*v), make.laid_out(mask))
    yield call(make.normal(*q), make.normal(*k), make.normal(*v), attn_mask=make.normal(2, 1, 4, 6))
    yield call(make.normal(*q), make.normal(*k), make.normal(*v), attn_mask=make.truths(3, 1, 6))
    yield call(
        make.normal(*q), make.normal(*k), make.normal(*v), make.laid_out(np.where(mask, 0, -np.inf)), constants=(3,)
    )
    yield call(make.normal(*q), make.normal(*k), make.normal(*v), None, 0.0, True, scale=0.7)
    yield call(make.normal(2, 4, 3, 5), make.normal(2, 2, 6, 5), make.normal(2, 2, 6, 5), enable_gqa=True)
    yield call(
        make.normal(1, 4, 3, 5), make.normal(1, 1, 3, 5), make.normal(1, 1, 3, 2), is_causal=True, enable_gqa=True
    )
    yield call(make.normal(0, 4, 5), make.normal(0, 6, 5), make.normal(0, 6, 5))
    yield call(make.normal(2, 0, 5), make.normal(2, 6, 5), make.normal(2, 6, 5))


def heads(
    make: Values, query: tuple[int, ...], key: tuple[int, ...], value: tuple[int, ...] | None = None, **options: Any
) -> Any:
    """A call of `multi_head_attention_forward`, with weights of the right shapes."""
    width = query[-1]
    value = key if value is None else value
    apart = options.get("use_separate_proj_weight", False)
    given = {
        "query": make.normal(*query),
        "key": make.normal(*key),
        "value": make.normal(*value),
        "embed_dim_to_check": width,
        "num_heads": 2,
        "in_proj_weight": None if apart else make.normal(3 * width, width),
        "in_proj_bias": make.normal(3 * width),
        "bias_k": None,
        "bias_v": None,
        "add_zero_attn": False,
        "dropout_p": 0.0,
        "out_proj_weight": make.normal(width, width),
        "out_proj_bias": make.normal(width),
        **options,
    }
    return call(**given)


def multi_head_by_formula(lib: Any, **options: Any) -> Any:
    """The same as `by_formula`."""
    with lib.nn.attention.sdpa_kernel(lib.nn.attention.SDPBackend.MATH):
        return lib.nn.functional.multi_head_attention_forward(**options)


@operation("nn.functional.multi_head_attention_forward", no_scalar=SEQUENCES, twice=multi_head_by_formula)
def multi_head_attention_forward(make: Values) -> Calls:
    q, k = (3, 2, 4), (5, 2, 4)
    yield heads(make, q, k)
    yield heads(make, q, k, need_weights=False)
    yield heads(make, q, k, average_attn_weights=False)
    yield heads(make, (3, 4), (5, 4))
    yield heads(make, (3, 4), (5, 4), need_weights=False)
    yield heads(make, (3, 4), (5, 4), average_attn_weights=False)
    yield heads(make, q, k, in_proj_bias=None, out_proj_bias=None)
    yield heads(make, q, k, num_heads=4, dropout_p=0.5, training=False)
    yield heads(make, q, k, attn_mask=make.normal(3, 5))
    yield heads(make, q, k, attn_mask=make.normal(4, 3, 5), need_weights=False)
    yield heads(make, q, k, attn_mask=make.laid_out(np.arange(15).reshape(3, 5) % 3 == 0))
    yield heads(make, q, k, key_padding_mask=make.laid_out(np.arange(10).reshape(2, 5) % 4 == 0))
    yield heads(make, q, k, key_padding_mask=make.normal(2, 5), attn_mask=make.normal(3, 5))
    yield heads(make, (3, 4), (5, 4), key_padding_mask=make.laid_out(np.arange(5) == 2))
    yield heads(make, q, q, attn_mask=make.laid_out(~np.tri(3, dtype=bool)), is_causal=True, need_weights=False)
    yield heads(make, q, k, bias_k=make.normal(1, 1, 4), bias_v=make.normal(1, 1, 4))
    yield heads(make, q, k, add_zero_attn=True)
    yield heads(
        make,
        q,
        k,
        bias_k=make.normal(1, 1, 4),
        bias_v=make.normal(1, 1, 4),
        add_zero_attn=True,
        attn_mask=make.normal(3, 5),
        key_padding_mask=make.laid_out(np.arange(10).reshape(2, 5) % 4 == 0),
    )
    yield heads(
        make,
        q,
        (5, 2, 3),
        (5, 2, 6),
        use_separate_proj_weight=True,
        q_proj_weight=make.normal(4, 4),
        k_proj_weight=make.normal(4, 3),
        v_proj_weight=make.normal(4, 6),
    )
    yield heads(make, q, k, static_k=make.normal(4, 7, 2), static_v=make.normal(4, 7, 2))
    yield heads(make, (3, 0, 4), (5, 0, 4))
