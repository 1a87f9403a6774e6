"""From a loss to the gradients: ``loss.backward()`` and ``autograd.grad``.

Both seed the backward pass (`microbp.engine.propagate`) with dL/dL = 1 and differ in what
they do with what comes out: `backward` adds it to the leaves' ``grad``, `grad` returns it.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Sequence
from itertools import starmap
from operator import call
from typing import Any

import numpy as np
from numpy import ndarray

from microbp import label
from microbp.effect import effect
from microbp.engine import propagate
from microbp.errors import DtypeError, GraphError, MutationError, ShapeError
from microbp.methods import method
from microbp.mode import enable_grad
from microbp.node import Node
from microbp.ops.quiet import IGNORE, error_state
from microbp.ops.shape import cast, clone
from microbp.tensor import Tensor, apply, new, wrap

__all__ = ["backward", "deliver", "grad"]

accumulating = threading.Lock()
if hasattr(os, "register_at_fork"):  # a child process must not inherit the lock as another thread happens to hold it
    os.register_at_fork(
        before=accumulating.acquire, after_in_parent=accumulating.release, after_in_child=accumulating.release
    )

Tensors = Tensor | Sequence[Tensor]
Gradients = Tensor | Sequence[Tensor | None] | None


@effect
def backward(
    tensors: Tensors,
    grad_tensors: Gradients = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Tensors | None = None,
) -> None:
    """Compute dL/dt for every leaf t that the tensors depend on, and add it to ``t.grad``.

    Parameters
    ----------
    tensors : Tensor or sequence of Tensor
        L; of one element each, unless `grad_tensors` is given.
    grad_tensors : Tensor or sequence of Tensor, optional
        The gradient to start with at each tensor, of its shape; ones by default.
    retain_graph : bool, optional
        Keep what the pass needs, so that it can be run again; by default as `create_graph`.
    create_graph : bool
        Record the pass itself, so that the gradients can be differentiated.
    inputs : Tensor or sequence of Tensor, optional
        Only these get a gradient.

    Raises
    ------
    GraphError
        If nothing was recorded, or the graph was freed by an earlier pass.
    ShapeError
        If a starting gradient is missing for a tensor of several elements, or of another shape.
    DtypeError
        If a starting gradient is not floating-point.

    Examples
    --------
    >>> import microbp
    >>> w = microbp.tensor([3.0], requires_grad=True)
    >>> microbp.autograd.backward((w * w).sum())
    >>> w.grad
    tensor([6.])
    """
    roots = as_tuple(tensors)
    if inputs is None:
        deliver(run(roots, grad_tensors, retain_graph, create_graph))
        return
    targets = as_tuple(inputs)
    if not targets:
        raise GraphError("backward() got an empty list of inputs")
    found = run(roots, grad_tensors, retain_graph, create_graph, targets)
    seen_by_hooks(found)
    kept = retained(found)
    edges = {target: target.grad_fn or target for target in targets}
    accumulate({**kept, **{target: found[edge] for target, edge in edges.items() if edge in found}})


@method("backward")
def backward_of(
    self: Tensor,
    gradient: Tensor | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Tensors | None = None,
) -> None:
    """Compute dL/dt for every leaf t that this tensor L depends on, and add it to ``t.grad``.

    Parameters
    ----------
    gradient : Tensor, optional
        The gradient to start with, of this tensor's shape; 1 if it has one element.
    retain_graph, create_graph, inputs
        As for `microbp.autograd.backward`.

    Raises
    ------
    GraphError, ShapeError
        As for `microbp.autograd.backward`.
    """
    backward(self, gradient, retain_graph, create_graph, inputs)


def grad(
    outputs: Tensors,
    inputs: Tensors,
    grad_outputs: Gradients = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple[Tensor | None, ...]:
    """Return the gradients of the outputs' sum with respect to each input; ``grad`` stays untouched.

    Parameters
    ----------
    outputs, inputs : Tensor or sequence of Tensor
        What to differentiate, and with respect to what.
    grad_outputs : Tensor or sequence of Tensor, optional
        The gradient to start with at each output.
    retain_graph, create_graph
        As for `microbp.autograd.backward`.
    allow_unused : bool, optional
        Give None for an input that the outputs do not depend on, instead of an error.
    materialize_grads : bool
        Give zeros instead of None.
    is_grads_batched : bool
        Not supported.

    Returns
    -------
    tuple of Tensor
        One gradient for each input.

    Raises
    ------
    GraphError
        If an input does not require grad, or, unless `allow_unused`, the outputs do not depend on it.
    NotImplementedError
        If `is_grads_batched` is asked for.
    ShapeError, DtypeError
        As for `microbp.autograd.backward`.

    Examples
    --------
    >>> import microbp
    >>> x = microbp.tensor(3.0, requires_grad=True)
    >>> (slope,) = microbp.autograd.grad(x * x * x, x, create_graph=True)
    >>> microbp.autograd.grad(slope, x)
    (tensor(18.),)
    """
    if is_grads_batched:
        raise NotImplementedError("grad() has no is_grads_batched; call it once for each row of grad_outputs")
    if allow_unused is False and materialize_grads:
        raise GraphError("materialize_grads=True gives zeros for unused inputs, so allow_unused must not be False")
    wanted = as_tuple(inputs)
    for position, target in enumerate(wanted):
        if not target.requires_grad:
            raise GraphError(
                f"input {position} of grad(), {label.describe(target)}, does not require grad; call its "
                "requires_grad_() before the outputs are computed from it"
            )
    gradients = run(as_tuple(outputs), grad_outputs, retain_graph, create_graph, wanted)
    seen_by_hooks(gradients)
    accumulate(retained(gradients))
    found: list[Tensor | None] = []
    for position, target in enumerate(wanted):
        g = gradients.get(target.grad_fn or target)
        if g is not None:
            found.append(g if isinstance(g, Tensor) else wrap(g))
        elif materialize_grads:
            found.append(wrap(np.zeros_like(target.array)))
        elif allow_unused:
            found.append(None)
        else:
            raise GraphError(
                f"input {position} of grad() does not appear in the graph of the outputs; "
                "pass allow_unused=True to get None for it"
            )
    return tuple(found)


def run(
    roots: tuple[Tensor, ...],
    gradients: Gradients,
    retain_graph: bool | None,
    create_graph: bool,
    targets: tuple[Tensor, ...] | None = None,
) -> dict[Any, Any]:
    """Seed the backward pass, and run it."""
    seeds: dict[Any, Any] = {}
    for root, start in zip(roots, starts_for(roots, gradients), strict=True):
        edge = root.grad_fn or root  # a view is brought up to date by this
        g = seed(root, start, create_graph)
        seeds[edge] = seeds[edge] + g if edge in seeds else g
    edges = None if targets is None else {target.grad_fn or target for target in targets}
    keep = create_graph if retain_graph is None else retain_graph
    settings = error_state.get()
    try:
        token = error_state.set(IGNORE)
        if create_graph:
            with enable_grad():
                found = propagate(seeds, retain_graph=keep, targets=edges, lift=lift)
        else:
            found = propagate(seeds, retain_graph=keep, targets=edges)
        error_state.reset(token)
    except BaseException:  # Ctrl-C too, which a ``finally`` would let through on its first line
        error_state.set(settings)
        raise
    return found


def deliver(found: dict[Any, Any]) -> None:
    """Give the results of a pass to the leaves, and to tensors that keep theirs.

    Parameters
    ----------
    found : dict of edge to array
        What `propagate` returned, or would have.
    """
    if become_gradients(found):
        return
    seen_by_hooks(found)
    kept = retained(found)
    accumulate({**kept, **{edge: g for edge, g in found.items() if not isinstance(edge, Node)}})


def become_gradients(found: dict[Any, Any]) -> bool:
    """Make the results the gradients of their leaves, where these have none yet, and no hooks: of all, or of none."""
    if isinstance(next(iter(found), None), Node):
        return False  # nodes come first
    with accumulating:
        for leaf, g in found.items():
            if leaf._grad is not None or leaf.hooks is not None:
                return False
            if type(g) is not ndarray or g.shape != leaf.array.shape:
                return False
        try:
            for leaf, g in found.items():
                leaf._grad = own = new(Tensor)
                own.array = g
        except BaseException:  # Ctrl-C
            for leaf in found:
                leaf._grad = None
            raise
    return True


def seen_by_hooks(found: dict[Any, Any]) -> None:
    """Let the hooks of leaves see the results, and replace them."""
    for edge, g in found.items():
        if not isinstance(edge, Node):
            if g.shape != edge.array.shape:
                raise ShapeError(
                    f"the gradient of a tensor of {label.describe(edge)} has the shape {g.shape}, which that had when "
                    "the loss was computed; it was given other data since (t.data = ...): compute the loss anew"
                )
            if edge.hooks is not None:
                for hook in tuple(edge.hooks):
                    found[edge] = g = hook(g)


def starts_for(roots: tuple[Tensor, ...], gradients: Gradients) -> tuple[Tensor | None, ...]:
    """For each root the gradient to start with, if one is given."""
    if gradients is None:
        return (None,) * len(roots)
    starts = (gradients,) if isinstance(gradients, np.ndarray) else as_tuple(gradients)
    for start in starts:
        if not isinstance(start, Tensor | None):
            raise TypeError(
                f"a starting gradient must be a Tensor, got {type(start).__name__}; use microbp.tensor(...)"
            )
    if len(starts) != len(roots):
        raise ShapeError(f"got {len(starts)} starting gradients for {len(roots)} tensors; give one gradient for each")
    return starts


def seed(root: Tensor, start: Tensor | None, create_graph: bool) -> Any:
    """The gradient that the pass starts with at a root."""
    if not root._requires_grad:
        lost = "" if root._cut is None else f"; its history was lost {label.cut_off(root._cut)}"
        raise GraphError(
            f"backward() on a tensor that does not require grad: nothing was recorded{lost}. Set requires_grad=True "
            "on what you want gradients for, and compute outside no_grad()"
        )
    if start is None:
        if root.array.size != 1:
            raise ShapeError(
                f"backward() without a gradient needs a tensor of one element, got shape {root.shape}: reduce it first "
                "(loss.sum() or loss.mean()), or pass gradient=, a tensor of that shape"
            )
        one = np.array(1, root.array.dtype)
        if root.array.ndim:
            one = one.reshape(root.array.shape)
        return wrap(one) if create_graph else one
    if start.shape != root.shape:
        raise ShapeError(f"got a starting gradient of shape {start.shape} for a tensor of shape {root.shape}")
    if start.array.dtype.kind != "f":
        raise DtypeError(f"a starting gradient must be of a floating-point dtype, got {start.dtype}")
    if create_graph:
        return start if start.dtype == root.dtype else apply(cast, start, dtype=root.dtype, source=start.dtype)
    # Copied where it would become a leaf's own gradient.
    array = start.array.astype(root.array.dtype, copy=False)
    return array if root.node is not None else array.copy()


def lift(node: Node) -> tuple[Any, ...]:
    """What a node kept, as tensors that stand where the values stood in the graph."""
    assert node.kept is not None
    values = dict(zip(node.plan.letters, node.kept, strict=True))
    lifted: dict[str, Any] = {}
    for letter, value in values.items():
        if letter == "y":
            lifted[letter] = at_node(value, node)
        elif letter in node.op.arguments:
            lifted[letter] = at_edge(value, node, letter)
        elif letter not in node.op.handed_on:
            lifted[letter] = value
    for letter in node.op.handed_on:
        if letter in node.plan.letters_on_tensors:
            definition = node.op.letters[letter]
            options = {name: node.options[name] for name in definition.options}
            lifted[letter] = definition.function(None, *(lifted[name] for name in definition.letters), **options)
    return tuple(lifted.get(letter) for letter in node.plan.letters)


def at_edge(value: Any, node: Node, letter: str) -> Any:
    """A kept argument as the tensor at that edge of the graph."""
    edge = node.inputs[node.op.arguments.index(letter)]
    if isinstance(edge, Node):
        return at_node(value, edge)
    if isinstance(edge, Tensor) and edge.array is not value:
        raise MutationError(label.replaced(node, letter))
    return edge if isinstance(edge, Tensor) else value


def at_node(value: Any, node: Node) -> Tensor:
    """A kept value as the tensor that a node computed."""
    tensor = wrap(value, node)
    tensor._version = node._version
    return tensor


def retained(gradients: dict[Any, Any]) -> dict[Tensor, Any]:
    """The gradients that were found for tensors that are no leaves and keep theirs (`Tensor.retain_grad`)."""
    found = {}
    for edge, g in gradients.items():
        if not isinstance(edge, Node):
            break  # nodes come first
        tensor = None if edge.retain is None else edge.retain()
        if tensor is not None:
            found[tensor] = g
    return found


def accumulate(gradients: dict[Any, Any]) -> None:
    """Add gradients to the ``grad`` of their tensors: to all of them, or, if anything is the matter, to none."""
    with accumulating:
        add_all(gradients)
    for tensor in gradients:
        for hook in tuple(tensor.after or ()):
            hook(tensor)


def add_all(gradients: dict[Any, Any]) -> None:
    """Add gradients where there may be some already.

    The tensors change in one call of a C function. Python looks for Ctrl-C between the steps of its own programs only.
    """
    settings = error_state.get()
    try:
        error_state.set(IGNORE)
        changes: list[tuple[Any, ...]] = []
        for tensor, g in gradients.items():
            held = tensor._grad
            if held is None:
                # What a hook has seen, or passes through the tensor, is others' too.
                own = apply(clone, g) if isinstance(g, Tensor) else wrap(np.array(g))
                changes.append((setattr, tensor, "_grad", own))
                continue
            check_fits(held, g)
            if isinstance(g, Tensor):
                changes.append((setattr, tensor, "_grad", held + g))
            else:
                held._versioned().write()
                changes.append((np.add, held.array, g, held.array))
        list(starmap(call, changes))
    finally:
        error_state.set(settings)


def check_fits(held: Tensor, g: Any) -> None:
    """Refuse to add a gradient to one that is of another shape or dtype, or cannot be written to."""
    if held.array.shape != g.shape or held.array.dtype != g.dtype:
        raise ShapeError(
            f"cannot add a gradient of {label.describe(g)} to the one that the tensor has, {label.describe(held)}; "
            "its data was changed since: set its grad to None first"
        )
    if not held.array.flags.writeable:
        raise MutationError("cannot add to a gradient in read-only memory; set grad to None, or to a copy (g.clone())")


def as_tuple(values: Any) -> tuple[Any, ...]:
    """One tensor, or several, as a tuple."""
    if isinstance(values, Tensor):
        return (values,)
    if not isinstance(values, Iterable):
        raise TypeError(f"expected a Tensor, or several, got {type(values).__name__}: {values!r}")
    return tuple(values)
