"""The backward pass: reverse-mode automatic differentiation on a graph made by running the program.

Every recorded operation leaves a `Node`: which row was applied, to what, and the few values
that the rules of that row ask for. Nodes are numbered as they are made. An operation can
only use what exists already, so its number is larger than those of all its inputs:
**creation order is a topological order**, and walking the nodes from the highest number to
the lowest meets every node after all of its consumers. By then its gradient is complete.

For an output y = f(a, b) and a loss L the chain rule says

    dL/da = dL/dy * dy/da,

summed over all uses of a. `propagate` is that sentence: it takes dL/dy of a node, lets the
rule of each input compute the product, and adds it to what that input has received so far.

Source: Griewank & Walther, *Evaluating Derivatives*, 2nd ed. (SIAM 2008), chapter 3.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from heapq import heapify, heappop, heappush
from operator import attrgetter
from typing import Any

from microbp import label
from microbp.errors import GraphError, MutationError
from microbp.mode import Step, current
from microbp.node import MANY, Node
from microbp.ops.formula import sum_to
from microbp.version import overwritten_value, writes

__all__ = ["between", "collect", "propagate"]

by_number = attrgetter("number")


def collect(roots: Iterable[Any]) -> list[Node]:
    """Every node that the roots were computed from, the newest first.

    Parameters
    ----------
    roots : iterable of Node or Tensor
        Where to start; only nodes count.

    Returns
    -------
    list of Node
    """
    found = {root for root in roots if isinstance(root, Node)}
    stack = list(found)
    while stack:
        for edge in stack.pop().inputs:
            if isinstance(edge, Node) and edge not in found:
                found.add(edge)
                stack.append(edge)
    return sorted(found, key=by_number, reverse=True)


def between(nodes: list[Node], targets: Collection[Any]) -> set[Any]:
    """The targets and those of the nodes (newest first) that were computed from one of them.

    Parameters
    ----------
    nodes : list of Node
        As `collect` returns them.
    targets : collection of Node or Tensor
        Where to stop: leaves, or nodes.

    Returns
    -------
    set of Node and Tensor
    """
    reached = set(targets)
    for node in reversed(nodes):
        if any(edge in reached for edge in node.inputs if getattr(edge, "_requires_grad", False)):
            reached.add(node)
    return reached


def propagate(
    seeds: Mapping[Any, Any],
    *,
    retain_graph: bool = False,
    targets: Collection[Any] | None = None,
    lift: Callable[[Node], tuple[Any, ...]] | None = None,
) -> dict[Any, Any]:
    """Carry gradients from the seeds back through the graph.

    Parameters
    ----------
    seeds : mapping of edge to array
        Where to start, and dL/dy there.
    retain_graph : bool
        Keep the values that the rules used, so that the graph can be walked again.
    targets : collection of edges, optional
        Compute only what these need, and return their gradients; by default, all leaves'.
    lift : callable, optional
        Gives the kept values of a node as tensors, so that the pass itself is recorded.

    Returns
    -------
    dict of edge to array
        The gradient of each leaf (or target) that the seeds depend on, and, before those, of nodes that keep their own.

    Raises
    ------
    GraphError
        If a node on the way was freed by an earlier pass.
    MutationError
        If a value on the way was overwritten since the forward pass.
    """
    pending = dict(seeds)
    wanted = None if targets is None else between(collect(seeds), targets)
    found: dict[Any, Any] = {}  # gradients of what is no leaf, but is asked for
    partly: set[Any] = set()  # edges whose gradient is in memory of this pass alone, to which rules may add
    observer = current.get().observer
    queue = [(-edge.number, edge) for edge in pending if isinstance(edge, Node)]
    heapify(queue)
    while queue:
        node = heappop(queue)[1]
        g = pending.pop(node)
        if node.rare is not None:
            for hook in tuple(node.hooks or ()):
                g = hook(g)
            if node.retain is not None:
                found[node] = g
        if targets is not None and node in targets:
            found[node] = g
        kept = node.kept
        if kept is None:
            raise GraphError(label.freed(node, collect(seeds)))
        if writes.latest > node.number and (overwritten := overwritten_value(node, lift is not None)):
            raise MutationError(label.overwritten(node, collect(seeds), *overwritten))
        plan = node.plan
        shapes = node.shapes
        inputs = node.first if node.second is MANY else (node.first, node.second)
        if lift is not None:
            kept = lift(node)
        for position, rule, pick, options, only in plan.steps if lift is None else plan.steps_on_tensors:
            edge = inputs[position]
            if wanted is not None and edge not in wanted:
                continue
            try:
                if only is None:
                    if (adds := node.op.adds) is not None and observer is None:
                        if edge in partly:
                            pending[edge] = adds(pending[edge], g, **node.options)
                            continue
                        partly.add(edge)
                    product = rule(g, *pick(kept), **{name: node.options[name] for name in options})
                elif only < 0:
                    product = rule(g)
                else:
                    product = rule(g, kept[only])
            except Exception as error:
                error.add_note(label.during(node, position, collect(seeds)))
                raise
            if product is None:
                continue  # a function of the user's own has no gradient for this argument
            contribution = product
            if shapes is not None and product.shape != shapes[position]:
                contribution = sum_to(product, shapes[position])
            earlier = pending.get(edge)
            if earlier is not None:
                pending[edge] = earlier + contribution
            elif isinstance(edge, Node):
                pending[edge] = contribution
                heappush(queue, (-edge.number, edge))
            elif lift is None and (contribution is g or contribution.base is not None):
                pending[edge] = contribution * 1  # a leaf's gradient is its own memory
            else:
                pending[edge] = contribution
            if observer is not None:
                observer.backward(Step(node, position, g, product, contribution, pending[edge], seeds))
        if not retain_graph:
            node.kept = None
            if plan.has_constants:
                node.forget_constants()
    if targets is not None:
        pending = {edge: g for edge, g in pending.items() if edge in targets}
    return {**found, **pending} if found else pending
