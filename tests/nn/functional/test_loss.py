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
from tests.samples import normal, positive

DISTANCES = ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss")


@pytest.mark.parametrize("name", ["mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"])
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


@pytest.mark.parametrize("name", ["mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "kl_div"])
@pytest.mark.filterwarnings("ignore:reduction")
def test_loss_refuses_shapes_that_do_not_fit(name: str) -> None:
    with pytest.raises(ShapeError, match=re.escape(f"{name}: input (5,) and target (4,)")):
        getattr(F, name)(microbp.ones(5), microbp.ones(4))


@pytest.mark.parametrize(
    "name", ["mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "cross_entropy", "kl_div", "nll_loss"]
)
def test_loss_refuses_unknown_reductions(name: str) -> None:
    with pytest.raises(OptionError, match="average is not a valid value for reduction"):
        getattr(F, name)(microbp.ones(5, 2), microbp.ones(5, 2), reduction="average")


def test_deprecated_ways_of_reducing_are_refused() -> None:
    with pytest.raises(OptionError, match="use reduction="):
        F.mse_loss(microbp.ones(2), microbp.ones(2), size_average=False)  # type: ignore[arg-type]


def test_options_of_robust_losses_are_checked() -> None:
    with pytest.raises(OptionError, match="negative values for beta"):
        F.smooth_l1_loss(microbp.ones(2), microbp.ones(2), beta=-1.0)
    with pytest.raises(OptionError, match="non-positive values for delta"):
        F.huber_loss(microbp.ones(2), microbp.ones(2), delta=0.0)


EMPTY = {
    "mse_loss": (np.zeros((0, 3)), np.zeros((0, 3))),
    "l1_loss": (np.zeros((0, 3)), np.zeros((0, 3))),
    "smooth_l1_loss": (np.zeros((0, 3)), np.zeros((0, 3))),
    "huber_loss": (np.zeros((0, 3)), np.zeros((0, 3))),
    "binary_cross_entropy": (np.zeros((0, 3)), np.zeros((0, 3))),
    "binary_cross_entropy_with_logits": (np.zeros((0, 3)), np.zeros((0, 3))),
    "cross_entropy": (np.zeros((0, 3)), np.zeros(0, int)),
    "nll_loss": (np.zeros((0, 3)), np.zeros(0, int)),
}


@pytest.mark.parametrize("name", EMPTY)
def test_mean_over_an_empty_batch_is_nan_and_warns(name: str) -> None:
    x, t = (microbp.tensor(array) for array in EMPTY[name])
    x.requires_grad_()
    with pytest.warns(UserWarning, match=f"{name}: the mean over an empty batch is nan") as caught:
        loss = getattr(F, name)(x, t)
    assert caught[0].filename == __file__
    assert np.isnan(loss.item())
    loss.backward()
    assert x.grad.shape == (0, 3)
    assert getattr(F, name)(x, t, reduction="sum").item() == 0


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
