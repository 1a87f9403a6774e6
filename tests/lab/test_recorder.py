"""The recorder: what it records is what was there, and it leaves the training as it was."""

from __future__ import annotations

import copy
import gc
import math
import sys
import tracemalloc
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import microbp
from microbp import Tensor, lab, nn, optim
from microbp.errors import FileFormatError, OptionError, ShapeError
from microbp.lab import Recorder
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


def test_the_boundary_is_the_output_of_the_model_as_it_was_at_each_step() -> None:
    model = nn.Sequential(nn.Linear(2, 4), nn.BatchNorm1d(4), nn.Tanh(), nn.Dropout(0.5), nn.Linear(4, 1))
    x, y = ring()
    rec = lab.watch(model, data=(x, y), grid=5)
    low, high = x.numpy().min(0), x.numpy().max(0)
    corners = np.linspace(low - (high - low) / 10, high + (high - low) / 10, 5)
    by_hand = []

    def evaluate() -> None:
        model.eval()
        with microbp.no_grad():
            rows = [
                [model(microbp.tensor([[a, b]], dtype=microbp.float32)).item() for a in corners[:, 0]]
                for b in corners[:, 1]
            ]
        by_hand.append(rows)
        model.train()

    train(model, optim.SGD(model.parameters(), lr=0.5), 4, rec, evaluate)
    np.testing.assert_allclose(rec.history["boundary"], by_hand, rtol=1e-4, atol=1e-5)
    assert not np.allclose(by_hand[0], by_hand[3])


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


def test_memory_is_bounded_and_records_stay_evenly_spread() -> None:
    model = network(8)
    rec = lab.watch(model, memory=100_000)
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    most = 0
    for _ in range(20):
        train(model, optimizer, 20, rec)
        most = max(
            most,
            sum(array.nbytes for record in rec.run.records for array in record.values() if hasattr(array, "nbytes")),
        )
        assert rec.run.nbytes <= 100_000
    assert most <= 100_000
    steps = rec.history["step"]
    assert steps[0] == 0
    assert len(set(np.diff(steps))) == 1
    assert int(steps[1]).bit_count() == 1, "every other record was dropped, some times over"
    assert len(steps) > 8
    assert 400 - steps[-1] <= np.diff(steps)[0]


def test_a_long_training_allocates_no_more_than_the_memory_that_it_may(tmp_path: Path) -> None:
    model, allowed = network(16), 1_000_000
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    rec = lab.watch(model, optimizer, data=ring(), grid=8, memory=allowed)
    train(model, optimizer, 10, rec)
    rec.film(tmp_path / "film.html")  # whatever is imported or cached is so before anything is counted
    tracemalloc.start()
    try:
        for _ in range(10):
            train(model, optimizer, 60, rec)
            rec.film(tmp_path / "film.html")  # boundaries are records too
        gc.collect()
        held, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert rec.run.stride > 1
    assert allowed / 4 < held < 1.1 * allowed
    assert most < 8 * allowed, "the page is made of fewer copies than that"


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


# -- all kinds of models ---------------------------------------------------------------------


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


def test_a_parameter_without_a_gradient_has_nan_and_never_zeros() -> None:
    model = network()
    model[0].requires_grad_(False)
    rec = lab.watch(model)
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    train(model, optimizer, 2, rec)
    model[0].requires_grad_(True)
    train(model, optimizer, 1, rec)
    assert np.isnan(rec.history["grads/0.weight"]).all(axis=(1, 2)).tolist() == [True, True, False]


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


# -- it leaves everything as it was ------------------------------------------------------------


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


