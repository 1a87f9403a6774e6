"""The backward pass, step by step, as data: `trace_backward`.

The rules are those of the rows and the order is that of the engine: from the newest operation
to the oldest, and in each from the first argument to the last. What is recorded is what the
pass computes on the way: the gradient that an operation starts from, what its rule makes of it
for one input, and how much that input has received by then.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np

from microbp import label
from microbp.autograd.bundle import Parts
from microbp.backward import seed
from microbp.errors import GraphError, StaleGraphError
from microbp.functions.generator import get_rng_state, set_rng_state
from microbp.mode import Mode, current
from microbp.node import Node
from microbp.ops.op import registry
from microbp.tensor import Tensor
from microbp.viz import formula
from microbp.viz.boxes import captions, plain, written
from microbp.viz.lesson import axes_text, gradient_name
from microbp.viz.step import Step, Trace
from microbp.viz.text import shape_text
from microbp.viz.values import Gradients, Pull, target_of, unchanged
from microbp.viz.view import Builder, Operation, TensorBox, View

__all__ = ["shown", "trace", "trace_backward", "undisturbed"]


def trace_backward(loss: Tensor, grad: Tensor | None = None, *, model: Any = None) -> Trace:
    """The backward pass from a loss, step by step.

    Nothing is changed: no ``grad``, no value, no random number, not the graph. No hook is called. It works before
    ``backward()``, and after it where the values are still there or can be computed again from the leaves.

    Parameters
    ----------
    loss : Tensor
        Where the backward pass starts; its graph must not be freed.
    grad : Tensor, optional
        The gradient to start with, of the shape of `loss`; 1 if that has one element.
    model : Module, optional
        Gives names; by default the modules that were called do.

    Returns
    -------
    Trace
        A list of `Step`. ``print(trace)`` teaches the pass in a terminal, ``print(trace[3])`` one step of it.

    Raises
    ------
    StaleGraphError
        If a tensor of the graph was changed since the forward.
    GraphError
        If nothing was recorded, or values were freed by ``backward()`` that cannot be computed again.
    ShapeError
        If `grad` is missing for a tensor of several elements, or of another shape.

    Examples
    --------
    >>> import microbp
    >>> w = microbp.tensor(3.0, requires_grad=True)
    >>> w.name = "w"
    >>> for step in microbp.viz.trace_backward(w * w):
    ...     print(step.named, step.accumulated, f"{step.received} of {step.expected}")
    ∂L/∂L = 1 1.0 1 of 1
    ∂L/∂w = ∂L/∂mul_1 × w 3.0 1 of 2
    ∂L/∂w = ∂L/∂mul_1 × w 6.0 2 of 2
    """
    return trace(loss, grad, model, "trace_backward")[0]


def trace(loss: Tensor, grad: Tensor | None, model: Any, caller: str) -> tuple[Trace, dict[Any, str]]:
    """The steps, and the ids of the drawing by edge of the graph; errors speak of the function that was called."""
    if not isinstance(loss, Tensor):
        raise TypeError(f"{caller}() takes the loss, a Tensor, got {type(loss).__name__}")
    if model is not None and not hasattr(model, "named_parameters"):
        raise TypeError(f"{caller}() takes names from model=, a module; got {type(model).__name__}")
    start = seed(loss, grad, create_graph=False)
    with undisturbed():
        builder = Builder((loss,), model, None, True, "none")
        view = builder.view()
        check_fresh(builder, caller)
        tracer = Tracer(loss, builder, view, start)
        if tracer.unknown:
            raise lost(builder, tracer.unknown, caller)
        return tracer.trace(), {edge: box.id for edge, box in builder.boxes.items()}


@contextmanager
def undisturbed() -> Iterator[None]:
    """Nothing inside is recorded or observed, and random numbers go on afterwards as if nothing had been."""
    random_numbers = get_rng_state()
    outer = current.get()
    current.set(Mode(False))
    try:
        yield
    finally:
        current.set(outer)
        set_rng_state(random_numbers)


def check_fresh(builder: Builder, caller: str) -> None:
    """Refuse a graph whose leaves have other values now than in the forward."""
    changed: dict[str, None] = {}
    for node, _, edge in builder.edges():
        leaf = target_of(edge)
        if isinstance(leaf, Tensor) and not unchanged(node, leaf):
            changed[builder.box(leaf).name] = None
    if changed:
        raise stale(list(changed), caller)


def stale(names: Sequence[str], caller: str) -> StaleGraphError:
    """What to say of tensors that were changed."""
    shown = ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
    return StaleGraphError(f"{shown} changed after this forward (optimizer.step()?); call {caller}(loss) before step()")


def lost(builder: Builder, unknown: set[Any], caller: str) -> GraphError:
    """What to say of values that are not known any more."""
    written = [node for node in builder.nodes if not unchanged(node, node)]
    if written:
        return stale([builder.box(written[0]).name], caller)
    freed = next((node for node in reversed(builder.nodes) if node.kept is None), None)
    if freed is not None:
        return GraphError(
            f"the values that {label.title(freed)}{label.at(freed, builder.nodes)} kept were freed by backward(), and "
            f"cannot all be computed again; call {caller}(loss) before backward(), or pass retain_graph=True to it"
        )
    edge = next(iter(unknown))
    return GraphError(f"{caller}(): the values that the gradient of {builder.box(edge).name} needs are not known")


class Tracer(Gradients):
    """Computes the gradients of a graph and remembers how."""

    def __init__(self, loss: Tensor, builder: Builder, view: View, start: Any) -> None:
        self.loss = loss
        self.builder = builder
        self.view = view
        self.operations = dict(zip(builder.nodes, view.operations, strict=True))
        self.copies: dict[int, tuple[Any, Any]] = {}
        self.drafts: list[tuple[Any, dict[str, Any]]] = []
        self.received: Counter[Any] = Counter()
        self.last: dict[Any, Any] = {}
        super().__init__(loss, builder.values, still(start), functions=True)

    def note(self, node: Node, position: int, pull: Pull, wide: Any) -> None:
        """Remember what one rule did, and in a step of its own the sum that undoes a broadcast."""
        edge = node.inputs[position]
        op = self.operations[node]
        upstream = self.total[node]
        contribution = self.contributions[node, position]
        self.received[edge] += 1
        source, target = self.builder.box(node), self.builder.box(edge)
        common: dict[str, Any] = {
            "op": op.name,
            "module": "" if op.call is None else op.call.name,
            "output": source.name,
            "input": target.name,
            "input_index": position,
            "formula": label.formula(node, position),
            "file": None if op.place is None else op.place[0],
            "line": None if op.place is None else op.place[1],
            "nodes": (op.id, target.id, source.id),
            "received": self.received[edge],
            "hooked": bool(edge.hooks),
        }
        arrival = {"earlier": self.last.get(edge), "accumulated": shown(self.total[edge])}
        self.last[edge] = arrival["accumulated"]
        is_wide = node.shapes is not None and wide.shape != node.shapes[position]
        rule = self.explain(node, position, op, pull, upstream, wide)
        if rule["kind"] == "function" and isinstance(wide, np.ndarray):
            wide = still(wide)  # which a function of the user's own may hold
        rule |= {"contribution": shown(wide), **({"earlier": None, "accumulated": None} if is_wide else arrival)}
        self.drafts.append((edge, common | rule))
        if is_wide:
            shape = node.shapes[position]  # type: ignore[index]
            added = wide.ndim - len(shape)
            stretched = (k for k, size in enumerate(shape, added) if size == 1 and wide.shape[k] != 1)
            axes = (*range(added), *stretched)
            gradient, name = gradient_name(target.name), node.op.argument(position)
            broadcast = {
                "kind": "broadcast",
                "formula": f"dL/d{name} = sum_to({node.op.rule(position).formula}, {name}_shape)",
                "named": f"{gradient} = sum over {axes_text(axes)} of what came back",
                "shaped": f"{shape_text(shape)} = sum over {axes_text(axes)} of {shape_text(wide.shape)}",
                "upstream": shown(wide),
                "local": None,
                "factors": None,
                "operands": {},
                "reduce_axes": axes,
                "contribution": shown(contribution),
                "pull": None,
            }
            self.drafts.append((edge, common | broadcast | arrival))

    def explain(self, node: Node, position: int, op: Operation, pull: Pull, upstream: Any, wide: Any) -> dict[str, Any]:
        """What kind of map a rule is, and its parts."""
        is_row = registry.get(node.op.name) is node.op
        held = pull._replace(letters=tuple(map(self.keep, pull.letters)))
        if not is_row:
            held = Pull(partial(again, node, position), pull.letters, {})
        parsed = formula.parse(node.op.rule(position).formula)
        g = shown(upstream)
        letters = formula.letters_at(node, position, self.builder.values, g)
        letters = {name: self.keep(value) for name, value in letters.items()}
        tree = formula.simplified(parsed, letters) if is_row else parsed
        kind = "rule" if is_row else "function" if isinstance(wide, np.ndarray) else "output"
        local, factors, axes = None, None, tuple[int, ...]()
        names = self.names(node, op, letters)
        if is_row:
            if g.size == 1 or (formula.is_elementwise(tree) and g.shape == wide.shape):
                kind, local = "local", shown(held(np.ones_like(g)))
            elif (product := formula.factors_of(tree, letters)) is not None:
                kind = "product"
                factors = tuple(
                    (formula.written(part, names), g if formula.is_same(array, g) else shown(array))
                    for part, array in product
                )
            elif (summed := formula.summed_axes(tree, g.ndim)) is not None:
                kind, axes = "sum", summed
        shapes = {name: shape_text(np.shape(value)) for name, value in letters.items() if isinstance(value, np.ndarray)}
        shapes |= {name: shape_text(value) for name, value in letters.items() if name.endswith("_shape")}
        gradient = gradient_name(self.builder.box(node.inputs[position]).name)
        operands = {
            names.get(name, name): value
            for name, value in letters.items()
            if name != "g" and isinstance(value, np.ndarray)
        }
        return {
            "kind": kind,
            "named": f"{gradient} = {formula.written(tree, names)}",
            "shaped": f"{shape_text(np.shape(shown(wide)))} = {formula.written(tree, names | shapes)}",
            "upstream": g,
            "local": local,
            "factors": factors,
            "operands": operands,
            "reduce_axes": axes,
            "pull": held,
        }

    def names(self, node: Node, op: Operation, letters: dict[str, Any]) -> dict[str, str]:
        """What letters and options are called in this graph."""
        found = {name: plain(value) for name, value in letters.items() if name in node.options}
        found |= {name: written(value) for name, value in letters.items() if isinstance(value, int | float)}
        return {**found, **captions(op, ()), "g": gradient_name(self.builder.box(node).name)}

    def keep(self, value: Any) -> Any:
        """An array as it is now: a copy that nobody can write to, the same one for the same array."""
        if not isinstance(value, np.ndarray) or not value.flags.writeable:
            return value
        if id(value) not in self.copies:
            self.copies[id(value)] = (value, still(value))
        return self.copies[id(value)][1]

    def trace(self) -> Trace:
        """The steps, with what could only be counted at the end."""
        edge = self.loss.node or self.loss
        steps = [seed_step(self.builder.box(edge), self.total[edge], bool(edge.hooks))]
        for edge, draft in self.drafts:
            steps.append(Step(index=len(steps), expected=self.received[edge], **draft))
        return Trace(steps, self.view)


def seed_step(box: TensorBox, start: Any, hooked: bool) -> Step:
    """The first step: the gradient of the loss with respect to itself."""
    one = start.size == 1 and start.item() == 1
    return Step(
        index=0,
        kind="seed",
        op="",
        module="",
        output=box.name,
        input=box.name,
        input_index=None,
        formula="dL/dL = 1",
        named=f"∂L/∂L = {'1' if one else 'the gradient that was given'}",
        shaped=shape_text(start.shape),
        upstream=None,
        local=None,
        factors=None,
        operands={},
        reduce_axes=(),
        contribution=start,
        earlier=None,
        accumulated=start,
        received=1,
        expected=1,
        hooked=hooked,
        file=None,
        line=None,
        nodes=(box.id,),
        pull=None,
    )


def still(array: Any) -> Any:
    """A copy that nobody can write to."""
    copy = np.array(array)
    copy.flags.writeable = False
    return copy


def shown(array: Any) -> Any:
    """An array of the pass, so that nobody can write to it; the gradients of several outputs one after the other."""
    if isinstance(array, Parts):
        parts = [part for _, part in sorted(array.parts.items())]
        return still(np.concatenate([np.ravel(part) for part in parts]) if len(parts) > 1 else parts[0])
    view: Any = np.asarray(array).view()
    view.flags.writeable = False
    return view


def again(node: Node, position: int, g: Any, *letters: Any) -> Any:
    """The backward of a function of the user's own, for another gradient: each visit asks it anew."""
    rule = next(rule for place, rule, *_ in node.plan.steps if place == position)
    return rule(g, *letters)
