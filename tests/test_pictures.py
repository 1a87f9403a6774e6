"""The pictures of the README and the documentation are those that the examples make today."""

from __future__ import annotations

import os
import re
import runpy
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).parent.parent
IMAGES = ROOT / "docs" / "images"
SCRIPT: dict[str, Any] = runpy.run_path(str(ROOT / "docs" / "make_pictures.py"))


def words(picture: Path) -> list[str]:
    """The text and the tooltips of a picture. Numbers and the lines of code are left out: some may come out otherwise
    in the last digit on another machine, others move when an example is edited above them."""
    root = ElementTree.fromstring(picture.read_bytes())
    found = [element.text or "" for element in root.iter() if element.tag.endswith("}text")]
    found += [element.get("{http://www.w3.org/1999/xlink}title", "") for element in root.iter()]
    return sorted(re.sub(r"-?\d+(\.\d+)?(e[+-]?\d+)?", "0", text) for text in found)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    path = os.environ["PATH"]
    SCRIPT["draw"](folder)
    assert os.environ["PATH"] == path
    return folder


@pytest.mark.parametrize("name", SCRIPT["DRAWN"])
def test_a_drawing_says_what_the_example_draws_today(name: str, drawn: Path) -> None:
    assert words(IMAGES / f"{name}.svg") == words(drawn / f"{name}.svg")


def test_the_script_makes_every_picture_and_the_readme_shows_no_other() -> None:
    made = {f"{name}.svg" for name in SCRIPT["DRAWN"]} | {f"{name}.png" for name in SCRIPT["FILMED"]}
    made.add(SCRIPT["MOVING"])
    assert {path.name for path in IMAGES.iterdir()} == made
    shown = set(re.findall(r"docs/images/([\w.]+)", (ROOT / "README.md").read_text(encoding="utf-8")))
    assert shown
    assert shown <= made
