"""Makes the pictures that the README and the documentation show, with the examples themselves.

Run it from the top of the repository: ``python docs/make_pictures.py``.
"""

from __future__ import annotations

import runpy
from pathlib import Path

ROOT = Path(__file__).parent.parent
IMAGES = ROOT / "docs" / "images"

if __name__ == "__main__":
    for name in ("chain_rule", "xor", "skip_connection"):
        runpy.run_path(str(ROOT / "examples" / f"{name}.py"))["main"](IMAGES)