class Remembers(nn.Module):
    """A model that keeps something of each call, draws random numbers, and counts."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(2, 1)
        self.calls = 0

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        self.hidden = self.linear(x)
        return self.hidden + 0 * microbp.randn(len(x), 1)


def test_drawing_the_boundary_leaves_graph_attributes_and_random_numbers_alone() -> None:
    model = Remembers()
    rec = lab.watch(model, data=ring()[0])
    loss = model(ring()[0]).square().mean()
    arrays = [p.array for p in model.parameters()]
    hidden = model.hidden
    rec.step(loss)
    state = microbp.get_rng_state().tolist()
    assert rec.history["boundary"].shape == (1, 48, 48)
    assert microbp.get_rng_state().tolist() == state
    assert model.calls == 1
    assert model.hidden is hidden
    assert all(p.array is array for p, array in zip(model.parameters(), arrays, strict=True))
    loss.backward()
    assert model.linear.weight.grad is not None


def test_a_model_that_fails_on_the_grid_is_left_as_it_was() -> None:
    class Picky(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.Linear(2, 1)

        def forward(self, x: Tensor) -> Tensor:
            if len(x) == 2304:
                raise ValueError("too many")
            return self.linear(x)

    model = Picky()
    array = model.linear.weight.array
    rec = lab.watch(model, data=ring()[0])
    rec.step(1.0)
    with pytest.raises(ValueError, match="too many"):
        _ = rec.history
    assert model.training
    assert model.linear.weight.array is array


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


def test_a_copy_of_the_model_is_not_watched() -> None:
    model = network()
    rec = lab.watch(model)
    loss = model(ring()[0]).sum() + copy.deepcopy(model)(ring()[0]).sum()
    rec.step(loss)
    assert not [name for name in rec.history if "#" in name]


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


# -- looking at it ---------------------------------------------------------------------------


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


# -- files -----------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_a_saved_run_comes_back_bit_for_bit(tmp_path: Path, dtype: type[np.floating[Any]]) -> None:
    model = network().to(dtype)
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    x, y = ring()
    rec = lab.watch(model, optimizer, data=(x.to(dtype), y), grid=4, log_freq=2)
    train(model, optimizer, 7, rec)
    rec.save(tmp_path / "runs" / "run.npz")
    again = Recorder.load(tmp_path / "runs" / "run.npz")
    assert again.closed
    assert again.history.keys() == rec.history.keys()
    for name, track in rec.history.items():
        assert again.history[name].dtype == track.dtype
        assert again.history[name].tobytes() == track.tobytes(), name
    assert again.dead_units() == rec.dead_units()
    rec.film(tmp_path / "a.html")
    again.film(tmp_path / "b.html")
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()
    with np.load(tmp_path / "runs" / "run.npz", allow_pickle=False) as file:
        np.testing.assert_array_equal(file["weights/0.weight"], rec.history["weights/0.weight"])


def test_files_that_are_no_runs_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "other.npz", a=np.ones(2))
    np.save(tmp_path / "array.npy", np.ones(2))
    np.save(tmp_path / "pickle.npy", np.array([{}]), allow_pickle=True)
    (tmp_path / "text").write_text("weights")
    (tmp_path / "empty").write_bytes(b"")
    rec = lab.watch(nn.Linear(2, 1))
    rec.step(1.0)
    rec.save(tmp_path / "run.npz")
    whole = (tmp_path / "run.npz").read_bytes()
    (tmp_path / "cut").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "flipped").write_bytes(whole[:80] + bytes([whole[80] ^ 255]) + whole[81:])
    for name in ("other.npz", "array.npy", "pickle.npy", "text", "empty", "cut", "flipped"):
        with pytest.raises(FileFormatError, match=name):
            Recorder.load(tmp_path / name)
    with pytest.raises(FileNotFoundError):
        Recorder.load(tmp_path / "nothing")


# -- what is refused -------------------------------------------------------------------------


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


def test_data_that_are_no_points_in_a_plane_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"points of shape \(N, 2\), got \(5, 3\)"):
        lab.watch(network(), data=np.ones((5, 3)))
    with pytest.raises(ShapeError, match=r"5 points, but labels of shape \(4,\)"):
        lab.watch(network(), data=(np.ones((5, 2)), np.ones(4)))
    with pytest.raises(ShapeError, match=r"loss of one element, got shape \(3,\)"):
        lab.watch(network()).step(microbp.ones(3))


def test_a_training_that_diverges_is_recorded_without_warnings(tmp_path: Path) -> None:
    model = nn.Linear(2, 1)
    rec = lab.watch(model, data=ring()[0])
    with microbp.no_grad():
        for value in (1.0, 1e30, math.inf, math.nan):
            model.weight.fill_(value)
            rec.step(value)
    assert rec.history["loss"].tolist()[:3] == [1.0, 1e30, math.inf]
    rec.film(tmp_path / "film.html")
