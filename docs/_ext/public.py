"""The public names of microbp, and on which page of the reference each of them stands.

This part needs no Sphinx: the tests use it too.
"""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from microbp.ops.op import Op

PUBLIC = (
    "microbp",
    "microbp.errors",
    "microbp.autograd",
    "microbp.autograd.functional",
    "microbp.func",
    "microbp.linalg",
    "microbp.nn",
    "microbp.nn.functional",
    "microbp.nn.init",
    "microbp.nn.utils",
    "microbp.nn.utils.rnn",
    "microbp.optim",
    "microbp.optim.lr_scheduler",
    "microbp.utils",
    "microbp.utils.checkpoint",
    "microbp.utils.data",
    "microbp.viz",
    "microbp.lab",
    "microbp.ops.op",
    "microbp.ops.rule",
    "microbp.ops.plan",
    "microbp.ops.formula",
    "microbp.node",
    "microbp.engine",
    "microbp.observer",
)
"""The modules whose names are public, the ones from which a name is best taken first."""

IMPORTED = {"TYPE_CHECKING", "importlib"}

PAGES = Path(__file__).parent.parent / "reference"


class Name(NamedTuple):
    """A public name: where it is found, and what it stands for."""

    module: str
    name: str
    value: Any

    @property
    def full(self) -> str:
        """``microbp.nn.Linear``."""
        return f"{self.module}.{self.name}"

    @property
    def home(self) -> str:
        """The module that defines it; empty for what is data."""
        return getattr(self.value, "__module__", None) or ""

    @property
    def kind(self) -> str:
        """``class``, ``exception``, ``function`` or ``data``."""
        if isinstance(self.value, type):
            return "exception" if issubclass(self.value, BaseException) else "class"
        return "function" if inspect.isroutine(self.value) or isinstance(self.value, Op) else "data"

    @property
    def summary(self) -> str:
        """The first sentence of its docstring."""
        text = (self.value.__doc__ or "").strip().split("\n\n")[0] if self.kind != "data" else ""
        return re.split(r"(?<=[.!?])\s", " ".join(text.split()))[0]


@cache
def names(module: str) -> dict[str, Name]:
    """The public names of a module, other modules left out."""
    there = importlib.import_module(module)
    listed = getattr(there, "__all__", None) or [name for name in dir(there) if not name.startswith("_")]
    values = {name: getattr(there, name) for name in listed if name not in IMPORTED}
    return {name: Name(module, name, value) for name, value in values.items() if not isinstance(value, ModuleType)}


@cache
def main_names() -> dict[int, Name]:
    """For each function and class, by its id, the one name under which it is described; its others refer to that."""
    found: dict[int, Name] = {}
    for module in PUBLIC:
        for name in names(module).values():
            earlier = found.get(id(name.value))
            better = earlier is not None and earlier.module == module and name.name == name.value.__name__
            if name.kind != "data" and (earlier is None or better):
                found[id(name.value)] = name
    return found


def other_name(name: Name) -> Name | None:
    """The name under which the same thing is described, if that is another one."""
    main = main_names().get(id(name.value), name)
    return None if main.full == name.full else main


def selected(module: str, homes: Iterable[str] = (), only: Iterable[str] = ()) -> list[Name]:
    """The names of a module that one place of the reference describes.

    Parameters
    ----------
    module : str
    homes : iterable of str
        Take the names that these modules define, in that order.
    only : iterable of str
        Take these names. With neither, all are taken.

    Returns
    -------
    list of Name

    Raises
    ------
    LookupError
        If a module or a name that is asked for has nothing to give.
    """
    there = names(module)
    if missing := [name for name in only if name not in there]:
        raise LookupError(f"{module} has no public name {', '.join(missing)}")
    found = [there[name] for name in only]
    for home in homes:
        part = [name for name in there.values() if name.home == home and name.kind != "data"]
        if not part:
            raise LookupError(f"{home} defines no public name of {module}")
        found += sorted(part, key=lambda name: name.name)
    return found if homes or only else list(there.values())


DIRECTIVE = re.compile(r"^\.\. api:: (\S+)\n((?:   :\w+:.*\n(?:    .*\n)*)*)", flags=re.MULTILINE)


def described() -> dict[str, list[str]]:
    """Every name that the reference describes, and the pages where it does."""
    found: dict[str, list[str]] = {}
    for page in sorted(PAGES.rglob("*.rst")):
        for module, block in DIRECTIVE.findall(page.read_text(encoding="utf-8")):
            options = dict(re.findall(r":(\w+):((?:.|\n    )*)", block))
            for name in selected(module, options.get("from", "").split(), options.get("names", "").split()):
                found.setdefault(name.full, []).append(page.relative_to(PAGES).as_posix())
    return found
