"""Attention: against a definition, stability, chance, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import microbp
from microbp.errors import DtypeError, OptionError, ShapeError
from microbp.nn import functional as F
from tests.referee import compare
from tests.samples import normal

INF = float("inf")


def ones(*shape: int) -> microbp.Tensor:
    return microbp.ones(shape)


def test_attention_is_what_its_definition_says() -> None:
    """Each query takes a mean of the values, weighted by the exponentials of its products with the keys."""
    q, k, v = normal(3, 4), normal(5, 4, seed=1), normal(5, 2, seed=2)
    expected = np.zeros((3, 2))
    for i in range(3):
        weights = np.exp([q[i] @ k[j] / 2 for j in range(5)])
        for j in range(5):
            expected[i] += weights[j] / weights.sum() * v[j]
    found = F.scaled_dot_product_attention(*(microbp.tensor(a) for a in (q, k, v)))
    np.testing.assert_allclose(found.array, expected, rtol=1e-12)


def test_a_causal_query_does_not_see_later_keys() -> None:
    q, k, v = (microbp.tensor(normal(4, 3, seed=n), requires_grad=True) for n in range(3))
    y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
    np.testing.assert_allclose(y.detach().array[0], v.detach().array[0])
    y[1].sum().backward()
    for t in (k, v):
        assert t.grad.array[:2].any()
        assert not t.grad.array[2:].any()


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_scores_of_any_size_are_exact(dtype: Any) -> None:
    scale = 200.0 if dtype == np.float16 else 1e15
    q = microbp.tensor(np.array([[1, 0], [0, 1]]) * scale, dtype=dtype).requires_grad_()
    v = microbp.tensor(np.array([[1, 2], [3, 4]]), dtype=dtype)
    y = F.scaled_dot_product_attention(q, q, v)
    assert y.dtype == dtype
    np.testing.assert_array_equal(y.detach().array, v.array)
    y.sum().backward()
    assert np.isfinite(q.grad.array).all()


@pytest.mark.parametrize("as_numbers", [False, True])
def test_a_query_that_may_look_at_nothing_gets_zeros_and_no_gradient(as_numbers: bool) -> None:
    q, k, v = (microbp.tensor(normal(2, 3, seed=n), requires_grad=True) for n in range(3))
    allowed = np.array([[False, False], [True, False]])
    mask = microbp.tensor(np.where(allowed, 0, -INF) if as_numbers else allowed)
    y = F.scaled_dot_product_attention(q, k, v, mask)
    np.testing.assert_array_equal(y.detach().array, [[0, 0, 0], v.detach().array[0]])
    (slope,) = microbp.autograd.grad(y.square().sum(), q, create_graph=True)
    assert not slope.detach().array.any()
    (again,) = microbp.autograd.grad(slope.sum(), v)
    assert np.isfinite(again.array).all()


def test_a_masked_value_of_nan_stays_out_only_of_the_weights_as_in_pytorch() -> None:
    v = np.array([[1.0], [np.nan]])
    compare(
        lambda lib, v: lib.nn.functional.scaled_dot_product_attention(
            lib.ones(1, 2).double(), lib.ones(2, 2).double(), v, lib.tensor([[True, False]])
        ),
        v,
    )


def test_no_keys_at_all_give_zeros() -> None:
    assert not F.scaled_dot_product_attention(ones(2, 3), ones(0, 3), ones(0, 4)).array.any()


def test_masks_and_inputs_stay_as_they_are() -> None:
    arrays = normal(4, 3), normal(4, 3, seed=1), normal(4, 3, seed=2), normal(4, 4)
    tensors = [microbp.tensor(a) for a in arrays]
    F.scaled_dot_product_attention(*tensors)
    for t, a in zip(tensors, arrays, strict=True):
        np.testing.assert_array_equal(t.array, a)


def test_changing_a_mask_later_does_not_change_the_gradient_or_is_refused() -> None:
    q = microbp.tensor(normal(2, 3), requires_grad=True)
    mask = microbp.tensor([[True, False], [True, True]])
    expected, found = [], []
    for gradients in (expected, found):
        loss = F.scaled_dot_product_attention(q, q, q, mask.clone() if gradients is expected else mask).square().sum()
        if gradients is found:
            mask.fill_(True)
        gradients.extend(microbp.autograd.grad(loss, q))
    np.testing.assert_array_equal(found[0].array, expected[0].array)


# -- dropout -------------------------------------------------------------------------------


def test_dropout_leaves_weights_out_and_keeps_the_mean() -> None:
    q, k, v = ones(1, 2), ones(1000, 2), ones(1000, 1)
    outputs = [F.scaled_dot_product_attention(q, k, v, dropout_p=0.3).item() for _ in range(50)]
    assert len(set(outputs)) > 20
    assert np.mean(outputs) == pytest.approx(1, abs=0.02)
    microbp.manual_seed(1)
    first = F.scaled_dot_product_attention(q, k, v, dropout_p=0.3).item()
    microbp.manual_seed(1)
    assert F.scaled_dot_product_attention(q, k, v, dropout_p=0.3).item() == first
    assert F.scaled_dot_product_attention(q, k, v, dropout_p=1.0).item() == 0


def test_grouped_queries_share_heads() -> None:
    q, k, v = (microbp.tensor(normal(2, heads, 3, 4, seed=heads)) for heads in (6, 2, 2))
    shared = F.scaled_dot_product_attention(q, k, v, enable_gqa=True)
    repeated = F.scaled_dot_product_attention(q, k.repeat_interleave(3, 1), v.repeat_interleave(3, 1))
    np.testing.assert_allclose(shared.array, repeated.array, rtol=1e-12)


# -- what is refused -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "options", "error", "text"),
    [
        (((2, 3), (4, 2), (4, 2)), {}, ShapeError, r"do not fit, got query \(2, 3\), key \(4, 2\) and value \(4, 2\)"),
        (((2, 3), (4, 3), (5, 3)), {}, ShapeError, r"value \(5, 3\)"),
        (((3,), (4, 3), (4, 3)), {}, ShapeError, r"Expected \(..., L, E\).* got query \(3,\)"),
        (((2, 2, 3), (3, 4, 3), (3, 4, 3)), {}, ShapeError, r"before the last two do not fit: query \(2, 2, 3\), key"),
        (((2, 3), (4, 3), (4, 3)), {"attn_mask": ones(3, 4)}, ShapeError, r"\(3, 4\) does not broadcast .*\(2, 4\)"),
        (((2, 3), (4, 3), (4, 3)), {"attn_mask": ones(5, 2, 4)}, ShapeError, r"\(5, 2, 4\) does not broadcast"),
        (((2, 3), (4, 3), (4, 3)), {"attn_mask": ones(2, 4).long()}, DtypeError, "bool or to match .* got int64"),
        (((2, 3), (4, 3), (4, 3)), {"attn_mask": ones(2, 4).double()}, DtypeError, "float32, got float64"),
        (((2, 3), (4, 3), (4, 3)), {"attn_mask": ones(2, 4), "is_causal": True}, OptionError, "put both into the mask"),
        (((1, 3, 2, 3), (1, 2, 4, 3), (1, 2, 4, 3)), {"enable_gqa": True}, ShapeError, "must divide that of query"),
        (((2, 3), (4, 3), (4, 3)), {"enable_gqa": True}, ShapeError, "must divide that of query"),
        (((2, 3), (4, 3), (4, 3)), {"scale": "1"}, TypeError, "scale must be a number, got str"),
    ],
)
def test_refused_by_its_name(
    arguments: tuple[tuple[int, ...], ...], options: dict[str, Any], error: type[Exception], text: str
) -> None:
    with pytest.raises(error, match=f"^scaled_dot_product_attention: .*{text}"):
        F.scaled_dot_product_attention(*(ones(*shape) for shape in arguments), **options)


def test_dtypes_and_probabilities_that_are_refused() -> None:
    with pytest.raises(DtypeError, match="same dtype, but got float32, float64 and float32"):
        F.scaled_dot_product_attention(ones(2, 3), ones(4, 3).double(), ones(4, 3))
    with pytest.raises(DtypeError, match="needs a floating-point tensor, got int64"):
        F.scaled_dot_product_attention(ones(2, 3).long(), ones(4, 3).long(), ones(4, 3).long())
    for p in (-0.5, 1.5, float("nan")):
        with pytest.raises(OptionError, match=f"between 0 and 1, but got {p}"):
            F.scaled_dot_product_attention(ones(2, 3), ones(4, 3), ones(4, 3), dropout_p=p)
