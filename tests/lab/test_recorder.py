"""The recorder: what it records is what was there, and it leaves the training as it was."""

from __future__ import annotations

import copy
import gc
import math
import pickle
import sys
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import microbp
from microbp import lab, nn, optim
from microbp.errors import OptionError
from microbp.lab import Recorder, recorder
from microbp.lab.state import update_ratios
from microbp.nn import functional as F
from tests.lab.training import checkpoint, network, ring, train


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_tracks_equal_what_is_computed_by_hand_from_checkpoints(dtype: type[np.floating[Any]]) -> None:
    model = network().to(dtype)
    optimizer = optim.Adam(model.parameters(), lr=0.05)
    rec = lab.watch(model, optimizer)
    weights, grads = [], []

    def keep() -> None:
        weights.append(checkpoint(model))
        grads.append({name: p.grad.numpy().copy() for name, p in model.named_parameters() if p.grad is not None})

    losses = train(model, optimizer, 6, rec, keep)
    history = rec.history
    assert history["step"].tolist() == list(range(6))
    assert history["loss"].tolist() == losses
    for name in weights[0]:
        assert history[f"weights/{name}"].dtype == dtype
        np.testing.assert_array_equal(history[f"weights/{name}"], np.stack([kept[name] for kept in weights]))
        np.testing.assert_array_equal(history[f"grads/{name}"], np.stack([kept[name] for kept in grads]))
        by_hand = [math.nan] + [
            np.linalg.norm(weights[k][name] - weights[k - 1][name]) / np.linalg.norm(weights[k - 1][name])
            for k in range(1, 6)
        ]
        np.testing.assert_allclose(history[f"update_ratio/{name}"], by_hand, rtol=1e-5)
    for k in range(6):
        hidden = ring()[0].numpy().astype(dtype)
        for layer, activation in (("0", "1"), ("2", "3"), ("4", None)):
            hidden = hidden @ weights[k][f"{layer}.weight"].T + weights[k][f"{layer}.bias"]
            np.testing.assert_allclose(history[f"acts/{layer}"][k], hidden, rtol=1e-4, atol=1e-6)
            if activation is not None:
                hidden = np.tanh(hidden)
                np.testing.assert_allclose(history[f"acts/{activation}"][k], hidden, rtol=1e-4, atol=1e-6)


def test_a_learning_rate_of_0_gives_a_bitwise_constant_track() -> None:
    model = network()
    optimizer = optim.SGD(optim.layer_groups(model, {"0": 0.0, "4": 0.1}), lr=0.5, momentum=0.9)
    rec = lab.watch(model, optimizer)
    train(model, optimizer, 8, rec)
    history = rec.history
    for name in ("0.weight", "0.bias"):
        assert {track.tobytes() for track in history[f"weights/{name}"]} == {history[f"weights/{name}"][0].tobytes()}
        assert history[f"update_ratio/{name}"][1:].tolist() == [0.0] * 7
        assert np.abs(history[f"grads/{name}"]).max() > 0
    for name in ("2.weight", "4.weight"):
        assert len({track.tobytes() for track in history[f"weights/{name}"]}) == 8
    assert history["lr/0"].tolist() == [0.0] * 8
    assert history["lr/4"].tolist() == [0.1] * 8
    assert history["lr/the rest"].tolist() == [0.5] * 8


def test_learning_rates_follow_a_schedule_and_groups_of_one_name_go_by_number() -> None:
    model = network()
    groups = [{"params": model[k].parameters(), "name": "twin", "lr": rate} for k, rate in ((0, 1.0), (2, 0.5))]
    optimizer = optim.SGD(groups, lr=0.1)
    schedule = optim.lr_scheduler.ExponentialLR(optimizer, 0.5)
    rec = lab.watch(model, optimizer)
    for _ in range(3):
        train(model, optimizer, 1, rec)
        schedule.step()
    assert rec.history["lr/0"].tolist() == [1.0, 0.5, 0.25]
    assert rec.history["lr/1"].tolist() == [0.5, 0.25, 0.125]


def test_update_ratios_are_of_single_steps_also_where_few_steps_are_recorded() -> None:
    torn = []
    for options in ({"log_freq": 1}, {"log_freq": 3}, {"memory": 20_000}):
        microbp.manual_seed(1)
        model = network()
        rec = lab.watch(model, log="weights", **options)  # type: ignore[arg-type]
        train(model, optim.SGD(model.parameters(), lr=0.5), 30, rec)
        torn.append(rec.history)
    every, third, thinned = torn
    for few in (third, thinned):
        assert 1 < len(few["step"]) < 16
        for name, track in few.items():
            np.testing.assert_array_equal(track, every[name][few["step"]], err_msg=name)


