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

import itertools
import threading
import weakref
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from heapq import heapify, heappop, heappush
from operator import attrgetter
from types import CodeType
from typing import Any

from microbp import label
from microbp.errors import GraphError, MutationError
from microbp.mode import Step, current
from microbp.ops.op import Op, Plan, sum_to

__all__ = ["Node", "Onlooker", "Version", "collect", "propagate"]

numbers = itertools.count()
by_number = attrgetter("number")


class Version:
    """When one piece of memory was last written to; shared by all tensors and nodes that look at it.

    Writes draw their numbers from the same counter as nodes, so that a node and a write can
    be told apart as earlier and later.

    Attributes
    ----------
    written : int
        The number of the last write; -1 before the first.
    moved : int
        The number of the last node that a recorded operation in place made for it; -1 before the first.
    """

    __slots__ = ("__weakref__", "moved", "written")

    def __init__(self) -> None:
        self.moved = -1
        self.written = -1

    def write(self) -> None:
        """Note a write."""
        self.written = write()


class Onlooker:
    """What looks at memory and knows of the writes to it: a tensor, or the node that computed one.

    Attributes
    ----------
    _version : Version or None
        The record of the writes to its memory; None before anything shares or changes that.
    """

    _version: Version | None = None
    _since: int = -1  # when it was given this memory
    _former: tuple[tuple[int, int, weakref.ref[Version]], ...] = ()  # others before it: from when, to when, and writes

    def look_elsewhere(self, version: Version, number: int) -> None:
        """Look at other memory from now on.

        Nodes that kept values of the memory before are still to hear of writes to it, as long as anything is left that
        could write there.
        """
        former = [entry for entry in self._former if entry[2]() is not None]
        if self._version is not None:
            former.append((self._since, number, weakref.ref(self._version)))
        self._former, self._since, self._version = tuple(former), number, version

    def version_at(self, number: int) -> Version | None:
        """The record of the writes to the memory that it looked at when something of this number was made."""
        if number > self._since:
            return self._version
        return next((reference() for start, end, reference in self._former if start < number < end), None)


class Writes:
    """The latest write of all, and the latest that was recorded.

    A graph that is younger than the first has not been touched, and as long as there was none
    of the second kind, no view can be out of date: most programs need not look any further.
    """

    latest = -1
    moved = -1


writes = Writes()
writing = threading.Lock()


def write() -> int:
    """The number of a write that is about to happen."""
    with writing:  # a thread that drew its number earlier must not be the last to note it
        writes.latest = number = next(numbers)
    return number


class Node(Onlooker):
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
    place : tuple of (code object, int) or None
        Where the user's program called the operation.
    hooks : list or None
        Functions that see, and may replace, the gradient of the output.
    retain : weak reference to Tensor, or None
        The tensor that is to keep the gradient of the output (`Tensor.retain_grad`).
    calls : tuple or None
        The module calls that end with this node (see `microbp.nn.Module`).
    """

    _requires_grad = True  # as tensors have it, so that edges can be asked alike
    kept: Sequence[Any] | None
    shapes: tuple[tuple[int, ...], ...] | None = None
    hooks: list[Callable[[Any], Any]] | None = None
    retain: weakref.ref[Any] | None = None
    inputs: tuple[Any, ...] = ()  # also of a node that a failed copy left half made
    calls: tuple[Any, ...] | None = None

    def __init__(
        self,
        op: Op,
        plan: Plan,
        inputs: tuple[Any, ...],
        options: dict[str, Any],
        kept: tuple[Any, ...],
        place: tuple[CodeType, int] | None,
    ) -> None:
        self.op = op
        self.plan = plan
        self.inputs = inputs
        self.options = options
        self.kept = kept
        self.place = place
        self.number = number = next(numbers)
        # One in 64, spread by the golden ratio so that no regular pattern of numbers misses them (Knuth, TAOCP 3, 6.4).
        if not number * 0x9E3779B1 & 0xFC000000:
            self.__class__ = KeystoneNode

    def name(self) -> str:
        """The name of the operation, as PyTorch's ``grad_fn.name()`` gives one."""
        return self.op.name

    @property
    def next_functions(self) -> tuple[tuple[Any, int], ...]:
        """The nodes of the inputs, in the form that PyTorch's ``grad_fn`` has; None for what is no node."""
        return tuple((edge if isinstance(edge, Node) else None, 0) for edge in self.inputs)

    def __repr__(self) -> str:
        return f"<{label.title(self)} #{self.number}>"


