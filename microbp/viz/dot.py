"""`make_dot`: the computational graph of a tensor as a drawing in the DOT language.

Tensors are boxes, operations pills, module calls frames. What is drawn comes from a view of
the graph (`microbp.viz.view`), less what is folded away (`microbp.viz.fold`).
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from microbp.errors import OptionError
from microbp.tensor import Tensor
from microbp.viz import boxes, style
from microbp.viz.backend import Graph
from microbp.viz.calls import Call
from microbp.viz.fold import Link, Picture, fold
from microbp.viz.text import escape_html, escape_string, number, shape_text
from microbp.viz.view import Operation, TensorBox, View, look

__all__ = ["make_dot"]

CROWDED = 80  # boxes; beyond, "auto" leaves values out
ARROW = "#5B6774"

Frames = dict[Call | None, list[Call]]


def make_dot(
    var: Tensor | Sequence[Tensor],
    params: Any = None,
    show_attrs: bool = False,
    show_saved: bool = False,
    max_attr_chars: int = 50,
    *,
    model: Any = None,
    show_values: bool | str = "auto",
    show_grads: bool | str = "auto",
    depth: int | None = None,
    roll: bool = False,
    color_by: str = "kind",
    direction: str = "forward",
    rankdir: str = "LR",
    max_nodes: int | None = 300,
    show_source: bool = True,
    show_formulas: bool = False,
) -> Graph:
    """Draw the computational graph of a tensor.

    The graph is only read: gradients, values and the state of the random generators stay as they are.

    Parameters
    ----------
    var : Tensor or sequence of Tensor
        What the graph computes, usually the loss.
    params : mapping of str to Tensor, or iterable of (str, Tensor), optional
        Names for tensors, intermediate results too; they take precedence over those of the model.
    show_attrs : bool
        Show the options of each operation (``dim = 1``).
    show_saved : bool
        Show what each operation keeps for the backward pass, in the letters of its rules.
    max_attr_chars : int
        The longest that an option may be.
    model : Module, optional
        Gives parameters and modules their names; by default the modules that were called do.
        Warns if none of its parameters is in the graph.
    show_values : bool or "auto"
        Show the values of tensors of up to 4 by 4 elements, and mean ± standard deviation of
        larger ones. ``"auto"`` leaves them out of a crowded picture.
    show_grads : bool or "auto"
        Show ``grad`` of leaves, and the gradients of intermediate results, which are worked
        out for the picture: with ``"auto"`` once ``backward()`` was called, with True in any case.
        Where a gradient is a sum over several uses, the arrows show the summands.
    depth : int, optional
        Close the modules inside this many others: 0 closes the outermost ones, 1 their children.
    roll : bool
        Draw repeated calls of one module once, with their number.
    color_by : {"kind", "grad"}
        What the colour of a tensor says: what it is, or the root mean square of its gradient.
    direction : {"forward", "backward"}
        Which way the arrows point; backward, they carry the shapes of the gradients.
    rankdir : {"LR", "TB", "RL", "BT"}
        Which way the graph grows.
    max_nodes : int or None
        Close modules until no more boxes than this remain.
    show_source : bool
        Say in the tooltip of an operation where the program calls it.
    show_formulas : bool
        Show the derivatives of each operation, in the names of the picture; `g` is the gradient of its output.

    Returns
    -------
    Graph
        A `graphviz.Digraph`. A notebook shows it, ``render("graph.svg")`` writes it to a
        file, ``source`` is its DOT text.

    Raises
    ------
    OptionError
        If an option has none of the values above.
    TypeError
        If `var` is no tensor, or `model` no module.

    Examples
    --------
    >>> import microbp
    >>> from microbp.viz import make_dot
    >>> x = microbp.tensor(3.0, requires_grad=True)
    >>> graph = make_dot(x * x, params={"x": x})
    >>> print(graph.source[:17])
    digraph microbp {
    """
    check("color_by", color_by, ("kind", "grad"))
    check("direction", direction, ("forward", "backward"))
    check("rankdir", rankdir, ("LR", "TB", "RL", "BT"))
    check("show_values", show_values, ("auto", True, False))
    check("show_grads", show_grads, ("auto", True, False))
    if depth is not None and depth < 0:
        raise OptionError(f"depth is the number of modules that are open around a closed one, got {depth}")
    if max_nodes is not None and max_nodes < 1:
        raise OptionError(f"max_nodes must be positive or None, got {max_nodes}")
    roots = tensors_of(var)
    if model is not None and not hasattr(model, "named_parameters"):
        raise TypeError(f"make_dot() takes names from model=, a module; got {type(model).__name__}")

    grads = "auto" if show_grads == "auto" else "all" if show_grads else "none"
    worked_out = "auto" if grads == "none" and color_by == "grad" else grads
    view = look(roots, model=model, params=params, values=bool(show_values), gradients=worked_out)
    if model is not None and not any(box.owned for box in view.tensors) and any(True for _ in model.parameters()):
        warnings.warn(
            f"none of the parameters of model={type(model).__name__} is in this graph; was the loss computed with "
            "another model, or under no_grad()?",
            UserWarning,
            stacklevel=2,
        )
    picture = fold(view, depth=depth, roll=roll, max_nodes=max_nodes)
    drawing = Drawing(
        view,
        picture,
        attrs=max_attr_chars if show_attrs else None,
        tip_attrs=max_attr_chars,
        saved=show_saved,
        values=picture.boxes <= CROWDED if show_values == "auto" else bool(show_values),
        grads=grads,
        color_by=color_by,
        backward=direction == "backward",
        source=show_source,
        formulas=show_formulas,
        limit=max_nodes if picture.depth < min(picture.deepest, picture.deepest if depth is None else depth) else None,
    )
    return drawing.draw(rankdir)


def tensors_of(var: Any) -> tuple[Tensor, ...]:
    """What is to be drawn, if it can be."""
    if isinstance(var, Tensor):
        return (var,)
    hint = "; call it: make_dot(model(x), model=model)" if hasattr(var, "named_parameters") else ""
    roots = (var,) if hint or not isinstance(var, Iterable) else tuple(var)
    for root in roots:
        if not isinstance(root, Tensor):
            raise TypeError(f"make_dot() draws a tensor or a sequence of tensors, got {type(root).__name__}{hint}")
    if not roots:
        raise OptionError("make_dot() got an empty sequence: there is nothing to draw")
    return roots


def check(name: str, value: Any, allowed: Sequence[Any]) -> None:
    """Refuse a value that an option does not have."""
    if not any(value is choice or (isinstance(value, str) and value == choice) for choice in allowed):
        raise OptionError(f"make_dot() has {name}={' or '.join(map(repr, allowed))}, got {value!r}")


class Drawing:
    """Writes a picture as DOT."""

    def __init__(
        self,
        view: View,
        picture: Picture,
        *,
        attrs: int | None,
        tip_attrs: int,
        saved: bool,
        values: bool,
        grads: str,
        color_by: str,
        backward: bool,
        source: bool,
        formulas: bool,
        limit: int | None,
    ) -> None:
        self.view = view
        self.picture = picture
        self.attrs = attrs
        self.tip_attrs = tip_attrs
        self.saved = saved
        self.values = values
        self.grads = grads
        self.by_gradient = color_by == "grad"
        self.backward = backward
        self.source = source
        self.formulas = formulas
        drawn = set(picture.tensors)
        self.hidden = {box for box in view.tensors if box not in drawn or picture.times.get(box.id, 1) > 1}
        self.limit = limit
        self.frames = set(picture.clusters)
        self.scale = style.gradient_scale([rms(g) for g in map(gradient_of, picture.tensors) if g is not None])
        self.fan_out: dict[str, int] = {}
        for link in picture.links:
            if link.argument is not None and link.argument.contribution is not None:
                self.fan_out[link.tensor.id] = self.fan_out.get(link.tensor.id, 0) + 1

    def draw(self, rankdir: str) -> Graph:
        """The whole graph."""
        graph = Graph("microbp", format="svg")
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
        graph.attr("edge", fontname=style.FONT, fontsize="9", color=ARROW, arrowsize="0.6", penwidth="1.0")
        children: Frames = {}
        for call in self.picture.clusters:
            children.setdefault(self.frame(call.parent), []).append(call)
        self.fill(graph, None, children, self.contents())
        for link in self.picture.links:
            self.edge(graph, link)
        graph.attr(label=self.legend(str(graph)))
        return graph

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
        _, fill, line, shape, width = style.KINDS[box.kind]
        ink = None
        if self.by_gradient:
            shape, fill, ink = self.heat(box, shape)
        label = boxes.tensor_label(
            box,
            values=self.values,
            grads=self.grads,
            times=self.picture.times.get(box.id, 1),
            ink=ink,
        )
        attributes = {"style": shape, "fillcolor": fill, "color": line, "penwidth": f"{width:g}"}
        if ink:
            attributes["fontcolor"] = ink
        graph.node(
            box.id,
            label=label,
            id=box.id,
            tooltip=escape_string(boxes.tensor_tip(box)),
            **{"class": f"tensor {box.kind}"},
            **attributes,
        )

    def heat(self, box: TensorBox, shape: str) -> tuple[str, str, str | None]:
        """Style, fill and ink of a tensor by the size of its gradient."""
        gradient = gradient_of(box)
        if gradient is None:
            return shape, style.UNKNOWN, None
        size = rms(gradient)
        if size == 0:
            return "striped", style.ZERO, style.INK
        return shape, *style.gradient_colour(size, *self.scale)

    def operation(self, graph: Any, op: Operation) -> None:
        """Write the pill of an operation."""
        graph.node(
            op.id,
            label=boxes.operation_label(
                op,
                captions=boxes.captions(op, self.hidden),
                formulas=self.formulas,
                attrs=self.attrs,
                saved=self.saved,
                times=self.picture.times.get(op.id, 1),
            ),
            id=op.id,
            fillcolor=style.OPERATION[1],
            color=style.OPERATION[2],
            margin="0.1,0.03",
            tooltip=escape_string(boxes.operation_tip(op, source=self.source, attrs=self.tip_attrs)),
            **{"class": "operation"},
        )

    def closed(self, graph: Any, closed: Any) -> None:
        """Write the box of a closed module."""
        call = closed.call
        graph.node(
            call.id,
            label=boxes.closed_label(closed, self.picture.times.get(call.id, 1)),
            id=call.id,
            fillcolor=style.MODULE[1],
            color=style.MODULE[2],
            peripheries="2",
            tooltip=escape_string(f"{call.name}: {call.kind}, {boxes.counted(closed.operations, 'operation')}"),
            **{"class": "module"},
        )

    def edge(self, graph: Any, link: Link) -> None:
        """Write an arrow."""
        argument = link.argument
        flows = link.tensor.requires_grad if argument is None else argument.formula is not None
        lines: list[tuple[str, str]] = []
        closed_end = link.source != link.tensor.id and link.target != link.tensor.id
        if self.backward:
            if flows and link.target != link.tensor.id and link.tensor.shape is not None:
                lines.append((self.gradient_shape(link), style.GRADIENT))
        elif argument is not None and argument.broadcast is not None:
            lines.append((" → ".join(map(shape_text, argument.broadcast)), style.MUTED))
        elif closed_end and link.tensor.shape is not None:
            lines.append((shape_text(link.tensor.shape), style.MUTED))
        summand = argument is not None and argument.contribution is not None
        if self.grads != "none" and summand and self.fan_out[link.tensor.id] > 1 and link.times == 1:
            assert argument is not None
            lines.append((boxes.contribution_text(argument.contribution), style.GRADIENT))
        if link.times > 1:
            lines.append((f"×{link.times}", style.INK))
        attributes: dict[str, str] = {}
        if lines:
            attributes["label"] = boxes.edge_label(lines)
        if not flows:
            attributes["style"] = "dashed"
            if self.backward:
                attributes["arrowhead"] = "none"
        part = "out" if link.target == link.tensor.id else link.tensor.id
        part = part if argument is None else str(argument.position)
        tip = link.tensor.name if argument is None else f"{link.tensor.name} is {argument.name}"
        if argument is not None and argument.formula:
            tip = f"{tip}\n{argument.formula}"
        ends = (link.target, link.source) if self.backward else (link.source, link.target)
        graph.edge(*ends, id=f"{link.source}_{link.target}_{part}", tooltip=escape_string(tip), **attributes)

    def gradient_shape(self, link: Link) -> str:
        """The shape of the gradient along an arrow, and what it is summed to after a broadcast."""
        if link.argument is not None and link.argument.broadcast is not None:
            own, wide = link.argument.broadcast
            return f"{shape_text(wide)} → {shape_text(own)}"
        return shape_text(link.tensor.shape)

    def legend(self, drawn: str) -> str:
        """What the colours and signs in the drawing mean, and what was left out."""
        chips: list[tuple[str, str, str, str]]
        if self.by_gradient:
            chips = self.gradient_chips()
        else:
            kinds = {box.kind for box in self.picture.tensors}
            chips = [
                (fill, line, text, "dashed" if "dashed" in shape else "")
                for kind, (text, fill, line, shape, _) in style.KINDS.items()
                if kind in kinds
            ]
        if self.picture.operations:
            chips.append((style.OPERATION[1], style.OPERATION[2], style.OPERATION[0], ""))
        if self.picture.closed:
            chips.append((style.MODULE[1], style.MODULE[2], style.MODULE[0], ""))
        cells = "".join(
            f'<TD BGCOLOR="{fill}" COLOR="{line}" BORDER="1"{" STYLE=" + chr(34) + look + chr(34) if look else ""}>'
            f'<FONT POINT-SIZE="8">    </FONT></TD><TD>{boxes.font(text, size=8.5, colour=style.MUTED)}  </TD>'
            for fill, line, text, look in chips
        )
        rows = [f"<TR>{cells}</TR>"]
        rows += [
            f'<TR><TD ALIGN="LEFT" COLSPAN="{2 * len(chips)}">{note}</TD></TR>'
            for note in (boxes.font(note, size=8.5, colour=style.MUTED) for note in self.notes(drawn))
        ]
        return f'<<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="3" CELLPADDING="1">{"".join(rows)}</TABLE>>'

    def lacks_gradients(self) -> bool:
        """Whether the graph was freed, and gradients in between cannot be worked out for it."""
        freed = any(op.kept is None for op in self.view.operations)
        return freed and any(box.kind == "result" and gradient_of(box) is None for box in self.picture.tensors)

    def gradient_chips(self) -> list[tuple[str, str, str, str]]:
        """The colour scale of gradients."""
        low, high = self.scale
        steps = len(style.SCALE)
        chips = []
        for step in range(steps):
            start = 10 ** (low + (high - low) * step / steps)
            chips.append((style.SCALE[step], ARROW, f"{'rms of grad ' if not step else ''}≥ {number(start)}", ""))
        return [*chips, (style.UNKNOWN, ARROW, "no gradient", ""), ("#FFFFFF:#C4C4C4", ARROW, "striped: exactly 0", "")]

    def notes(self, drawn: str) -> Iterable[str]:
        """What a reader has to know about the picture."""
        picture = self.picture
        if " ± " in drawn:
            yield "with ±: mean ± standard deviation of the elements"
        if "grad + " in drawn or "grad − " in drawn:
            yield "grad + on an arrow: the share of this use in the gradient, which is the sum over all uses"
        if self.formulas and picture.operations:
            yield "g in a formula: the gradient of the operation's output"
        if self.grads != "none" and self.lacks_gradients():
            if any(box.changed for box in self.view.tensors):
                yield "gradients in between: draw before the tensors change, that is, before optimizer.step()"
            else:
                yield "gradients in between: call backward(retain_graph=True)"
        if self.limit is not None:
            yield f"modules closed at depth {picture.depth} of {picture.deepest}: max_nodes={self.limit}"
        if picture.earlier is not None:
            yield "the oldest operations are joined in one box: see max_nodes"
        if self.backward:
            yield "arrows point the way that gradients go; they show the gradient's shape"


def gradient_of(box: TensorBox) -> Any:
    """The gradient of a tensor: what it holds, else what was worked out."""
    return box.derivative if box.grad is None else box.grad


def rms(array: Any) -> float:
    """The root mean square of an array."""
    if array.size == 0:
        return 0.0
    largest = float(np.abs(array).max())
    if largest == 0 or not math.isfinite(largest):
        return largest
    return largest * math.sqrt(float(np.mean((array / largest) ** 2, dtype=np.float64)))
