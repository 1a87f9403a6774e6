"""The chapters of the Learn path, executed: every cell runs, and every picture is made.

What a chapter says in prose is asserted in cells beside it, which the site does not show. The tests at the end
go through what a reader can do who has read the README and the chapters, with the commands as they stand there.
"""

from __future__ import annotations

import ast
import html
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

import microbp

ROOT = Path(__file__).parent.parent.parent
LEARN = ROOT / "docs" / "learn"
CHAPTERS = sorted(LEARN.glob("[0-9]*.md"))
OPTIONAL = {"matplotlib", "pygraphviz", "sklearn"}


def text_of(path: Path) -> str:
    """What a file says."""
    return path.read_text(encoding="utf-8")


def cells_of(page: str) -> Iterator[str]:
    """The code of the cells of a page, without their options, at the lines where it stands."""
    for cell in re.finditer(r"^```\{code-cell\} python\n(.*?)^```$", page, flags=re.DOTALL | re.MULTILINE):
        code = re.sub(r"\A---\n.*?\n---\n", blank, cell[1], flags=re.DOTALL)
        code = re.sub(r"\A(?::\w+:.*\n)+", blank, code)
        yield "\n" * (page[: cell.start(1)].count("\n")) + code


def blank(match: re.Match[str]) -> str:
    """As many lines, with nothing in them."""
    return "\n" * match[0].count("\n")


def run(cell: str, names: dict[str, Any], filename: str) -> Any:
    """Run a cell; return what a notebook would show: the value of its last line."""
    tree = ast.parse(cell, filename)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, filename, "exec"), names)
    if last is None:
        return None
    return eval(compile(ast.Expression(last.value), filename, "eval"), names)


def picture_of(value: Any) -> str | None:
    """The HTML or SVG that a notebook shows for a value, if it has one."""
    if hasattr(value, "_repr_mimebundle_"):
        return str(value._repr_mimebundle_()["image/svg+xml"])
    if hasattr(value, "_repr_html_"):
        shown = value._repr_html_()
        assert shown, f"{type(value).__name__} cannot be shown"
        return str(shown)
    assert " object at 0x" not in repr(value), f"a reader has no use for {value!r}"
    return None


def follow(path: Path, names: dict[str, Any]) -> Iterator[tuple[str, str | None]]:
    """Run a chapter; give each cell with its picture."""
    for cell in cells_of(text_of(path)):
        try:
            yield cell, picture_of(run(cell, names, path.name))
        except ModuleNotFoundError as missing:
            if missing.name in OPTIONAL:
                pytest.skip(f"{path.name} needs {missing.name}")
            raise


@pytest.fixture(autouse=True)
def apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Chapters run in a folder of their own, and draw without a screen."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    yield
    try:
        from matplotlib import pyplot as plt
    except ModuleNotFoundError:
        return
    plt.close("all")


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_a_chapter_runs_and_prints_the_same_whatever_ran_before(path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    printed = []
    for seed in (1, 2):
        microbp.manual_seed(seed)
        assert list(follow(path, {})), "there is code in it"
        out, err = capfd.readouterr()
        ours = [line for line in err.splitlines() if not line.startswith("Fontconfig warning")]  # the system's fonts
        assert not ours
        printed.append(re.sub(r"#\d+", "#", out))  # operations are numbered as they are made
    assert printed[0] == printed[1]


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_a_chapter_has_exercises_with_answers_and_says_what_comes_next(path: Path) -> None:
    page = text_of(path)
    exercises = page.split("\n## Exercises\n")[1].split("\n## ")[0]
    questions = re.findall(r"^\*\*\d\.\*\* ", exercises, flags=re.MULTILINE)
    assert 2 <= len(questions) == exercises.count(":::{dropdown} Answer\n") <= 4
    assert "\n## Where this comes from\n" in page
    following = CHAPTERS[CHAPTERS.index(path) + 1 :]
    assert not following or f"]({following[0].name})" in page.split("**Next**")[1]


def test_links_between_chapters_lead_somewhere() -> None:
    for path in LEARN.glob("*.md"):
        for target in re.findall(r"\]\(([\w./]+\.md)(?:#[\w-]+)?\)", text_of(path)):
            if not target.startswith("../"):
                assert (LEARN / target).exists(), f"{path.name}: {target}"


# -- what a reader can do ------------------------------------------------------------------------


def read_until(number: int, command: str, names: dict[str, Any]) -> str | None:
    """Run a chapter up to the cell in which a command stands; return the picture of that cell."""
    (path,) = LEARN.glob(f"{number:02d}_*.md")
    for cell, picture in follow(path, names):
        if command in cell:
            return picture
    raise AssertionError(f"{path.name} does not say {command!r}")


def readme_until(command: str) -> dict[str, Any]:
    """Run the README up to the block in which a command stands; return its variables."""
    names: dict[str, Any] = {}
    blocks = re.findall(r"^```python\n(.*?)^```", text_of(ROOT / "README.md"), flags=re.DOTALL | re.MULTILINE)
    for block in blocks:
        exec(compile(block, "README.md", "exec"), names)
        if command in block:
            return names
    raise AssertionError(f"the README does not say {command!r}")


def boxes_of(svg: str) -> list[list[str]]:
    """The lines of text in each tensor's box of a drawing."""
    names = {"svg": "http://www.w3.org/2000/svg"}
    groups = ElementTree.fromstring(svg).iterfind(".//svg:g", names)
    boxes = [group for group in groups if "tensor" in (group.get("class") or "").split()]
    return [[html.unescape(text.text or "") for text in box.iterfind(".//svg:text", names)] for box in boxes]


def test_a_reader_can_draw_a_graph(tmp_path: Path) -> None:
    readme_until('graph.render(outfile="graph.svg"')
    drawn = [text_of(tmp_path / "graph.svg")]
    (tmp_path / "graph.svg").unlink()
    read_until(2, 'graph.render(outfile="graph.svg"', {})
    drawn.append(text_of(tmp_path / "graph.svg"))
    for svg in drawn:
        assert len(boxes_of(svg)) > 3


def test_a_reader_can_find_each_gradient_on_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, Any] = {}
    svg = read_until(2, "viz.make_dot(loss, names, show_formulas=True)", names)
    assert svg is not None
    boxes = {lines[0]: lines[1:] for lines in boxes_of(svg)}
    for name in ("a", "b", "c"):
        assert f"grad {names[name].grad.item():g}" in boxes[name]

    model = readme_until('graph.render(outfile="graph.svg"')["model"]
    boxes = {lines[0]: lines[1:] for lines in boxes_of(text_of(tmp_path / "graph.svg"))}
    for name, parameter in model.named_parameters():
        found = " ".join(boxes[name])
        assert "grad" in found, name
        assert "not computed" not in found, name
        assert parameter.grad is not None

    capsys.readouterr()
    read_until(3, "print(viz.explain(a, loss))", names)
    end = capsys.readouterr().out.split("the sum over the ways:")[1]
    assert float(end.split("=")[1].split("\n")[1]) == names["a"].grad.item() == 39


