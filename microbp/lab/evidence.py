"""What the doctor looks at: the recorded graph of a loss, with the values and gradients in it.

Nothing is guessed from what things are called. Which parameter is used where, what is a
prediction and what a label, follows from the nodes: a value that was computed from a
parameter is part of the network, one that was not is data. Values and gradients are found
by `microbp.viz.values`, which runs the rows and rules on what the graph kept and writes
nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from microbp.engine import collect
from microbp.errors import GraphError, MutationError
from microbp.nn import Module
from microbp.node import Node
from microbp.ops import contraction, convolution, linalg, shape
from microbp.optim import Optimizer
from microbp.tensor import Tensor
from microbp.viz.values import Found, Gradients, Values, letters_of, unchanged

__all__ = ["Evidence", "Layer", "norm", "size_of"]

Array = np.ndarray[Any, Any]

CONVOLUTIONS = frozenset({convolution.convolve, convolution.convolve_transpose})
MOVES_UNITS = frozenset({linalg.linear, linalg.matmul, contraction.contract, shape.permute})


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """A module with weights of its own.

    Attributes
    ----------
    name : str
        Its path in the model; the model's class if it is the model itself.
    weights : dict of str to Tensor
        Its trainable parameters with two dimensions or more, by their full names.
    """

    name: str
    weights: dict[str, Tensor]


class Evidence:
    """The graph of a loss, read once for all checks.

    Parameters
    ----------
    model : Module
        Gives names and parameters.
    loss : Tensor
        Of one element, with a graph that was not freed, computed with the parameters as they are.
    optimizer : Optimizer, optional
    data, target : array, optional
        All inputs and all labels, where a batch shows too little.

    Attributes
    ----------
    nodes : list of Node
        The oldest first.
    parameters : dict of str to Tensor
        The parameters of the model that require grad.
    owners : dict of Tensor to str
        The module that each parameter belongs to.
    layers : list of Layer
        The layers of which this loss uses a weight, in the order of their first use.
    of_weights : dict of Node to str
        The nodes whose result is still a weight, as that of ``weight.T`` is, and the module that it belongs to.
    heads : dict of str to set of str
        For each layer the last ones that its output goes into, before the loss: itself, where it goes into no other.
    after : dict of Node to str
        The layer that a result comes out of, or whose output it was computed from.
    channels_first : set of Node
        The nodes whose result has its units along axis 1, as convolutions give it; others have them along the last.
    before_layer : set of Node
        The nodes whose result some layer takes in: the rest are the output and the loss.

    Raises
    ------
    GraphError
        If the loss has no graph, or one that `backward` has freed.
    MutationError
        If a parameter was changed since the forward pass.
    """

    def __init__(
        self,
        model: Module,
        loss: Tensor,
        optimizer: Optimizer | None = None,
        data: Array | None = None,
        target: Array | None = None,
    ) -> None:
        self.model = model
        self.loss = loss
        self.optimizer = optimizer
        self.data = data
        self.target = target
        self.root = require_graph(loss)
        self.nodes = collect([self.root])[::-1]
        self.parameters = {name: p for name, p in model.named_parameters() if p.requires_grad}
        self.owners: dict[Tensor, str] = {}
        for path, module in model.named_modules():
            for _, p in module.named_parameters(recurse=False):
                self.owners.setdefault(p, path or type(model).__name__)  # a shared one has the name of its first owner
        self.state = {*self.owners, *model.buffers()}
        self.check_fresh()
        self.values = Values(self.nodes, [loss])
        self.values.compute(self.nodes)
        self.layers = self.layers_in_order()
        self.of_weights = self.weights_still()
        self.heads = self.last_layers()
        self.after = self.sources()
        self.channels_first = self.images()
        self.before_layer = self.consumed()

    def check_fresh(self) -> None:
        """Refuse a graph whose values are gone."""
        if any(node.kept is None for node in self.nodes):
            raise GraphError(
                "doctor() needs what the graph of the loss kept, which backward() has freed: call loss.backward("
                "retain_graph=True), or call doctor() before backward()"
            )
        names: dict[Tensor, str] = {p: name for name, p in self.model.named_parameters()}
        for node, edge in self.uses():
            if edge in names and not unchanged(node, edge):
                raise MutationError(
                    f"{names[edge]} was changed since this loss was computed, as by optimizer.step(); call doctor() "
                    "before that, or compute the loss anew"
                )

    def uses(self) -> Iterator[tuple[Node, Tensor]]:
        """Every use of a tensor that is no result: parameters, buffers, data."""
        for node in self.nodes:
            for edge in node.inputs:
                if isinstance(edge, Tensor):
                    yield node, edge

    def layers_in_order(self) -> list[Layer]:
        """The modules with weights of their own, as the graph first uses them."""
        names: dict[Tensor, str] = {p: name for name, p in self.parameters.items()}
        found: dict[str, Layer] = {}
        for _, p in self.uses():
            if p in names and p.ndim >= 2:
                found.setdefault(self.owners[p], Layer(self.owners[p], {})).weights[names[p]] = p
        return list(found.values())

    def weights_still(self) -> dict[Node, str]:
        """What a module made of its own parameters, such as ``weight.T``, and which module it was.

        A penalty on the weights ends in one element, and is no weight any more; a table multiplied by the weights of
        another layer is none either, but what that layer puts out.
        """
        found: dict[Node, str] = {}
        for node in self.nodes:
            edges = [edge for edge in node.inputs if isinstance(edge, Node | Tensor)]
            if self.ndim(node) >= 2 and all(edge in found or edge in self.state for edge in edges):
                names = self.taken_in(node, found)
                if len(names) == 1:
                    found[node] = names.pop()
        return found

    def taken_in(self, node: Node, of_weights: Mapping[Node, str]) -> set[str]:
        """The modules of which a node takes in parameters, as they are or as something that is still a weight."""
        names: set[str] = set()
        for edge in node.inputs:
            if isinstance(edge, Node) and edge in of_weights:
                names.add(of_weights[edge])
            elif isinstance(edge, Tensor) and edge in self.owners:
                names.add(self.owners[edge])
        return names

    def last_layers(self) -> dict[str, set[str]]:
        """Where the output of each layer leads to: a network may have several heads, each with a loss of its own."""
        found: dict[str, set[str]] = {layer.name: set() for layer in self.layers}
        ahead: dict[Node, set[str]] = {}
        for node in reversed(self.nodes):
            if node in self.of_weights:
                continue
            here = self.taken_in(node, self.of_weights) & found.keys()
            last = ahead.pop(node, None) or here
            for name in here:
                found[name] |= last
            for edge in node.inputs:
                if isinstance(edge, Node):
                    ahead.setdefault(edge, set()).update(last)
        return found

    def sources(self) -> dict[Node, str]:
        """For each node the layer that its result comes from."""
        after: dict[Node, str] = {}
        for node in self.nodes:
            owned = [self.owners[edge] for edge in node.inputs if isinstance(edge, Tensor) and edge in self.owners]
            earlier = [edge for edge in node.inputs if isinstance(edge, Node) and edge in after]
            if owned:
                after[node] = owned[0]
            elif earlier:
                after[node] = after[max(earlier, key=lambda edge: edge.number)]
        return after

    def images(self) -> set[Node]:
        """The convolutions, and what is computed from their results in the same number of dimensions."""
        found: set[Node] = set()
        for node in self.nodes:
            earlier = [edge for edge in node.inputs if isinstance(edge, Node) and edge in found]
            carried = node.op not in MOVES_UNITS and any(self.ndim(edge) == self.ndim(node) for edge in earlier)
            if node.op in CONVOLUTIONS or carried:
                found.add(node)
        return found

    def ndim(self, node: Node) -> int:
        """The number of dimensions of a result; -1 if that is not known."""
        shape = self.values.shape(node)
        return -1 if shape is None else len(shape)

    def consumed(self) -> set[Node]:
        """The nodes whose result goes into a layer, at once or through others."""
        going_in: set[Node] = set()
        for node in reversed(self.nodes):
            if node in going_in or self.taken_in(node, self.of_weights):
                going_in.update(edge for edge in node.inputs if isinstance(edge, Node))
        return going_in

    @cached_property
    def gradients(self) -> Gradients:
        """The gradient of the loss with respect to everything in the graph, computed when first asked for."""
        return Gradients(self.loss, self.values, functions=True)

    # -- numbers ---------------------------------------------------------------------------

    def value(self, edge: Any) -> Array | None:
        """The array at an edge, if it is known."""
        if isinstance(edge, Node):
            found = self.values.known.get(edge)
            return None if found is None or not found.exact else found.array
        return edge.array if isinstance(edge, Tensor) else None

    def gradient(self, p: Tensor) -> Array | None:
        """dL/dp; None if p has none, or if it cannot be computed, behind a function of the user's own."""
        found: Array | None = self.gradients.total.get(p)
        return found

    def loss_with(self, parameters: Mapping[Tensor, Array]) -> float | None:
        """The loss of the same batch with other parameters; None if an operation cannot be run anew."""
        anew = Rerun(self.nodes, parameters)
        anew.compute([self.root])
        found = anew.known.get(self.root)
        return None if found is None or not found.exact else float(found.array.item())

    def slope(self, node: Node) -> Array | None:
        """The local derivative of an elementwise operation, dy/da at every element."""
        letters = letters_of(node, self.values)
        y = self.value(node)
        if letters is None or y is None:
            return None
        _, rule, pick, options, _ = node.plan.steps[0]
        with np.errstate(all="ignore"):
            slope: Array = rule(np.ones_like(y), *pick(letters), **{name: node.options[name] for name in options})
        return slope

    def letter(self, node: Node, name: str) -> Array | None:
        """What a letter in the rules of an operation stands for, such as what it hands on, if that is known."""
        letters = letters_of(node, self.values)
        names = node.plan.letters
        return None if letters is None or name not in names else np.asarray(letters[names.index(name)])

    def is_data(self, edge: Any) -> bool:
        """Whether an edge is a tensor that belongs to no module and needs no gradient: an input or a label."""
        return isinstance(edge, Tensor) and not edge.requires_grad and edge not in self.state


