"""Checks of the step to come: which parameters it changes, with which gradients, by how much; and of the inputs."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from microbp.lab.evidence import Array, Evidence, norm, size_of
from microbp.lab.finding import Finding
from microbp.node import Node
from microbp.ops import convolution, linalg, shape
from microbp.ops.op import Op
from microbp.optim import LBFGS
from microbp.tensor import Tensor, wrap

__all__ = ["forgotten_zero_grad", "learning_rate", "next_step", "outside_optimizer", "unscaled_inputs"]

LARGE_STEP = 1.0  # of the weight, in one step: it owes more to the step than to itself; 0.001 is usual
SMALL_STEP = 1e-7  # beside which float32 cannot tell a weight from itself
LARGE_GRADIENT = 1e-3  # of the weight: where it is smaller, there may be nothing left to learn
LARGE_INPUT = 10.0
SMALL_INPUT = 1e-3
PRODUCTS: frozenset[Op] = frozenset(
    {linalg.linear, linalg.matmul, linalg.mv, convolution.convolve, convolution.convolve_transpose}
)


def outside_optimizer(evidence: Evidence) -> Iterator[Finding]:
    """Parameters that get a gradient, which no step of the optimizer uses."""
    if evidence.optimizer is None:
        return
    trained = {p for group in evidence.optimizer.param_groups for p in group["params"]}
    forgotten = [name for name, p in evidence.parameters.items() if p not in trained]
    if not forgotten:
        return
    everything = len(forgotten) == len(evidence.parameters)
    yield Finding(
        "parameter outside the optimizer",
        "the model" if everything else f"parameter{'s'[: len(forgotten) > 1]} {', '.join(map(repr, forgotten))}",
        float(len(forgotten)),
        f"the optimizer has {len(evidence.parameters) - len(forgotten)} of the model's {len(evidence.parameters)} "
        "parameters; the others keep the values that they have."
        + (" It was made for another model, or before the layers were replaced." if everything else ""),
        "Make the optimizer after the model is complete, from model.parameters(), or add a group: "
        "optimizer.add_param_group({'params': ...}). If they are to stay as they are, requires_grad_(False) says so.",
    )


def forgotten_zero_grad(evidence: Evidence) -> Iterator[Finding]:
    """Gradients to which those of an earlier loss were added.

    A gradient that was added to after this loss was computed is this loss's, and must be as large; what clipping left
    of it is smaller. Where nothing was added since, ``grad`` is from before, and may still be set to None.
    """
    added = []
    for name, p in evidence.parameters.items():
        g, held = evidence.gradient(p), p.grad
        if (
            g is not None
            and held is not None
            and held.version > evidence.nodes[-1].number
            and not within(held.array, g)
        ):
            added.append((name, norm(held.array), norm(g)))
    if added:
        name, has, due = max(added, key=lambda entry: abs(entry[1] - entry[2]))
        yield Finding(
            "forgotten zero_grad",
            f"parameter {name!r}",
            has / due if due else float("inf"),
            f"its grad has the norm {has:.3g}, the gradient of this loss {due:.3g}: backward() added it to what was "
            f"there before. So it is with {len(added)} of {len(evidence.parameters)} parameters.",
            "Call optimizer.zero_grad() before each backward(), unless gradients are meant to add up over several "
            "batches.",
        )


def within(held: Array, g: Array) -> bool:
    """Whether one gradient is the other, or what is left of it after clipping."""
    slack = 1e-5 * np.abs(g).max(initial=0) + 1e-30
    return bool(np.all((np.abs(held) <= np.abs(g) + slack) & (held * g >= -slack * slack)))


@dataclass(frozen=True, slots=True)
class Step:
    """The step that the optimizer is about to make.

    Attributes
    ----------
    ratios : dict of str to float
        For each weight the size of its change, as a share of its own.
    loss : float or None
        The loss of the same batch after it; None if it cannot be computed.
    """

    ratios: dict[str, float]
    loss: float | None


def next_step(evidence: Evidence) -> Step:
    """What the optimizer is about to do, tried on a copy."""
    if evidence.optimizer is None or isinstance(evidence.optimizer, LBFGS):
        return Step({}, None)  # LBFGS would compute the loss anew, many times
    original = [p for group in evidence.optimizer.param_groups for p in group["params"]]
    memo: dict[int, Any] = {id(p.grad): None for p in original if p.grad is not None}  # gradients are not copied
    tried = copy.deepcopy(evidence.optimizer, memo)
    copies = [p for group in tried.param_groups for p in group["params"]]
    for p, twin in zip(original, copies, strict=True):
        g = evidence.gradient(p)
        if g is not None and p.grad is not None and within(p.grad.array, g):
            g = p.grad.array  # clipped
        twin.grad = None if g is None else wrap(np.array(g))
    tried.step()
    after = {p: twin.array for p, twin in zip(original, copies, strict=True)}
    names = {p: name for layer in evidence.layers for name, p in layer.weights.items() if p in after}
    ratios = {name: norm(after[p] - p.array) / size_of(p.array) for p, name in names.items()}
    large = any(not ratio <= LARGE_STEP for ratio in ratios.values())
    return Step(ratios, evidence.loss_with(after) if large else None)


def learning_rate(evidence: Evidence) -> Iterator[Finding]:
    """A step that overthrows the weights and makes the loss no smaller, or one that they do not notice."""
    step, held = next_step(evidence), held_still(evidence)
    ratios = {name: ratio for name, ratio in step.ratios.items() if name not in held and np.isfinite(ratio)}
    if not ratios:
        return
    fastest = max(ratios, key=ratios.__getitem__)
    ratio, p = ratios[fastest], evidence.parameters[fastest]
    g, before = evidence.gradient(p), evidence.loss.item()
    if ratio > LARGE_STEP and not (step.loss is not None and step.loss < before):
        yield Finding(
            "learning rate too high",
            f"parameter {fastest!r}",
            ratio,
            f"the next step changes it by {ratio:.2g} times its size ({size_of(p.array):.2g}); about 0.001 is usual."
            + ("" if step.loss is None else f" It takes the loss of this batch from {before:.3g} to {step.loss:.3g}."),
            f"Lower the learning rate, for a start by a factor of {ratio / 0.01:.0e}; if only this layer is so, give "
            "it a rate of its own (optim.layer_groups).",
        )
    elif ratio < SMALL_STEP and g is not None and norm(g) > LARGE_GRADIENT * size_of(p.array):
        yield Finding(
            "learning rate too low",
            f"parameter {fastest!r}",
            ratio,
            f"the next step changes it by {ratio:.1e} of its size, and every other weight by less; about 0.001 is "
            "usual.",
            "Raise the learning rate.",
        )


def held_still(evidence: Evidence) -> set[str]:
    """The parameters whose learning rate is 0, which is a way of leaving them as they are."""
    groups = [] if evidence.optimizer is None else evidence.optimizer.param_groups
    still = {p for group in groups if group.get("lr") == 0 for p in group["params"]}
    return {name for name, p in evidence.parameters.items() if p in still}


def unscaled_inputs(evidence: Evidence) -> Iterator[Finding]:
    """Data of another order of magnitude than 1 where they meet the first weights."""
    seen: set[Tensor] = set()
    for node in evidence.nodes:
        if node.op not in PRODUCTS or not any(isinstance(e, Tensor) and e in evidence.owners for e in node.inputs):
            continue
        for edge in joined(node.inputs):
            if evidence.is_data(edge) and edge not in seen and edge.array.dtype.kind == "f":
                seen.add(edge)
                yield from scale_of(edge.array if evidence.data is None else evidence.data, evidence.after[node])


def joined(edges: Iterable[Any]) -> Iterator[Any]:
    """The edges, with the parts of what was put together of several, as features are with an embedding."""
    for edge in edges:
        if isinstance(edge, Node) and edge.op is shape.cat:
            yield from joined(edge.inputs)
        else:
            yield edge


def scale_of(data: Array, layer: str) -> Iterator[Finding]:
    """What is to say of the size of the inputs of a layer."""
    size = float(np.sqrt(np.mean(np.square(data, dtype=np.float64)))) if data.size else 0.0
    if size > LARGE_INPUT or 0 < size < SMALL_INPUT:
        yield Finding(
            "unscaled inputs",
            f"the inputs of {layer!r}",
            size,
            f"their root mean square is {size:.3g} (from {data.min():.3g} to {data.max():.3g}), but weights are "
            "initialised for inputs of about 1.",
            "Scale them before training: (x - x.mean(0)) / (x.std(0) + 1e-8), with the mean and deviation of the "
            "training data.",
        )
