"""What modules put out is recorded call by call, whatever they are and however they are called."""

from __future__ import annotations

import copy
import pickle
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import microbp
from microbp import Tensor, lab, nn, optim
from tests.lab.training import network, ring, train


class Tied(nn.Module):
    """One layer called three times, one parameter under two names, and two outputs."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 3)
        self.twin = nn.Linear(3, 3)
        self.twin.weight = self.layer.weight
        self.rnn = nn.LSTM(3, 3)

    def forward(self, x: Tensor) -> Any:
        for _ in range(3):
            x = self.layer(x)
        out, (h, c) = self.rnn(self.twin(x))
        return {"out": out.sum(), "states": [h, c]}


def test_shared_parameters_repeated_calls_and_several_outputs_have_tracks_of_their_own() -> None:
    model = Tied()
    rec = lab.watch(model)
    for _ in range(2):
        model.zero_grad()
        out = model(microbp.ones(4, 3))
        loss = out["out"] + out["states"][1].sum()
        loss.backward()
        rec.step(loss)
    history = rec.history
    assert "weights/layer.weight" in history
    assert "weights/twin.weight" not in history
    assert "weights/twin.bias" in history
    acts = {name: history[name].shape for name in history if name.startswith("acts/")}
    calls = {"acts/layer": (2, 4, 3), "acts/layer#2": (2, 4, 3), "acts/layer#3": (2, 4, 3), "acts/twin": (2, 4, 3)}
    states = {"acts/rnn[0]": (2, 4, 3), "acts/rnn[1][0]": (2, 1, 3), "acts/rnn[1][1]": (2, 1, 3)}
    assert acts == {**calls, **states, "acts/Tied[out]": (2,)}
    weight, bias = (history[f"weights/layer.{kind}"][0] for kind in ("weight", "bias"))
    np.testing.assert_allclose(history["acts/layer#2"][0], history["acts/layer"][0] @ weight.T + bias, rtol=1e-5)


def test_outputs_are_those_before_the_next_module_writes_in_place() -> None:
    model = nn.Sequential(nn.Linear(2, 4), nn.ReLU(inplace=True))
    rec = lab.watch(model)
    loss = model(ring()[0]).sum()
    loss.backward()
    rec.step(loss)
    assert rec.history["acts/0"].min() < 0 == rec.history["acts/1"].min()


def test_smaller_batches_are_filled_up_with_nan() -> None:
    model = nn.Linear(2, 3)
    rec = lab.watch(model)
    for count in (4, 2, 5):
        loss = model(microbp.ones(count, 2)).sum()
        loss.backward()
        rec.step(loss)
    loss = model(microbp.ones(2)).sum()
    rec.step(loss)
    track = rec.history["acts/Linear"]
    assert track.shape == (4, 5, 3)
    assert np.isfinite(track).all(axis=2).sum(axis=1).tolist() == [4, 2, 5, 1]


def test_evaluations_without_grad_are_no_calls() -> None:
    model = network()
    rec = lab.watch(model)

    def evaluate() -> None:
        with microbp.no_grad():
            model(ring()[0])

    train(model, optim.SGD(model.parameters(), lr=0.1), 3, rec, evaluate)
    assert not [name for name in rec.history if "#" in name]


def test_calls_without_a_step_do_not_pile_up() -> None:
    model = nn.Linear(2, 1)
    rec = lab.watch(model)
    for _ in range(1000):
        model(microbp.ones(1, 2))
    rec.step(0.0)
    assert len([name for name in rec.history if name.startswith("acts/")]) == 64


def test_a_shallow_copy_of_a_layer_is_not_watched() -> None:
    model = nn.Linear(2, 1)
    rec = lab.watch(model)
    rec.step(model(ring()[0]).sum() + copy.copy(model)(ring()[0]).sum())
    assert not [name for name in rec.history if "#" in name]


def by_pickle(model: nn.Module) -> Any:
    """A model that was written and read."""
    return pickle.loads(pickle.dumps(model))


@pytest.mark.parametrize("twin_of", [copy.deepcopy, by_pickle])
def test_a_copy_of_the_model_is_not_watched(twin_of: Callable[[Any], Any]) -> None:
    model = network()
    rec = lab.watch(model)
    twin = twin_of(model)
    loss = model(ring()[0]).sum() + twin(ring()[0]).sum()
    rec.step(loss)
    assert not [name for name in rec.history if "#" in name]
    np.testing.assert_array_equal(twin(ring()[0]).detach().numpy(), model(ring()[0]).detach().numpy())


def test_what_varies_in_number_is_no_unit() -> None:
    model = nn.Sequential(nn.Conv1d(1, 2, 3), nn.ReLU())
    with microbp.no_grad():
        model[0].bias.fill_(-100.0)
    rec = lab.watch(model)
    for length in (5, 7):
        rec.step(model(microbp.rand(4, 1, length)).sum())
    assert rec.dead_units() == {}
    assert rec.dead_units(records=1) == {"1": [0, 1, 2, 3, 4]}


def test_dead_units_are_those_that_are_zero_for_every_sample() -> None:
    model = network(4, nn.ReLU)
    with microbp.no_grad():
        model[0].bias.fill_(5.0)
        model[0].bias[1] = -100.0
        model[2].bias.fill_(50.0)
        model[2].bias[3] = -100.0
    rec = lab.watch(model)
    train(model, optim.SGD(model.parameters(), lr=0.0), 2, rec)
    assert rec.dead_units() == {"1": [1], "3": [3]}
    with microbp.no_grad():
        model[0].bias[1] = 100.0
    train(model, optim.SGD(model.parameters(), lr=0.0), 1, rec)
    assert rec.dead_units() == {"3": [3]}
    assert rec.dead_units(records=1) == {"3": [3]}
    assert lab.watch(network()).dead_units() == {}


def test_dead_channels_of_images_are_found() -> None:
    model = nn.Sequential(nn.Conv2d(1, 3, 2), nn.ReLU())
    with microbp.no_grad():
        model[0].bias[2] = -100.0
    rec = lab.watch(model)
    rec.step(model(microbp.rand(2, 1, 5, 5)).sum())
    assert rec.dead_units()["1"] == [2]


def test_a_container_that_changes_in_place_what_a_module_put_out_has_a_track_of_its_own() -> None:
    class Clipped(nn.Module):
        def __init__(self, inner: nn.Module, clip: bool) -> None:
            super().__init__()
            self.inner, self.clip = inner, clip

        def forward(self, x: Tensor) -> Any:
            y = self.inner(x)
            return y.clamp_(min=5.0) if self.clip else y

    model = Clipped(Clipped(nn.Sequential(nn.Linear(2, 3), nn.ReLU(inplace=True)), clip=True), clip=False)
    rec = lab.watch(model)
    for x in (ring()[0], ring()[0]):
        rec.step(model(x).sum())
    acts = {name for name in rec.history if name.startswith("acts/")}
    assert acts == {"acts/inner.inner.0", "acts/inner.inner.1", "acts/inner"}
    expected = np.maximum(rec.history["acts/inner.inner.1"], 5.0)
    np.testing.assert_array_equal(rec.history["acts/inner"], expected)


def test_outputs_of_several_threads_are_all_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    model = nn.Linear(2, 1)
    rec = lab.watch(model)
    copy_into, others = rec.run.arena.copy, [threading.Thread(target=model, args=(microbp.full((1, 2), 2.0),))]

    def interrupted(array: Any) -> Any:
        if others and threading.current_thread() is threading.main_thread():
            other = others.pop()
            other.start()
            other.join()
        return copy_into(array)

    monkeypatch.setattr(rec.run.arena, "copy", interrupted)
    outputs = [model(microbp.ones(1, 2)), model(microbp.full((1, 2), 2.0))]
    rec.step(0.0)
    found = [rec.history[name].item() for name in ("acts/Linear", "acts/Linear#2", "acts/Linear#3")]
    assert sorted(found) == sorted([outputs[0].item(), outputs[1].item(), outputs[1].item()])


def test_an_empty_batch_says_nothing_about_dead_units() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
    with microbp.no_grad():
        model[0].bias.copy_(microbp.tensor([-100.0, 100.0]))
    rec = lab.watch(model)
    rec.step(model(microbp.ones(0, 2)).sum())
    assert rec.dead_units() == {}
    rec.step(model(microbp.ones(3, 2)).sum())
    rec.step(model(microbp.ones(0, 2)).sum())
    assert rec.dead_units() == {"1": [0]}


def test_a_module_with_now_more_and_now_fewer_outputs_has_no_dead_units() -> None:
    model = nn.Sequential(nn.Conv1d(1, 2, 1), nn.ReLU())
    with microbp.no_grad():
        model[0].bias.fill_(-100.0)
    rec = lab.watch(model)
    for length in (3, 4):
        rec.step(model(microbp.rand(2, 1, length)).sum())
    assert rec.dead_units() == {}
    assert rec.dead_units(records=1) == {"1": [0, 1, 2, 3]}
