"""Parts of a package that are loaded when they are first used, so that its import stays light.

A module may have functions ``__getattr__`` and ``__dir__`` of its own (PEP 562), which Python
asks for what it does not find in the module. Type checkers read the imports that stand under
``if TYPE_CHECKING``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

__all__ = ["loaded_when_used", "shown_in_notebooks_by"]


def loaded_when_used(package: str, homes: Mapping[str, str]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """The ``__getattr__`` and ``__dir__`` of a package some of whose attributes are loaded when they are first used.

    Parameters
    ----------
    package : str
        The name of the package.
    homes : mapping of str to str
        For each attribute the module of the package where it is defined; for a module its own name. No attribute may
        have the name of another module, which Python would put in its place.

    Examples
    --------
    >>> attribute, names = loaded_when_used("microbp", {"nn": "nn", "save": "serialization"})
    >>> attribute("nn"), attribute("save")
    (<module 'microbp.nn' from ...>, <function save at ...>)
    """
    namespace = vars(import_module(package))

    def attribute(name: str) -> Any:
        if name == "__all__":  # what ``from package import *`` asks for
            return [name for name in names() if not name.startswith("_")]
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module = import_module(f"{package}.{homes[name]}")
        value = namespace[name] = module if homes[name] == name else getattr(module, name)
        return value

    def names() -> list[str]:
        return sorted({*namespace, *homes})

    return attribute, names


def shown_in_notebooks_by(writer: str) -> Callable[[Any], str | None]:
    """The method ``_repr_html_`` of a class, which a function of `microbp.viz.notebook` does the work of."""

    def html_of(self: Any) -> str | None:
        """What a notebook shows; None, and so the plain text, where that cannot be written."""
        try:
            html: str = getattr(import_module("microbp.viz.notebook"), writer)(self)
        except Exception:  # a display must never break a notebook
            return None
        return html

    return html_of
