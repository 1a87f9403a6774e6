"""The stubs of methods and rows, and the table of where the functions are, are written here and kept true.

``pytest tests/test_methods.py --overwrite`` writes them anew after a function or method was added.
"""

from __future__ import annotations

import ast
import inspect
import json
import re
import sys
import textwrap
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import microbp
from microbp import methods
from microbp.functions import homes, rows
from microbp.methods import Methods
from microbp.ops.op import Op
from tests.reliability.alone import run

STUB = Path(methods.__file__).with_suffix(".pyi")
HEAD = '''"""The methods of a tensor, for type checkers. Written by tests/test_methods.py; do not edit."""

import builtins
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Self, TypeVar

import numpy as np

from microbp.device import Device
from microbp.tensor import Tensor

__all__ = ["Methods", "loaded_when_used", "method"]

F = TypeVar("F", bound=Callable[..., Any])

class Methods:
'''
TAIL = """
def loaded_when_used(module: str, names: Iterable[str]) -> None: ...
def method(name: str) -> Callable[[F], F]: ...
"""
ROWS = Path(rows.__file__).with_suffix(".pyi")
ROWS_HEAD = '''"""The rows that are functions, for type checkers. Written by tests/test_methods.py; do not edit."""

import builtins
from typing import Any

from microbp.tensor import Tensor

'''
HOMES = Path(homes.__file__)
HOMES_HEAD = '''"""Where the functions and methods are that are loaded when they are first used, by modules of microbp.

Written by tests/test_methods.py; do not edit.
"""

__all__ = ["FUNCTIONS", "METHODS"]

'''
NOTES = """
import importlib, json, pkgutil, sys
from microbp import functions, methods

loaded, found, add = set(sys.modules), {}, methods.method

def method(name):
    found.setdefault(sys._getframe(1).f_globals["__name__"].removeprefix("microbp."), []).append(name)
    return add(name)

methods.method = method
for name in ["display", *(f"functions.{module.name}" for module in pkgutil.iter_modules(functions.__path__))]:
    if f"microbp.{name}" not in loaded:
        importlib.import_module(f"microbp.{name}")
print(json.dumps(found))
"""
KNOWN = {
    "Any",
    "Callable",
    "Device",
    "Iterator",
    "None",
    "Sequence",
    "Tensor",
    "builtins",
    "np",
    "dtype",
    "ndarray",
    "Literal",
}


def members() -> dict[str, Any]:
    """The methods by name, in alphabetical order."""
    inherited = {"__dict__", "__doc__", "__module__", "__weakref__", "__firstlineno__", "__static_attributes__"}
    return {name: Methods.__dict__[name] for name in sorted(Methods.__dict__) if name not in inherited}


def annotation(text: Any, names: set[str]) -> str:
    """A type as it can stand in the stub, where methods hide the built-in types of the same names."""
    if text is inspect.Parameter.empty:
        return "Any"
    written = str(text).replace("typing.", "")
    written = re.sub(
        r"(?<![\w.])(bool|float|int|str|tuple|list|dict|bytes|object|type|slice)\b",
        lambda found: f"builtins.{found[0]}" if found[0] in names else found[0],
        written,
    )
    unknown = set(re.findall(r"(?<![\w.])[A-Za-z_]\w*", written)) - KNOWN
    return (
        "Any"
        if unknown - {"bool", "float", "int", "str", "tuple", "list", "dict", "bytes", "object", "type", "slice"}
        else written
    )


def parameters_of(row: Op) -> str:
    """The parameters of a row after its first, as PyTorch calls them."""
    others = dict(zip(row.arguments[1:], ("other",), strict=True)) if row.arguments[1:] else {}
    options = [f"{option}: builtins.int = ..." for option in row.options]
    listed = [*(f"{other}: Any" for other in others.values()), *(["*", *options] if options else [])]
    return "".join(f", {one}" for one in listed)


