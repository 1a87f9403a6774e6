"""The chapters of the Learn path, executed: every cell runs, and every picture is made."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent.parent
LEARN = ROOT / "docs" / "learn"
CHAPTERS = sorted(LEARN.glob("[0-9]*.md"))
OPTIONAL = {"matplotlib", "pygraphviz", "sklearn"}


def text_of(path: Path) -> str:
    """What a file says."""
    return path.read_text(encoding="utf-8")


def cells_of(page: str) -> Iterator[str]:
    """The code of the cells of a page, without their options, at the lines where it stands."""
    for cell in re.finditer(r"^```\{code-cell\} python\n(.*?)^```$", page, flags=re.DOTALL | re.MULTILINE):
        code = re.sub(r"\A---\n.*?\n---\n", blank, cell[1], flags=re.DOTALL)
        code = re.sub(r"\A(?::\w+:.*\n)+", blank, code)
        yield "\n" * (page[: cell.start(1)].count("\n")) + code


def blank(match: re.Match[str]) -> str:
    """As many lines, with nothing in them."""
    return "\n" * match[0].count("\n")


def run(cell: str, names: dict[str, Any], filename: str) -> Any:
    """Run a cell; return what a notebook would show: the value of its last line."""
    tree = ast.parse(cell, filename)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, filename, "exec"), names)
    if last is None:
        return None
    return eval(compile(ast.Expression(last.value), filename, "eval"), names)


def picture_of(value: Any) -> str | None:
    """The HTML or SVG that a notebook shows for a value, if it has one."""
    if hasattr(value, "_repr_mimebundle_"):
        return str(value._repr_mimebundle_()["image/svg+xml"])
    if hasattr(value, "_repr_html_"):
        html = value._repr_html_()
        assert html, f"{type(value).__name__} cannot be shown"
        return str(html)
    assert " object at 0x" not in repr(value), f"a reader has no use for {value!r}"
    return None


def follow(path: Path, names: dict[str, Any]) -> Iterator[tuple[str, str | None]]:
    """Run a chapter; give each cell with its picture."""
    for cell in cells_of(text_of(path)):
        try:
            yield cell, picture_of(run(cell, names, path.name))
        except ModuleNotFoundError as missing:
            if missing.name in OPTIONAL:
                pytest.skip(f"{path.name} needs {missing.name}")
            raise


@pytest.fixture(autouse=True)
def apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Chapters run in a folder of their own, and draw without a screen."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    yield
    try:
        from matplotlib import pyplot as plt
    except ModuleNotFoundError:
        return
    plt.close("all")


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_a_chapter_runs_and_shows_its_pictures(path: Path) -> None:
    pictures = [picture for _, picture in follow(path, {})]
    assert pictures, "there is code in it"
