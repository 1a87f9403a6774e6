"""Pictures of the computational graph.

`make_dot` draws the graph of a tensor: its values, gradients, shapes, operations and
modules; `diff` draws what changed between two graphs. The pictures are `graphviz.Digraph`s,
rendered by the `dot` program or, where that is not installed, by pygraphviz. `memory_table`
tells what a graph keeps for the backward pass. `stepper` writes a page that goes through the
backward pass step by step; `trace_backward` gives the same steps as data, and `explain` the
way from the loss to one tensor.

A notebook shows tensors, modules, graphs and tables as pictures and tables of their own.

The parts are loaded when they are first used, so that ``import microbp`` stays light.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from microbp.nn.module import Module
from microbp.tensor import Tensor

if TYPE_CHECKING:
    from microbp.viz.backend import Graph, GraphvizNotFound
    from microbp.viz.difference import Change, Difference, diff
    from microbp.viz.dot import make_dot
    from microbp.viz.explanation import Explanation, explain
    from microbp.viz.memory import MemoryTable, memory_table
    from microbp.viz.step import Step, Trace
    from microbp.viz.stepper_page import Stepper, stepper
    from microbp.viz.trace import trace_backward
    from microbp.viz.view import View, look

__all__ = [
    "Change",
    "Difference",
    "Explanation",
    "Graph",
    "GraphvizNotFound",
    "MemoryTable",
    "Step",
    "Stepper",
    "Trace",
    "View",
    "diff",
    "explain",
    "look",
    "make_dot",
    "memory_table",
    "stepper",
    "trace_backward",
]

HOMES = {
    "Change": "difference",
    "Difference": "difference",
    "Explanation": "explanation",
    "Graph": "backend",
    "GraphvizNotFound": "backend",
    "MemoryTable": "memory",
    "Step": "step",
    "Stepper": "stepper_page",
    "Trace": "step",
    "View": "view",
    "diff": "difference",
    "explain": "explanation",
    "look": "view",
    "make_dot": "dot",
    "memory_table": "memory",
    "stepper": "stepper_page",
    "trace_backward": "trace",
}


def __getattr__(name: str) -> Any:
    if name not in HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(importlib.import_module(f"{__name__}.{HOMES[name]}"), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def show_in_notebooks(kind: type, writer: str, method: str = "_repr_html_") -> None:
    """Let a function of `microbp.viz.notebook` write what a notebook shows for objects of a class."""

    def html_of(self: Any) -> str | None:
        """What a notebook shows; None, and so the plain text, where that cannot be written."""
        try:
            html: str = getattr(importlib.import_module(f"{__name__}.notebook"), writer)(self)
        except Exception:  # a display must never break a notebook
            return None
        return html

    setattr(kind, method, html_of)


show_in_notebooks(Tensor, "tensor_html")
show_in_notebooks(Module, "module_html")
