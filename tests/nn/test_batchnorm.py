"""What running moments go through, beyond the comparison of all modules in ``test_modules.py``."""

from __future__ import annotations

import copy

import numpy as np
import pytest

import microbp
from microbp import nn
from microbp.errors import ShapeError
from tests.referee import torch
from tests.samples import normal


def test_training_on_many_batches_leaves_the_running_moments_of_pytorch() -> None:
    for momentum in (0.1, None):
        ours, theirs = (lib.nn.BatchNorm1d(4, momentum=momentum).double() for lib in (microbp, torch()))
        for seed in range(20):
            batch = normal(5, 4, seed=seed)
            ours(microbp.tensor(batch))
            theirs(torch().tensor(batch))
        for key, value in ours.state_dict().items():
            np.testing.assert_allclose(value.numpy(), theirs.state_dict()[key].numpy(), rtol=1e-12, err_msg=key)
        ours.reset_running_stats()
        theirs.reset_running_stats()
        for key, value in ours.state_dict().items():
            np.testing.assert_array_equal(value.numpy(), theirs.state_dict()[key].numpy())


def test_a_refused_batch_changes_nothing() -> None:
    layer = nn.BatchNorm1d(3)
    before = {key: value.tolist() for key, value in layer.state_dict().items()}
    for batch in (microbp.ones(1, 3), microbp.ones(2, 4), microbp.ones(2, 3, 4, 5)):
        with pytest.raises(ShapeError):
            layer(batch)
    assert {key: value.tolist() for key, value in layer.state_dict().items()} == before


def test_evaluation_changes_nothing() -> None:
    for layer in (nn.BatchNorm1d(3).eval(), nn.InstanceNorm1d(3, track_running_stats=True).eval()):
        before = {key: value.tolist() for key, value in layer.state_dict().items()}
        layer(microbp.randn(2, 3, 4))
        assert {key: value.tolist() for key, value in layer.state_dict().items()} == before


def test_batches_are_counted_in_integers_whatever_the_dtype() -> None:
    layer = nn.BatchNorm1d(3, dtype=microbp.float64).half()
    assert layer.num_batches_tracked.dtype == np.int64
    assert layer.running_mean.dtype == np.float16
    layer.float()(microbp.ones(2, 3))
    assert layer.num_batches_tracked.item() == 1
    assert layer.num_batches_tracked.dtype == np.int64


def test_a_copy_has_running_moments_of_its_own() -> None:
    layer = nn.BatchNorm1d(3)
    copied = copy.deepcopy(layer)
    copied(microbp.randn(4, 3))
    assert layer.num_batches_tracked.item() == 0
    assert layer.running_mean.tolist() == [0, 0, 0]
    assert copied.num_batches_tracked.item() == 1


def test_other_channels_than_said_are_a_warning_where_it_makes_no_difference() -> None:
    layer = nn.InstanceNorm1d(3)
    x = microbp.randn(2, 4, 5)
    with pytest.warns(UserWarning, match=r"has 4 channels, which is not num_features"):
        out = layer(x)
    np.testing.assert_array_equal(out.array, nn.InstanceNorm1d(4)(x).array)
    with pytest.raises(ShapeError, match="expected 3, which is num_features"):
        nn.InstanceNorm1d(3, track_running_stats=True)(x)


def test_the_gradients_of_a_batch_are_right_after_the_running_moments_moved() -> None:
    found = []
    for lib in (microbp, torch()):
        layer = lib.nn.BatchNorm1d(2).double()
        x = lib.tensor(normal(4, 2), requires_grad=True)
        first = (layer(x) ** 3).sum()
        layer(x.detach() + 1)
        first.backward()
        found.append(x.grad.numpy())
    np.testing.assert_allclose(*found, rtol=1e-10)
