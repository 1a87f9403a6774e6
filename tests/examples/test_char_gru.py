"""The reader of sonnets: it guesses better than counting can, and knows where in a line it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., dict[str, Any]]


def test_a_recurrent_network_guesses_letters_better_than_counts_do(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = run("char_gru")
    read, unread = names["curve"][-1]
    assert read < 2.4  # bits a letter
    assert unread < 2.8 < 3.4 < names["baselines"]["the letter before"]
    assert abs(names["correlations"][names["counter"]]) > 0.6
    assert len(names["written"]) == 43 + 350
    assert names["written"].count("\n") >= 4  # lines, not one long one
    assert (tmp_path / "char_gru.png").read_bytes().startswith(b"\x89PNG")
    assert capsys.readouterr().err == ""  # no progress bar where there is no terminal


def test_the_sonnets_are_sixty_of_fourteen_lines_and_their_source_is_named() -> None:
    data = Path(__file__).parents[2] / "examples" / "data"
    text = (data / "sonnets.txt").read_text(encoding="ascii")
    assert [len(sonnet.splitlines()) for sonnet in text.split("\n\n")] == [14] * 60
    assert "Shall I compare thee to a summer's day?\n" in text
    assert "public domain" in (data / "README.md").read_text(encoding="utf-8")
