"""A page that goes through a backward pass step by step: `stepper`.

Template, style and script stand in files of their own, in ``page/``; `microbp.viz.html_page` puts
them together with the drawing of the graph and the frames into one file that needs nothing else.
"""

from __future__ import annotations

import html
import os
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import graphviz

from microbp.errors import OptionError
from microbp.tensor import Tensor
from microbp.viz import html_page
from microbp.viz.backend import GraphvizNotFound
from microbp.viz.dot import make_dot
from microbp.viz.frames import Arrays, frames_of
from microbp.viz.step import Trace
from microbp.viz.trace import trace

__all__ = ["Stepper", "stepper"]

TEMPLATE = Path(__file__).parent / "page" / "stepper.html"
SVG = "http://www.w3.org/2000/svg"
DIGITS = 7  # of a number on the page, in its tooltip; the cells show fewer
LARGEST = 300  # boxes of a drawing
FRAME_HEIGHT = 680  # of the page in a notebook, in pixels


class Stepper:
    """A page that shows a backward pass; `stepper` makes it.

    Attributes
    ----------
    trace : Trace
        The steps that it shows.
    html : str
        The page.
    """

    def __init__(self, steps: Trace, page: str) -> None:
        self.trace = steps
        self.html = page

    def save(self, path: str | os.PathLike[str]) -> str:
        """Write the page to a file, which any browser opens, also without a network.

        Parameters
        ----------
        path : path
            ``"backprop.html"``, say. Folders that are missing are made.

        Returns
        -------
        str
            The path.
        """
        return html_page.save(self.html, path)

    def _repr_html_(self) -> str:
        """The page in a frame of its own, for notebooks."""
        return (
            f'<iframe title="the backward pass, step by step" srcdoc="{html.escape(self.html)}" '
            f'style="width:100%;height:{FRAME_HEIGHT}px;border:0"></iframe>'
        )

    def __repr__(self) -> str:
        return f"<Stepper of {len(self.trace)} backward steps; save('backprop.html') writes the page>"


def stepper(
    loss: Tensor,
    *,
    grad: Tensor | None = None,
    model: Any = None,
    max_elems: int = 144,
    precision: int = 4,
    title: str | None = None,
) -> Stepper:
    """A page on which the backward pass of a graph can be followed, number by number.

    It shows the forward, then the gradient of the loss with respect to itself, then for each operation and each of its
    inputs what the rule makes of the gradient, and how contributions add up. A click on a number writes out its sum.
    Nothing is changed: no ``grad``, no value, no random number, not the graph.

    Parameters
    ----------
    loss : Tensor
        Where the backward pass starts; its graph must not be freed.
    grad : Tensor, optional
        The gradient to start with, for a `loss` of several elements.
    model : Module, optional
        Gives names; by default the modules that were called do.
    max_elems : int
        Of tensors with more elements, the page shows only a corner of so many.
    precision : int
        How many digits a number has.
    title : str, optional
        Of the page.

    Returns
    -------
    Stepper
        ``save("backprop.html")`` writes it to one file that needs no network; a notebook shows it.

    Raises
    ------
    StaleGraphError
        If a tensor of the graph was changed since the forward, as by ``optimizer.step()``.
    GraphError, ShapeError
        As for `trace_backward`.
    OptionError
        If `max_elems` or `precision` is not a positive number.

    Examples
    --------
    >>> import microbp
    >>> w = microbp.tensor([1.0, 2.0], requires_grad=True)
    >>> page = microbp.viz.stepper((w * w).sum())
    >>> page
    <Stepper of 4 backward steps; save('backprop.html') writes the page>
    """
    for name, value in (("max_elems", max_elems), ("precision", precision)):
        if not isinstance(value, int) or value < 1:
            raise OptionError(f"stepper() has a positive whole number as {name}, got {value!r}")
    steps, _ = trace(loss, grad, model, "stepper")
    return Stepper(steps, page_of(steps, drawing(loss, model), max_elems, precision, title))


def page_of(steps: Trace, svg: str, max_elems: int, precision: int, title: str | None) -> str:
    """The page: the template with everything put in."""
    arrays = Arrays(max_elems, max(DIGITS, precision))
    frames = frames_of(steps, arrays, set(re.findall(r'\bid="(\w+)"', svg)))
    data = {"precision": precision, "frames": frames, "arrays": arrays.stored}
    return html_page.filled_in(TEMPLATE, title=title or "The backward pass, step by step", data=data, drawing=svg)


def drawing(loss: Tensor, model: Any) -> str:
    """The graph as a part of the page; nothing where there is no Graphviz."""
    graph = make_dot(loss, model=model, show_values=False, show_grads=False, show_source=False, max_nodes=LARGEST)
    graph.attr(label="")
    try:
        return slim(graph.pipe("svg", encoding="utf-8"))
    except (GraphvizNotFound, graphviz.CalledProcessError, OSError):
        return ""


def slim(svg: str) -> str:
    """An SVG without what the page says itself, or in other ways: tooltips, links, fonts, background."""
    ElementTree.register_namespace("", SVG)
    root = ElementTree.fromstring(svg)
    for element in list(root.iter()):
        is_graph = element.get("class") == "graph"
        for child in list(element):
            kind = child.tag.removeprefix(f"{{{SVG}}}")
            if kind == "title" or (is_graph and (kind == "polygon" or child.get("id") == "a_graph0")):
                element.remove(child)
            elif kind == "a":  # all that it links to is a tooltip
                element.remove(child)
                element.extend(list(child))
                del element.attrib["id"]
    for element in root.iter():
        for name in ("font-family", "{http://www.w3.org/XML/1998/namespace}space"):
            element.attrib.pop(name, None)
        element.tail = None
        if element.text is not None and not element.text.strip("\n"):
            element.text = None
    return ElementTree.tostring(root, encoding="unicode")
