"""What the README shows, executed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """The code blocks in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", README, flags=re.DOTALL | re.MULTILINE)


def test_python_blocks_run_one_after_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    for block in blocks("python"):
        exec(compile(block, "README.md", "exec"), names)
    printed = capsys.readouterr().out
    accuracy = float(re.search(r"accuracy (\d\.\d+)", printed).group(1))  # type: ignore[union-attr]
    assert accuracy > 0.95, "the training loop learns"
    assert "\nnothing found\n" in printed, "the doctor has no false alarm"
    assert "<svg" in (tmp_path / "graph.svg").read_text(encoding="utf-8")


def test_the_two_commands_are_one_shell_line_each() -> None:
    for heading in ("Run it", "Test it"):
        section = README.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
        commands = re.findall(r"^```sh\n(.*?)^```", section, flags=re.DOTALL | re.MULTILINE)
        assert len(commands) == 1
        assert commands[0].count("\n") == 1


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists(), target
