"""A check of a recorded graph, operation by operation, that names the first wrong rule.

`gradcheck` says that the gradient of a whole function is wrong. If it consists of a hundred
operations, one wants to know which. Every node of the graph has the row that was applied, so its
forward can be run again, beside its values: that gives differences, with which the rules of that
node are compared, and of no other.

Nothing of the forward's precision gets in the way: all is computed anew in float64, from the
leaves on.
"""

from __future__ import annotations

import weakref
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from microbp import label
from microbp.autograd.again import Again, Unavailable, Unusable, again_by_call, again_by_row, widened
from microbp.autograd.bundle import CallRow, PickRow
from microbp.autograd.probe import Difference, Undecided, first_difference
from microbp.backward import as_tuple
from microbp.engine import collect
from microbp.errors import GradcheckError, GraphError
from microbp.functions.generator import get_rng_state, set_rng_state
from microbp.mode import Mode, current
from microbp.node import Node
from microbp.ops.quiet import IGNORE, error_state
from microbp.tensor import Tensor

__all__ = ["GraphCheck", "check_graph"]

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class GraphCheck:
    """What a check of a graph found.

    Attributes
    ----------
    wrong : str or None
        The first wrong rule: the operation, the line that called it, its formula, the argument and the element.
    rules : int
        How many rules were compared with differences; those after the first wrong one were not.
    unchecked : tuple of str
        The operations that could not be checked, and why.
    remarks : tuple of str
        What was checked elsewhere than at the values of the forward, and why.
    """

    wrong: str | None
    rules: int
    unchecked: tuple[str, ...]
    remarks: tuple[str, ...]

    def __bool__(self) -> bool:
        return self.wrong is None

    def __str__(self) -> str:
        first = self.wrong or f"{self.rules} rules agree with differences"
        return "\n".join([first, *(f"not checked: {line}" for line in self.unchecked), *self.remarks])


def check_graph(
    tensors: Tensor | Sequence[Tensor],
    *,
    eps: float = 1e-6,
    atol: float = 1e-6,
    rtol: float = 1e-5,
    surrogates: Collection[str] = (),
    raise_exception: bool = True,
) -> GraphCheck:
    """Compare every rule of a recorded graph with central differences, and name the first that is wrong.

    The operations are gone through in the order in which the program called them. Each is run again, in float64, on
    what its inputs give if they are run again from the leaves; for one gradient of its output, the gradient of each
    argument is compared with differences of the operation alone. Where the operation has a kink, the gradient may be
    anything between the derivatives on both sides.

    No gradient is computed on the way, and tensors, graph and random numbers stay as they are. Second derivatives are
    not looked at: for these there is `gradgradcheck`.

    Parameters
    ----------
    tensors : Tensor or sequence of Tensor
        What to begin with, as the loss: the graph that they were computed by is checked. It must not have been freed:
        check it before the backward pass.
    eps : float
        The step h of the differences.
    atol, rtol : float
        What a gradient may be off, and by which part of itself.
    surrogates : collection of str
        The names of operations that are to be left out, as their gradient is not their derivative on purpose: a
        `Function` that rounds, say, and hands the gradient on as if it did not.
    raise_exception : bool
        Raise if a rule is wrong.

    Returns
    -------
    GraphCheck
        True if no rule is wrong. It says which operations could not be checked: surrogates; a `Function` that cannot be
        run again on tensors of float64; what lost a constant in a checkpoint; and what depends on such ones.
        Where a leaf was changed since the forward, it says that the present values were taken.

    Raises
    ------
    GradcheckError
        If a rule is wrong; the text says which.
    GraphError
        If nothing was recorded, or the graph was freed by a backward pass.

    Examples
    --------
    >>> import microbp
    >>> w = microbp.tensor([[0.5, -1.0]], requires_grad=True)
    >>> loss = (w @ microbp.ones(2, 3)).tanh().sum()
    >>> print(microbp.autograd.check_graph(loss))
    3 rules agree with differences
    """
    roots = as_tuple(tensors)
    for root in roots:
        if root.grad_fn is None:
            raise GraphError(
                "check_graph() on a tensor that no recorded operation computed: there is no graph to check"
            )
    nodes = collect([root.grad_fn for root in roots])[::-1]
    freed = next((node for node in nodes if node.kept is None), None)
    if freed is not None:
        raise GraphError(
            f"check_graph() on a graph that was freed by a backward pass, at {label.title(freed)}"
            f"{label.at(freed, nodes)}: check it before, or pass retain_graph=True to backward()"
        )
    found = Checker(nodes, surrogates, eps, atol, rtol).run()
    if found.wrong is not None and raise_exception:
        raise GradcheckError(str(found))
    return found


