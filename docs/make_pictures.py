"""Makes the pictures that the README and the documentation show, with the examples themselves.

Run it from the top of the repository: ``python docs/make_pictures.py``. It needs a browser, Chromium, and
pygraphviz, which renders the graphs also where the `dot` program is there: programs differ from machine to machine.
"""

from __future__ import annotations

import os
import runpy
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
IMAGES = ROOT / "docs" / "images"
DRAWN = ("chain_rule", "xor", "skip_connection")
MOVING = "film.gif"
# By the name of the picture: the example, and the page that it writes.
FILMED = {
    "step_through": ("step_through", "backprop.html#step=10"),
    "film": ("film", "film.html#frame=40"),
    "compare": ("film", "compare.html#frame=40"),
}


@contextmanager
def without_programs() -> Iterator[None]:
    """Nothing is on PATH, and so no `dot` either."""
    path, os.environ["PATH"] = os.environ["PATH"], ""
    try:
        yield
    finally:
        os.environ["PATH"] = path


def run(example: str, folder: Path) -> Any:
    """Run an example, which writes into a folder."""
    with without_programs():
        return runpy.run_path(str(ROOT / "examples" / f"{example}.py"))["main"](folder)


def draw(folder: Path) -> None:
    """Make the pictures that are graphs."""
    for example in DRAWN:
        run(example, folder)


def photograph(page: str, picture: Path) -> None:
    """Take a picture of a page, with Chromium."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        raise SystemExit(f"{picture.name} needs a browser: apt install chromium")
    options = ["--headless", "--no-sandbox", "--hide-scrollbars", "--window-size=1440,800", f"--screenshot={picture}"]
    subprocess.run([browser, *options, page], check=True, capture_output=True)


if __name__ == "__main__":
    draw(IMAGES)
    with tempfile.TemporaryDirectory() as folder:
        for example in {example: None for example, _ in FILMED.values()}:
            run(example, Path(folder))
        for name, (_, page) in FILMED.items():
            photograph(f"file://{folder}/{page}", IMAGES / f"{name}.png")
    film = runpy.run_path(str(ROOT / "examples" / "film.py"))
    recorder, _ = film["train"](next(iter(film["RATES"])), 300)
    recorder.to_gif(IMAGES / MOVING, frames=30, dpi=60)
