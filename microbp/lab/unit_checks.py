"""Checks of units: dead ReLUs, and saturated sigmoids and tanhs, told by their slopes over the batch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from microbp.lab.evidence import Array, Evidence
from microbp.lab.finding import Finding
from microbp.node import Node
from microbp.ops import activation, arithmetic, elementwise, recurrent, trigonometry
from microbp.ops.op import Op
from microbp.tensor import Tensor

__all__ = ["Activation", "activations", "dead_relus", "saturated_units"]

RECTIFIERS: frozenset[Op] = frozenset({elementwise.relu, activation.threshold})
SIGMOIDS: dict[Op, float] = {
    elementwise.sigmoid: 0.25,
    trigonometry.tanh: 1.0,
    activation.softsign: 1.0,
    activation.hardsigmoid: 1 / 6,
    activation.hardtanh: 1.0,
}
"""Activations that are flat at both ends, with their steepest slope."""
CELLS: dict[Op, int] = {recurrent.lstm: 5, recurrent.gru: 4}
"""Cells that go through a whole sequence in one operation, which hands on so many arrays side by side: the gates, the
new memory, which is a tanh, in the third place, and one or two others."""

FLAT = 0.05  # of the steepest slope: beyond ±4.4 for a sigmoid, ±2.2 for tanh
SAMPLES = 8  # so many values of a unit it takes to say that it is always off, or flat
ALWAYS = 0.9  # of the samples: a few pass through the steep middle even of a unit that is far too steep
SATURATED = 0.5  # of a layer's units
DEAD = 0.7  # in a deep network of ReLUs all samples become alike on the way up, and half of the units are off for them


class Activation:
    """An activation function inside the network, with the slopes of its units at all its uses.

    Attributes
    ----------
    node : Node
    where : str
        The operation and the layer that it comes after.
    slopes : array
        (units, samples): the local derivative of each unit at each sample, as a share of the steepest.
    """

    def __init__(self, node: Node, where: str, slopes: Array) -> None:
        self.node = node
        self.where = where
        self.slopes = slopes

    @property
    def is_rectifier(self) -> bool:
        """Whether units can be dead; else they can be saturated."""
        return rectifies(self.node)

    @property
    def ends(self) -> str:
        """What a dead unit puts out."""
        return f"0 or {self.node.options['max_val']:g}" if self.node.op is activation.hardtanh else "0"

    @property
    def dead(self) -> int:
        """How many units have the slope 0 at every sample: nothing flows back through them."""
        return int(np.sum(~self.slopes.any(axis=1)))

    @property
    def saturated(self) -> int:
        """How many units are nearly flat at almost every sample."""
        return int(np.sum(np.mean(np.abs(self.slopes) < FLAT, axis=1) >= ALWAYS))


def activations(evidence: Evidence) -> list[Activation]:
    """The activations between layers; that of an output may well be flat, once the network is sure.

    Uses of the same units, as at the steps of a sequence, are one: what is off at one step may be on at another.
    """
    found: dict[tuple[Op, str, int], tuple[Node, list[Array]]] = {}
    for node in evidence.nodes:
        if node in evidence.before_layer and node in evidence.after:
            slope = slope_of(node, evidence)
            if slope is not None and slope.ndim and slope.size:
                units = np.moveaxis(slope, 1 if node in evidence.channels_first else -1, 0)
                name = "tanh" if node.op in CELLS else node.op.name
                place = f"{name} after {evidence.after[node]!r}"
                _, uses = found.setdefault((node.op, place, len(units)), (node, []))
                uses.append(units.reshape(len(units), -1))
    return [Activation(node, place, np.concatenate(uses, axis=1)) for (_, place, _), (node, uses) in found.items()]


def slope_of(node: Node, evidence: Evidence) -> Array | None:
    """The slope at every element, as a share of the steepest; None if the node is no activation, or it is not known."""
    if node.op in SIGMOIDS or rectifies(node):
        slope = evidence.slope(node)
        return None if slope is None else slope / SIGMOIDS.get(node.op, 1.0)
    if node.op in CELLS:
        handed_on = evidence.letter(node, "s")
        return None if handed_on is None else 1 - np.square(np.split(handed_on, CELLS[node.op], axis=-1)[2])
    return None


def rectifies(node: Node) -> bool:
    """Whether an operation is a ReLU, also by other means: ``x.clamp(min=0)``, ``np.maximum(x, 0)``; or a ReLU6."""
    if node.op is arithmetic.clamp:
        _, low, high = node.inputs
        return is_constant(low, 0.0) and is_constant(high, np.inf)
    if node.op is arithmetic.maximum:
        return any(is_constant(edge, 0.0) for edge in node.inputs)
    if node.op is activation.hardtanh:
        return bool(node.options["min_val"] == 0)
    return node.op in RECTIFIERS


def is_constant(edge: Any, value: float) -> bool:
    """Whether an operand is this number everywhere, and is not learned."""
    if isinstance(edge, Tensor):
        return not edge.requires_grad and bool(np.all(edge.array == value))
    return isinstance(edge, int | float) and edge == value


def dead_relus(evidence: Evidence) -> Iterator[Finding]:
    """Layers in which most ReLUs are off for the whole batch."""
    for found in activations(evidence):
        units, samples = found.slopes.shape
        if found.is_rectifier and samples >= SAMPLES and found.dead > DEAD * units:
            yield Finding(
                "dead ReLUs",
                found.where,
                found.dead / units,
                f"{found.dead} of {units} units give {found.ends} for every one of {samples} values, so that nothing "
                "flows back through them and they cannot recover.",
                "Lower the learning rate, start from nn.init.kaiming_normal_ weights and zero biases, scale the "
                "inputs to mean 0, or use nn.LeakyReLU or nn.GELU.",
            )


def saturated_units(evidence: Evidence) -> Iterator[Finding]:
    """Layers in which most sigmoids or tanhs are on their flat ends."""
    for found in activations(evidence):
        units, samples = found.slopes.shape
        if not found.is_rectifier and samples >= SAMPLES and found.saturated > SATURATED * units:
            yield Finding(
                "saturated units",
                found.where,
                found.saturated / units,
                f"{found.saturated} of {units} units lie on the flat ends of the function for at least {ALWAYS:.0%} of "
                f"{samples} values: its slope there is less than {FLAT:.0%} of the steepest, so that little flows "
                "back.",
                "Start from smaller weights (nn.init.xavier_normal_), scale the inputs to mean 0 and deviation 1, "
                "normalise before the activation, or lower the learning rate.",
            )
