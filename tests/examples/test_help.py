"""Every example says what it is, and where its pictures go."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., dict[str, Any]]
NAMES = sorted(path.stem for path in (Path(__file__).parents[2] / "examples").glob("*.py"))


@pytest.mark.parametrize("name", NAMES)
def test_help_is_given_before_anything_is_computed(run: Run, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        run(name, "--help")
    assert caught.value.code == 0
    printed = capsys.readouterr().out
    assert printed.startswith(f"usage: {name}.py")
    assert "--out OUT" in printed