class Rerun(Values):
    """The values that the recorded operations give with other parameters."""

    def __init__(self, nodes: Sequence[Node], parameters: Mapping[Tensor, Array]) -> None:
        super().__init__(())
        self.nodes = nodes  # what they kept is of the old parameters
        self.parameters = parameters

    def argument(self, node: Node, position: int) -> Found | None:
        edge = node.inputs[position]
        if isinstance(edge, Tensor) and edge in self.parameters:
            return Found(self.parameters[edge], True)
        return super().argument(node, position)


def require_graph(loss: Tensor) -> Node:
    """The node that computed a loss."""
    if not isinstance(loss, Tensor):
        raise TypeError(f"doctor() takes the loss as a tensor, got {type(loss).__name__}")
    if loss.node is None:
        raise GraphError(
            "this loss has no graph: nothing it was computed from requires grad, or it was computed inside no_grad(). "
            "Compute it from the model's output, without .item(), .detach() or .numpy() on the way"
        )
    if loss.array.size != 1:
        raise GraphError(f"doctor() takes a loss of one element, got shape {loss.shape}; reduce it: loss.mean()")
    return loss.node


def norm(array: Array) -> float:
    """The Euclidean norm of all elements, without overflow in float32."""
    return float(np.sqrt(np.sum(np.square(array, dtype=np.float64))))


def size_of(weight: Array) -> float:
    """The norm of a weight, or that of a fresh one of its shape if that is larger: what changes of it are measured by.

    Weights may start at 0, or be on their way there. Fresh ones are uniform in ±1 / sqrt(fan_in), so that their norm is
    about sqrt(fan_out / 3).
    """
    return max(norm(weight), float(np.sqrt(weight.shape[0] / 3)))
