"""What a docstring owes its reader: every argument, what is returned, and the errors that are raised.

A function says it itself, or its first lines name another that says it, in the words "see `x`" or "as `x`".
"""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import microbp
from microbp import errors
from microbp.methods import Methods
from microbp.ops.docstring import TITLE
from microbp.ops.op import Op

sys.path.insert(0, str(Path(microbp.__file__).parent.parent / "docs" / "_ext"))

import public  # noqa: E402


class Documented(NamedTuple):
    """A public function, class or method, under one of its names."""

    name: str
    value: Any

    @property
    def sections(self) -> dict[str, str]:
        """What its docstring says, by the titles; what comes before the first is under ''."""
        prose, *parts = re.split(TITLE, inspect.cleandoc(self.value.__doc__ or ""))
        return {"": prose, **dict(zip(parts[::2], parts[1::2], strict=True))}

    @property
    def like(self) -> Iterator[Documented]:
        """What its first lines say that it is like."""
        for path in re.findall(r"\b(?:[Ss]ee|[Aa]s(?:\s+for)?)\s+`([\w.]+)`", self.sections[""]):
            found: Any = microbp if path.startswith("microbp.") else importlib.import_module(self.value.__module__)
            for part in path.removeprefix("microbp.").split("."):
                found = getattr(found, part)
            yield Documented(path, found)

    def or_like(self, holds: Callable[[Documented], bool], depth: int = 3) -> bool:
        """Whether something is so of it, or of what it says it is like."""
        return holds(self) or (depth > 0 and any(other.or_like(holds, depth - 1) for other in self.like))

    def names(self, *titles: str) -> set[str]:
        """The names that sections list: ``input, dim : ...`` are two."""
        lines = "\n".join(self.sections.get(title, "") for title in titles).split("\n")
        entries = (line.split(" : ")[0] for line in lines if line and not line.startswith(" "))
        return {name.strip().lstrip("*") for entry in entries for name in entry.split(",")}

    @property
    def arguments(self) -> set[str]:
        """The arguments that are to be described."""
        found = inspect.signature(self.value).parameters
        return {name for name in found if name not in {"self", "cls", "ctx"} and not name.startswith("_")}

    def undescribed(self, arguments: set[str]) -> set[str]:
        """Those of some arguments that are described neither here nor, if none is here, where this refers to."""
        left = arguments - self.names("Parameters")
        return left if "Parameters" in self.sections else min((other.undescribed(left) for other in self.like), key=len, default=left)

    @property
    def returns(self) -> str:
        """The annotation of the result."""
        return str(inspect.signature(self.value).return_annotation)

    @property
    def raised(self) -> set[str]:
        """The errors of microbp that stand in its code."""
        code = self.value.forward if isinstance(self.value, Op) else self.value
        code = vars(code).get("__init__") if isinstance(code, type) else code
        if not inspect.isfunction(code):
            return set()
        tree = ast.parse(textwrap.dedent(inspect.getsource(code)))
        calls = [node.exc for node in ast.walk(tree) if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call)]
        return {call.func.id for call in calls if isinstance(call.func, ast.Name)}.intersection(errors.__all__)


def functions_and_classes() -> Iterator[Documented]:
    """All that is public, once each."""
    for name in public.main_names().values():
        if name.kind in {"function", "class"} and name.home.startswith("microbp"):
            yield Documented(name.full, name.value)


def methods() -> Iterator[Documented]:
    """The methods of public classes that the reference shows, as they have docstrings; once each."""
    known = {id(documented.value) for documented in PUBLIC}
    for documented in PUBLIC:
        if not isinstance(documented.value, type):
            continue
        for owner in (documented.value, *([Methods] if documented.value is microbp.Tensor else [])):
            for name, found in vars(owner).items():
                value = found.__func__ if isinstance(found, staticmethod | classmethod) else found
                if inspect.isfunction(value) and value.__doc__ and not name.startswith("_") and id(value) not in known:
                    known.add(id(value))
                    yield Documented(f"{documented.name}.{name}", value)


PUBLIC = list(functions_and_classes())
METHODS = list(methods())


def test_every_argument_is_described() -> None:
    missing = {entry.name: entry.undescribed(entry.arguments) for entry in PUBLIC}
    assert not {name: left for name, left in missing.items() if left}


def test_every_argument_of_a_method_is_described() -> None:
    missing = {entry.name: entry.undescribed(entry.arguments) for entry in METHODS}
    assert not {name: left for name, left in missing.items() if left}


def test_every_result_is_described() -> None:
    functions = [entry for entry in PUBLIC if not isinstance(entry.value, type)]
    results = [entry for entry in functions if entry.returns not in {"None", "NoReturn"}]
    assert not [entry.name for entry in results if not entry.or_like(lambda found: "Returns" in found.sections)]


def test_every_error_that_is_raised_is_named() -> None:
    missing = {entry.name: {error for error in entry.raised if not entry.or_like(lambda found: error in found.names("Raises"))} for entry in [*PUBLIC, *METHODS]}
    assert not {name: left for name, left in missing.items() if left}
