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

from typing import TYPE_CHECKING

from microbp.lazy import loaded_when_used

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

if not TYPE_CHECKING:
    __getattr__, __dir__ = loaded_when_used(
        __name__,
        {
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
        },
    )
