"""Ordinary PyTorch training scripts, with nothing but the imports changed, compute the same losses.

Each file in ``tests/scripts`` is a script for PyTorch: ``build()`` makes the model, ``train(model)``
yields every loss, and what else is worth comparing. It is run as it is, and once more with
``torch`` replaced by ``microbp`` in its import statements, from the same initial weights.
"""

from __future__ import annotations

import re
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import microbp
from tests.referee import torch

SCRIPTS = sorted((Path(__file__).parent / "scripts").glob("*.py"))


def run_source(path: Path, text: str) -> types.ModuleType:
    """The text of a script as a module."""
    module = types.ModuleType(path.stem)
    module.__file__ = str(path)
    exec(compile(text, str(path), "exec"), module.__dict__)
    return module


def with_our_imports(text: str) -> str:
    """A script with its import statements changed, and nothing else."""
    text = re.sub(r"^import torch$", "import microbp as torch", text, flags=re.MULTILINE)
    text = re.sub(r"^import torch\.", "import microbp.", text, flags=re.MULTILINE)
    return re.sub(r"^from torch\b", "from microbp", text, flags=re.MULTILINE)


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_losses_agree_at_every_step(path: Path) -> None:
    lib = torch()
    text = path.read_text(encoding="utf-8")
    theirs = run_source(path, text)
    ours = run_source(path, with_our_imports(text))
    lib.manual_seed(0)
    yours = theirs.build()
    mine = ours.build()
    assert isinstance(mine, microbp.nn.Module)
    initial: dict[str, Any] = {name: value.numpy().copy() for name, value in yours.state_dict().items()}
    assert list(mine.state_dict()) == list(initial)
    mine.load_state_dict(initial)
    expected = list(theirs.train(yours))
    found = list(ours.train(mine))
    assert len(found) == len(expected) >= 4
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-12)


def test_there_are_at_least_15_scripts() -> None:
    assert len(SCRIPTS) >= 15


def test_only_imports_are_changed() -> None:
    for path in SCRIPTS:
        text = path.read_text(encoding="utf-8")
        changed = [
            new for old, new in zip(text.splitlines(), with_our_imports(text).splitlines(), strict=True) if old != new
        ]
        assert changed
        assert all(line.startswith(("import ", "from ")) for line in changed)
