"""Makes the pictures that the README and the documentation show, with the examples themselves.

Run it from the top of the repository: ``python docs/make_pictures.py``.
"""

from __future__ import annotations

import runpy
import shutil
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
IMAGES = ROOT / "docs" / "images"


def photograph(page: str, picture: Path) -> None:
    """Take a picture of a page, with Chromium."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        raise SystemExit(f"{picture.name} needs a browser: apt install chromium")
    options = ["--headless", "--no-sandbox", "--hide-scrollbars", "--window-size=1440,800", f"--screenshot={picture}"]
    subprocess.run([browser, *options, page], check=True, capture_output=True)


if __name__ == "__main__":
    for name in ("chain_rule", "xor", "skip_connection"):
        runpy.run_path(str(ROOT / "examples" / f"{name}.py"))["main"](IMAGES)
    with tempfile.TemporaryDirectory() as folder:
        runpy.run_path(str(ROOT / "examples" / "step_through.py"))["main"](Path(folder))
        photograph(f"file://{folder}/backprop.html#step=10", IMAGES / "step_through.png")
        film = runpy.run_path(str(ROOT / "examples" / "film.py"))
        film["main"](Path(folder))
        photograph(f"file://{folder}/film.html#frame=40", IMAGES / "film.png")
    recorder, _ = film["train"](next(iter(film["RATES"])), 300)
    recorder.to_gif(IMAGES / "film.gif", frames=30, dpi=60)