def test_a_reader_can_add_an_activation(capsys: pytest.CaptureFixture[str]) -> None:
    swish = readme_until("def swish(x):")["swish"]
    some = microbp.randn(5, dtype=microbp.float64, requires_grad=True)
    assert microbp.autograd.gradcheck(swish, some)

    capsys.readouterr()
    picture = read_until(5, "class Snake(nn.Module):", {})
    printed = capsys.readouterr().out
    assert "gradient right: True" in printed
    assert float(printed.rsplit("loss ", 1)[1]) < 0.1, "it learns"
    assert picture is not None
    assert "Snake" in picture, "it has a frame of its own"


def moved(optimizer: Any, parameters: dict[str, Any]) -> dict[str, float]:
    """How far the first step of an optimizer moves each parameter whose gradient is 1 everywhere."""
    before = {name: parameter.detach().clone() for name, parameter in parameters.items()}
    for parameter in parameters.values():
        parameter.grad = microbp.ones_like(parameter)
    optimizer.step()
    return {name: (before[name] - parameter.detach()).mean().item() for name, parameter in parameters.items()}


def test_a_reader_can_set_a_learning_rate_for_each_layer() -> None:
    names = readme_until("optim.layer_groups(")
    rates = moved(names["optimizer"], dict(names["model"].named_parameters()))
    wanted = dict.fromkeys(rates, 0.5) | {"0.weight": 0.1, "0.bias": 0.1, "3.bias": 1.0}
    assert rates == pytest.approx(wanted, rel=1e-4)

    names = {}
    read_until(7, "groups = optim.layer_groups(", names)
    rates = moved(names["optimizer"], dict(names["model"].named_parameters()))
    wanted = {"first.weight": 0.4, "first.bias": 0.4, "second.weight": 0.2, "second.bias": 0.2}
    assert rates == pytest.approx({**wanted, "last.weight": 0.1, "last.bias": 0.5}, rel=1e-4)

    read_until(7, 'optimizer.param_groups[0]["lr"] = 0.05', names)
    changed = moved(names["optimizer"], dict(names["model"].named_parameters()))
    assert changed["first.weight"] == pytest.approx(0.05, rel=1e-4)


def test_a_reader_can_explain_a_vanishing_gradient_with_a_picture(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names: dict[str, Any] = {}
    read_until(8, "axes = lab.plot_grad_flow(deep)", names)
    axes = names["axes"]
    sizes = np.asarray(axes.lines[0].get_ydata())
    assert axes.get_yscale() == "log"
    assert len(sizes) == 10
    assert (np.diff(sizes) > 0).all(), "each layer gets less than the one after it"
    assert sizes[0] / sizes[-1] < 1e-6
    axes.figure.savefig(tmp_path / "vanishing.png")
    assert (tmp_path / "vanishing.png").read_bytes().startswith(b"\x89PNG")

    read_until(8, "print(lab.doctor(deep, loss))", names)
    assert "vanishing gradients, layer '0.linear'" in capsys.readouterr().out
