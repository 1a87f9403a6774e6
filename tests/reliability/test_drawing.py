"""Drawing: text stays text, a file name is never a command, and nothing of the graph changes.

``tests/viz`` has the rest of this promise.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import microbp
from microbp import nn
from microbp.viz import make_dot

HOSTILE = [
    'a"b',
    "a'b",
    "<b>bold</b>",
    "</TABLE>>",
    "<script>alert(1)</script>",
    "&amp;&lt;&#60;&bogus;",
    "line\nline\r\ttab",
    "back\\slash\\",
    "\\N\\G\\E\\l",
    '\\" ]; evil [label="',
    "%s{}{0}${HOME}",
    "-o/tmp/x",
    "$(touch pwned)`touch pwned`;touch pwned",
    "{a|b}<f0>",
    "//comment /* # */",
    "digraph strict node",
    "\x00\x01\x07\x1b[31m\x7f",
    "\ud800",
    "\u202eright to left\u202c",
    "名前 ñ 🦉",
    "",
    " ",
    "a" * 5000,
    "0",
    "-1.5e3",
]


def picture_of(name: Any) -> Any:
    x = microbp.tensor([1.0, 2.0], requires_grad=True)
    x.name = name
    return make_dot((x * x).sum())


@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
def test_a_hostile_name_renders_and_stays_text(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    svg = picture_of(name).pipe("svg").decode()
    assert "<script" not in svg
    assert "evil [" not in svg.replace("&quot;", '"').split("<title>")[0]
    assert svg.rstrip().endswith("</svg>")
    written = [line for line in capfd.readouterr().err.splitlines() if "Fontconfig" not in line]
    assert written == []


@pytest.mark.parametrize("name", HOSTILE[:16], ids=ascii)
def test_a_hostile_name_of_a_module_or_parameter_renders(name: str) -> None:
    model = nn.Sequential(nn.Linear(2, 2))
    if name and "." not in name:
        model.add_module(name, nn.Linear(2, 1))
        model.register_parameter(f"{name}2", nn.Parameter(microbp.ones(1)))
    svg = make_dot(model(microbp.ones(1, 2)), model=model).pipe("svg").decode()
    assert "<script" not in svg


@pytest.mark.parametrize("name", [3, 2.5, None, ("a",), Path("x")], ids=str)
def test_a_name_that_is_no_text_is_drawn_as_text(name: Any) -> None:
    assert picture_of(name).pipe("svg")


@pytest.mark.parametrize("name", ["$(touch pwned)", "`touch pwned`", "a;touch pwned", "a b", "-T", "ü", "'\""])
def test_a_file_name_is_a_file_name(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    picture_of("x").render(f"{name}.svg", cleanup=True)
    assert os.listdir(tmp_path) == [f"{name}.svg"]


def test_drawing_changes_no_value_gradient_state_or_random_number() -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.Dropout(0.5), nn.Linear(4, 1))
    loss = model(microbp.randn(2, 3)).sum()
    loss.backward(retain_graph=True)

    def everything() -> list[Any]:
        return [
            *((p.array.copy(), p.grad.array.copy(), p.version) for p in model.parameters() if p.grad is not None),
            str(microbp.get_rng_state()),
            model.training,
            microbp.is_grad_enabled(),
        ]

    before = everything()
    make_dot(loss, model=model, show_attrs=True, show_saved=True).pipe("svg")
    for mine, theirs in zip(before, everything(), strict=True):
        np.testing.assert_equal(mine, theirs)
    loss.backward()


def test_extreme_values_are_drawn_as_they_are_and_without_warnings() -> None:
    for values in ([np.nan, np.inf, -np.inf, 1e308], [1e308, -1e308, 5e-324, -0.0] * 10):
        x = microbp.tensor(values, dtype=microbp.float64, requires_grad=True)
        loss = (x * 2).sum() + microbp.zeros(0, 3, dtype=microbp.float64, requires_grad=True).sum()
        loss.backward()
        picture = make_dot(loss)
        assert picture.pipe("svg")
        for text in ("nan", "inf", "1e+308") if len(values) == 4 else ("e+307", "±"):
            assert text in picture.source
