"""Pictures of the computational graph.

`make_dot` draws the graph of a tensor: its values, gradients, shapes, operations and
modules. `diff` draws what changed between two graphs. The pictures are `graphviz.Digraph`s,
rendered by the `dot` program or, where that is not installed, by pygraphviz. `memory_table`
tells what a graph keeps for the backward pass.

The parts are loaded when they are first used, so that ``import microbp`` stays light.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from microbp.viz.backend import Graph, GraphvizNotFound
    from microbp.viz.difference import Change, Difference, diff
    from microbp.viz.dot import make_dot
    from microbp.viz.memory import MemoryTable, memory_table
    from microbp.viz.view import View, look

__all__ = [
    "Change",
    "Difference",
    "Graph",
    "GraphvizNotFound",
    "MemoryTable",
    "View",
    "diff",
    "look",
    "make_dot",
    "memory_table",
]

HOMES = {
    "Change": "difference",
    "Difference": "difference",
    "Graph": "backend",
    "GraphvizNotFound": "backend",
    "MemoryTable": "memory",
    "View": "view",
    "diff": "difference",
    "look": "view",
    "make_dot": "dot",
    "memory_table": "memory",
}


def __getattr__(name: str) -> Any:
    if name not in HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(importlib.import_module(f"{__name__}.{HOMES[name]}"), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
