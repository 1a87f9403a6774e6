"""Checks of the loss: what it was given, and in which shapes."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from microbp import label
from microbp.lab.evidence import Evidence
from microbp.lab.finding import Finding
from microbp.node import Node
from microbp.ops import arithmetic, elementwise, linalg, loss, reduction, shape
from microbp.ops.op import Op

__all__ = ["broadcast_loss", "labels_off_by_one", "no_logarithm", "softmax_before_cross_entropy"]

RESHAPES: frozenset[Op] = frozenset({shape.cast, shape.clone, shape.reshape, shape.permute, linalg.as_matrix})
SQUASHES: frozenset[Op] = frozenset({reduction.softmax, elementwise.sigmoid})
TAKE_LOGITS: frozenset[Op] = frozenset(
    {loss.cross_entropy, loss.binary_cross_entropy_with_logits, reduction.log_softmax, reduction.softmax}
)

LARGEST_LOGARITHM = 1e-3  # of a probability: 0, but for rounding
CHANCE = 1e-3  # that a class is missing in the labels by chance


def softmax_before_cross_entropy(evidence: Evidence) -> Iterator[Finding]:
    """Probabilities where the loss takes logits, and makes probabilities of them itself."""
    for node in evidence.nodes:
        if node.op not in TAKE_LOGITS or node in evidence.before_layer:
            continue
        source = origin(node.inputs[0])
        if isinstance(source, Node) and source.op in SQUASHES:
            yield Finding(
                "softmax before cross entropy",
                where(node, evidence),
                least_loss(node, source, evidence),
                f"{node.op.name} is given the result of {source.op.name}, and normalises it a second time. However "
                "sure the network is, the loss of a sample cannot fall below "
                f"{least_loss(node, source, evidence):.3f}, and the gradient is small.",
                f"Give the loss the logits: leave out the {source.op.name} after {evidence.after.get(source)!r} in "
                "training, and use it only to read off probabilities.",
            )


def no_logarithm(evidence: Evidence) -> Iterator[Finding]:
    """Probabilities, or logits, where the loss takes logarithms of probabilities, none of which is above 0."""
    negated = {edge for node in evidence.nodes if node.op is arithmetic.neg for edge in node.inputs}
    for node in evidence.nodes:
        if node.op is not loss.take_class or node not in negated or node in evidence.before_layer:
            continue
        given = evidence.value(node.inputs[0])
        if given is not None and given.max(initial=0.0) > LARGEST_LOGARITHM:
            yield Finding(
                "no logarithm before nll_loss",
                where(node, evidence),
                float(given.max()),
                "nll_loss takes logarithms of probabilities, which are at most 0, and is given numbers up to "
                f"{given.max():.3g}: it is no cross entropy of them.",
                "Give it F.log_softmax(logits, dim=1), or give the logits themselves to F.cross_entropy.",
            )


def least_loss(node: Node, source: Node, evidence: Evidence) -> float:
    """The loss of a sample that is certain and right: logits of 1 for its class and 0 for the others."""
    if node.op is loss.binary_cross_entropy_with_logits:
        return math.log(2)  # for the label 0, whose logit is 0 at best
    sizes = evidence.values.shape(source) or (2,)
    classes = sizes[node.options.get("dim", min(1, len(sizes) - 1))]
    return math.log1p((classes - 1) / math.e)


def origin(edge: Any) -> Any:
    """Where a value comes from, behind changes of shape and dtype only."""
    while isinstance(edge, Node) and edge.op in RESHAPES:
        edge = edge.inputs[0]
    return edge


def where(node: Node, evidence: Evidence) -> str:
    """An operation of the loss by its name, and the line of the program that called it."""
    place = label.place(node, evidence.nodes)
    return f"{node.op.name}" if place is None else f"{node.op.name} ({place[0]}:{place[1]})"


def broadcast_loss(evidence: Evidence) -> Iterator[Finding]:
    """N predictions beside N labels of another shape, which make N x N errors."""
    for node in evidence.nodes:
        if node in evidence.before_layer or node not in evidence.after:
            continue
        for edge in node.inputs:
            before, after = evidence.values.shape(edge) if isinstance(edge, Node) else None, evidence.values.shape(node)
            if before is None or after is None or edge not in evidence.after:
                continue
            size = math.prod(before)
            others = [other for other in node.inputs if other is not edge]
            alone = node.op is shape.expand or (len(others) == 1 and evidence.is_data(others[0]))
            if alone and size > 1 and after == (size, size) and max(before) == size and before != after:
                yield Finding(
                    "broadcast loss",
                    where(node, evidence),
                    float(size * size),
                    f"predictions of shape {before} met labels of another shape and were broadcast to {after}: every "
                    f"one of {size} predictions is compared with every label, {size * size} pairs instead of {size}.",
                    "Bring both to one shape first: "
                    + ("prediction.squeeze(1), or target.unsqueeze(1)" if before[1:] == (1,) else "target.squeeze(1)")
                    + ", or target.view_as(prediction).",
                )


def labels_off_by_one(evidence: Evidence) -> Iterator[Finding]:
    """Labels that begin at 1 for outputs that begin at 0, or binary ones that are not 0 and 1."""
    for node in evidence.nodes:
        if node.op in (loss.cross_entropy, loss.take_class):
            sizes = evidence.values.shape(node.inputs[0]) if isinstance(node.inputs[0], Node) else None
            labels = evidence.value(node.inputs[1]) if evidence.target is None else evidence.target
            ignored = labels is not None and node.op is loss.take_class and bool((labels < 0).any())
            # What is ignored is given as -1: it may be class 0 itself, which fills up shorter sequences.
            if sizes is not None and labels is not None and labels.dtype.kind in "iu" and not ignored:
                yield from missing_first_class(node, evidence, sizes[1], labels[labels >= 0])
        elif node.op is loss.binary_cross_entropy_with_logits:
            labels = evidence.value(node.inputs[1])
            if labels is not None and labels.size and (labels.min() < 0 or labels.max() > 1):
                worst = float(labels.max() if labels.max() > 1 else labels.min())
                yield Finding(
                    "labels off by one",
                    where(node, evidence),
                    worst,
                    f"binary labels are 0 and 1, or probabilities between them, but these reach from {labels.min():g} "
                    f"to {labels.max():g}; for {worst:g} the loss has no minimum.",
                    "Map the labels first: target - 1 for 1 and 2, (target + 1) / 2 for -1 and 1.",
                )


def missing_first_class(node: Node, evidence: Evidence, classes: int, labels: Any) -> Iterator[Finding]:
    """Class 0 never occurs, all others do, and by chance that would not happen."""
    present = np.unique(labels)
    by_chance = (1 - 1 / classes) ** labels.size
    if classes > 2 and present.tolist() == list(range(1, classes)) and by_chance < CHANCE:
        yield Finding(
            "labels off by one",
            where(node, evidence),
            float(present[0]),
            f"the labels run from 1 to {classes - 1}, and none of {labels.size} is 0, but the network has {classes} "
            "outputs, which stand for the classes from 0.",
            f"Count from 0: pass target - 1, and give the last layer {classes - 1} outputs.",
        )
