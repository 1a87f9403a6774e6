"""The papers of the repository: the changelog, the citation, and how to contribute."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import microbp

ROOT = Path(__file__).parents[2]


def text(name: str) -> str:
    """What is in a file."""
    return (ROOT / name).read_text(encoding="utf-8")


def test_the_version_is_the_same_everywhere() -> None:
    project = tomllib.loads(text("pyproject.toml"))["project"]
    cited = re.search(r"^version: (.+)$", text("CITATION.cff"), flags=re.MULTILINE)
    assert cited is not None
    assert project["version"] == cited[1] == microbp.__version__


def test_the_citation_names_authors_and_licence_as_the_package_does() -> None:
    project = tomllib.loads(text("pyproject.toml"))["project"]
    for author in project["authors"]:
        assert f"- name: {author['name']}\n" in text("CITATION.cff")
    assert f"license: {project['license']}\n" in text("CITATION.cff")


def test_every_file_that_contributors_are_told_of_is_there() -> None:
    named = re.findall(r"`((?:microbp|tests|docs|benchmarks|\.ci)/[\w/.]*|[A-Z]+\.md)`", text("CONTRIBUTING.md"))
    assert len(named) > 10
    assert not [path for path in named if not (ROOT / path).exists()]


def test_the_site_is_built_as_it_is_said() -> None:
    line = "python -m sphinx -W --keep-going -j auto -b html docs docs/_build/html"
    for name in ("docs/README.md", "CONTRIBUTING.md", ".ci/run"):
        assert line in text(name), name


def test_the_row_that_contributors_are_shown_works() -> None:
    block = next(block for block in re.findall(r"```python\n(.*?)```", text("CONTRIBUTING.md"), flags=re.DOTALL))
    names: dict[str, object] = {}
    try:
        exec("from typing import Any\nimport numpy as np\nfrom microbp.ops.op import op\n" + block, names)
        row = microbp.ops.op.registry["smooth_relu"]
        x = microbp.randn(5, dtype=microbp.float64, requires_grad=True)
        assert microbp.autograd.gradcheck(row, [x])
        assert microbp.autograd.gradgradcheck(row, [x])
    finally:
        microbp.ops.op.registry.pop("smooth_relu", None)
