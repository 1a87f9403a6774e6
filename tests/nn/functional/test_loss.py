"""Losses that compare numbers with numbers: warnings, stability, and what is refused."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import microbp
from microbp.errors import BroadcastWarning, DtypeError, OptionError, RangeError, ShapeError
from microbp.nn import functional as F
from tests.referee import compare
from tests.samples import normal

DISTANCES = ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss")


@pytest.mark.parametrize("name", DISTANCES)
def test_loss_warns_of_shapes_that_broadcast(name: str) -> None:
    x, t = microbp.ones(5, requires_grad=True), microbp.zeros(5, 1)
    with pytest.warns(BroadcastWarning, match=re.escape("input (5,) and target (5, 1)")) as caught:
        loss = getattr(F, name)(x, t)
    assert caught[0].filename == __file__

    def run(lib: Any, x: Any, t: Any) -> Any:
        with pytest.warns(UserWarning, match="broadcast"):
            return getattr(lib.nn.functional, name)(x, t)

    compare(run, normal(5), normal(5, 1))
    loss.backward()
    assert x.grad.shape == (5,)


@pytest.mark.parametrize("name", [*DISTANCES, "kl_div"])
@pytest.mark.filterwarnings("ignore:reduction")
def test_loss_refuses_shapes_that_do_not_fit(name: str) -> None:
    with pytest.raises(ShapeError, match=re.escape(f"{name}: input (5,) and target (4,)")):
        getattr(F, name)(microbp.ones(5), microbp.ones(4))


def test_options_of_robust_losses_are_checked() -> None:
    x = microbp.ones(2)
    for beta in (-1.0, float("nan")):
        with pytest.raises(OptionError, match=f"smooth_l1_loss does not support negative values for beta, got {beta}"):
            F.smooth_l1_loss(x, x, beta=beta)
    for delta in (0.0, -1.0, float("nan")):
        with pytest.raises(
            OptionError, match=f"huber_loss does not support non-positive values for delta, got {delta}"
        ):
            F.huber_loss(x, x, delta=delta)
    with pytest.raises(TypeError, match="huber_loss: delta must be a number, got str '1'"):
        F.huber_loss(x, x, delta="1")  # type: ignore[arg-type]


@pytest.mark.parametrize("name", DISTANCES)
def test_two_integers_are_refused_and_one_is_promoted(name: str) -> None:
    whole, real = microbp.tensor([1, 2]), microbp.tensor([1.0, 3.0])
    with pytest.raises(DtypeError, match=rf"{name} needs a floating-point tensor, got int64 and int64.* t\.float\(\)"):
        getattr(F, name)(whole, whole)
    assert getattr(F, name)(real, whole).dtype == np.float32


@pytest.mark.parametrize("name", ["mse_loss", "l1_loss", "huber_loss"])
def test_weights_of_another_shape_are_refused(name: str) -> None:
    x = microbp.ones(2, 3)
    with pytest.raises(ShapeError, match=re.escape(f"{name}: weight of shape (3,) and losses of shape (2, 3)")):
        getattr(F, name)(x, x, weight=microbp.ones(3))


@pytest.mark.parametrize("name", ["mse_loss", "l1_loss"])
def test_a_mean_over_weights_of_0_is_nan_and_warns(name: str) -> None:
    x = microbp.ones(2, requires_grad=True)
    with pytest.warns(UserWarning, match=f"{name}: the mean over an empty batch is nan .*all weights are 0"):
        loss = getattr(F, name)(x, microbp.zeros(2), weight=microbp.zeros(2))
    assert np.isnan(loss.item())


@pytest.mark.parametrize("name", DISTANCES)
def test_nan_is_passed_on_to_the_loss_and_the_gradient(name: str) -> None:
    x = microbp.tensor([float("nan"), 1.0], requires_grad=True)
    loss = getattr(F, name)(x, microbp.zeros(2))
    assert np.isnan(loss.item())
    if name != "l1_loss":  # the sign of NaN is 0, as in PyTorch
        loss.backward()
        assert np.isnan(x.grad.array).tolist() == [True, False]


@pytest.mark.parametrize("name", ["smooth_l1_loss", "huber_loss"])
def test_robust_losses_of_large_errors_stay_finite(name: str) -> None:
    x = microbp.tensor([1e30, -1e38], requires_grad=True)
    loss = getattr(F, name)(x, microbp.zeros(2), reduction="none")
    np.testing.assert_allclose(loss.detach().array, [1e30, 1e38], rtol=1e-6)
    loss.sum().backward()
    assert x.grad.tolist() == [1.0, -1.0]


def test_half_precision_does_not_overflow() -> None:
    x = microbp.zeros(4, 3, dtype=microbp.float16)
    assert F.mse_loss(x, x + 1).item() == 1


def test_binary_cross_entropy_ends_at_100_as_pytorch() -> None:
    compare(
        lambda lib, p: lib.nn.functional.binary_cross_entropy(
            p, lib.tensor(np.array([0.0, 1.0, 1.0, 0.0])), reduction="none"
        ),
        np.array([1.0, 0.0, 1.0, 0.0]),
        rtol=1e-8,  # PyTorch has 1e-12 in float32
    )


def test_binary_cross_entropy_refuses_what_is_no_probability() -> None:
    for bad in (1.5, -0.25, float("nan")):
        with pytest.raises(RangeError, match=f"between 0 and 1, got {bad}"):
            F.binary_cross_entropy(microbp.tensor([0.5, bad]), microbp.tensor([1.0, 1.0]))
    with pytest.raises(ValueError, match=re.escape("target (5, 1) and input (5,)")):
        F.binary_cross_entropy(microbp.full((5,), 0.5), microbp.ones(5, 1))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("pos_weight", [None, 3.0])
def test_binary_cross_entropy_with_large_logits_is_exact(dtype: Any, pos_weight: float | None) -> None:
    x = microbp.tensor(np.array([1e4, 100.0, 15.0, -15.0, -100.0, -1e4] * 2, dtype), requires_grad=True)
    t = microbp.tensor(np.repeat([0.0, 1.0], 6).astype(dtype))
    p = None if pos_weight is None else microbp.tensor(np.array([pos_weight], dtype))
    loss = F.binary_cross_entropy_with_logits(x, t, reduction="none", pos_weight=p)
    values = x.detach().array.astype(np.float64)
    expected = np.where(t.array == 0, np.logaddexp(0, values), (pos_weight or 1) * np.logaddexp(0, -values))
    np.testing.assert_allclose(loss.detach().array, expected, rtol=1e-6, atol=1e-40)
    loss.sum().backward()
    assert np.isfinite(x.grad.array).all()
    with pytest.raises(ValueError, match=re.escape("target (5, 1) must be the same size as input (5,)")):
        F.binary_cross_entropy_with_logits(microbp.ones(5), microbp.ones(5, 1))


def test_kl_div_warns_of_mean() -> None:
    with pytest.warns(UserWarning, match="'batchmean' divides only by the batch size"):
        F.kl_div(microbp.zeros(2, 2), microbp.ones(2, 2))


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda p, w: F.binary_cross_entropy(p, p, w), "binary_cross_entropy: weight"),
        (lambda p, w: F.binary_cross_entropy_with_logits(p, p, w), "binary_cross_entropy_with_logits: weight"),
        (
            lambda p, w: F.binary_cross_entropy_with_logits(p, p, pos_weight=w),
            "binary_cross_entropy_with_logits: pos_weight",
        ),
    ],
)
def test_weights_that_cannot_be_broadcast_are_refused_by_their_name(call: Any, text: str) -> None:
    with pytest.raises(ShapeError, match=re.escape(f"{text} (2,) and losses (2, 3) do not fit each other")):
        call(microbp.full((2, 3), 0.5), microbp.ones(2))


def test_binary_cross_entropy_checks_its_target() -> None:
    p = microbp.tensor([0.5, 0.5])
    with pytest.raises(RangeError, match=r"all elements of target should be between 0 and 1, got 1\.5"):
        F.binary_cross_entropy(p, microbp.tensor([0.0, 1.5]))
    for target in (microbp.tensor([0, 1]), microbp.tensor([0.0, 1.0], dtype=np.float64)):
        with pytest.raises(DtypeError, match=r"target\.to\(input\.dtype\)"):
            F.binary_cross_entropy(p, target)
    with pytest.raises(DtypeError, match=r"target\.to\(input\.dtype\)"):
        F.binary_cross_entropy_with_logits(p, microbp.tensor([0, 1]))
    wide = F.binary_cross_entropy_with_logits(p, microbp.tensor([0.0, 1.0], dtype=np.float64))
    assert wide.dtype == np.float64


def test_kl_div_of_what_is_impossible_and_does_not_happen_is_0() -> None:
    log_p = microbp.tensor([[-1e4, 0.0]], requires_grad=True)
    loss = F.kl_div(log_p, microbp.tensor([[0.0, 1.0]]), reduction="batchmean")
    assert loss.item() == 0
    loss.backward()
    assert log_p.grad.tolist() == [[0.0, -1.0]]


def test_kl_div_refuses_labels() -> None:
    with pytest.raises(DtypeError, match="kl_div: the target holds probabilities, floating point, got int64"):
        F.kl_div(microbp.zeros(2, 3), microbp.zeros(2, 3, dtype=microbp.int64), reduction="sum")
