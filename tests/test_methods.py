"""The stubs of methods and rows, which type checkers read, are written here and kept true.

``pytest tests/test_methods.py --overwrite`` writes them anew after a method was added.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import microbp
from microbp import methods
from microbp.functions import rows
from microbp.methods import Methods
from microbp.ops.op import Op

STUB = Path(methods.__file__).with_suffix(".pyi")
HEAD = '''"""The methods of a tensor, for type checkers. Written by tests/test_methods.py; do not edit."""

import builtins
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Self, TypeVar

import numpy as np

from microbp.device import Device
from microbp.tensor import Tensor

__all__ = ["Methods", "method"]

F = TypeVar("F", bound=Callable[..., Any])

class Methods:
'''
TAIL = """
def method(name: str) -> Callable[[F], F]: ...
"""
ROWS = Path(rows.__file__).with_suffix(".pyi")
ROWS_HEAD = '''"""The rows that are functions, for type checkers. Written by tests/test_methods.py; do not edit."""

import builtins
from typing import Any

from microbp.tensor import Tensor

'''
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


@pytest.mark.parametrize(("path", "text"), [(STUB, stub), (ROWS, rows_stub)], ids=["methods", "rows"])
def test_the_stub_is_true(path: Path, text: Callable[[], str], overwrite: bool) -> None:
    if overwrite:
        path.write_text(text(), encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text(), "run this test once with --overwrite"


def test_methods_and_functions_are_the_same() -> None:
    x = microbp.tensor([0.5, 1.0])
    assert x.exp().tolist() == microbp.exp(x).tolist()
    assert Methods.exp is microbp.exp  # type: ignore[comparison-overlap]
