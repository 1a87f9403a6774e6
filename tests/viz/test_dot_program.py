"""What the `dot` program makes of the drawings: with a stand-in for it where there is none."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import microbp
from microbp.viz import diff, look, make_dot
from microbp.viz.backend import Graph, pipe_in_process
from microbp.viz.fold import fold
from tests.viz.networks import counting, examples
from tests.viz.test_dot import NASTY

STAND_IN = """#!{python}
import sys
import pygraphviz
options = dict((argument[1], argument[2:]) for argument in sys.argv[1:])
graph = pygraphviz.AGraph(string=sys.stdin.read())
format = "json0" if options["T"] == "json" else options["T"]  # pygraphviz crashes over the other
sys.stdout.buffer.write(graph.draw(format=format, prog=options["K"]))
"""

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the stand-in for dot is a script with a first line")


@pytest.fixture(autouse=True)
def dot(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A `dot` program on PATH."""
    if shutil.which("dot") is None:
        program = tmp_path / "dot"
        program.write_text(STAND_IN.format(python=sys.executable))
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)


def parsed(graph: Graph, capfd: Any) -> tuple[list[Any], list[Any], list[Any]]:
    """Boxes, frames and arrows as `dot -Tjson` understands them; it must not complain."""
    found = json.loads(graph.pipe("json"))
    complaints = capfd.readouterr().err.splitlines()
    assert [line for line in complaints if not line.startswith("Fontconfig")] == []
    objects = found["objects"]
    frames = [thing for thing in objects if "nodes" in thing]
    return [thing for thing in objects if "nodes" not in thing], frames, found.get("edges", [])


@pytest.mark.parametrize("name", examples)
@pytest.mark.parametrize(
    "options",
    [{}, {"direction": "backward", "show_formulas": True}, {"color_by": "grad"}, {"color_by": "memory", "depth": 1}],
)
def test_every_example_is_understood(name: str, options: dict[str, Any], capfd: pytest.CaptureFixture[str]) -> None:
    root = examples[name]()
    nodes, frames, edges = parsed(make_dot(root, **options), capfd)
    picture = fold(look([root]), depth=options.get("depth"), max_nodes=300)
    boxes = [thing.id for thing in (*picture.operations, *picture.tensors)] + [c.call.id for c in picture.closed]
    assert sorted(node["name"] for node in nodes) == sorted(boxes)
    assert Counter(frame["id"] for frame in frames) == Counter(call.id for call in picture.clusters)
    assert len(edges) == len(picture.links)


@pytest.mark.parametrize("name", NASTY)
def test_any_name_is_understood(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    x = counting(2, 2).requires_grad_()
    for graph in (
        make_dot((x * x).sum(), params={name: x}, show_formulas=True),
        diff(x.exp(), x.tanh(), params={name: x}, names=(name, f"{name}'")),
    ):
        assert len(parsed(graph, capfd)[0]) >= 5


def test_a_freed_graph_is_understood(capfd: pytest.CaptureFixture[str]) -> None:
    y = (counting(3).requires_grad_() * microbp.tensor([1.0, 2.0, 3.0])).sum()
    y.backward()
    assert len(parsed(make_dot(y), capfd)[0]) == 6


@pytest.mark.parametrize("name", examples)
def test_ids_in_the_picture_are_those_of_pygraphviz(name: str) -> None:
    graph = make_dot(examples[name]())
    ids = [
        set(re.findall(r'id="([^"]+)"', svg.decode()))
        for svg in (graph.pipe(), pipe_in_process(graph.source, "svg", "dot"))
    ]
    named = [{id for id in found if not id.startswith("a_")} for found in ids]
    assert named[0] == named[1]
