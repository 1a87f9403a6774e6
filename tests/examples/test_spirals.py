"""The spirals: a line fails, a network winds its boundary between the arms."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., dict[str, Any]]


def test_a_network_tells_spirals_apart_and_a_line_does_not(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = run("spirals")
    assert names["found"] > 0.95  # of points that it never saw
    assert names["accuracy"](names["line"]) < 0.7
    assert names["loss"].item() < 0.05
    assert (tmp_path / "spirals.png").read_bytes().startswith(b"\x89PNG")
    assert "boundary" in (tmp_path / "spirals.html").read_text(encoding="utf-8")
    assert (tmp_path / "spirals.html").stat().st_size < 1_200_000
    assert capsys.readouterr().err == ""  # no progress bar where there is no terminal
