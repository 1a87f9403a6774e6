"""What runs an example as its readers do: as a script, with its options on the command line."""

from __future__ import annotations

import runpy
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    """Run an example by its name, with options; return the names that it leaves behind. Pictures go to `tmp_path`."""

    def run(name: str, *options: str) -> dict[str, Any]:
        script = str(EXAMPLES / f"{name}.py")
        monkeypatch.setattr(sys, "argv", [script, "--out", str(tmp_path), *options])
        return runpy.run_path(script, run_name="__main__")

    return run
