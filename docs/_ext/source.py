"""``source``: a part of microbp's source by its name, as it is now, with the lines marked that the text speaks of.

    ```{source} microbp.engine.propagate
    contribution = sum_to(product, shapes[position])
    ```

A name that is not there, or a line that is not found exactly once, is a warning, so that no page can tell of a source
that has changed since. A row is shown with its rules.
"""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.directives.code import container_wrapper
from sphinx.util.docutils import SphinxDirective

ROOT = Path(__file__).parents[2]


class Source(SphinxDirective):
    """The directive."""

    has_content = True
    required_arguments = 1
    option_spec = {"body": directives.flag}

    def run(self) -> list[nodes.Node]:
        try:
            path, first, last = place(self.arguments[0], body="body" in self.options)
            lines = path.read_text(encoding="utf-8").splitlines()[first - 1 : last]
            marked = [line_of(text.strip(), lines) for text in self.content if text.strip()]
        except LookupError as error:
            raise self.error(str(error)) from None
        self.env.note_dependency(str(path))
        block = nodes.literal_block("\n".join(lines), "\n".join(lines), language="python", linenos=True)
        block["highlight_args"] = {"hl_lines": marked, "linenostart": first}
        self.set_source_info(block)
        return [container_wrapper(self, block, f"``{path.relative_to(ROOT).as_posix()}``")]


def place(name: str, body: bool = False) -> tuple[Path, int, int]:
    """The file of a name, and its first and last line there.

    Parameters
    ----------
    name : str
        A function, class, method or row: ``microbp.tensor.Tensor.backward``.
    body : bool
        Leave out the signature and the docstring.

    Raises
    ------
    LookupError
        If there is no such name.
    """
    parts = name.split(".")
    for count in range(len(parts) - 1, 0, -1):
        path = ROOT.joinpath(*parts[:count]).with_suffix(".py")
        if path.exists():
            break
    else:
        raise LookupError(f"there is no file for {name}")
    statements = ast.parse(path.read_text(encoding="utf-8")).body
    for part in parts[count:]:
        found = [statement for statement in statements if getattr(statement, "name", None) == part]
        if not found:
            raise LookupError(f"there is no {part} in {path.name}")
        within, statements = statements, found[0].body
    whole = found[0]
    if body:
        first = whole.body[bool(ast.get_docstring(whole))]
        return path, first.lineno, whole.end_lineno
    first = min([whole.lineno, *(decorator.lineno for decorator in whole.decorator_list)])
    rules = [statement.end_lineno for statement in within if is_rule(statement, parts[-1])]
    return path, first, max([whole.end_lineno, *rules])


def is_rule(statement: ast.stmt, row: str) -> bool:
    """Whether a statement gives a rule, or defines a letter, of a row."""
    calls = [statement.value] if isinstance(statement, ast.Expr) else getattr(statement, "decorator_list", [])
    return any(ast.unparse(call).startswith((f"{row}.grad(", f"{row}.letter(")) for call in calls)


def line_of(text: str, lines: list[str]) -> int:
    """The number of the line that contains a text.

    Raises
    ------
    LookupError
        If it is not exactly one.
    """
    found = [number for number, line in enumerate(lines, 1) if text in line]
    if len(found) != 1:
        raise LookupError(f"{text!r} stands in {len(found)} lines")
    return found[0]


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_directive("source", Source)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
