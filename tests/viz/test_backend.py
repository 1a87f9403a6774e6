"""Rendering with `dot`, with pygraphviz, and with neither."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import graphviz
import pytest

import microbp
from microbp.viz import GraphvizNotFound, make_dot

SVG = "http://www.w3.org/2000/svg"

posix = pytest.mark.skipif(os.name != "posix", reason="the stand-in for dot is a shell script")


@pytest.fixture
def graph() -> Any:
    x = microbp.tensor([1.0, 2.0], requires_grad=True)
    return make_dot((x * x).sum(), params={"x": x})


@pytest.fixture
def without_dot(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))


@pytest.fixture
def with_neither(monkeypatch: pytest.MonkeyPatch, without_dot: None) -> None:
    monkeypatch.setitem(sys.modules, "pygraphviz", None)


def test_pygraphviz_renders_real_pictures(graph: Any, without_dot: None, tmp_path: Path) -> None:
    path = graph.render(tmp_path / "graph.png")
    assert path == str(tmp_path / "graph.png")
    assert Path(path).read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    assert (tmp_path / "graph.gv").read_text(encoding="utf-8") == graph.source
    assert graph.pipe("pdf").startswith(b"%PDF")
    svg = graph.pipe(encoding="utf-8")
    for id in ("t0", "op0", "t1", "t0_op0_0", "t0_op0_1"):
        assert f'id="{id}"' in svg


def test_render_as_the_graphviz_package_does(graph: Any, without_dot: None, tmp_path: Path) -> None:
    assert graph.render("drawn", directory=tmp_path, format="svg", cleanup=True) == str(tmp_path / "drawn.svg")
    assert [path.name for path in tmp_path.iterdir()] == ["drawn.svg"]
    assert graph.render(outfile=tmp_path / "new" / "a.svg") == str(tmp_path / "new" / "a.svg")
    with pytest.raises(graphviz.FileExistsError):
        graph.render(outfile=tmp_path / "new" / "a.svg", raise_if_result_exists=True)
    with pytest.raises(ValueError, match="overwrite"):
        graph.render("same.svg", directory=tmp_path, outfile="same.svg")


def test_view_opens_the_picture(graph: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr(graphviz, "view", lambda path, quiet: opened.append(path))
    assert graph.view(tmp_path / "graph.svg") == opened[0] == str(tmp_path / "graph.svg")


def test_options_of_the_program_need_the_program(graph: Any, without_dot: None) -> None:
    with pytest.raises(NotImplementedError, match="dot program"):
        graph.pipe("png", renderer="cairo")


def test_a_format_that_would_end_the_process_is_refused(graph: Any, without_dot: None) -> None:
    for format in ("json", "xdot"):
        with pytest.raises(NotImplementedError, match="try json0"):
            graph.pipe(format)
    assert b'"objects"' in graph.pipe("json0")


def test_with_neither_the_error_says_what_to_do(graph: Any, with_neither: None, tmp_path: Path) -> None:
    with pytest.raises(GraphvizNotFound) as caught:
        graph.render(tmp_path / "g.png")
    assert isinstance(caught.value, graphviz.ExecutableNotFound)
    for hint in (
        'pip install "microbp[viz]"',
        "apt",
        "brew",
        "winget",
        "conda",
        "only the Python interface",
        "graph.source",
    ):
        assert hint in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_with_neither_a_notebook_shows_what_to_install_and_the_dot_text(graph: Any, with_neither: None) -> None:
    bundle = graph._repr_mimebundle_()
    assert list(bundle) == ["text/plain"]
    assert 'pip install "microbp[viz]"' in bundle["text/plain"].splitlines()[1]
    assert bundle["text/plain"].endswith(f"\n\n{graph.source}")
    assert graph._repr_svg_() is None


def test_a_notebook_shows_svg(graph: Any) -> None:
    assert "</svg>" in graph._repr_mimebundle_()["image/svg+xml"]
    assert graph._repr_svg_().startswith("<?xml")
    assert graph._repr_mimebundle_(include=["image/png"])["image/png"].startswith(b"\x89PNG")


def test_where_a_notebook_shows_html_a_wide_picture_is_scrolled_and_has_its_tooltips(graph: Any) -> None:
    shown = graph._repr_mimebundle_()["text/html"]
    assert shown.startswith('<div style="overflow-x:auto')
    assert ElementTree.fromstring(shown).find(f"{{{SVG}}}svg") is not None
    assert "xlink:title=" in shown
    assert "text/html" not in graph._repr_mimebundle_(exclude=["text/html"])
    assert list(graph._repr_mimebundle_(include=["image/svg+xml"])) == ["image/svg+xml"]


@posix
def test_dot_is_used_where_it_is_and_never_sees_a_file_name(
    graph: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    dot = programs / "dot"
    dot.write_text(f'#!/bin/sh\necho "$@" > "{programs}/arguments"\n/bin/cat > /dev/null\necho drawn\n')
    dot.chmod(dot.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(programs))
    name = "-o $(touch pwned); `touch pwned`.svg"
    path = graph.render(name, directory=tmp_path)
    assert Path(path).read_text() == "drawn\n"
    assert (programs / "arguments").read_text().split() == ["-Kdot", "-Tsvg"]
    assert not list(tmp_path.rglob("pwned"))


@posix
def test_a_program_that_fails_does_not_break_a_notebook(
    graph: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dot = tmp_path / "dot"
    dot.write_text("#!/bin/sh\nexit 3\n")
    dot.chmod(dot.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "could not be rendered" in graph._repr_mimebundle_()["text/plain"]


def test_the_package_loads_no_drawing_library() -> None:
    code = (
        "import sys, microbp, microbp.viz\n"
        "found = {'graphviz', 'pygraphviz', 'matplotlib', 'IPython'} & set(sys.modules)\n"
        "assert not found, found\n"
        "microbp.viz.make_dot\n"
        "assert 'graphviz' in sys.modules and 'pygraphviz' not in sys.modules\n"
        "assert 'make_dot' in dir(microbp.viz)\n"
    )
    subprocess.run(
        [sys.executable, "-c", code], check=True, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    )


def test_unknown_names_of_the_package() -> None:
    with pytest.raises(AttributeError, match="no attribute 'draw'"):
        microbp.viz.draw  # noqa: B018
