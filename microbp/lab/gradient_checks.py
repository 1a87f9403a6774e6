"""Checks of gradients: do they reach every layer, and are they of a reasonable size?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from microbp.lab.evidence import Evidence, Layer, norm, size_of
from microbp.lab.finding import Finding

__all__ = ["exploding_gradients", "no_gradient", "not_finite", "vanishing_gradients"]

VANISHED = 1e-3  # of the last layer's gradient: every step of the lower layer is a thousandth of the upper one's
EXPLODED = 1e3

REMEDY = (
    "Put skip connections around the layers (x + f(x)), use ReLU instead of sigmoid or tanh, initialise the weights "
    "for it (nn.init.kaiming_normal_), or normalise between the layers (nn.LayerNorm, nn.BatchNorm1d)."
)


def norms(evidence: Evidence) -> list[tuple[Layer, float]]:
    """The gradient norm of the weights of each layer, in the order of the forward pass; of finite ones only."""
    found = []
    for layer in evidence.layers:
        gradients = [evidence.gradient(p) for p in layer.weights.values()]
        present = [g for g in gradients if g is not None]
        if present and all(np.isfinite(g).all() for g in present):
            found.append((layer, float(np.hypot.reduce([norm(g) for g in present]))))
    return found


def vanishing_gradients(evidence: Evidence) -> Iterator[Finding]:
    """A gradient that fades on the way from the last layer to the first, or with the signal on its way to the last.

    A layer's is measured by that of the last one that it leads to, biases included: where weights are so small that
    nothing goes forward, only the gradient of the last bias is not small. Of several last ones, each with a loss of its
    own, that with the largest counts. Exactly 0 is another matter: a factor that starts at 0, or dead units, for which
    there is a check.
    """
    sizes = norms(evidence)
    arriving = {layer.name: with_biases(layer, evidence) for layer, _ in sizes}
    faded = []
    for layer, size in sizes:
        reference, last = largest(arriving, evidence.heads[layer.name])
        if 0 < size < VANISHED * reference:
            faded.append((size, layer, reference, last))
    if faded:
        size, layer, reference, last = min(faded, key=lambda entry: entry[0] / entry[2])
        yield Finding(
            "vanishing gradients",
            f"layer {layer.name!r}",
            size / reference,
            f"the gradient of its weights has the norm {size:.1e}, only {size / reference:.1e} of what arrives at the "
            f"weights and biases of the last layer, {last!r} ({reference:.1e}). So it is with {len(faded)} of "
            f"{len(sizes)} layers, which hardly learn.",
            REMEDY,
        )


def with_biases(layer: Layer, evidence: Evidence) -> float:
    """The norm of the gradients of all parameters of a layer; of finite ones only."""
    own = [evidence.gradient(p) for p, owner in evidence.owners.items() if owner == layer.name]
    return float(np.hypot.reduce([norm(g) for g in own if g is not None and np.isfinite(g).all()]))


def largest(sizes: dict[str, float], names: set[str]) -> tuple[float, str]:
    """The largest of some of the sizes, and whose it is; 0 if there is none."""
    return max(((sizes[name], name) for name in names if name in sizes), default=(0.0, ""))


def exploding_gradients(evidence: Evidence) -> Iterator[Finding]:
    """A gradient that grows on the way back, or that dwarfs the weights that it is to change."""
    sizes = norms(evidence)
    of_weights = {layer.name: size for layer, size in sizes}
    worst: tuple[float, str, Layer] | None = None
    for layer, size in sizes:
        weights = float(np.hypot.reduce([size_of(p.array) for p in layer.weights.values()]))
        reference, last = largest(of_weights, evidence.heads[layer.name])
        for ratio, beside in (
            (size / weights, "the weights themselves"),
            (size / reference if reference else 0.0, f"the gradient of the last layer, {last!r}"),
        ):
            if ratio > EXPLODED and (worst is None or ratio > worst[0]):
                worst = ratio, f"{size:.1e}, {ratio:.1e} times that of {beside}", layer
    if worst is not None:
        ratio, text, layer = worst
        yield Finding(
            "exploding gradients",
            f"layer {layer.name!r}",
            ratio,
            f"the gradient of its weights has the norm {text}.",
            "Start from smaller weights (nn.init.kaiming_normal_, nn.init.xavier_normal_), normalise between the "
            "layers, scale inputs and targets to about 1, and clip (nn.utils.clip_grad_norm_) before the step.",
        )


def not_finite(evidence: Evidence) -> Iterator[Finding]:
    """A loss or a gradient that is NaN or infinite."""
    wrong = [name for name, p in evidence.parameters.items() if is_broken(evidence.gradient(p))]
    if wrong or is_broken(evidence.loss.array):
        yield Finding(
            "NaN or infinite",
            "the loss" if not wrong else f"parameter {wrong[0]!r}",
            float(len(wrong)),
            f"the loss is {evidence.loss.item():.4g}, and the gradients of {len(wrong)} of "
            f"{len(evidence.parameters)} parameters hold NaN or infinite numbers.",
            "Find the operation that they come from: run forward and backward inside "
            "microbp.autograd.detect_anomaly(check_inf=True). If it came after some good steps, the learning rate is "
            "too high.",
        )


def is_broken(array: object) -> bool:
    """Whether an array holds NaN or infinite numbers."""
    return array is not None and not np.isfinite(array).all()  # type: ignore[call-overload]


def no_gradient(evidence: Evidence) -> Iterator[Finding]:
    """Parameters that the loss does not depend on."""
    reached = {*evidence.gradients.total, *evidence.gradients.unknown}
    lost = [name for name, p in evidence.parameters.items() if p not in reached]
    if lost and len(lost) < len(evidence.parameters):
        where = f"parameter {lost[0]!r}" if len(lost) == 1 else f"parameters {', '.join(map(repr, lost))}"
        text = f"no gradient arrives: the graph of this loss does not lead to {len(lost)} of "
    elif lost:
        where = "the model"
        text = "no gradient arrives anywhere: the graph of this loss leads to none of its "
    else:
        return
    yield Finding(
        "no gradient",
        where,
        float(len(lost)),
        f"{text}{len(evidence.parameters)} parameters.",
        "Use the layer in forward(), and look for detach(), .data, .numpy(), no_grad() or argmax between it and the "
        "loss. If it is to be left alone, say so: requires_grad_(False).",
    )
