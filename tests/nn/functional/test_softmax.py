"""Softmax and its relatives: stability, chance, warnings, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import microbp
from microbp.errors import DtypeError, OptionError
from microbp.nn import functional as F
from tests.referee import compare
from tests.samples import normal

FAMILY = ("softmax", "log_softmax", "softmin")
INF = float("inf")


@pytest.mark.parametrize("name", FAMILY)
@pytest.mark.parametrize("shape", [(), (3,), (3, 4), (2, 3, 4), (2, 3, 2, 2)])
def test_without_dim_it_warns_at_the_users_line_and_chooses_as_pytorch(name: str, shape: tuple[int, ...]) -> None:
    def run(lib: Any, x: Any) -> Any:
        with pytest.warns(UserWarning, match=f"Implicit dimension choice for {name} has been deprecated") as caught:
            y = getattr(lib.nn.functional, name)(x)
        assert caught[0].filename == __file__ or lib is not microbp
        return y

    compare(run, normal(*shape))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("scale", [1e4, -1e4])
def test_logits_of_any_size_are_exact(dtype: Any, scale: float) -> None:
    x = microbp.tensor(np.array([[1.0, 1.0, 0.0, -1.0], [-INF, 0.0, -INF, 0.0]]) * abs(scale), dtype=dtype)
    x = x + microbp.tensor(np.array(scale), dtype=dtype)
    x.requires_grad_()
    y = F.softmax(x, 1)
    assert y.tolist() == [[0.5, 0.5, 0.0, 0.0], [0.0, 0.5, 0.0, 0.5]]
    log = F.log_softmax(x, 1)
    assert log.dtype == dtype
    np.testing.assert_allclose(log.detach().array[1], [-INF, -np.log(2), -INF, -np.log(2)], rtol=1e-3)
    (slope,) = microbp.autograd.grad((y * y).sum(), x, create_graph=True)
    assert np.isfinite(slope.detach().array).all()


def test_a_row_without_any_chance_is_nan_as_in_pytorch() -> None:
    compare(lambda lib, x: lib.nn.functional.softmax(x, 1), np.full((2, 3), -INF))


@pytest.mark.parametrize("name", FAMILY)
def test_what_is_refused(name: str) -> None:
    function = getattr(F, name)
    with pytest.raises(IndexError, match=r"softm.*: Dimension out of range .*\[-2, 1\], but got 2"):
        function(microbp.ones(2, 3), dim=2)
    with pytest.raises(TypeError, match=r"dim must be an integer, got 0\.5"):
        function(microbp.ones(2), dim=0.5)
    for bad in (microbp.tensor([1, 2]), microbp.tensor([True])):
        with pytest.raises(DtypeError, match=rf"needs .*, got {bad.dtype}.* t\.float\(\)"):
            function(bad, 0)
    with pytest.raises(TypeError, match=f"{name}: input must be a Tensor, got list"):
        function([1.0], 0)


# -- gumbel_softmax ------------------------------------------------------------------------


def test_a_gumbel_softmax_sample_is_a_distribution() -> None:
    y = F.gumbel_softmax(microbp.tensor(normal(50, 4)), tau=0.7)
    assert (y.array >= 0).all()
    np.testing.assert_allclose(y.array.sum(1), 1, rtol=1e-12)


def test_hard_samples_name_classes_as_often_as_they_are_likely() -> None:
    p = np.array([0.1, 0.2, 0.7])
    logits = microbp.tensor(np.log(p)).expand(40_000, 3)
    y = F.gumbel_softmax(logits, tau=2.0, hard=True).array
    assert set(np.unique(y)) == {0.0, 1.0}
    np.testing.assert_array_equal(y.sum(1), 1)
    np.testing.assert_allclose(y.mean(0), p, atol=0.01)


def test_the_smaller_tau_the_nearer_to_a_single_class() -> None:
    peaks = []
    for tau in (10.0, 1.0, 0.01):
        microbp.manual_seed(0)
        peaks.append(F.gumbel_softmax(microbp.zeros(1000, 4), tau=tau).array.max(1).mean())
    assert peaks == sorted(peaks)
    assert peaks[0] < 0.4
    assert peaks[-1] > 0.98


@pytest.mark.parametrize("dim", [0, 1, -1])
def test_a_hard_sample_has_the_gradient_of_the_soft_one(dim: int) -> None:
    found = []
    for hard in (False, True):
        microbp.manual_seed(5)
        x = microbp.tensor(normal(3, 4), requires_grad=True)
        y = F.gumbel_softmax(x, hard=hard, dim=dim)
        (y * microbp.tensor(normal(3, 4, seed=1))).sum().backward()
        found.append((y, x.grad))
    (soft, gradient), (hard_sample, straight_through) = found
    np.testing.assert_array_equal(straight_through.array, gradient.array)
    np.testing.assert_array_equal(hard_sample.detach().array.argmax(dim), soft.detach().array.argmax(dim))


def test_temperature_may_be_learned() -> None:
    tau = microbp.tensor(0.5, requires_grad=True)
    F.gumbel_softmax(microbp.zeros(5, 3), tau=tau).square().sum().backward()  # type: ignore[arg-type]
    assert tau.grad.item() < 0  # a higher one spreads the sample, whose squares then sum to less


def test_gumbel_softmax_is_reproducible_and_keeps_the_dtype() -> None:
    samples = []
    for _ in range(2):
        microbp.manual_seed(9)
        samples.append(F.gumbel_softmax(microbp.zeros(10, 3)))
    np.testing.assert_array_equal(samples[0].array, samples[1].array)
    assert samples[0].dtype == np.float32
    assert (F.gumbel_softmax(microbp.zeros(10, 3)).array != samples[0].array).all()


def test_gumbel_softmax_refuses_what_makes_no_sense() -> None:
    x = microbp.zeros(2, 3)
    for tau in (0, -1.0, float("nan")):
        with pytest.raises(OptionError, match=f"gumbel_softmax: tau must be positive, got {tau}"):
            F.gumbel_softmax(x, tau=tau)
    with pytest.raises(IndexError, match="gumbel_softmax: Dimension out of range"):
        F.gumbel_softmax(x, dim=2)
    with pytest.raises(DtypeError, match="gumbel_softmax needs a floating-point tensor, got int64"):
        F.gumbel_softmax(x.long())
    with pytest.warns(UserWarning, match="`eps` parameter is deprecated") as caught:
        F.gumbel_softmax(x, eps=1.0)
    assert caught[0].filename == __file__
