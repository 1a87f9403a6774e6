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

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from heapq import heapify, heappop, heappush
from operator import attrgetter
from types import CodeType
from typing import TYPE_CHECKING, Any

from microbp import label
from microbp.errors import GraphError, MutationError
from microbp.mode import Step, current
from microbp.ops.op import Op, Plan, sum_to
from microbp.release import MANY, Condemned, Holder, forget_constants, release
from microbp.stack import Place
from microbp.version import numbers, overwritten_value, writes

__all__ = ["Node", "between", "collect", "make_node", "propagate"]

by_number = attrgetter("number")


class Rarely:
    """A field that few nodes have set: it takes neither time nor memory in the others, where it has its default."""

    def __init__(self, default: Any) -> None:
        self.default = default

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, node: Node, owner: type) -> Any:
        return self.default if node.rare is None else node.rare.get(self.name, self.default)

    def __set__(self, node: Node, value: Any) -> None:
        if node.rare is None:
            node.rare = {}
        node.rare[self.name] = value


class Node(Holder):
    """One recorded operation.

    An *edge* is what a node knows of an input: the input's own node, or, where that was not
    computed by a recorded operation, the tensor itself (a leaf or a constant) or Python number.

    Attributes
    ----------
    op : Op
        The row that was applied.
    plan : Plan
        Which rules the backward pass runs, and what they need.
    inputs : tuple
        The edges, one for each argument of the row.
    options : dict
        The row's keyword options.
    kept : sequence or None
        The values that the rules ask for; None once they are freed.
    shapes : tuple of tuples or None
        The shapes of the inputs, where they were broadcast.
    number : int
        Position in creation order.
    place : tuple of (code object, int)
        Where the user's program called the operation.
    hooks : list or None
        Functions that see, and may replace, the gradient of the output.
    retain : weak reference to Tensor, or None
        The tensor that is to keep the gradient of the output (`Tensor.retain_grad`).
    calls : tuple or None
        The module calls that end with this node (see `microbp.nn.Module`).
    in_place : bool
        Whether the output was written over the values of a tensor that was there before.
    """

    __slots__ = (  # a node is filled by who makes it; `rare` holds what is declared to be so
        "__weakref__",
        "_version",
        "calls",
        "code",
        "kept",
        "number",
        "offset",
        "op",
        "options",
        "plan",
        "rare",
        "shapes",
    )

    _requires_grad = True  # as tensors have it, so that edges can be asked alike
    plan: Plan
    options: dict[str, Any]
    kept: Sequence[Any] | None
    shapes: tuple[tuple[int, ...], ...] | None
    number: int
    code: CodeType
    offset: int
    rare: dict[str, Any] | None
    calls: tuple[Any, ...] | None
    hooks = Rarely(None)
    retain = Rarely(None)
    in_place = Rarely(False)
    _since = Rarely(-1)
    _former = Rarely(())

    if TYPE_CHECKING:

        def __init__(self) -> None:
            self.op: Op  # declared in the class it would be taken for a method

    @property
    def place(self) -> Place:
        """Where the user's program called the operation: a code object, and the byte offset of an instruction in it."""
        return self.code, self.offset

    def name(self) -> str:
        """The name of the operation, as PyTorch's ``grad_fn.name()`` gives one."""
        return self.op.name

    @property
    def next_functions(self) -> tuple[tuple[Any, int], ...]:
        """The nodes of the inputs, in the form that PyTorch's ``grad_fn`` has; None for what is no node."""
        return tuple((edge if isinstance(edge, Node) else None, 0) for edge in self.inputs)

    def __repr__(self) -> str:
        return f"<{label.title(self)} #{self.number}>"


class KeystoneNode(Node):
    """One node in 64: where it dies, its graph is let go in a loop, without recursion (see `microbp.release`)."""

    __slots__ = ()
    condemned = Condemned()  # not a global of the module, which may be gone when the last graphs die at exit
    __del__ = release


# By the fifth power of the number modulo a prime: whatever step the numbers of the nodes in a chain go up by, but for
# multiples of the prime, a keystone comes after 621 nodes at the latest.
KINDS = [KeystoneNode if number**5 % 4099 < 64 else Node for number in range(4099)]
NO_OPTIONS: dict[str, Any] = {}  # shared by all nodes that have none, and never written to


def make_node(
    op: Op, plan: Plan, edges: Sequence[Any], options: dict[str, Any], kept: tuple[Any, ...], place: Place
) -> Node:
    """A node for what is not done by `microbp.tensor.apply`, which fills its own without a call.

    Parameters
    ----------
    edges : sequence
        One for each argument.
    op, plan, options, kept, place
        What the attributes of a `Node` are to be.

    Returns
    -------
    Node
    """
    number = next(numbers)
    node = KINDS[number % 4099]()
    node.number = number
    node.op = op
    node.plan = plan
    node.first, node.second = list(edges), MANY
    node.options = options
    node.kept = kept
    node.code, node.offset = place
    node.shapes = node.calls = node.rare = node._version = None
    return node


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
        plan, shapes = node.plan, node.shapes
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
                forget_constants(node)
    if targets is not None:
        pending = {edge: g for edge, g in pending.items() if edge in targets}
    return {**found, **pending} if found else pending
