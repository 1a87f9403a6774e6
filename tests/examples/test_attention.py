"""The attention model: it looks up what linear layers cannot find, and its weights show where."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., dict[str, Any]]


@pytest.mark.parametrize("seed", ["0", "1"])
def test_attention_looks_things_up_and_linear_layers_do_not(
    run: Run, seed: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = run("attention", "--seed", seed)
    assert names["difference"] < 1e-6  # the three lines are what the library computes
    assert names["found"]["attention"] > 0.99
    assert names["found"]["linear layers"] < 0.5
    assert names["longer"][20] > 0.95  # trained on lists of 8
    assert names["focus"] > 0.9
    assert (tmp_path / "attention.png").read_bytes().startswith(b"\x89PNG")
    assert capsys.readouterr().err == ""  # no progress bar where there is no terminal
