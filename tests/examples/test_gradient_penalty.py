"""The critic with a penalty: its slope is what theory says, and points learn from it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., dict[str, Any]]


def test_the_penalty_keeps_slopes_where_theory_says_and_lets_points_learn(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = run("gradient_penalty")
    for penalty in (1.0, 10.0, 100.0):
        assert names["steep"][penalty] == pytest.approx(1 + 3 / (2 * penalty), rel=0.06)
        assert names["heights"][penalty] / names["steep"][penalty] == pytest.approx(3, rel=0.06)  # the distance
    assert names["heights"][0.0] > 100
    assert sum(names["found"][2.0]) > 0.6
    assert min(names["found"][2.0]) > 0.03  # every corner has its points
    assert sum(names["found"][0.0]) < 0.4
    assert (tmp_path / "gradient_penalty.png").read_bytes().startswith(b"\x89PNG")
    assert capsys.readouterr().err == ""  # no progress bar where there is no terminal
