"""What the README shows, executed."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PEERS: dict[str, Any] = runpy.run_path(str(ROOT / "docs" / "compare_with_peers.py"))


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
    (source,) = blocks("py")
    assert source in printed, "the compiled function prints the program that is shown"


def test_the_two_commands_are_one_shell_line_each() -> None:
    for heading in ("Run it", "Test it"):
        section = README.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
        commands = re.findall(r"^```sh\n(.*?)^```", section, flags=re.DOTALL | re.MULTILINE)
        assert len(commands) == 1
        assert commands[0].count("\n") == 1


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists(), target


def cells(line: str) -> list[str]:
    """What stands in a line of a table."""
    return [cell.strip() for cell in line.strip("|\n").split("|")]


@pytest.mark.parametrize("framework", [name for name in PEERS["FRAMEWORKS"] if PEERS["usable"](name)])
def test_the_table_of_frameworks_says_what_is_found_by_trying(framework: str) -> None:
    table = [cells(line) for line in README.splitlines() if line.startswith("|")]
    (names,) = [line for line in table if framework in line and len(line) == 1 + len(PEERS["FRAMEWORKS"])]
    said = {line[0]: line[names.index(framework)] for line in table if len(line) == len(names)}
    for row in PEERS["ROWS"]:
        assert said[row.title] == PEERS["attempt"](row, framework)[0], row.title