def declaration(name: str, function: Callable[..., Any], names: set[str]) -> str:
    """One method as the stub has it."""
    if isinstance(function, Op):
        return f"    def {name}(self{parameters_of(function)}) -> Tensor: ..."
    signature = inspect.signature(function)
    parts = ["self"]
    starred = False
    for parameter in list(signature.parameters.values())[1:]:
        kind = parameter.kind
        text = f"{parameter.name}: {annotation(parameter.annotation, names)}"
        if kind is inspect.Parameter.VAR_POSITIONAL:
            text, starred = f"*{text}", True
        elif kind is inspect.Parameter.VAR_KEYWORD:
            text = f"**{text}"
        elif kind is inspect.Parameter.KEYWORD_ONLY and not starred:
            parts.append("*")
            starred = True
        if parameter.default is not inspect.Parameter.empty:
            text += " = ..."
        parts.append(text)
    result = annotation(signature.return_annotation, names)
    if result == "Tensor" and (name.startswith("__i") or re.fullmatch(r"[a-z]\w*_", name)):
        result = "Self"  # in place: what comes back is the tensor itself
    ignore = "  # type: ignore[override]" if name in {"__eq__", "__ne__"} else ""
    return f"    def {name}({', '.join(parts)}) -> {result}: ...{ignore}"


def stub() -> str:
    """The text of the stub."""
    found = members()
    return HEAD + "\n".join(declaration(name, function, set(found)) for name, function in found.items()) + "\n" + TAIL


def rows_stub() -> str:
    """The text of the stub of the rows."""
    found = [(name, getattr(rows, name)) for name in sorted(rows.__all__)]
    lines = [f"def {name}(input: Any{parameters_of(row)}) -> Tensor: ...\n" for name, row in found]
    return ROWS_HEAD + "".join(lines)


def homes_table() -> str:
    """The text of the table of what is loaded when it is first used."""
    checked = [
        statement
        for block in ast.parse(Path(microbp.__file__).read_text(encoding="utf-8")).body
        if isinstance(block, ast.If)
        for statement in block.body
    ]
    modules = [node.module or "" for node in checked if isinstance(node, ast.ImportFrom) and node.names[0].name == "*"]
    functions_of = {name.removeprefix("microbp."): list(import_module(name).__all__) for name in modules}
    return HOMES_HEAD + table("FUNCTIONS", functions_of) + "\n" + table("METHODS", json.loads(run(NOTES)))


def table(title: str, names_of: dict[str, list[str]]) -> str:
    """One table: for each module the names, with blanks between them."""
    lines = [f"{title} = {{"]
    for home, names in sorted(names_of.items()):
        line = f'    "{home}": "{" ".join(sorted(names))}",'
        if len(line) > 120:
            parts = textwrap.wrap(" ".join(sorted(names)), 108)
            middle = [f'        "{part} "' for part in parts[:-1]]
            lines += [f'    "{home}": (', *middle, f'        "{parts[-1]}"', "    ),"]
        else:
            lines.append(line)
    return "\n".join([*lines, "}\n"])


TEXTS = [(STUB, stub), (ROWS, rows_stub), (HOMES, homes_table)]


@pytest.mark.parametrize(("path", "text"), TEXTS, ids=["methods", "rows", "homes"])
def test_the_stub_is_true(path: Path, text: Callable[[], str], overwrite: bool) -> None:
    if overwrite:
        path.write_text(text(), encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text(), "run this test once with --overwrite"


def test_methods_and_functions_are_the_same() -> None:
    x = microbp.tensor([0.5, 1.0])
    assert x.exp().tolist() == microbp.exp(x).tolist()
    assert Methods.exp is microbp.exp  # type: ignore[comparison-overlap]


def test_methods_that_are_there_stay_when_they_are_promised_again() -> None:
    sort = Methods.sort
    methods.loaded_when_used("microbp.functions.sorting", ["sort"])
    assert vars(Methods)["sort"] is sort


SLOW = """
from gate import begun, finish
from microbp.methods import method

@method("slowly")
def slowly(self):
    return helper(self)

begun.set()
assert finish.wait(60)

def helper(x):
    return x * 2
"""


def test_another_thread_gets_a_method_when_its_module_is_complete(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gate.py").write_text("import threading\nbegun, finish = threading.Event(), threading.Event()\n")
    (tmp_path / "slow.py").write_text(SLOW)
    monkeypatch.syspath_prepend(tmp_path)
    gate = import_module("gate")
    methods.loaded_when_used("slow", ["slowly"])
    x: Any = microbp.tensor(1.0)
    try:
        with ThreadPoolExecutor(2) as pool:
            first = pool.submit(lambda: x.slowly())
            assert gate.begun.wait(60)
            second = pool.submit(lambda: x.slowly())
            assert not wait([second], 0.05).done
            gate.finish.set()
            assert first.result().item() == second.result().item() == 2.0
    finally:
        gate.finish.set()
        del Methods.slowly  # type: ignore[attr-defined]
        for name in ("gate", "slow"):
            sys.modules.pop(name, None)
    assert not hasattr(x, "slowly")
