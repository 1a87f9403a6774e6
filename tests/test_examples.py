"""Every example runs, and makes its point."""

from __future__ import annotations

import html
import importlib.util
import re
import statistics
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import microbp

EXAMPLES = Path(__file__).parent.parent / "examples"


def load(name: str) -> ModuleType:
    """An example as a module."""
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_example_has_its_place_and_its_test() -> None:
    order = (EXAMPLES / "order.txt").read_text(encoding="utf-8").split()
    assert sorted(order) == sorted(path.stem for path in EXAMPLES.glob("*.py"))
    listed = re.findall(
        r"^\| (\d+) \| \[(\w+)\]\((\w+)\.py\)", (EXAMPLES / "README.md").read_text(encoding="utf-8"), re.M
    )
    assert listed == [(str(k), name, name) for k, name in enumerate(order, start=1)]
    here = Path(__file__)
    for name in order:
        assert (
            f'load("{name}")' in here.read_text(encoding="utf-8") or (here.parent / f"examples/test_{name}.py").exists()
        )


def test_every_example_is_a_page_of_the_gallery() -> None:
    for path in EXAMPLES.glob("*.py"):
        text = path.read_text(encoding="utf-8")
        title = re.match(r'"""\n(.+)\n(=+)\n\n', text)
        assert title is not None, f"{path.name} begins with a title"
        assert len(title[1]) == len(title[2]), f"{path.name}: the line below the title is as long as that"
        assert "\n# %%\n" in text, f"{path.name} has texts between its code"
        assert "__doc__" not in text, f"{path.name}: a gallery runs it without its docstring"


