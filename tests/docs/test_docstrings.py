"""What a docstring owes its reader: every argument, what is returned, and the errors that are raised.

A function says it itself, or its first lines name another that says it, in the words "see `x`" or "as `x`". Rows say it
by their data, see `microbp.ops.docstring`.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import sys
import textwrap
from collections.abc import Callable, Iterator
from inspect import Parameter
from pathlib import Path
from types import FunctionType
from typing import Any, NamedTuple

import pytest

import microbp
from microbp import errors
from microbp.errors import OptionError, RangeError
from microbp.methods import Methods
from microbp.ops.docstring import TITLE, formulas
from microbp.ops.op import Op
from tests.docs.test_reference import NOT_THERE, named

sys.path.insert(0, str(Path(microbp.__file__).parent.parent / "docs" / "_ext"))

import public

MADE_BY_MICROBP = (
    named("microbp.viz", "Change Difference Graph MemoryTable Stepper Trace View")
    | named("microbp.lab", "Findings StructureReport")
    | named("microbp.observer", "Observer Step")
    | {"microbp.utils.ModelStatistics", "microbp.ops.op.Op"}
)
"""Classes that users meet, but do not make: what they hold is described, not what they are made from."""

NOT_THEIRS = {
    ("microbp.from_numpy", "ShapeError"),
    ("microbp.nn.functional.relu6", "OptionError"),
    ("microbp.scatter_add", "OptionError"),
    ("microbp.Tensor.scatter_add_", "OptionError"),
}
"""Errors of helpers, which do not come up for what these functions hand them."""

REFUSED = {"microbp.Tensor.cuda", "microbp.nn.Module.cuda"}
"""What never returns, but is annotated as if it did, so that scripts type-check."""

FOR_THE_CLASS = (
    named("microbp.nn.RNNBase", "suffixes read checked")
    | named("microbp.nn.RNNCellBase", "next_state")
    | named("microbp.optim.LBFGS", "direction")
    | named("microbp.optim.lr_scheduler", "CyclicLR.scale OneCycleLR.between ReduceLROnPlateau.is_better")
    | named("microbp.ops", "plan.Plan.make_steps plan.Plan.step rule.Rule.after")
)
"""Methods that no one calls but the class itself; a sentence is enough for those who read the source."""

NOTHING = {"None", "NoReturn"}


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
                found = getattr(found, part, None)
            if callable(found):
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
    def arguments(self) -> dict[str, bool]:
        """The arguments that are to be described, and whether each stands for any number of them."""
        if self.value is Op:  # whose rows have signatures of their own
            return Documented(self.name, Op.__init__).arguments
        found = inspect.signature(self.value).parameters.values()
        return {
            one.name: one.kind in {Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD}
            for one in found
            if one.name not in {"self", "cls", "ctx"} and not one.name.startswith("_")
        }

    def undescribed(self, arguments: dict[str, bool]) -> set[str]:
        """Those of some arguments that are described neither here nor, if none is here, where this refers to.

        What stands for any number of arguments may be described by these, or handed on.
        """
        listed = self.names("Parameters", *(["Attributes"] if isinstance(self.value, type) else []))
        left = {
            name
            for name, several in arguments.items()
            if name not in listed and not (several and listed - {*arguments})
        }
        if listed:
            return left
        handed_on = {name: several for name, several in arguments.items() if not several}
        return min((other.undescribed(handed_on) for other in self.like), key=len, default=left)

    @property
    def returns(self) -> str:
        """The annotation of the result."""
        return str(inspect.signature(self.value).return_annotation)

    @property
    def promised(self) -> set[str]:
        """The errors that are named, here or where this refers to."""
        return self.names("Raises").union(*(other.promised for other in self.like))

    @property
    def raised(self) -> set[str]:
        """The errors of microbp that stand in its code, or in that of the helpers beside it."""
        code = self.value.forward if isinstance(self.value, Op) else self.value
        code = vars(code).get("__init__") if isinstance(code, type) else code
        return raised_in(code) if inspect.isfunction(code) else set()

    @property
    def entries(self) -> list[tuple[str, str]]:
        """The entries under Parameters: the line with the names, and the text below it."""
        parts = re.split(r"(?m)^(?=\S)", self.sections.get("Parameters", ""))
        return [(part.split("\n", 1)[0], part.partition("\n")[2].strip()) for part in parts if part]


def raised_in(code: FunctionType, depth: int = 2) -> set[str]:
    """The errors of microbp that a function raises itself, or by helpers in its module that are not public."""
    if not Path(code.__code__.co_filename).exists():  # written by `dataclass`, say
        return set()
    nodes = list(ast.walk(ast.parse(textwrap.dedent(inspect.getsource(code)))))
    raised = {node.exc for node in nodes if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call)}
    found = {call.func.id for call in raised if isinstance(call.func, ast.Name)}.intersection(errors.__all__)
    for node in nodes if depth else ():
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            helper = code.__globals__.get(node.func.id)
            if inspect.isfunction(helper) and helper.__module__ == code.__module__ and id(helper) not in ASKED:
                found |= raised_in(helper, depth - 1)
    return found


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
ASKED = {id(entry.value) for entry in PUBLIC}
METHODS = list(methods())


def test_every_argument_is_described() -> None:
    missing = {entry.name: entry.undescribed(entry.arguments) for entry in PUBLIC}
    assert {name for name, left in missing.items() if left} == MADE_BY_MICROBP | NOT_THERE, missing


def test_every_argument_of_a_method_is_described() -> None:
    missing = {entry.name: entry.undescribed(entry.arguments) for entry in METHODS}
    assert {name for name, left in missing.items() if left} == FOR_THE_CLASS, missing


def test_every_description_has_a_text_and_an_argument() -> None:
    for entry in (*PUBLIC, *METHODS):
        names = [name.strip().lstrip("*") for line, _ in entry.entries for name in line.split(" : ")[0].split(",")]
        assert all(text for _, text in entry.entries), f"{entry.name}: an argument without a text"
        assert len(names) == len(set(names)), f"{entry.name}: an argument twice"
        assert {*names} <= {*entry.arguments} or any(entry.arguments.values()), f"{entry.name}: no such argument"


def test_every_result_is_described() -> None:
    functions = [entry for entry in PUBLIC if not isinstance(entry.value, type)]
    asked = [entry for entry in METHODS if entry.arguments and entry.name not in FOR_THE_CLASS | REFUSED]
    results = [entry for entry in (*functions, *asked) if entry.returns not in NOTHING]
    assert not [entry.name for entry in results if not entry.or_like(lambda found: "Returns" in found.sections)]


def test_every_error_of_microbp_that_is_raised_is_named() -> None:
    missing = {(entry.name, error) for entry in (*PUBLIC, *METHODS) for error in entry.raised - entry.promised}
    assert {(name, error) for name, error in missing if name not in FOR_THE_CLASS} == NOT_THEIRS


def test_every_row_shows_its_formulas() -> None:
    rows = [entry for entry in PUBLIC if isinstance(entry.value, Op)]
    assert not [
        row.name
        for row in rows
        if not set(formulas(row.value)) <= {line.strip() for line in row.sections[""].split("\n")}
    ]


# The checker itself, on docstrings that are wrong


def complete(a: int, b: int) -> int:
    """The sum.

    Parameters
    ----------
    a, b : int
        The terms.

    Returns
    -------
    int

    Raises
    ------
    OptionError
        If the first is negative.
    """
    if a < 0:
        raise OptionError("negative")
    return a + b


def incomplete(a: int, b: int) -> int:
    """The sum.

    Parameters
    ----------
    a : int
        A term, as for `complete`.
    """
    return a + b


def like_another(a: int, b: int) -> int:
    """The sum; see `complete`."""
    return a + b


def with_more(a: int, b: int, c: int) -> int:
    """The sum; see `complete`."""
    return a + b + c


def silent(a: int) -> int:
    """The number itself; see `complete`."""
    if a < 0:
        raise RangeError("negative")
    return a


def checked(function: Callable[..., Any]) -> Documented:
    return Documented(function.__name__, function)


@pytest.mark.parametrize(
    ("function", "missing"),
    [(complete, set()), (incomplete, {"b"}), (like_another, set()), (with_more, {"c"})],
)
def test_the_checker_sees_what_is_missing(function: Callable[..., Any], missing: set[str]) -> None:
    entry = checked(function)
    assert entry.undescribed(entry.arguments) == missing


def test_the_checker_sees_errors_and_results() -> None:
    assert checked(silent).raised == {"RangeError"}
    assert checked(silent).promised == checked(complete).promised == {"OptionError"}
    assert checked(silent).or_like(lambda found: "Returns" in found.sections)
    assert not checked(incomplete).or_like(lambda found: "Returns" in found.sections)
