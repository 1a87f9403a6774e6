"""A training as a GIF, read back: as many frames as records, in one size, each a drawing of its step."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import microbp
from microbp import lab, nn, optim
from microbp.errors import OptionError
from microbp.lab import Recorder
from tests.lab.training import network, ring, train


def recorded(steps: int = 4, **options: Any) -> Recorder:
    """A short training."""
    model = network()
    optimizer = optim.SGD(model.parameters(), lr=0.5)
    rec = lab.watch(model, optimizer, **options)
    train(model, optimizer, steps, rec)
    rec.close()
    return rec


def test_a_gif_has_a_frame_for_each_record_and_runs_for_ever(tmp_path: Path) -> None:
    path = tmp_path / "new" / "training.gif"
    assert recorded(data=ring(), grid=8).to_gif(path, fps=5, dpi=40) == str(path)
    with Image.open(path) as picture:
        assert picture.format == "GIF"
        assert picture.n_frames == 4
        assert picture.info["loop"] == 0
        assert picture.size == (480, 256)  # 5 plots: loss, boundary and three matrices, in 3 columns and 2 rows
        pauses, frames = [], []
        for k in range(4):
            picture.seek(k)
            pauses.append(picture.info["duration"])
            frames.append(np.asarray(picture.convert("RGB")))
    assert pauses == [200, 200, 200, 1200]
    for before, after in pairwise(frames):
        assert (before != after).any(), "something moves from each frame to the next"
    still = np.ptp(frames, axis=0).max(axis=2) == 0
    assert still.mean() > 0.5, "axes, titles and scales stand still"


def test_plots_can_be_chosen_and_one_s_own_beside_them(tmp_path: Path) -> None:
    rec = recorded(9)
    seen: list[tuple[int, float]] = []

    def share_of_positive(record: Any, ax: Any, step: int) -> None:
        weights = record.history["weights/2.weight"][step]
        seen.append((step, record.history["loss"][step]))
        ax.bar(["positive"], [(weights > 0).mean()])

    plots = [
        lab.plot_loss,
        lab.plot_grad_flow,
        partial(lab.plot_weights, name="2.weight"),
        lab.plot_activations,
        share_of_positive,
    ]
    rec.to_gif(tmp_path / "chosen.gif", plots=plots, frames=3, dpi=30, loop=2)
    history = rec.history
    assert seen == [(k, history["loss"][step]) for k, step in enumerate((0, 4, 8))]
    with Image.open(tmp_path / "chosen.gif") as picture:
        assert picture.n_frames == 3
        assert picture.size == (360, 192)
        assert picture.info["loop"] == 1, "once more after the first time"
    rec.to_gif(tmp_path / "once.gif", plots=[lab.plot_loss], frames=2, dpi=30, loop=1)
    with Image.open(tmp_path / "once.gif") as picture:
        assert picture.n_frames == 2
        assert picture.size == (120, 96)
        assert "loop" not in picture.info


@pytest.mark.parametrize(("log", "size"), [("weights", (240, 192)), ("grads", (240, 96)), ([], (120, 96))])
def test_what_was_not_recorded_is_not_drawn(log: Any, size: tuple[int, int], tmp_path: Path) -> None:
    recorded(2, log=log).to_gif(tmp_path / "run.gif", dpi=30)
    with Image.open(tmp_path / "run.gif") as picture:
        assert picture.size == size


def test_a_loaded_record_gives_the_same_picture(tmp_path: Path) -> None:
    rec = recorded(3, data=ring(), grid=6)
    rec.save(tmp_path / "run.npz")
    rec.to_gif(tmp_path / "a.gif", dpi=30)
    Recorder.load(tmp_path / "run.npz").to_gif(tmp_path / "b.gif", dpi=30)
    assert (tmp_path / "a.gif").read_bytes() == (tmp_path / "b.gif").read_bytes()


def test_a_training_that_diverges_is_drawn_without_warnings(tmp_path: Path) -> None:
    rec = lab.watch(nn.Linear(2, 1), data=ring()[0], grid=4)
    assert rec.model is not None
    for value in (1.0, 1e30, np.inf, np.nan):
        rec.model.weight.data.fill_(value)
        rec.step(value)
    rec.to_gif(tmp_path / "run.gif", dpi=30)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"frames": 0}, "at least 1 as frames, got 0"),
        ({"loop": -1}, "at least 0 as loop, got -1"),
        ({"fps": 0}, "up to 50 as fps, got 0"),
        ({"fps": float("nan")}, "as fps, got nan"),
        ({"dpi": 1e6}, "up to 1000 as dpi, got 1000000.0"),
        ({"plots": []}, "no plots to draw"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any], reason: str, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=reason):
        recorded(1).to_gif(tmp_path / "run.gif", **options)
    with pytest.raises(OptionError, match="nothing was recorded"):
        lab.watch(network()).to_gif(tmp_path / "run.gif")
    assert not list(tmp_path.iterdir())


def test_without_matplotlib_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    rec = recorded(1)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match=r'pip install "microbp\[plot\]"'):
        rec.to_gif(tmp_path / "run.gif")
    assert not list(tmp_path.iterdir())


def test_drawing_a_gif_opens_no_figure_and_needs_no_display(tmp_path: Path) -> None:
    program = f"""
import sys
from microbp import lab, nn
rec = lab.watch(nn.Linear(2, 1))
rec.step(1.0)
rec.to_gif({str(tmp_path / "run.gif")!r}, dpi=30)
assert "matplotlib.pyplot" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_a_matrix_without_elements_is_not_drawn(tmp_path: Path) -> None:
    model = nn.Linear(2, 3)
    model.none = nn.Parameter(microbp.zeros(0, 3))
    rec = lab.watch(model)
    rec.step(1.0)
    rec.to_gif(tmp_path / "run.gif", dpi=30)
    with Image.open(tmp_path / "run.gif") as picture:
        assert picture.size == (240, 96), "the loss and one matrix"
