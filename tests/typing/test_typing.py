"""What type checkers make of a user's program: nothing to complain about."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import microbp
from tests.typing import user_script

HERE = Path(__file__).parent
ROOT = Path(microbp.__file__).parents[1]


def report(script: Path, monkeypatch: pytest.MonkeyPatch, folder: Path) -> str:
    """What mypy, as a user runs it, says of a script."""
    api = pytest.importorskip("mypy.api", reason="mypy is not installed")
    monkeypatch.setenv("MYPYPATH", str(ROOT))
    options = ["--strict", "--follow-imports=silent", "--config-file=", f"--cache-dir={folder}"]
    out, error, _ = api.run([*options, f"--python-executable={sys.executable}", str(script)])
    return str(out + error)


def test_a_typed_script_passes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text((HERE / "user_script.py").read_text(encoding="utf-8"), encoding="utf-8")
    found = report(script, monkeypatch, tmp_path)
    assert found.startswith("Success"), found


def test_a_wrong_script_does_not(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import microbp\nmicrobp.zeros(2).no_such_method()\nx: int = microbp.exp(1.0)\n", encoding="utf-8"
    )
    found = report(script, monkeypatch, tmp_path)
    assert 'script.py:2: error: "Tensor" has no attribute "no_such_method"' in found
    assert "script.py:3: error: Incompatible types in assignment" in found


def test_the_script_runs(capsys: pytest.CaptureFixture[str]) -> None:
    user_script.main()
    assert "digraph" in capsys.readouterr().out