def test_chain_rule(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert load("chain_rule").main(tmp_path) == {"a": -2.0, "b": 4.0, "c": 2.0}
    assert "dL/da: by hand   -2.0, by backward()   -2.0" in capsys.readouterr().out
    picture = (tmp_path / "chain_rule.svg").read_text(encoding="utf-8")
    for text in ("dL/dp = g", "dL/db = g * a", "grad + 4", "grad − 6", ">L<"):
        assert text in html.unescape(picture)


def test_xor_needs_a_hidden_layer(tmp_path: Path) -> None:
    losses = load("xor").main(tmp_path)
    assert losses["one linear layer"] > 0.69
    assert losses["with a hidden layer"] < 0.01
    assert "<svg" in (tmp_path / "xor.svg").read_text(encoding="utf-8")


def test_own_parts_are_right_and_learn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    example = load("own_parts")
    losses = example.main(tmp_path)
    assert losses[-1] < 0.01 < 0.1 < losses[0]
    assert "gradients checked: swish, log_cosh, bumps" in capsys.readouterr().out
    assert "bumps.centre" in (tmp_path / "own_parts.svg").read_text(encoding="utf-8")
    assert is_picture(tmp_path / "own_parts.png")


def test_skip_connections_keep_gradients_alive(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = load("skip_connection").main(tmp_path)
    assert capsys.readouterr().out.splitlines()[-1].startswith("after 30 blocks 3e-08 of the gradient is left")
    assert found["30 blocks without skip connections"] < 1e-3
    assert found["30 blocks with skip connections"] > 1e-1
    assert "<svg" in (tmp_path / "skip_connection.svg").read_text(encoding="utf-8")


def test_a_backward_pass_can_be_stepped_through(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = load("step_through").main(tmp_path)
    printed = capsys.readouterr().out
    for promised in ("∂L/∂fc1.weight (4, 2): one way from the loss", "(∂L/∂linear_1)ᵀ · x", "at [", "backprop.html"):
        assert promised in printed
    assert (tmp_path / "backprop.html").read_text(encoding="utf-8") == page.html


def test_the_film_shows_layers_that_learn_and_layers_that_stand_still(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    accuracies = load("film").main(tmp_path)
    assert accuracies["each layer at its own rate"] > 0.98
    assert accuracies["only the last layer learns"] < 0.92
    printed, noise = capsys.readouterr()
    assert noise == "", "no progress bar where there is no terminal"
    assert printed.count("moved by 0.0000 on average") == 2
    assert printed.rstrip().endswith("only the last layer learns: 87.5 % of the points on the right side")
    assert (tmp_path / "film.html").stat().st_size <= 1_000_000
    assert (tmp_path / "compare.html").exists()


def test_progress_is_shown_on_a_terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    film = load("film")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    film.train("only the last layer learns", 5)
    assert "only the last layer learns: 100%" in capsys.readouterr().err


def is_picture(path: Path) -> bool:
    """Whether there is a PNG."""
    return path.read_bytes().startswith(b"\x89PNG")


def test_depth_lets_gradients_vanish_and_skip_connections_bring_them_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = load("depth").main(tmp_path)
    for name in ("sigmoid, 10 layers", "relu, 10 layers"):
        assert report[name].ratio() < 1e-2
        assert report[name].final.min() > 0.69  # no better than tossing a coin
    assert report["sigmoid, 10 layers"].ratio() < 1e-6
    for name in ("sigmoid, 10, normalised", "relu, 10, kaiming", "relu, 10, skips"):
        assert report[name].ratio() > 5e-2
        assert report[name].final.mean() < 0.2
    printed = capsys.readouterr()
    assert "vanishing gradients, layer '0.linear'" in printed.out
    assert printed.out.splitlines()[-2].startswith("sigmoid, 10 layers   first layer's gradient")
    assert printed.err == ""  # no progress bar where there is no terminal
    assert is_picture(tmp_path / "depth.png")


def test_activations_let_through_what_their_slopes_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    example = load("activations")
    report = example.main(tmp_path)
    assert report["sigmoid"].ratio() < 1e-3
    assert report["sigmoid"].final.min() > 0.64, "no better than to say 'no' of all points"
    assert all(report[name].ratio() > 0.1 for name in ("tanh", "relu", "leaky relu", "gelu"))
    assert all(report[name].final.mean() < 0.2 for name in ("relu", "leaky relu", "gelu"))
    assert example.through_units_that_are_off(example.nn.ReLU) == 0
    assert 0 < example.through_units_that_are_off(example.nn.LeakyReLU) < 1e-3
    x = microbp.linspace(-2, 2, 9)
    np.testing.assert_allclose(example.slope_of(example.nn.Tanh(), x).numpy(), 1 - np.tanh(x.numpy()) ** 2, rtol=1e-5)
    printed = capsys.readouterr()
    assert printed.out.splitlines()[-5].startswith("sigmoid    a layer lets 0.21 of the gradient through, eight layers")
    assert printed.err == ""
    assert is_picture(tmp_path / "activations.png")


def test_the_size_of_the_first_weights_decides(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    example = load("initialisation")
    signals = example.main(tmp_path)
    small, xavier, kaiming, large = signals.values()
    assert small < 1e-9 < xavier < 1e-3 < 0.1 < kaiming < 10 < 1e5 < large
    printed = capsys.readouterr()
    for promised in (
        "the doctor on v = 1/4n: vanishing gradients",
        "the doctor on v = 2/n (Kaiming): nothing found",
        "the doctor on v = 8/n: exploding gradients",
        "of 8 units whose weights start all the same 1 differ",
        "of 8 units whose weights start at random    8 differ",
    ):
        assert promised in printed.out
    assert printed.out.splitlines()[-2].startswith("v = 2/n (Kaiming)  after 30 layers a signal of 1 has become 5e-01")
    assert printed.err == ""
    assert is_picture(tmp_path / "initialisation.png")


def test_linear_layers_stay_linear(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = load("linear_stays_linear").main(tmp_path)
    assert all(found[name] > 0.69 for name in ("1 linear layer", "2 linear layers", "6 linear layers"))
    assert found["2 layers with tanh"] < 0.01
    assert found["difference"] < 1e-5
    assert "one matrix that they equal differ by at most" in capsys.readouterr().out.splitlines()[-1]
    assert is_picture(tmp_path / "linear_stays_linear.png")


def test_every_layer_learns_at_its_own_rate(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = load("learning_rates").main(tmp_path)
    assert found["bits"] == 0
    assert found["first ten times as fast"] < found["0.1 everywhere"] < found["first layer held"]
    assert found["first layer held"] < 0.1 * found["first two held"]
    assert not found["last at 100"] < 1  # it may be NaN
    printed = capsys.readouterr().out
    assert printed.count("learning rate too high, parameter 'last.weight'") == 1
    assert printed.splitlines()[-1] == "bits that changed in the weights of the layer at rate 0: 0"
    assert is_picture(tmp_path / "learning_rates.png")


def test_digits_are_read_to_97_percent_over_five_seeds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    digits = load("digits")
    accuracies = [digits.main(["--seed", str(seed), "--out", str(tmp_path)]) for seed in range(5)]
    assert statistics.mean(accuracies) >= 0.97, accuracies
    printed = capsys.readouterr().out
    promises = ("first", "lr", "epoch 30", "before", "after", "% of their size", "test accuracy")
    for promised in (*promises, "graph.svg", "learning_curves.png"):
        assert promised in printed
    assert "<svg" in (tmp_path / "graph.svg").read_text(encoding="utf-8")
    assert (tmp_path / "learning_curves.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--epochs", "0"], "argument --epochs: must be a positive integer, got 0"),
        (["--epochs", "-3"], "argument --epochs: must be a positive integer, got -3"),
        (["--epochs", "few"], "argument --epochs: must be a positive integer, got few"),
        (["--lr", "-1"], "argument --lr: must be a positive number, got -1"),
        (["--lr", "nan"], "argument --lr: must be a positive number, got nan"),
        (["--lr", "fast"], "argument --lr: must be a positive number, got fast"),
        (["--out", __file__], "argument --out: must be a folder, but there is a file"),
        (["--out", f"{__file__}/inside"], "argument --out: must be a folder, but there is a file"),
    ],
)
def test_digits_refuses_bad_options(arguments: list[str], reason: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        load("digits").main(arguments)
    assert caught.value.code == 2
    assert reason in capsys.readouterr().err


def test_digits_stops_when_the_rate_is_too_high(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"the loss is (nan|inf): the learning rate is too high"):
        load("digits").main(["--lr", "50", "--out", str(tmp_path)])
    assert not list(tmp_path.iterdir())


def test_one_epoch_is_one_epoch(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    load("digits").main(["--epochs", "1", "--out", str(tmp_path)])
    assert "after 1 epoch in" in capsys.readouterr().out


def test_digits_is_the_same_for_the_same_seed_and_takes_its_options(tmp_path: Path) -> None:
    digits = load("digits")
    arguments = ["--epochs", "2", "--lr", "0.02", "--seed", "3", "--out", str(tmp_path / "made" / "on demand")]
    assert digits.main(arguments) == digits.main(arguments)
    assert (tmp_path / "made" / "on demand" / "graph.svg").exists()
