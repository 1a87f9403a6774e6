"""What the graph consists of: one node for each recorded operation.

A node is small, as a graph may have a million of them: it has slots, keeps fields that few nodes
need in a dictionary of their own, and holds one or two inputs itself. Python's collector visits again and
again whatever may hold something, and takes half the time in a long chain if the nodes are all there is to visit.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import CodeType
from typing import TYPE_CHECKING, Any

from microbp import label
from microbp.ops.op import Op
from microbp.ops.plan import Plan
from microbp.release import Condemned, release, weakly
from microbp.stack import Place
from microbp.version import Onlooker, numbers

__all__ = ["Node", "make_node"]


class Arity:
    """What a node of one input, or of more than two, has in the place of its second."""


ONE, MANY = Arity(), Arity()


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
    first : edge or list of edges
        The first edge; if `second` is `MANY`, all of them.
    second : edge or Arity
        The second edge; `ONE` if there is none.
    """

    __slots__ = (  # a node is filled by who makes it; `rare` holds what is declared to be so
        "__weakref__",
        "_version",
        "calls",
        "code",
        "first",
        "kept",
        "number",
        "offset",
        "op",
        "options",
        "plan",
        "rare",
        "second",
        "shapes",
    )

    _requires_grad = True  # as tensors have it, so that edges can be asked alike
    plan: Plan
    first: Any
    second: Any
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
    def inputs(self) -> tuple[Any, ...]:
        """The edges, one for each argument of the row."""
        if self.second is MANY:
            return tuple(self.first)
        return (self.first,) if self.second is ONE else (self.first, self.second)

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

    def forget_constants(self) -> None:
        """Hold the constants of a node that has run only weakly, for drawings, so that they can be freed."""
        constants = self.plan.constants  # none are named of rows with any number of arguments
        if self.second is MANY:
            edges = self.first
            for position in constants or range(len(edges)):
                edges[position] = weakly(edges[position])
        elif not constants:
            self.first, self.second = weakly(self.first), weakly(self.second)
        elif constants[0]:
            self.second = weakly(self.second)
        else:
            self.first = weakly(self.first)

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


def held(edges: Sequence[Any]) -> tuple[Any, Any]:
    """Any number of edges as a node holds them: its `first` and its `second`."""
    if len(edges) == 2:
        return edges[0], edges[1]
    return (edges[0], ONE) if len(edges) == 1 else (list(edges), MANY)


def make_node(
    op: Op, plan: Plan, first: Any, second: Any, options: dict[str, Any], kept: tuple[Any, ...], place: Place
) -> Node:
    """A node for an operation that was done just now.

    Parameters
    ----------
    op, plan, first, second, options, kept, place
        The attributes of a `Node`.

    Returns
    -------
    Node
    """
    number = next(numbers)
    node = KINDS[number % 4099]()
    node.number = number
    node.op = op
    node.plan = plan
    node.first = first
    node.second = second
    node.options = options or NO_OPTIONS
    node.kept = kept
    node.code, node.offset = place
    node.shapes = node.calls = node.rare = node._version = None
    return node
