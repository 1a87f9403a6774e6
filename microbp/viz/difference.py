"""`diff`: what changed between two graphs, in one drawing and in words.

A define-by-run program builds its graph anew each time, and need not build the same one: in
evaluation, dropout is gone, and an ``if`` may have taken the other way.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from microbp.tensor import Tensor
from microbp.viz import style
from microbp.viz.alignment import AFTER, BEFORE, CHANGED, Alignment
from microbp.viz.backend import Graph
from microbp.viz.colours import Chip, Colouring, Look
from microbp.viz.dot import check, limits, tensors_of
from microbp.viz.drawing import Drawing, Shown
from microbp.viz.fold import Closed, Link, Picture, fold
from microbp.viz.view import Operation, TensorBox, look

__all__ = ["Change", "Difference", "diff"]

SIGNS = {BEFORE: "−", AFTER: "+", CHANGED: "≠"}
LOOKS = {
    BEFORE: Look("#FBE3D6", "#B03A00", "rounded,filled,dashed", 1.6, style.INK),
    AFTER: Look("#CFE6F7", "#00578A", "rounded,filled", 2.2, style.INK),
    CHANGED: Look("#FFF1B8", "#8A6D00", "rounded,filled,bold", 1.6, style.INK),
}
SAME = Look("#FFFFFF", "#A9B3BD", "rounded,filled", 1.0, style.MUTED)
ARROWS = {
    BEFORE: {"color": "#B03A00", "style": "dotted", "penwidth": "1.8"},
    AFTER: {"color": "#00578A", "style": "bold", "penwidth": "2.2"},
}


class Change(NamedTuple):
    """One difference: ``before``, ``after`` or ``changed``; an operation or a tensor; where, and what."""

    state: str
    what: str
    name: str
    module: str
    place: tuple[str, int] | None
    details: tuple[str, ...]

    def __str__(self) -> str:
        where = f" in {self.module}" if self.module else ""
        line = "" if self.place is None else f" ({self.place[0]}:{self.place[1]})"
        details = f": {'; '.join(self.details)}" if self.details else ""
        return f"{SIGNS[self.state]} {self.what} {self.name}{where}{line}{details}"


class Difference(Graph):
    """What changed between two graphs: a drawing (`microbp.viz.Graph`) that prints as a list of the changes.

    Attributes
    ----------
    names : (str, str)
        What the two graphs are called.
    changes : tuple of Change
    same : int
        How many operations are in both graphs, and alike.
    """

    names: tuple[str, str] = (BEFORE, AFTER)
    changes: tuple[Change, ...] = ()
    same: int = 0

    def __str__(self) -> str:
        operations = [change.state for change in self.changes if change.what == "operation"]
        counts = [
            f"{operations.count(BEFORE)} only in {self.names[0]} (−)",
            f"{operations.count(AFTER)} only in {self.names[1]} (+)",
            f"{operations.count(CHANGED)} changed (≠)",
            f"{self.same} the same",
        ]
        head = f"{self.names[0]} → {self.names[1]}, operations: {', '.join(counts)}"
        return "\n".join([head, *(f"  {change}" for change in self.changes)])

    def __repr__(self) -> str:
        return f"<Difference of {self.names[0]} and {self.names[1]}: {len(self.changes)} changes>"


def diff(
    before: Tensor | Sequence[Tensor],
    after: Tensor | Sequence[Tensor],
    *,
    names: tuple[str, str] = (BEFORE, AFTER),
    model: Any = None,
    params: Any = None,
    close_unchanged: bool = True,
    depth: int | None = None,
    rankdir: str = "LR",
    max_nodes: int | None = 300,
    show_source: bool = True,
) -> Difference:
    """Draw and list what changed between two graphs.

    Compared are the operations, their options, what goes into them, shapes and dtypes, and where gradients flow; not
    the values. Operations of the same name in the same module call are taken for each other.

    Parameters
    ----------
    before, after : Tensor or sequence of Tensor
        What the graphs compute, such as the loss of a model in training and in evaluation, or of two iterations.
    names : (str, str)
        What to call the two.
    model : Module, optional
        Gives parameters and modules their names; by default the modules that were called do.
    params : mapping of str to Tensor, optional
        Names that take precedence.
    close_unchanged : bool
        Draw modules in which nothing changed as one box each.
    depth, rankdir, max_nodes, show_source
        As for `make_dot`.

    Returns
    -------
    Difference
        A graph to render or to show in a notebook; ``print`` lists the changes.

    Raises
    ------
    TypeError
        If `before` or `after` is no tensor.
    OptionError
        If `rankdir` is none of those of `make_dot`.

    Examples
    --------
    >>> import microbp
    >>> x = microbp.tensor([1.0, 2.0], requires_grad=True)
    >>> print(diff((x * 2).sum(), (x * 3).tanh().sum(), params={"x": x}, show_source=False))
    before → after, operations: 0 only in before (−), 1 only in after (+), 1 changed (≠), 1 the same
      ≠ operation mul: b: 2 → 3
      + operation tanh
      ≠ arguments of sum: a: mul_1 → tanh_1
    """
    check("rankdir", rankdir, ("LR", "TB", "RL", "BT"))
    first, second = (
        look(tensors_of(var), model=model, params=params, values=False, gradients="none") for var in (before, after)
    )
    alignment = Alignment(first, second, names)
    closed = alignment.unchanged_calls() if close_unchanged else set()
    picture = fold(alignment.view, depth=depth, max_nodes=max_nodes, closed=closed)
    graph = Difference("microbp", format="svg")
    graph.names = names
    graph.changes = tuple(changes_of(alignment, show_source))
    graph.same = sum(op not in alignment.state for op in alignment.view.operations)
    shown = Shown(values=False, grads="none", source=show_source)
    drawing = Drawing(alignment.view, picture, ByChange(picture, alignment), shown)
    drawing.draw(graph, rankdir, limits(picture, depth, max_nodes, crowded=False))
    return graph


def changes_of(alignment: Alignment, show_source: bool) -> Iterable[Change]:
    """The changes in the order of the operations; each leaf where it is first used."""
    seen = set()
    outputs = {op.output for op in alignment.view.operations}
    for op in alignment.view.operations:
        for argument in op.arguments:
            box = argument.tensor
            if box is not None and box not in seen and box not in outputs and box in alignment.state:
                seen.add(box)
                yield change(alignment, box, "tensor", box.name, box.call, None)
        place = op.place if show_source else None
        if op in alignment.state:
            yield change(alignment, op, "operation", op.name, op.call, place)
        if op in alignment.rewired:
            module = "" if op.call is None else op.call.name
            yield Change(CHANGED, "arguments of", op.name, module, place, tuple(alignment.rewired[op]))
        if alignment.state.get(op.output) == CHANGED:
            yield change(alignment, op.output, "tensor", op.output.name, op.output.call, None)


def change(alignment: Alignment, thing: Any, what: str, name: str, call: Any, place: Any) -> Change:
    """One change in words."""
    details = tuple(alignment.details.get(thing, ()))
    return Change(alignment.state[thing], what, name, "" if call is None else call.name, place, details)


class ByChange(Colouring):
    """Colours by what is only in one of two graphs, or changed."""

    def __init__(self, picture: Picture, alignment: Alignment) -> None:
        super().__init__(picture)
        self.state = alignment.state
        self.details = alignment.details
        self.names = alignment.names

    def tensor(self, box: TensorBox) -> Look:
        return LOOKS.get(self.state.get(box, ""), SAME)

    def operation(self, op: Operation) -> Look:
        return LOOKS.get(self.state.get(op, ""), SAME)

    def closed(self, closed: Closed) -> Look:
        states = {self.state[op] for op in closed.operations if op in self.state}
        return LOOKS[CHANGED if len(states) > 1 else states.pop()] if states else SAME

    def link(self, link: Link) -> dict[str, str]:
        states = {self.state.get(use, "") for use in link.uses} or {self.state.get(link.tensor, "")}
        return ARROWS.get(states.pop(), {}) if len(states) == 1 else {}

    def lines(self, thing: TensorBox | Operation | Closed) -> list[str]:
        return self.details.get(thing, [])

    def sign(self, thing: TensorBox | Operation) -> str:
        return f"{SIGNS[self.state[thing]]} " if thing in self.state else ""

    def chips(self) -> list[Chip]:
        texts = {BEFORE: f"− only in {self.names[0]}", AFTER: f"+ only in {self.names[1]}", CHANGED: "≠ changed"}
        chips = [
            Chip(look.fill, look.line, texts[state], "dashed" if state == BEFORE else "")
            for state, look in LOOKS.items()
        ]
        return [*chips, Chip(SAME.fill, SAME.line, "the same in both")]

    def chips_of_operations(self) -> list[Chip]:
        return []

    def notes(self) -> Iterable[str]:
        yield f"dotted arrows: only in {self.names[0]}; thick arrows: only in {self.names[1]}"
        if self.picture.closed:
            yield "double frames: modules drawn as one box"
        if not self.state:
            yield "nothing has changed"
