"""A graph as data: what the picture shows, the same for the same program in every process.

`look` walks a graph once and gives an immutable `View` of it: tensors, operations and module
calls, with ids that count from zero in creation order. Whatever draws or explains a graph
works on the view and never meets a node.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from microbp import label
from microbp.autograd import bundle
from microbp.engine import collect
from microbp.node import Node
from microbp.tensor import Tensor
from microbp.utils.recompute import Recomputed
from microbp.viz.calls import Call, calls_of, place_of
from microbp.viz.held import Held, Ledger
from microbp.viz.values import Gradients, Values, kept_by, key_of, target_of, unchanged

__all__ = ["Argument", "Operation", "TensorBox", "View", "look"]

TARGET = {"t", "target"}


@dataclass(frozen=True, slots=True, eq=False)
class TensorBox:
    """A tensor of the graph.

    Attributes
    ----------
    id : str
        ``t0``, ``t1``, ... in the order in which the operations first use or make the tensors.
    name : str
    kind : str
        ``parameter``, ``frozen``, ``leaf``, ``input``, ``result`` or ``root``.
    shape, dtype : tuple of int or None, str
        None and ``""`` if they cannot be known any more.
    value : array or None
        As in the forward pass; None if that cannot be known, or was not asked for.
    changed : bool
        Whether a leaf was written to since the forward pass.
    requires_grad : bool
    grad : array or None
        What the tensor's ``grad`` holds.
    derivative : array or None
        dL/dt, worked out for the picture from the values of the forward pass.
    call : Call or None
        The innermost module call that the tensor belongs to.
    owned : bool
        Whether it is a parameter or buffer of a module.
    parts : int
        How many tensors it is: more than one for what a function of the user's own gives.
    leaf : Tensor or None
        The tensor itself, if no recorded operation made it.
    """

    id: str
    name: str
    kind: str
    shape: tuple[int, ...] | None
    dtype: str
    value: Any
    changed: bool
    requires_grad: bool
    grad: Any
    derivative: Any
    call: Call | None
    owned: bool
    parts: int = 1
    leaf: Tensor | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Argument:
    """One use of a tensor, or of a Python number, by an operation.

    Attributes
    ----------
    name : str
        The argument's name in the row.
    position : int
    tensor : TensorBox or None
        None for a Python number.
    number : object
        The Python number.
    formula : str or None
        The rule of the gradient, if a gradient flows here.
    broadcast : pair of shapes or None
        From which shape to which the tensor is broadcast.
    contribution : array or None
        What this use adds to the gradient of the tensor.
    """

    name: str
    position: int
    tensor: TensorBox | None
    number: Any
    formula: str | None
    broadcast: tuple[tuple[int, ...], tuple[int, ...]] | None
    contribution: Any


@dataclass(frozen=True, slots=True, eq=False)
class Operation:
    """A recorded operation: its row in words, its arguments, its output.

    Attributes
    ----------
    id : str
        ``op0``, ``op1``, ... in creation order.
    name, formula : str
        Of its row.
    arguments : tuple of Argument
    output : TensorBox
    options : dict of str to object
    kept : tuple of str or None
        The letters of what it keeps for the backward pass; None if that was freed.
    place : (str, int) or None
        File and line where the program calls it.
    call : Call or None
        The innermost module call that it belongs to.
    traits : tuple of str
        ``view`` if its output shares memory with an argument, ``in place`` if it was written over one, and
        ``checkpoint`` if it keeps nothing and is run again for the backward pass.
    held : tuple of Held
        The memory that it keeps alive.
    """

    id: str
    name: str
    formula: str
    arguments: tuple[Argument, ...]
    output: TensorBox
    options: dict[str, Any]
    kept: tuple[str, ...] | None
    place: tuple[str, int] | None
    call: Call | None
    traits: tuple[str, ...] = ()
    held: tuple[Held, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """A graph: operations in creation order, tensors in the order of their ids, outer calls before inner ones."""

    operations: tuple[Operation, ...]
    tensors: tuple[TensorBox, ...]
    calls: tuple[Call, ...]
    roots: tuple[TensorBox, ...]


def look(
    roots: Sequence[Tensor],
    *,
    model: Any = None,
    params: Any = None,
    values: bool = True,
    gradients: str = "auto",
) -> View:
    """Walk a graph and say what is there.

    Parameters
    ----------
    roots : sequence of Tensor
        The results to start from.
    model : Module, optional
        Gives names; by default the modules of the outermost calls do.
    params : mapping of str to Tensor, optional
        Names that take precedence.
    values : bool
        Whether to find the values of intermediate results.
    gradients : {"auto", "all", "none"}
        Whether to work out the gradients of intermediate results: ``auto`` does so if a
        backward pass was run.

    Returns
    -------
    View
    """
    return Builder(tuple(roots), model, params, values, gradients).view()


class Builder:
    """Makes the view of one graph."""

    def __init__(self, roots: tuple[Tensor, ...], model: Any, params: Any, values: bool, gradients: str) -> None:
        self.roots = roots
        self.handles = {root.node or root: root for root in roots}
        self.nodes = collect(self.handles)[::-1]
        self.calls, self.innermost, self.names = calls_of(self.nodes, model, params)
        self.homes = self.homes_of_parameters()
        self.values = Values(self.nodes, roots)
        self.values.compute(self.nodes)  # shapes are wanted even where values are not
        self.show_values = values
        self.gradients = self.work_out_gradients(gradients)
        self.given = {tensor.node: name for tensor, name in self.names.tensors.items() if tensor.node is not None}
        self.ledger = Ledger(
            (leaf, leaf.requires_grad or leaf in self.names.owned)
            for leaf in (*roots, *(target_of(edge) for _, _, edge in self.edges()))
            if isinstance(leaf, Tensor) and leaf.node is None
        )
        self.boxes: dict[Any, TensorBox] = {}
        self.counts: dict[str, int] = {}

    def edges(self) -> Iterator[tuple[Node, int, Any]]:
        """Every use of an input."""
        for node in self.nodes:
            for position, edge in enumerate(node.inputs):
                yield node, position, edge

    def homes_of_parameters(self) -> dict[Any, Call | None]:
        """For each parameter the innermost call that contains all its uses."""
        homes: dict[Any, Call | None] = {}
        for node, _, edge in self.edges():
            leaf = target_of(edge)
            if not isinstance(leaf, Tensor) or leaf not in self.names.owned:
                continue
            here = self.innermost.get(node)
            if leaf not in homes:
                homes[leaf] = here
            elif homes[leaf] is not here:
                before = homes[leaf]
                common = [
                    a
                    for a, b in zip(before.path() if before else (), here.path() if here else (), strict=False)
                    if a is b
                ]
                homes[leaf] = common[-1] if common else None
        return homes

    def work_out_gradients(self, wanted: str) -> Gradients | None:
        """The gradients of one scalar result, if they are wanted and known."""
        if wanted == "none" or len(self.roots) != 1 or self.roots[0].node is None:
            return None
        ran = any(node.kept is None for node in self.nodes) or any(
            isinstance(edge, Tensor) and edge.grad is not None for _, _, edge in self.edges()
        )
        return Gradients(self.roots[0], self.values) if wanted == "all" or ran else None

    def view(self) -> View:
        """The view, made from the oldest operation to the newest."""
        operations = tuple([self.operation(f"op{k}", node) for k, node in enumerate(self.nodes)])
        roots = tuple([self.box(edge) for edge in self.handles])
        return View(operations, tuple(self.boxes.values()), tuple(self.calls), roots)

    def operation(self, id: str, node: Node) -> Operation:
        """A node in words."""
        arguments = tuple(
            [self.argument(node, position, edge) for position, edge in enumerate(node.inputs) if edge is not None]
        )
        place = place_of(node, self.innermost.get(node))
        output = self.box(node)
        names = {argument.name: argument.tensor.name for argument in arguments if argument.tensor is not None}
        names["y"] = output.name
        return Operation(
            id=id,
            name=label.title(node),
            formula=node.op.formula,
            arguments=arguments,
            output=output,
            options=dict(node.options),
            kept=kept_letters(node),
            place=None if place is None else (os.path.basename(place[0]), place[1]),
            call=self.innermost.get(node),
            traits=traits_of(node),
            held=self.ledger.held(node, lambda letter: names.get(letter, "")),
        )

    def argument(self, node: Node, position: int, edge: Any) -> Argument:
        """One use of an input."""
        name = node.op.argument(position)
        tensor = None
        if isinstance(edge, Node | Tensor | weakref.ref):
            tensor = self.box(edge, node, position)
        flows = any(step[0] == position for step in node.plan.steps)
        contribution = None if self.gradients is None else self.gradients.contributions.get((node, position))
        return Argument(
            name=name,
            position=position,
            tensor=tensor,
            number=None if tensor else edge,
            formula=label.formula(node, position) if flows else None,
            broadcast=self.broadcast(node, position),
            contribution=contribution,
        )

    def broadcast(self, node: Node, position: int) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
        """From which shape to which an argument is broadcast, if it is."""
        if node.shapes is None or node.inputs[position] is None:
            return None
        try:
            shape = np.broadcast_shapes(*node.shapes)
        except ValueError:  # a matrix product, say, which broadcasts in its own way
            return None
        own = node.shapes[position]
        return (own, shape) if own != shape and self.values.shape(node) == shape else None

    def box(self, edge: Any, node: Node | None = None, position: int = 0) -> TensorBox:
        """The box of a tensor: one for each, however often it is used."""
        key = key_of(edge)
        if key not in self.boxes:
            id = f"t{len(self.boxes)}"
            self.boxes[key] = self.computed(id, key) if isinstance(key, Node) else self.leaf(id, key, node, position)
        return self.boxes[key]

    def computed(self, id: str, node: Node) -> TensorBox:
        """The output of an operation."""
        handle = self.handles.get(node)
        found = self.values.known.get(node)
        shape = self.values.shape(node)
        exact = found is not None and found.exact and self.show_values
        name = self.given.get(node) or (None if handle is None else handle.name)
        grad = None if handle is None else handle.grad
        derivative = None if self.gradients is None else self.gradients.total.get(node)
        return TensorBox(
            id=id,
            name=str(name or self.count(label.title(node))),
            kind="result" if handle is None else "root",
            shape=shape,
            dtype="" if found is None else str(found.array.dtype),
            value=found.array if found is not None and exact else None,
            changed=False,
            requires_grad=True,
            grad=None if grad is None else grad.array,
            derivative=derivative,
            call=self.innermost.get(node),
            owned=False,
            parts=parts_of(node),
        )

    def leaf(self, id: str, leaf: Any, node: Node | None, position: int) -> TensorBox:
        """A tensor that no recorded operation made; or a constant that is no longer alive."""
        if not isinstance(leaf, Tensor):
            shape = self.values.shapes.get(leaf)
            name = self.constant(node, position)
            return TensorBox(id, name, "input", shape, "", None, False, False, None, None, None, False)
        owned = leaf in self.names.owned
        kind = "leaf" if leaf.requires_grad else "input"
        if owned or leaf in self.names.tensors:
            kind = "parameter" if leaf.requires_grad else "frozen" if owned else "input"
        if leaf in self.handles and not leaf.requires_grad:
            kind = "root"
        grad = leaf.grad
        return TensorBox(
            id=id,
            name=str(
                self.names.tensors.get(leaf)
                or leaf.name
                or (self.count("leaf") if leaf.requires_grad else self.constant(node, position))
            ),
            kind=kind,
            shape=leaf.shape,
            dtype=str(leaf.dtype),
            value=leaf.array if self.show_values else None,
            changed=node is not None and not unchanged(node, leaf),
            requires_grad=leaf.requires_grad,
            grad=None if grad is None else grad.array,
            derivative=None if self.gradients is None else self.gradients.total.get(leaf),
            call=self.homes.get(leaf),
            owned=owned,
            leaf=leaf,
        )

    def constant(self, node: Node | None, position: int) -> str:
        """A name for a constant without one; losses call what is to be learned `t`."""
        if node is None or node.op.argument(position) not in TARGET:
            return self.count("input")
        name = self.count("target")
        return "target" if name == "target_1" else name

    def count(self, stem: str) -> str:
        """A name made of a word and a running number."""
        self.counts[stem] = self.counts.get(stem, 0) + 1
        return f"{stem}_{self.counts[stem]}"


def traits_of(node: Node) -> tuple[str, ...]:
    """What is special about the output of a node, and about what it keeps."""
    version = node._version
    shares = version is not None and any(getattr(edge, "_version", None) is version for edge in node.inputs)
    traits = {
        "view": node.op.view and shares,
        "in place": node.in_place,
        "checkpoint": isinstance(node.kept, Recomputed),
    }
    return tuple(name for name, holds in traits.items() if holds)


def parts_of(node: Node) -> int:
    """The number of tensors that a node stands for."""
    kept = kept_by(node)
    return len(kept[0].differentiable) if kept and isinstance(kept[0], bundle.Call) else 1


def kept_letters(node: Node) -> tuple[str, ...] | None:
    """The letters of what a node keeps; none in a checkpoint, and None once it was freed."""
    if node.kept is None:
        return None
    return () if kept_by(node) is None else tuple(node.plan.letters)