def test_update_ratios_wait_until_they_are_asked_for_and_are_computed_only_of_what_is_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    computed = []

    def ratios(*records: Any) -> Any:
        computed.append(1)
        return update_ratios(*records)

    monkeypatch.setattr(recorder, "update_ratios", ratios)
    model = network()
    optimizer = optim.SGD(model.parameters(), lr=0.5)
    rec = lab.watch(model, memory=50_000)
    while rec.run.stride == 1:
        assert not computed
        before = len(rec.run.records)
        train(model, optimizer, 1, rec)
    assert len(computed) == len(rec.run.records) <= before // 2 + 1
    assert np.isfinite(rec.history["update_ratio/0.weight"][1:]).all()
    assert len(computed) == len(rec.run.records)


def test_a_parameter_without_a_gradient_has_nan_and_never_zeros() -> None:
    model = network()
    model[0].requires_grad_(False)
    rec = lab.watch(model)
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    train(model, optimizer, 2, rec)
    model[0].requires_grad_(True)
    train(model, optimizer, 1, rec)
    assert np.isnan(rec.history["grads/0.weight"]).all(axis=(1, 2)).tolist() == [True, True, False]


def test_a_watched_training_is_bit_for_bit_the_same() -> None:
    results = []
    for watched in (False, True):
        microbp.manual_seed(3)
        model = nn.Sequential(nn.Linear(2, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, 1))
        optimizer = optim.Adam(model.parameters(), lr=0.1)
        rec = lab.watch(model, optimizer, data=ring(), grid=6) if watched else None

        def look(rec: Recorder | None = rec) -> None:
            if rec is not None:
                assert np.isfinite(rec.history["boundary"]).all()

        losses = train(model, optimizer, 5, rec, look)
        results.append(
            (losses, {name: v.numpy().tobytes() for name, v in model.state_dict().items()}, microbp.rand(3).tolist())
        )
        assert all(module.training for module in model.modules())
    assert results[0] == results[1]


def test_closing_takes_the_hooks_away_and_keeps_the_record() -> None:
    model = network()
    with lab.watch(model) as rec:
        train(model, optim.SGD(model.parameters(), lr=0.1), 2, rec)
        assert model[0]._hooks.after_forward
    assert rec.closed
    assert not any(module._hooks.after_forward for module in model.modules())
    assert len(rec.history["loss"]) == 2
    rec.close()
    with pytest.raises(OptionError, match=r"closed; lab.watch\(model\) begins a new record"):
        rec.step(0.0)


def test_the_record_holds_no_graph_and_a_dropped_recorder_is_freed() -> None:
    model = network()
    rec = lab.watch(model)
    x, y = ring()
    output = model(x)
    loss = F.mse_loss(output, y)
    loss.backward()
    rec.step(loss)
    gone = weakref.ref(output)
    gc.disable()
    try:
        del output, loss
        assert gone() is None
        holder = weakref.ref(rec)
        del rec
        assert holder() is None
    finally:
        gc.enable()
    model(x)


def test_recorded_arrays_are_copies() -> None:
    model = network()
    rec = lab.watch(model)
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    train(model, optimizer, 1, rec)
    before = {name: track.copy() for name, track in rec.history.items()}
    train(model, optimizer, 3, None)
    for name, track in rec.history.items():
        np.testing.assert_array_equal(track, before[name])


