"""Every example runs, and makes its point."""

from __future__ import annotations

import importlib.util
import statistics
from pathlib import Path
from types import ModuleType

import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"


def load(name: str) -> ModuleType:
    """An example as a module."""
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_example_is_tested() -> None:
    assert {path.stem for path in EXAMPLES.glob("*.py")} == {"chain_rule", "digits", "skip_connection", "xor"}


def test_chain_rule(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert load("chain_rule").main(tmp_path) == {"a": -24.0, "b": 16.0, "c": 8.0}
    assert "dL/da: by hand  -24.0, by backward()  -24.0" in capsys.readouterr().out
    assert "<svg" in (tmp_path / "chain_rule.svg").read_text(encoding="utf-8")


def test_xor_needs_a_hidden_layer(tmp_path: Path) -> None:
    losses = load("xor").main(tmp_path)
    assert losses["one linear layer"] > 0.69
    assert losses["with a hidden layer"] < 0.01
    assert "<svg" in (tmp_path / "xor.svg").read_text(encoding="utf-8")


def test_skip_connections_keep_gradients_alive(tmp_path: Path) -> None:
    found = load("skip_connection").main(tmp_path)
    assert found["30 blocks without skip connections"] < 1e-3
    assert found["30 blocks with skip connections"] > 1e-1
    assert "<svg" in (tmp_path / "skip_connection.svg").read_text(encoding="utf-8")


def test_digits_are_read_to_97_percent_over_five_seeds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    digits = load("digits")
    accuracies = [digits.main(["--seed", str(seed), "--out", str(tmp_path)]) for seed in range(5)]
    assert statistics.mean(accuracies) >= 0.97, accuracies
    printed = capsys.readouterr().out
    for promised in ("first", "lr", "epoch 30", "before", "after", "test accuracy", "graph.svg", "learning_curves.png"):
        assert promised in printed
    assert "<svg" in (tmp_path / "graph.svg").read_text(encoding="utf-8")
    assert (tmp_path / "learning_curves.png").read_bytes().startswith(b"\x89PNG")


def test_digits_is_the_same_for_the_same_seed_and_takes_its_options(tmp_path: Path) -> None:
    digits = load("digits")
    arguments = ["--epochs", "2", "--lr", "0.02", "--seed", "3", "--out", str(tmp_path / "made" / "on demand")]
    assert digits.main(arguments) == digits.main(arguments)
    assert (tmp_path / "made" / "on demand" / "graph.svg").exists()
