"""What `watch` takes, and what it refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import microbp
from microbp import lab, optim
from microbp.errors import OptionError, ShapeError
from tests.lab.training import network, ring, train


def test_what_to_log_can_be_chosen() -> None:
    def kinds(**options: Any) -> set[str]:
        model = network()
        optimizer = optim.SGD(model.parameters(), lr=0.1)
        rec = lab.watch(model, optimizer, **options)
        train(model, optimizer, 2, rec)
        return {name.split("/")[0] for name in rec.history}

    always = {"step", "loss", "lr"}
    assert kinds() == always | {"weights", "update_ratio", "grads", "acts"}
    assert kinds(log="weights", data=ring()[0]) == always | {"weights", "update_ratio", "boundary"}
    assert kinds(log="grads") == always | {"grads"}
    assert kinds(log=[]) == always
    assert kinds(log=["acts", "grads"]) == always | {"acts", "grads"}


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"log": "everything"}, "'everything'"),
        ({"log": ["weights", "biases"]}, "'biases'"),
        ({"log_freq": 0}, "at least 1 as log_freq, got 0"),
        ({"log_freq": 1.5}, "log_freq, got 1.5"),
        ({"log_freq": True}, "log_freq, got True"),
        ({"grid": 1}, "at least 2 as grid, got 1"),
        ({"memory": -1}, "memory, got -1"),
        ({"log": "grads", "data": np.ones((3, 2))}, 'let log have "weights" too'),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any], reason: str) -> None:
    with pytest.raises(OptionError, match=reason):
        lab.watch(network(), **options)


def test_data_may_be_tensors_arrays_lists_and_pairs() -> None:
    x, y = ring(2)
    for data, labels in (
        (x, False),
        (x.numpy(), False),
        (x.tolist(), False),
        ((x, y), True),
        ([x.numpy(), [0, 1]], True),
    ):
        rec = lab.watch(network(), data=data, grid=2)
        assert rec.run.plane is not None
        np.testing.assert_array_equal(rec.run.plane.points, x.numpy())
        assert (rec.run.plane.labels is not None) == labels
        rec.step(0.0)
        assert rec.history["boundary"].shape == (1, 2, 2)


def test_only_a_model_can_be_watched() -> None:
    model: Any = network()
    optimizer: Any = optim.SGD(model.parameters(), lr=0.1)
    with pytest.raises(TypeError, match="takes a model, and then its optimizer; got SGD"):
        lab.watch(optimizer, model)
    assert not lab.watch(microbp.compile(model)).closed


def test_data_that_are_no_points_in_a_plane_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"points of shape \(N, 2\), got \(5, 3\)"):
        lab.watch(network(), data=np.ones((5, 3)))
    with pytest.raises(ShapeError, match=r"5 points, but labels of shape \(4,\)"):
        lab.watch(network(), data=(np.ones((5, 2)), np.ones(4)))
    with pytest.raises(ShapeError, match=r"loss of one element, got shape \(3,\)"):
        lab.watch(network()).step(microbp.ones(3))
