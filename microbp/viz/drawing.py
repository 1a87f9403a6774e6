"""Writes a folded view of a graph in the DOT language: boxes, frames and arrows.

Tensors are boxes, operations pills, module calls frames. What is drawn comes from a view of
the graph (`microbp.viz.view`), less what is folded away (`microbp.viz.fold`); what the colours
say comes from a `Colouring`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from microbp.viz import boxes, style
from microbp.viz.backend import Graph
from microbp.viz.calls import Call
from microbp.viz.colours import Colouring, Look
from microbp.viz.fold import Closed, Link, Picture
from microbp.viz.legend import legend, notes_on
from microbp.viz.text import escape_html, escape_string, shape_text
from microbp.viz.view import Operation, TensorBox, View

__all__ = ["Drawing", "Shown"]

Frames = dict[Call | None, list[Call]]


@dataclass(frozen=True, slots=True)
class Shown:
    """What the labels show.

    Attributes
    ----------
    attrs : int or None
        Options of operations, each in at most so many characters.
    tip_attrs : int
        The longest that an option in a tooltip may be.
    saved : bool
        What operations keep.
    values : bool
        The values of tensors.
    grads : {"none", "auto", "all"}
        Gradients; ``auto`` is silent where an intermediate result has none.
    backward : bool
        Arrows against the direction of the forward pass, with the shapes of gradients.
    source : bool
        In tooltips, where the program calls an operation.
    formulas : bool
        The derivatives.
    """

    attrs: int | None = None
    tip_attrs: int = 50
    saved: bool = False
    values: bool = True
    grads: str = "auto"
    backward: bool = False
    source: bool = True
    formulas: bool = False


class Drawing:
    """Writes a picture as DOT.

    Parameters
    ----------
    view : View
    picture : Picture
        What of the view is drawn.
    colouring : Colouring
        What the colours say.
    shown : Shown
        What the labels show.
    """

    def __init__(self, view: View, picture: Picture, colouring: Colouring, shown: Shown) -> None:
        self.view = view
        self.picture = picture
        self.colouring = colouring
        self.shown = shown
        drawn = set(picture.tensors)
        self.hidden = {box for box in view.tensors if box not in drawn or picture.times.get(box.id, 1) > 1}
        self.frames = set(picture.clusters)
        self.fan_out: dict[str, int] = {}
        for link in picture.links:
            if link.argument is not None and link.argument.contribution is not None:
                self.fan_out[link.tensor.id] = self.fan_out.get(link.tensor.id, 0) + 1

    def draw(self, graph: Graph, rankdir: str, notes: Iterable[str] = ()) -> None:
        """Write all into an empty graph, with the legend and further notes."""
        graph.attr(
            "graph",
            rankdir=rankdir,
            bgcolor="white",
            fontname=style.FONT,
            fontsize="10",
            fontcolor=style.INK,
            labelloc="b",
            labeljust="l",
            nodesep="0.22",
            ranksep="0.32",
            tooltip=" ",
        )
        graph.attr(
            "node",
            fontname=style.FONT,
            fontsize="10",
            fontcolor=style.INK,
            shape="box",
            style="rounded,filled",
            margin="0.08,0.04",
            height="0.2",
            width="0.2",
        )
        graph.attr("edge", fontname=style.FONT, fontsize="9", color=style.LINE, arrowsize="0.6", penwidth="1.0")
        children: Frames = {}
        for call in self.picture.clusters:
            children.setdefault(self.frame(call.parent), []).append(call)
        self.fill(graph, None, children, self.contents())
        for link in self.picture.links:
            self.edge(graph, link)
        shown = self.shown
        own = notes_on(
            self.view,
            self.picture,
            graph.source,
            grads=shown.grads != "none",
            formulas=shown.formulas,
            backward=shown.backward,
        )
        chips = [*self.colouring.chips(), *self.colouring.chips_of_operations()]
        graph.attr(label=legend(chips, [*own, *self.colouring.notes(), *notes]))

    def frame(self, call: Call | None) -> Call | None:
        """The innermost frame that is drawn around what belongs to a call."""
        while call is not None and call not in self.frames:
            call = call.parent
        return call

    def contents(self) -> dict[Call | None, list[Any]]:
        """What is drawn in each frame.

        The newest comes first, for in frames Graphviz sets later ones higher up. Thus a weight stands
        above the bias, which is used after it, and inputs are close to where they go in.
        """
        inside: dict[Call | None, list[Any]] = {}
        for tensor in self.picture.tensors:
            inside.setdefault(self.frame(tensor.call), []).append(tensor)
        for op in self.picture.operations:
            inside.setdefault(self.frame(op.call), []).append(op)
        for closed in self.picture.closed:
            inside.setdefault(self.frame(closed.call.parent), []).append(closed)
        return {call: things[::-1] for call, things in inside.items()} if self.frames or self.picture.closed else inside

    def fill(self, graph: Any, call: Call | None, children: Frames, inside: dict[Call | None, list[Any]]) -> None:
        """Write the boxes in a frame, and the frames in it."""
        if call is None and self.picture.earlier is not None:
            graph.node(
                "earlier",
                label=boxes.earlier_label(self.picture.earlier),
                id="earlier",
                fillcolor=style.MODULE[1],
                color=style.MODULE[2],
                peripheries="2",
                tooltip="the oldest operations, too many to be drawn; see max_nodes",
            )
        for thing in inside.get(call, ()):
            if isinstance(thing, TensorBox):
                self.tensor(graph, thing)
            elif isinstance(thing, Operation):
                self.operation(graph, thing)
            else:
                self.closed(graph, thing)
        for inner in children.get(call, ()):
            many = self.many(inner.id)
            title = boxes.font(escape_html(inner.name) + many, tag="B", size=10)
            kind = "" if inner.kind == inner.name else "  " + boxes.font(escape_html(inner.kind), size=9)
            with graph.subgraph(name=f"cluster_{inner.id}") as cluster:
                cluster.attr(
                    label=f"<{title}{kind}>",
                    id=inner.id,
                    style="rounded,filled",
                    fillcolor=style.CLUSTER[inner.depth % 2],
                    color=style.CLUSTER_LINE,
                    fontcolor=style.MUTED,
                    labelloc="t",
                    labeljust="l",
                    margin="10",
                    tooltip=escape_string(f"{inner.name}: {inner.kind}"),
                )
                self.fill(cluster, inner, children, inside)

    def many(self, id: str) -> str:
        """How often something rolled stands for itself."""
        times = self.picture.times.get(id, 1)
        return f" ×{times}" if times > 1 else ""

    def tensor(self, graph: Any, box: TensorBox) -> None:
        """Write the box of a tensor."""
        look = self.colouring.tensor(box)
        label = boxes.tensor_label(
            box,
            values=self.shown.values,
            grads=self.shown.grads,
            times=self.picture.times.get(box.id, 1),
            ink=look.ink,
            sign=self.colouring.sign(box),
            lines=self.colouring.lines(box),
        )
        graph.node(
            box.id,
            label=label,
            id=box.id,
            tooltip=escape_string(boxes.tensor_tip(box)),
            **{"class": f"tensor {box.kind}"},
            **attributes_of(look),
        )

    def operation(self, graph: Any, op: Operation) -> None:
        """Write the pill of an operation."""
        shown = self.shown
        look = self.colouring.operation(op)
        label = boxes.operation_label(
            op,
            captions=boxes.captions(op, self.hidden),
            formulas=shown.formulas,
            attrs=shown.attrs,
            saved=shown.saved,
            times=self.picture.times.get(op.id, 1),
            ink=look.ink,
            sign=self.colouring.sign(op),
            lines=self.colouring.lines(op),
        )
        graph.node(
            op.id,
            label=label,
            id=op.id,
            margin="0.1,0.03",
            tooltip=escape_string(boxes.operation_tip(op, source=shown.source, attrs=shown.tip_attrs)),
            **{"class": "operation"},
            **attributes_of(look),
        )

    def closed(self, graph: Any, closed: Closed) -> None:
        """Write the box of a closed module."""
        call = closed.call
        look = self.colouring.closed(closed)
        many = boxes.counted(len(closed.operations), "operation")
        graph.node(
            call.id,
            label=boxes.closed_label(
                closed, self.picture.times.get(call.id, 1), ink=look.ink, lines=self.colouring.lines(closed)
            ),
            id=call.id,
            peripheries="2",
            tooltip=escape_string(f"{call.name}: {call.kind}, {many}"),
            **{"class": "module"},
            **attributes_of(look),
        )

    def edge(self, graph: Any, link: Link) -> None:
        """Write an arrow."""
        argument = link.argument
        flows = link.tensor.requires_grad if argument is None else argument.formula is not None
        lines: list[tuple[str, str]] = []
        closed_end = link.source != link.tensor.id and link.target != link.tensor.id
        if self.shown.backward:
            if flows and link.target != link.tensor.id and link.tensor.shape is not None:
                lines.append((self.gradient_shape(link), style.GRADIENT))
        elif argument is not None and argument.broadcast is not None:
            lines.append((" → ".join(map(shape_text, argument.broadcast)), style.MUTED))
        elif closed_end and link.tensor.shape is not None:
            lines.append((shape_text(link.tensor.shape), style.MUTED))
        summand = argument is not None and argument.contribution is not None
        if self.shown.grads != "none" and summand and self.fan_out[link.tensor.id] > 1 and link.times == 1:
            assert argument is not None
            lines.append((boxes.contribution_text(argument.contribution), style.GRADIENT))
        if link.times > 1:
            lines.append((f"×{link.times}", style.INK))
        attributes: dict[str, str] = {}
        if lines:
            attributes["label"] = boxes.edge_label(lines)
        if not flows:
            attributes["style"] = "dashed"
            if self.shown.backward:
                attributes["arrowhead"] = "none"
        part = "out" if link.target == link.tensor.id else link.tensor.id
        part = part if argument is None else str(argument.position)
        tip = link.tensor.name if argument is None else f"{link.tensor.name} is {argument.name}"
        if argument is not None and argument.formula:
            tip = f"{tip}\n{argument.formula}"
        attributes |= self.colouring.link(link)
        ends = (link.target, link.source) if self.shown.backward else (link.source, link.target)
        graph.edge(*ends, id=f"{link.source}_{link.target}_{part}", tooltip=escape_string(tip), **attributes)

    def gradient_shape(self, link: Link) -> str:
        """The shape of the gradient along an arrow, and what it is summed to after a broadcast."""
        if link.argument is not None and link.argument.broadcast is not None:
            own, wide = link.argument.broadcast
            return f"{shape_text(wide)} → {shape_text(own)}"
        return shape_text(link.tensor.shape)


def attributes_of(look: Look) -> dict[str, str]:
    """A look in Graphviz's words."""
    attributes = {"style": look.style, "fillcolor": look.fill, "color": look.line, "penwidth": f"{look.width:g}"}
    return attributes if look.ink is None else {**attributes, "fontcolor": look.ink}
