"""What dropout layers draw, which cannot be compared with PyTorch's number by number."""

from __future__ import annotations

import numpy as np
import pytest

import microbp
from microbp import nn
from tests.referee import torch


def test_dropout_obeys_the_mode() -> None:
    layer = nn.Dropout(0.5)
    x = microbp.ones(1000)
    assert layer.eval()(x) is x
    dropped = layer.train()(x)
    assert 300 < (dropped.array == 0).sum() < 700
    assert set(np.unique(dropped.array)) == {0, 2}
    assert not nn.Dropout(1.0)(x).array.any()


@pytest.mark.parametrize(
    ("kind", "shape"),
    [("Dropout1d", (50, 20, 3)), ("Dropout2d", (50, 20, 3, 2)), ("Dropout3d", (50, 20, 2, 3, 2))],
)
def test_whole_channels_are_left_out(kind: str, shape: tuple[int, ...]) -> None:
    layer = getattr(nn, kind)(0.25)
    y = layer(microbp.ones(shape)).array.reshape(50 * 20, -1)
    np.testing.assert_array_equal(y, y[:, :1].repeat(y.shape[1], axis=1))
    assert set(np.unique(y)) == {0, np.float32(1 / 0.75)}
    assert 0.2 < (y[:, 0] == 0).mean() < 0.3
    x = microbp.ones(shape)
    assert layer.eval()(x) is x


@pytest.mark.parametrize("kind", ["AlphaDropout", "FeatureAlphaDropout"])
def test_alpha_dropout_keeps_the_moments_and_has_the_two_values_of_pytorch(kind: str) -> None:
    values = []
    for lib in (microbp, torch()):
        y = getattr(lib.nn, kind)(0.3)(lib.ones(100, 100, 2)).numpy()
        assert len(np.unique(y.round(5))) == 2
        values.append(np.unique(y.round(5)))
        if kind == "FeatureAlphaDropout":
            np.testing.assert_array_equal(y[..., 0], y[..., 1])
    np.testing.assert_allclose(*values, rtol=1e-4)
    y = getattr(nn, kind)(0.3)(microbp.randn(200, 200, 2)).array
    assert abs(y.mean()) < 0.05
    assert y.std() == pytest.approx(1, abs=0.05)


def test_in_place_writes_into_the_input_but_for_alpha_dropout() -> None:
    for kind in ("Dropout", "Dropout1d", "AlphaDropout", "FeatureAlphaDropout"):
        for lib in (microbp, torch()):
            x = lib.ones(4, 30, 2)
            getattr(lib.nn, kind)(0.5, inplace=True)(x)
            assert bool((x == 1).all()) == ("Alpha" in kind), (kind, lib)


def test_rrelu_draws_slopes_in_training_only() -> None:
    layer = nn.RReLU(0.2, 0.8)
    slopes = -layer(-microbp.ones(2000)).array
    assert 0.2 <= slopes.min() < 0.21
    assert 0.79 < slopes.max() <= 0.8
    assert slopes.mean() == pytest.approx(0.5, abs=0.02)
    np.testing.assert_allclose(layer.eval()(-microbp.ones(3)).array, -0.5, rtol=1e-6)
