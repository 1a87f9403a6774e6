"""What the edges of a graph were worth: found where it is stored, else computed anew.

A graph stores few of its intermediate results. For a picture they are looked up where some
node kept them, and otherwise computed anew by running the same rows on the same inputs:
rows are pure, and what was drawn at random is among their options. Nothing is written, and
where an input was overwritten since, its descendants have no value here rather than a
wrong one.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from microbp.autograd.bundle import Call, PickRow
from microbp.node import Node
from microbp.ops.formula import sum_to
from microbp.ops.op import registry
from microbp.tensor import Tensor
from microbp.version import Onlooker

__all__ = ["Found", "Gradients", "Pull", "Values", "key_of", "target_of", "unchanged"]

WORK = 1 << 26  # how many elements may be read to compute values anew
LETTER_Y = "y"


class Found(NamedTuple):
    """An array, and whether it holds the very values of the forward pass or only their shape and dtype."""

    array: Any
    exact: bool


def target_of(edge: Any) -> Any:
    """What an edge points to: a node, a tensor or a number; None for a constant that died with its graph."""
    return edge() if isinstance(edge, weakref.ref) else edge


def key_of(edge: Any) -> Any:
    """A hashable stand-in for an edge, the same for all uses of a tensor."""
    target = target_of(edge)
    return id(edge) if target is None else target


def kept_by(node: Node) -> tuple[Any, ...] | None:
    """The values that a node kept; None if they were freed, or are not there until a checkpoint is run again."""
    return node.kept if isinstance(node.kept, tuple) else None


def unchanged(node: Node, edge: Any) -> bool:
    """Whether the memory that was at an edge when the node was recorded is there still, with what it held then."""
    version = edge.version_at(node.number) if isinstance(edge, Onlooker) else None
    written = -1 if version is None else version.written
    return max(written, getattr(edge, "_given", -1)) <= node.number


class Values:
    """The arrays at the edges of a graph.

    Parameters
    ----------
    nodes : sequence of Node
        The nodes of the graph, the oldest first.
    roots : iterable of Tensor
        Tensors at hand whose values are therefore known.
    """

    def __init__(self, nodes: Sequence[Node], roots: Iterable[Tensor] = ()) -> None:
        self.nodes = nodes
        self.known: dict[Node, Found] = {}
        self.shapes: dict[Any, tuple[int, ...]] = {}
        self.handed_on: dict[Node, tuple[Any, ...]] = {}
        self.work = 0
        for root in roots:
            if root.node is not None:
                self.known[root.node] = Found(root.array, root._base is not None or unchanged(root.node, root))
        for node in nodes:
            self.look_into(node)
        for node in nodes:
            self.ask_the_call(node)

    def look_into(self, node: Node) -> None:
        """Note what a node kept of its output and inputs, and what it knows of their shapes."""
        if node.shapes is not None:
            self.shapes.update(
                (key_of(edge), shape)
                for edge, shape in zip(node.inputs, node.shapes, strict=True)
                if isinstance(edge, Node | weakref.ref)
            )
        kept = kept_by(node)
        if kept is None:
            return
        for letter, value in zip(node.plan.letters, kept, strict=True):
            if letter == LETTER_Y:
                if unchanged(node, node):
                    self.known.setdefault(node, Found(value, True))
                continue
            name = letter.removesuffix("_shape")
            if name not in node.op.arguments:
                continue
            position = node.op.arguments.index(name)
            edge = node.inputs[position]
            if not isinstance(edge, Node):
                continue
            if letter != name:
                self.shapes[edge] = value
            elif isinstance(value, np.ndarray) and unchanged(node, edge):
                self.known.setdefault(edge, Found(value, True))

    def ask_the_call(self, node: Node) -> None:
        """Note shape and dtype of what a function of the user's own gave, as its call remembers them."""
        is_pick = isinstance(node.op, PickRow)
        kept = kept_by(node.inputs[0] if is_pick else node)
        if node in self.known or not kept or not isinstance(kept[0], Call):
            return
        numbers = (node.op.number,) if isinstance(node.op, PickRow) else kept[0].differentiable
        kinds = [kept[0].outputs[number] for number in numbers]
        if len(kinds) == 1 and kinds[0] is not None:
            shape, dtype = kinds[0]
            self.known[node] = Found(np.broadcast_to(np.zeros((), dtype), shape), False)

    def compute(self, wanted: Iterable[Node]) -> None:
        """Compute the outputs of these nodes anew, and of those that they need, where they are not known."""
        missing = {node for node in wanted if node not in self.known}
        order = []
        for node in reversed(self.nodes):
            if node in missing:
                order.append(node)
                missing.update(e for e in node.inputs if isinstance(e, Node) and e not in self.known)
        with np.errstate(all="ignore"):
            for node in reversed(order):
                found = self.run(node)
                if found is not None:
                    self.known[node] = found

    def run(self, node: Node) -> Found | None:
        """Run the forward of a node on the values of its inputs, if all are known."""
        if registry.get(node.op.name) is not node.op:
            return None  # a function of the user's own need not be pure
        inputs = [self.argument(node, position) for position in range(len(node.inputs))]
        if any(found is None for found in inputs):
            return None
        arguments = [found.array for found in inputs if found is not None]
        exact = all(found.exact for found in inputs if found is not None)
        size = sum(np.size(array) for array in arguments)
        if self.work + size > WORK:
            return None
        self.work += size
        result = node.op.forward(*arguments, **node.options)
        if node.op.handed_on:
            result, *handed_on = result
            if exact:
                self.handed_on[node] = tuple(handed_on)
        return Found(np.asarray(result), exact)

    def argument(self, node: Node, position: int) -> Found | None:
        """The value of an argument of a node, as the node saw it."""
        edge = target_of(node.inputs[position])
        if isinstance(edge, Node):
            return self.known.get(edge)
        if isinstance(edge, Tensor):
            exact = unchanged(node, edge)
            # The shape of an output may depend on indices and masks, but not on real numbers.
            return Found(edge.array, exact) if exact or edge.array.dtype.kind == "f" else None
        if edge is None and node.inputs[position] is not None:
            return None
        return Found(edge, True)

    def shape(self, edge: Node) -> tuple[int, ...] | None:
        """The shape of the output of a node, if it is still known."""
        shape: tuple[int, ...] | None
        found = self.known.get(edge)
        shape = self.shapes.get(edge) if found is None else found.array.shape
        return shape