class Condemned(threading.local):
    """The inputs of dying keystone nodes that still wait to be let go, per thread."""

    def __init__(self) -> None:
        self.inputs: list[tuple[Any, ...]] = []
        self.leaving = False


class KeystoneNode(Node):
    """A node that takes its graph down without recursion.

    When a node dies, so does its hold on its inputs, and a long chain would die by a chain of
    destructors as deep as itself. One node in 64 is of this class: it hands its inputs to a
    list and empties the list in a loop, so that no chain of destructors is longer than 64.
    """

    condemned = Condemned()

    def __del__(self) -> None:
        condemned = self.condemned
        condemned.inputs.append(self.inputs)
        self.inputs = ()
        if not condemned.leaving:
            condemned.leaving = True
            try:
                while condemned.inputs:
                    condemned.inputs.pop()
            finally:
                condemned.leaving = False


def collect(roots: Iterable[Any]) -> list[Node]:
    """Every node that the roots were computed from, the newest first."""
    found = {root for root in roots if isinstance(root, Node)}
    stack = list(found)
    while stack:
        for edge in stack.pop().inputs:
            if isinstance(edge, Node) and edge not in found:
                found.add(edge)
                stack.append(edge)
    return sorted(found, key=by_number, reverse=True)


def between(nodes: list[Node], targets: Collection[Any]) -> set[Any]:
    """The targets and those of the nodes (newest first) that were computed from one of them."""
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
    observer = current.get().observer
    queue = [(-edge.number, edge) for edge in pending if isinstance(edge, Node)]
    heapify(queue)
    while queue:
        node = heappop(queue)[1]
        g = pending.pop(node)
        if node.hooks is not None:
            for hook in tuple(node.hooks):
                g = hook(g)
        if node.retain is not None or (targets is not None and node in targets):
            found[node] = g
        kept = node.kept
        if kept is None:
            raise GraphError(label.freed(node, collect(seeds)))
        if writes.latest > node.number:
            check_versions(node, seeds)
        plan, inputs, shapes = node.plan, node.inputs, node.shapes
        if lift is not None:
            kept = lift(node)
        for position, rule, pick, options in plan.steps if lift is None else plan.steps_on_tensors:
            edge = inputs[position]
            if wanted is not None and edge not in wanted:
                continue
            try:
                if options:
                    product = rule(g, *pick(kept), **{name: node.options[name] for name in options})
                else:
                    product = rule(g, *pick(kept))
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
            if plan.constants or node.op.variadic:
                forget_constants(node)
    if targets is not None:
        pending = {edge: g for edge, g in pending.items() if edge in targets}
    return {**found, **pending} if found else pending


def check_versions(node: Node, seeds: Iterable[Any]) -> None:
    """Refuse to use a value that was overwritten after it was kept."""
    kept = [(node.op.argument(position), node.inputs[position]) for position in node.plan.guarded]
    if node.plan.keeps_output:
        kept.append(("y", node))
    for letter, edge in kept:
        version = edge.version_at(node.number) if isinstance(edge, Onlooker) else None  # Python numbers have none
        if version is not None and version.written > node.number:
            raise MutationError(label.overwritten(node, collect(seeds), letter, version.written))


def forget_constants(node: Node) -> None:
    """Hold the constants of a node that has run only weakly, for drawings, so that they can be freed."""
    inputs = list(node.inputs)
    for position in range(len(inputs)) if node.op.variadic else node.plan.constants:
        constant = inputs[position]
        if not getattr(constant, "_requires_grad", True):
            inputs[position] = weakref.ref(constant) if constant._cut is None else CutOff(constant)
    node.inputs = tuple(inputs)


class CutOff(weakref.ref[Any]):
    """A constant that had lost its history: when it is gone, there is still this to tell where."""

    __slots__ = ("_cut", "dtype", "shape")

    def __init__(self, constant: Any) -> None:
        self._cut = constant._cut
        self.dtype = constant.dtype
        self.shape = constant.shape
