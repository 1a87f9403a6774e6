"""Pictures of the computational graph.

`make_dot` draws the graph of a tensor: its values, gradients, shapes, operations and
modules. The picture is a `graphviz.Digraph`, rendered by the `dot` program or, where that
is not installed, by pygraphviz.

The parts are loaded when they are first used, so that ``import microbp`` stays light.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from microbp.viz.backend import Graph, GraphvizNotFound
    from microbp.viz.dot import make_dot
    from microbp.viz.view import View, look

__all__ = ["Graph", "GraphvizNotFound", "View", "look", "make_dot"]

HOMES = {"Graph": "backend", "GraphvizNotFound": "backend", "View": "view", "look": "view", "make_dot": "dot"}


def __getattr__(name: str) -> Any:
    if name not in HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(importlib.import_module(f"{__name__}.{HOMES[name]}"), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