class Gradients:
    """The gradients of a root with respect to every edge, as the backward pass would compute them.

    Nothing of the graph is touched, and no hook is called: the rules are run on the values
    that were found. Where a value is missing, so are the gradients that depend on it.

    Parameters
    ----------
    root : Tensor
    values : Values
        Of the graph of the root.
    seed : array, optional
        The gradient to start with; by default 1 at a root of one element, and nothing at all at others.
    functions : bool
        Run the backward of the user's own functions too, which need not be pure.

    Attributes
    ----------
    total : dict of edge to array
        dL/dt for each node and leaf t.
    contributions : dict of (Node, int) to array
        What each use of a tensor, by the consuming node and argument, adds to its gradient.
    unknown : set of edge
        Where a gradient arrives that cannot be computed.
    """

    def __init__(self, root: Tensor, values: Values, seed: Any = None, *, functions: bool = False) -> None:
        self.total: dict[Any, Any] = {}
        self.contributions: dict[tuple[Node, int], Any] = {}
        self.unknown: set[Any] = set()
        self.functions = functions
        if seed is None:
            if root.node is None or root.array.size != 1 or not values.known[root.node].exact:
                return
            seed = np.ones_like(root.array)
        self.total[root.node or root] = seed
        values.compute(values.nodes)
        with np.errstate(all="ignore"):
            for node in reversed(values.nodes):
                self.pass_on(node, values)
        for edge in self.unknown:
            self.total.pop(edge, None)

    def pass_on(self, node: Node, values: Values) -> None:
        """Give each input of a node its contribution."""
        if node not in self.unknown and node not in self.total:
            return
        kept = None if node in self.unknown else letters_of(node, values, self.functions)
        for position, rule, pick, options, _ in node.plan.steps:
            edge = node.inputs[position]
            if kept is None:
                self.unknown.add(edge)
                continue
            pull = Pull(rule, pick(kept), {name: node.options[name] for name in options})
            wide = pull(self.total[node])
            if wide is None:
                continue  # a function of the user's own has no gradient for this argument
            contribution = wide if node.shapes is None else sum_to(wide, node.shapes[position])
            self.contributions[node, position] = contribution
            received = self.total.get(edge)
            self.total[edge] = contribution if received is None else received + contribution
            self.note(node, position, pull, wide)

    def note(self, node: Node, position: int, pull: Pull, wide: Any) -> None:
        """Told of each contribution, before a broadcast is undone and after it was added."""


class Pull(NamedTuple):
    """A rule with the values that it asks for: a linear function of the gradient of the output."""

    rule: Callable[..., Any]
    letters: tuple[Any, ...]
    options: dict[str, Any]

    def __call__(self, g: Any) -> Any:
        return self.rule(g, *self.letters, **self.options)


def letters_of(node: Node, values: Values, functions: bool = False) -> tuple[Any, ...] | None:
    """The values that the rules of a node ask for; None if one of them is lost."""
    if registry.get(node.op.name) is not node.op:
        return kept_by(node) if functions else None
    found: list[Any] = []
    kept = kept_by(node)
    for place, letter in enumerate(node.plan.letters):
        name = letter.removesuffix("_shape")
        if letter == LETTER_Y:
            value = values.known.get(node)
        elif letter in node.op.handed_on:
            if kept is None and node not in values.handed_on:
                values.run(node)
            handed_on = values.handed_on.get(node)
            if kept is not None:
                value = Found(kept[place], True)
            elif handed_on is not None:
                value = Found(handed_on[node.op.handed_on.index(letter)], True)
            else:
                value = None
        elif letter not in node.op.arguments and kept is not None:
            value = Found(kept[place], True)
        else:
            value = values.argument(node, node.op.arguments.index(name))
            if value is not None and letter != name:
                value = Found(np.shape(value.array), True)
        if value is None or not value.exact:
            return None
        found.append(value.array)
    return tuple(found)
