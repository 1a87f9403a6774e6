"""Dropout: chance, its limits, and what is refused."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import microbp
from microbp.errors import DtypeError, OptionError, ShapeError
from microbp.nn import functional as F
from tests.samples import normal

LIMIT = -1.7580993408473766  # of selu

INPUTS: dict[str, tuple[int, ...]] = {
    "dropout": (60, 50),
    "dropout1d": (60, 50, 3),
    "dropout2d": (60, 50, 3, 2),
    "dropout3d": (60, 50, 3, 2, 2),
    "alpha_dropout": (60, 50),
    "feature_alpha_dropout": (60, 50, 3),
}
ZEROING = ("dropout", "dropout1d", "dropout2d", "dropout3d")


def function(name: str) -> Callable[..., microbp.Tensor]:
    """A dropout by its name, in training."""
    return lambda x, p=0.5, **options: getattr(F, name)(x, p, training=True, **options)


def stays(name: str, x: Any, p: float) -> Any:
    """What of ones stays: for each element, or for each channel."""
    y = function(name)(microbp.ones(x), p).array
    if name in ("dropout", "alpha_dropout"):
        return y == y.max()
    channels = y.reshape(*y.shape[:2], -1)
    assert (channels == channels[..., :1]).all(), "a channel goes or stays as a whole"
    return channels[..., 0] == y.max()


@pytest.mark.parametrize("p", [0.1, 0.5, 0.8])
@pytest.mark.parametrize("name", INPUTS)
def test_each_goes_with_probability_p(name: str, p: float) -> None:
    gone = 1 - stays(name, INPUTS[name], p).mean()
    assert abs(gone - p) < 4 * np.sqrt(p * (1 - p) / (60 * 50))


@pytest.mark.parametrize("name", INPUTS)
def test_whether_one_goes_says_nothing_about_its_neighbours(name: str) -> None:
    kept = stays(name, INPUTS[name], 0.5).astype(float)
    for a, b in ((kept[:-1], kept[1:]), (kept[:, :-1], kept[:, 1:])):
        assert abs(np.corrcoef(a.ravel(), b.ravel())[0, 1]) < 0.08


@pytest.mark.parametrize("name", ZEROING)
def test_what_stays_is_scaled_and_gradients_alike(name: str) -> None:
    x = microbp.tensor(normal(*INPUTS[name]), requires_grad=True)
    y = function(name)(x, 0.3)
    factors = y.detach().array / x.detach().array
    np.testing.assert_allclose(np.unique(factors.round(9)), [0, 1 / 0.7])
    y.sum().backward()
    np.testing.assert_allclose(x.grad.array, factors)


@pytest.mark.parametrize("name", ["alpha_dropout", "feature_alpha_dropout"])
def test_alpha_dropout_keeps_mean_and_variance(name: str) -> None:
    x = microbp.tensor(normal(400, 300, 1))
    for p in (0.1, 0.5):
        y = function(name)(x, p)
        assert abs(y.mean().item()) < 0.02
        assert abs(y.std().item() - 1) < 0.02


def test_alpha_dropout_sends_elements_to_the_limit_of_selu() -> None:
    p, x = 0.25, microbp.tensor(normal(50), requires_grad=True)
    a = ((1 - p) * (1 + p * LIMIT**2)) ** -0.5
    y = F.alpha_dropout(x, p, training=True)
    kept = np.isclose(y.detach().array, a * x.detach().array - a * p * LIMIT)
    np.testing.assert_allclose(y.detach().array[~kept], a * LIMIT * (1 - p))
    assert 0 < kept.sum() < 50
    y.sum().backward()
    np.testing.assert_allclose(x.grad.array, np.where(kept, a, 0))


@pytest.mark.parametrize("name", INPUTS)
def test_reproducible_anew_each_time_and_in_the_dtype_of_the_input(name: str) -> None:
    x = microbp.ones(INPUTS[name])
    samples = []
    for _ in range(2):
        microbp.manual_seed(7)
        samples.append(function(name)(x))
    np.testing.assert_array_equal(samples[0].array, samples[1].array)
    assert (function(name)(x).array != samples[0].array).any()
    assert samples[0].dtype == np.float32
    assert function(name)(x.half()).dtype == np.float16


@pytest.mark.parametrize("name", INPUTS)
def test_in_place_gives_the_same_numbers_and_records_itself(name: str) -> None:
    values = normal(*INPUTS[name])
    found = []
    for inplace in (False, True):
        microbp.manual_seed(7)
        x = microbp.tensor(values, requires_grad=True)
        hidden = x * 1
        y = function(name)(hidden, 0.4, inplace=inplace)
        assert (y is hidden) is inplace
        y.sum().backward()
        found.append((y.detach().array, x.grad.array))
    np.testing.assert_array_equal(found[0][0], found[1][0])
    np.testing.assert_array_equal(found[0][1], found[1][1])


@pytest.mark.parametrize("name", INPUTS)
def test_input_itself_where_nothing_goes_and_no_chance_is_used_up(name: str) -> None:
    generator = microbp.manual_seed(0)
    before = generator.numpy.bit_generator.state
    x = microbp.ones(INPUTS[name], requires_grad=True)
    assert getattr(F, name)(x, 0.9, training=False) is x
    assert function(name)(x, 0.0) is x
    assert generator.numpy.bit_generator.state == before


@pytest.mark.parametrize("name", INPUTS)
def test_all_gone_is_zero_also_for_infinity_in_the_gradient(name: str) -> None:
    x = microbp.ones(INPUTS[name], requires_grad=True)
    y = function(name)(x, 1.0)
    assert not y.detach().array.any()
    y.sum().backward()
    assert not x.grad.array.any()


def test_defaults_are_those_of_pytorch() -> None:
    assert (F.dropout(microbp.ones(1000)).array == 0).any()
    for name in ("alpha_dropout", "feature_alpha_dropout"):
        x = microbp.ones(10, 10)
        assert getattr(F, name)(x) is x


# -- what is refused -----------------------------------------------------------------------


@pytest.mark.parametrize("name", INPUTS)
def test_what_is_no_probability_is_refused(name: str) -> None:
    x = microbp.ones(INPUTS[name])
    for p in (-0.1, 1.1, float("nan")):
        with pytest.raises(OptionError, match=f"{name}: dropout probability has to be between 0 and 1, but got {p}"):
            getattr(F, name)(x, p=p)
    with pytest.raises(TypeError, match=f"{name}: p must be a number, got str '0.5'"):
        getattr(F, name)(x, p="0.5")


@pytest.mark.parametrize("name", INPUTS)
def test_integers_are_refused_in_training_only(name: str) -> None:
    x = microbp.ones(INPUTS[name], dtype=microbp.int64)
    with pytest.raises(DtypeError, match=rf"{name} needs a floating-point tensor, got int64.* t\.float\(\)"):
        function(name)(x)
    assert getattr(F, name)(x, training=False) is x


@pytest.mark.parametrize(
    ("name", "shape"),
    [("dropout1d", (3,)), ("dropout1d", (2, 3, 4, 5)), ("feature_alpha_dropout", (3,))],
)
def test_inputs_without_channels_are_refused(name: str, shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match=rf"{name}: .*{re.escape(str(shape))}"):
        function(name)(microbp.ones(shape))


@pytest.mark.parametrize(
    ("name", "shape"), [("dropout2d", (3, 4, 5)), ("dropout2d", (3, 4)), ("dropout3d", (2, 3, 4, 5))]
)
def test_an_input_that_might_be_a_single_sample_warns_with_its_shape(name: str, shape: tuple[int, ...]) -> None:
    text = f"{name}: input of shape {re.escape(str(shape))} is taken to be .N, C, .*a single sample needs unsqueeze"
    with pytest.warns(UserWarning, match=text) as caught:
        y = function(name)(microbp.ones(shape))
    assert caught[0].filename == __file__
    assert y.shape == shape


def test_dropout2d_without_channels_is_refused() -> None:
    with (
        pytest.warns(UserWarning, match="dropout2d"),
        pytest.raises(ShapeError, match=r"dropout2d: .*at least 2 dimensions, \(N, C, \.\.\.\), got \(3,\)"),
    ):
        F.dropout2d(microbp.ones(3))