def calls_of(work: Callable[[], Any]) -> int:
    """How many functions, Python's and C's, are called."""
    count = 0

    def listen(frame: Any, event: str, argument: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    earlier = sys.getprofile()
    sys.setprofile(listen)
    try:
        work()
    finally:
        sys.setprofile(earlier)
    return count


def test_a_recorded_step_does_less_than_twice_the_work_and_runs_the_model_once() -> None:
    model, (x, y) = network(16), ring(200)
    optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    forwards = []
    model[0].register_forward_pre_hook(lambda module, args: forwards.append(1))

    def step(rec: Recorder | None) -> None:
        optimizer.zero_grad()
        loss = F.binary_cross_entropy_with_logits(model(x), y)
        loss.backward()
        if rec is not None:
            rec.step(loss)
        optimizer.step()

    step(None)
    plain = calls_of(lambda: step(None))
    with lab.watch(model, optimizer, data=(x, y)) as rec:
        step(rec)
        forwards.clear()
        watched = calls_of(lambda: step(rec))
        assert len(forwards) == 1
        rec.run.stride = 1000
        step(rec)
        skipped = calls_of(lambda: step(rec))
    assert plain < skipped < 1.5 * plain
    assert watched < 2 * plain


def test_print_weights_shows_them_as_they_were(capsys: pytest.CaptureFixture[str]) -> None:
    model = nn.Linear(2, 1)
    rec = lab.watch(model, log_freq=2)
    with microbp.no_grad():
        for k in range(4):
            model.weight.fill_(k + 0.5)
            rec.step(k / 10)
    rec.print_weights(3)
    printed = capsys.readouterr().out
    assert printed.startswith(
        "step 2, loss 0.2\nweight (1, 2), changed by 66.7 % in the step before\ntensor([[2.5000, 2.5000]])"
    )
    rec.print_weights(0)
    assert capsys.readouterr().out.startswith("step 0, loss 0\nweight (1, 2)\ntensor([[0.5000, 0.5000]])")
    rec.print_weights()
    assert capsys.readouterr().out == printed
    with pytest.raises(OptionError, match="no weights were recorded by step -1"):
        rec.print_weights(-1)
    with pytest.raises(OptionError, match="no weights were recorded at all"):
        lab.watch(model).print_weights()


def test_a_training_that_diverges_is_recorded_without_warnings(tmp_path: Path) -> None:
    model = nn.Linear(2, 1)
    rec = lab.watch(model, data=ring()[0])
    with microbp.no_grad():
        for value in (1.0, 1e30, math.inf, math.nan):
            model.weight.fill_(value)
            rec.step(value)
    assert rec.history["loss"].tolist()[:3] == [1.0, 1e30, math.inf]
    rec.film(tmp_path / "film.html")


def test_a_recorder_says_what_it_holds() -> None:
    rec = lab.watch(nn.Linear(2, 1), log_freq=2)
    assert repr(rec) == "<Recorder: 0 records>"
    rec.step(1.0)
    assert repr(rec) == "<Recorder: 1 record of step 0>"
    for _ in range(2):
        rec.step(1.0)
    rec.close()
    assert repr(rec) == "<Recorder, closed: 2 records of steps 0 to 2>"


def test_every_group_has_a_track_of_its_own_whatever_the_groups_are_called() -> None:
    model = nn.Sequential(*[nn.Linear(2, 2) for _ in range(4)])
    names = [{"name": "a"}, {"name": "0"}, {"name": "a"}, {}]
    groups = [{"params": model[k].parameters(), "lr": k + 1.0, **name} for k, name in enumerate(names)]
    rec = lab.watch(model, optim.SGD(groups, lr=0.1))
    rec.step(0.0)
    assert {name: track[0] for name, track in rec.history.items() if name.startswith("lr/")} == {
        "lr/0": 1.0,
        "lr/1": 2.0,
        "lr/2": 3.0,
        "lr/3": 4.0,
    }


def test_what_somebody_does_with_the_history_does_not_change_it() -> None:
    rec = lab.watch(nn.Linear(2, 1))
    rec.step(1.0)
    for track in rec.history.values():
        with pytest.raises(ValueError, match="read-only"):
            track[...] = 7
    assert rec.history["loss"].tolist() == [1.0]


@pytest.mark.parametrize(
    "twin_of", [copy.deepcopy, lambda rec: pickle.loads(pickle.dumps(rec))], ids=["copy", "pickle"]
)
def test_a_copy_of_a_recorder_has_the_same_record_and_goes_on_by_itself(twin_of: Callable[[Any], Any]) -> None:
    model = network(32)
    rec = lab.watch(model, memory=1 << 24)
    train(model, optim.SGD(model.parameters(), lr=0.1), 3, rec)
    assert rec.run.arena.takes(rec.run.records[0]["weights/2.weight"])
    twin = twin_of(rec)
    for name, track in rec.history.items():
        np.testing.assert_array_equal(twin.history[name], track)
    train(twin.model, optim.SGD(twin.model.parameters(), lr=0.1), 1, twin)
    assert (len(rec.run.steps), len(twin.run.steps)) == (3, 4)
