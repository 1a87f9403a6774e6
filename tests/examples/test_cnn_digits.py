"""The convolutional network: it reads digits, and still does when they have moved."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., dict[str, Any]]


def test_convolutions_read_digits_that_moved_and_linear_layers_do_not(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = run("cnn_digits")["found"]
    assert min(shares[0] for shares in found.values()) > 0.92
    assert found["convolutions"][2] > 0.6  # 79 % to 97 % over four seeds
    assert found["linear layers"][2] < 0.25
    assert found["convolutions"][1] > found["linear layers"][1] + 0.2
    assert (tmp_path / "cnn_digits.png").read_bytes().startswith(b"\x89PNG")
    printed = capsys.readouterr()
    assert "Total params: 10,914" in printed.out
    assert printed.err == ""  # no progress bar where there is no terminal


def test_the_same_seed_gives_the_same_network(run: Run) -> None:
    options = ("--epochs", "1", "--seed", "3")
    assert run("cnn_digits", *options)["found"] == run("cnn_digits", *options)["found"]
