"""Records in files, which bring every bit back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import microbp
from microbp import lab, nn, optim
from microbp.errors import FileFormatError
from microbp.lab import Recorder
from tests.lab.training import network, ring, train


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


class Growing(nn.Module):
    """A model with a dead unit, a parameter that is taken away, and a buffer of integers that comes and goes."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv1d(2, 3, 1)
        self.relu = nn.ReLU()
        self.linear = nn.Linear(2, 3)
        self.gone = nn.Parameter(microbp.tensor(2.0))
        self.register_buffer("count", microbp.tensor([1, 2]))
        with microbp.no_grad():
            self.linear.bias[1] = -100.0

    def forward(self, x: Any) -> Any:
        return self.relu(self.linear(x)) if x.ndim == 2 else self.conv(x)


def test_a_saved_run_comes_back_as_it_was_where_records_are_short_of_something(tmp_path: Path) -> None:
    model = Growing()
    rec = lab.watch(model, data=ring()[0], grid=3)
    for k, shape in enumerate([(4, 2), (3, 2), (1, 2)]):
        loss = (model(microbp.rand(*shape)) + model(microbp.rand(2, 2, k + 1)).sum()).sum()
        loss.backward()
        rec.step(loss)
        if k == 1:
            model.gone = model.count = None
    np.testing.assert_array_equal(rec.history["buffers/count"], [[1, 2], [1, 2], [np.nan, np.nan]])
    rec.save(tmp_path / "run.npz")
    again = Recorder.load(tmp_path / "run.npz")
    for record, other in zip(rec.run.records, again.run.records, strict=True):
        assert record.keys() == other.keys()
        for name, value in record.items():
            np.testing.assert_array_equal(other[name], value, err_msg=name)
    for name, track in rec.history.items():
        assert again.history[name].dtype == track.dtype
        assert again.history[name].tobytes() == track.tobytes(), name
    assert rec.dead_units() == again.dead_units() == {"relu": [1]}
    rec.film(tmp_path / "a.html")
    again.film(tmp_path / "b.html")
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()