class Checker:
    """One walk over a graph, from the oldest node to the youngest.

    Attributes
    ----------
    values : dict
        What the nodes give in float64, as long as another one will ask; the reason in words, where that is not known.
    """

    def __init__(self, nodes: list[Node], surrogates: Collection[str], eps: float, atol: float, rtol: float) -> None:
        self.nodes = nodes
        self.surrogates = surrogates
        self.tolerances = {"eps": eps, "atol": atol, "rtol": rtol}
        self.values: dict[Node, Any] = {}
        self.asked = Counter(edge for node in nodes for edge in nodes_among(node.inputs))
        self.rules = 0
        self.unchecked: list[str] = []
        self.remarks: list[str] = []

    def run(self) -> GraphCheck:
        """Check one node after the other, up to the first wrong rule."""
        wrong = None
        random_numbers = get_rng_state()
        outer = current.get()
        current.set(Mode(False))
        token = error_state.set(IGNORE)
        try:
            for node in self.nodes:
                wrong = self.check(node)
                if wrong is not None:
                    break
                for edge in nodes_among(node.inputs):
                    self.asked[edge] -= 1
                    if not self.asked[edge]:
                        del self.values[edge]
        finally:
            error_state.reset(token)
            current.set(outer)
            set_rng_state(random_numbers)
        return GraphCheck(wrong, self.rules, tuple(self.unchecked), tuple(self.remarks))

    def check(self, node: Node) -> str | None:
        """Run one node again and compare its rules with differences; what is wrong, if anything is."""
        if isinstance(node.op, PickRow):
            outputs = self.values[node.inputs[0]]
            self.values[node] = outputs if isinstance(outputs, str) else outputs[node.op.number]
            return None
        try:
            inputs = [self.value(node, position) for position in range(len(node.inputs))]
            again = again_by_call(node, inputs) if isinstance(node.op, CallRow) else again_by_row(node, inputs)
        except Unavailable as reason:
            self.values[node] = f"{self.title(node)} could not be run again"
            self.unchecked.append(f"{self.title(node)}: {reason}")
            return None
        self.values[node] = again.value
        if node.op.surrogate or node.op.name in self.surrogates:
            self.unchecked.append(f"{self.title(node)}: its gradient is not the derivative of its values, on purpose")
            return None
        for position in again.positions:
            wrong = self.compare(node, position, again)
            if wrong is not None:
                return wrong
        return None

    def value(self, node: Node, position: int) -> Any:
        """An input of a node, in float64."""
        edge = node.inputs[position]
        if isinstance(edge, Node):
            found = self.values[edge]
            if isinstance(found, str):
                raise Unavailable(found)
            return found
        if isinstance(edge, weakref.ref):
            edge = edge()
            if edge is None:
                raise Unavailable(f"its argument {node.op.argument(position)!r}, a constant in a checkpoint, is gone")
        if not isinstance(edge, Tensor):
            return edge
        if max(edge.version, edge._given) > node.number:
            self.remarks.append(
                f"{self.title(node)} was checked at the values that its argument {node.op.argument(position)!r} has "
                "now; it was changed since the forward"
            )
        return widened(edge.array)

    def compare(self, node: Node, position: int, again: Again) -> str | None:
        """Compare one rule with differences; what is wrong, if anything is."""
        x = again.inputs[position]
        if np.ndim(x) and not x.size:
            self.rules += 1
            return None
        try:
            found = first_difference(
                lambda moved: again.forward(position, moved),
                lambda moved: again.gradient(position, moved),
                np.asarray(x),
                again.upstream,
                **self.tolerances,
            )
        except Undecided:
            what = f"the rule for {node.op.argument(position)!r} of {self.title(node)}"
            self.unchecked.append(f"{what}: too many elements are at kinks, or at the border of its domain")
            return None
        except Unusable as error:
            return f"{self.rule(node, position)}: {error}{self.order(node)}"
        except Unavailable as reason:
            self.unchecked.append(f"{self.title(node)}: {reason}")
            return None
        self.rules += 1
        return None if found is None else self.describe(node, position, found)

    def describe(self, node: Node, position: int, found: Difference) -> str:
        """A wrong rule in words."""
        elsewhere = " (near the values of the forward, where it has too many kinks)" if found.moved else ""
        return (
            f"{self.rule(node, position)}: for a random gradient g of its output, the gradient of element "
            f"{found.element} of {node.op.argument(position)!r} is {found.analytical:.8g} by the rule (analytical), "
            f"but {found.numerical:.8g} by central differences of its forward (numerical){elsewhere}{self.order(node)}"
        )

    def rule(self, node: Node, position: int) -> str:
        """Which rule it is."""
        return f"{self.title(node)} has a wrong rule {label.formula(node, position)}"

    def order(self, node: Node) -> str:
        """Where the node stands."""
        place = self.nodes.index(node)
        before = "" if not place else f"; the rules of the {place} before it are right"
        if self.unchecked:
            before += f", but for {len(self.unchecked)} that could not be checked"
        return f". It is operation {place + 1} of {len(self.nodes)}{before}"

    def title(self, node: Node) -> str:
        """The operation, and the user's line."""
        return f"{label.title(node)}{label.at(node, self.nodes)}"


def nodes_among(edges: tuple[Any, ...]) -> set[Node]:
    """The edges that are operations, each once."""
    return {edge for edge in edges if isinstance(edge, Node)}
