"""The ensemble: it learns the noise, agrees where there are data, and only there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., dict[str, Any]]


def test_networks_learn_the_noise_and_disagree_where_there_are_no_data(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = run("uncertainty")
    learned, disagreement = names["learned"], names["disagreement"]
    assert learned["left, little noise"] == pytest.approx(0.05, rel=0.3)
    assert learned["right, much noise"] == pytest.approx(0.25, rel=0.3)
    with_data = max(disagreement["left, little noise"], disagreement["right, much noise"])
    assert with_data < 0.04
    assert disagreement["in the gap"] > 2 * with_data
    assert disagreement["beyond"] > 5 * with_data
    assert 0.92 < names["covered"] < 0.98
    assert names["covered_beyond"] < 0.5  # what the text warns of
    assert (tmp_path / "uncertainty.png").read_bytes().startswith(b"\x89PNG")
    assert capsys.readouterr().err == ""  # no progress bar where there is no terminal
