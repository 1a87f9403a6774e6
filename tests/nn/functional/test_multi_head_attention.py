"""Attention in several heads: warnings, chance, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import microbp
from microbp.errors import DtypeError, OptionError, ShapeError
from microbp.nn import functional as F
from tests.samples import normal


def ones(*shape: int) -> microbp.Tensor:
    return microbp.ones(shape)


def attend(**options: Any) -> tuple[microbp.Tensor, microbp.Tensor | None]:
    """Three queries, five keys, a batch of 2, four features in two heads."""
    given: dict[str, Any] = {
        "query": microbp.tensor(normal(3, 2, 4)),
        "key": microbp.tensor(normal(5, 2, 4)),
        "value": microbp.tensor(normal(5, 2, 4, seed=1)),
        "embed_dim_to_check": 4,
        "num_heads": 2,
        "in_proj_weight": microbp.tensor(normal(12, 4)),
        "in_proj_bias": microbp.tensor(normal(12)),
        "bias_k": None,
        "bias_v": None,
        "add_zero_attn": False,
        "dropout_p": 0.0,
        "out_proj_weight": microbp.tensor(normal(4, 4)),
        "out_proj_bias": microbp.tensor(normal(4)),
        **options,
    }
    return F.multi_head_attention_forward(**given)


def test_weights_sum_to_1_and_may_be_left_out() -> None:
    out, weights = attend()
    assert weights is not None
    np.testing.assert_allclose(weights.array.sum(-1), 1, rtol=1e-12)
    same, nothing = attend(need_weights=False)
    assert nothing is None
    np.testing.assert_allclose(same.array, out.array, rtol=1e-12)


def test_a_key_that_is_masked_has_no_weight_and_gets_no_gradient() -> None:
    for options in (
        {"attn_mask": microbp.tensor(np.arange(15).reshape(3, 5) % 5 == 2)},
        {"key_padding_mask": microbp.tensor(np.arange(10).reshape(2, 5) % 5 == 2)},
    ):
        value = microbp.tensor(normal(5, 2, 4), requires_grad=True)
        out, weights = attend(value=value, **options)
        assert weights is not None
        assert not weights.detach().array[:, :, 2].any()
        out.square().sum().backward()
        assert not value.grad.array[2].any()
        assert value.grad.array[[0, 1, 3, 4]].all()


def test_a_query_that_may_look_at_nothing_gets_nan_with_weights_and_zeros_without() -> None:
    mask = microbp.ones(2, 5, dtype=microbp.bool)
    out, _ = attend(key_padding_mask=mask, out_proj_bias=None)
    assert np.isnan(out.array).all()
    out, _ = attend(key_padding_mask=mask, out_proj_bias=None, need_weights=False)
    assert not out.array.any()


def test_dropout_is_for_training_only() -> None:
    without, _ = attend()
    evaluated, _ = attend(dropout_p=0.5, training=False)
    np.testing.assert_array_equal(without.array, evaluated.array)
    trained, weights = attend(dropout_p=0.5)
    assert weights is not None
    assert (trained.array != without.array).any()
    _, heads = attend(dropout_p=0.5, average_attn_weights=False)
    assert heads is not None
    assert 0.2 < (heads.array == 0).mean() < 0.8


def test_masks_of_two_kinds_warn_as_in_pytorch() -> None:
    with pytest.warns(
        UserWarning, match="Support for mismatched key_padding_mask and attn_mask is deprecated"
    ) as caught:
        attend(
            attn_mask=microbp.zeros(3, 5, dtype=microbp.float64),
            key_padding_mask=microbp.zeros(2, 5, dtype=microbp.bool),
        )
    assert caught[0].filename == __file__


def test_inputs_and_masks_stay_as_they_are() -> None:
    arrays = {"query": normal(3, 2, 4), "attn_mask": normal(3, 5), "key_padding_mask": normal(2, 5)}
    tensors = {name: microbp.tensor(array) for name, array in arrays.items()}
    attend(**tensors)
    for name, array in arrays.items():
        np.testing.assert_array_equal(tensors[name].array, array)


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"num_heads": 0}, OptionError, "num_heads must be positive, got 0"),
        ({"num_heads": 2.0}, TypeError, r"num_heads must be an integer .* got 2\.0"),
        ({"num_heads": 3}, ShapeError, r"a multiple of num_heads 3, but got query \(3, 2, 4\)"),
        ({"embed_dim_to_check": 6}, ShapeError, "was expecting embedding dimension of 6"),
        ({"query": ones(4)}, ShapeError, r"\(L, N, E\), or \(L, E\) .* got query \(4,\)"),
        ({"query": ones(3, 4)}, ShapeError, r"got query \(3, 4\), key \(5, 2, 4\)"),
        ({"key": ones(5, 3, 4)}, ShapeError, r"key shape \(5, 3, 4\) does not match value shape \(5, 2, 4\)"),
        ({"key": ones(5, 3, 4), "value": ones(5, 3, 4)}, ShapeError, "must be of one batch size"),
        ({"in_proj_weight": None}, OptionError, "use_separate_proj_weight is False but in_proj_weight is None"),
        ({"in_proj_weight": ones(12, 5)}, ShapeError, r"in_proj_weight must have shape \(12, 4\), got \(12, 5\)"),
        ({"in_proj_bias": ones(4)}, ShapeError, r"in_proj_bias must have shape \(12,\), got \(4,\)"),
        ({"use_separate_proj_weight": True}, OptionError, "is True but a projection weight is None"),
        (
            {
                "use_separate_proj_weight": True,
                "q_proj_weight": ones(4, 4),
                "k_proj_weight": ones(4, 3),
                "v_proj_weight": ones(4, 4),
            },
            ShapeError,
            r"k_proj_weight must have shape \(4, 4\), got \(4, 3\)",
        ),
        ({"bias_k": ones(1, 1, 4)}, OptionError, "bias_k and bias_v go together"),
        ({"bias_k": ones(1, 1, 3), "bias_v": ones(1, 1, 4)}, ShapeError, r"bias_k must have shape \(1, 1, 4\)"),
        ({"static_k": ones(4, 7, 3)}, ShapeError, r"static_k of shape \(4, S, 2\), got \(4, 7, 3\)"),
        ({"static_k": ones(4, 7, 2)}, ShapeError, "there are 7 keys, but 5 values"),
        (
            {
                "static_k": ones(4, 7, 2),
                "static_v": ones(4, 7, 2),
                "bias_k": ones(1, 1, 4),
                "bias_v": ones(1, 1, 4),
            },
            OptionError,
            "bias cannot be added to static key or value",
        ),
        ({"attn_mask": ones(3, 4)}, ShapeError, r"should be of shape \(3, 5\) or \(4, 3, 5\), got \(3, 4\)"),
        ({"attn_mask": ones(3, 5).long()}, DtypeError, "only bool and floating types of attn_mask .* got int64"),
        ({"key_padding_mask": ones(2, 4)}, ShapeError, r"should be of shape \(2, 5\).* got \(2, 4\)"),
        ({"is_causal": True}, OptionError, "Need attn_mask if specifying the is_causal hint"),
    ],
)
def test_refused_by_its_name(options: dict[str, Any], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=f"^multi_head_attention_forward: .*{text}"):
        attend(**options)
