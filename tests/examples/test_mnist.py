"""MNIST: what is fetched is learned from; what cannot be fetched is said. A stand-in takes the place of OpenML."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.error import URLError

import numpy as np
import pytest
import sklearn.datasets
from sklearn.utils import Bunch

Run = Callable[..., dict[str, Any]]


def enlarged_digits(name: str, *, version: int, as_frame: bool, parser: str, data_home: Any) -> Bunch:
    """scikit-learn's own digits, as large as those of MNIST and in the form in which OpenML gives them."""
    assert (name, version, as_frame) == ("mnist_784", 1, False)
    digits = sklearn.datasets.load_digits()
    images = np.kron(digits.images / 16 * 255, np.ones((1, 3, 3)))  # 24 x 24
    images = np.pad(images, ((0, 0), (2, 2), (2, 2)))
    return Bunch(data=images.reshape(-1, 784), target=digits.target.astype(str).astype(object))


def test_what_is_fetched_is_learned_from(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sklearn.datasets, "fetch_openml", enlarged_digits)
    names = run("mnist", "--epochs", "3")
    assert names["images"].shape == (1797, 1, 28, 28)
    assert names["images"].array.min() == -1
    assert names["images"].array.max() == 1
    assert names["labels"].shape == (1797,)
    assert (len(names["training"]), len(names["testing"])) == (1540, 257)
    assert names["accuracy"] > 0.85
    assert (tmp_path / "mnist.png").read_bytes().startswith(b"\x89PNG")
    printed = capsys.readouterr()
    assert "1,797 images, 1,540 to learn from, 257 to be tested on" in printed.out
    assert printed.err == ""  # no progress bar where there is no terminal


def test_fewer_images_can_be_asked_for(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sklearn.datasets, "fetch_openml", enlarged_digits)
    names = run("mnist", "--images", "64", "--epochs", "1")
    assert len(names["training"]) == 64
    assert len(names["losses"]) == 2


@pytest.mark.parametrize(
    "error", [URLError("Name or service not known"), TimeoutError("timed out"), ConnectionResetError("reset by peer")]
)
def test_without_a_connection_it_says_so_and_stops(run: Run, monkeypatch: pytest.MonkeyPatch, error: OSError) -> None:
    def unreachable(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(sklearn.datasets, "fetch_openml", unreachable)
    with pytest.raises(SystemExit) as caught:
        run("mnist")
    message = caught.value.code  # a text: Python prints it, and ends with exit code 1
    assert isinstance(message, str)
    for said in ("could not be fetched from OpenML", str(error), "needs a connection the first time", "digits.py"):
        assert said in message


def test_something_else_than_mnist_is_refused(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def another(*_: Any, **__: Any) -> Bunch:
        return Bunch(data=np.zeros((10, 4)), target=np.array(["0"] * 10))

    monkeypatch.setattr(sklearn.datasets, "fetch_openml", another)
    with pytest.raises(SystemExit, match=r"something else than MNIST: data \(10, 4\)"):
        run("mnist")
