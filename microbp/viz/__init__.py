"""Pictures of the computational graph.

`make_dot` draws the graph of a tensor: its values, gradients, shapes, operations and
modules. The picture is a `graphviz.Digraph`, rendered by the `dot` program or, where that
is not installed, by pygraphviz. `stepper` writes a page that goes through the backward pass
step by step; `trace_backward` gives the same steps as data, and `explain` the way from the
loss to one tensor.

The parts are loaded when they are first used, so that ``import microbp`` stays light.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from microbp.viz.backend import Graph, GraphvizNotFound
    from microbp.viz.dot import make_dot
    from microbp.viz.explanation import Explanation, explain
    from microbp.viz.step import Step, Trace
    from microbp.viz.stepper_page import Stepper, stepper
    from microbp.viz.trace import trace_backward
    from microbp.viz.view import View, look

__all__ = [
    "Explanation",
    "Graph",
    "GraphvizNotFound",
    "Step",
    "Stepper",
    "Trace",
    "View",
    "explain",
    "look",
    "make_dot",
    "stepper",
    "trace_backward",
]

HOMES = {
    "Explanation": "explanation",
    "Graph": "backend",
    "GraphvizNotFound": "backend",
    "Step": "step",
    "Stepper": "stepper_page",
    "Trace": "step",
    "View": "view",
    "explain": "explanation",
    "look": "view",
    "make_dot": "dot",
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
