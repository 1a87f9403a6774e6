"""Why a tensor has no gradient: the reason in words, its place in the program, and the remedy.

The answer is read off the tensor and the graph. Where a tensor was cut off from the graph, by
`Tensor.detach`, inside `no_grad`, or by an operation without a gradient, the operation has left
a note on its result, which is handed on to what is computed from it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from microbp import label
from microbp.engine import collect
from microbp.node import Node
from microbp.release import CutOff
from microbp.stack import Cut
from microbp.tensor import Tensor

__all__ = ["Explanation", "why_no_grad"]

DETACHING = frozenset({"by detach()", "by detach_()", "by data", "by tensor()"})
SHOWN = 3


@dataclass(frozen=True, repr=False)
class Explanation:
    """Why there is no gradient.

    Attributes
    ----------
    reason : str
        What is the matter, with the line of the program where that is known.
    remedy : str
        What to do about it.
    """

    reason: str
    remedy: str = ""

    def __str__(self) -> str:
        return f"{self.reason} {self.remedy}".strip()

    __repr__ = __str__


def why_no_grad(t: Tensor, loss: Tensor | None = None) -> Explanation:
    """Say why ``t.grad`` is None.

    Parameters
    ----------
    t : Tensor
        A tensor that has no gradient.
    loss : Tensor, optional
        What `backward` was, or is to be, called on. With it the answer tells whether the loss depends on `t` at
        all, and if it does not, where the values that the loss uses were cut off from the graph.

    Returns
    -------
    Explanation
        Prints as a few sentences.

    Raises
    ------
    TypeError
        If an argument is not a tensor.

    Examples
    --------
    >>> import microbp
    >>> w = microbp.tensor([1.0, 2.0], requires_grad=True)
    >>> why_no_grad(w)
    No backward pass has reached this tensor yet. Call loss.backward(); if that was done, the loss does not depend
    on this tensor, and why_no_grad(t, loss) says where the way to it ends.
    >>> h = w * 2
    >>> loss = (h.detach() * w).sum()
    >>> loss.backward()
    >>> w.grad = None
    >>> v = microbp.tensor(5.0, requires_grad=True)
    >>> why_no_grad(v, loss)
    The loss does not depend on this tensor. The graph of the loss begins at (2,) float32. On the way to the loss,
    values were cut off from the graph: (2,) float32 by detach() at ... If these were computed from this tensor, its
    gradient is lost there.
    """
    for name, value in (("t", t), *(() if loss is None else (("loss", loss),))):
        if not isinstance(value, Tensor):
            raise TypeError(f"why_no_grad() takes tensors, got {type(value).__name__} for {name}: {value!r}")
    if t.grad is not None:
        return Explanation(f"This tensor has a gradient: its grad is {label.describe(t.grad)}.")
    if not t.requires_grad:
        return not_recorded(t, "This tensor")
    if t.grad_fn is not None and not t.retains_grad:
        return not_a_leaf(t, t.grad_fn)
    return not_reached(t) if loss is None else not_reached_from(loss, t)


def not_recorded(t: Tensor, subject: str) -> Explanation:
    """Why a tensor does not require grad."""
    floating = t.dtype.kind == "f"
    if t._cut is not None and (floating or not is_general(t._cut)):
        return cut_off(t._cut, subject, "" if floating else f" Its dtype is {t.dtype}.")
    if not floating:
        return Explanation(
            f"{subject} has the dtype {t.dtype}, and only floating-point tensors can have a gradient.",
            "Convert it before the loss is computed from it: t.float().requires_grad_().",
        )
    if type(t) is not Tensor:
        return Explanation(
            f"{subject} is a {type(t).__name__} whose requires_grad was set to False: it is frozen.",
            "Call requires_grad_() on it before the loss is computed.",
        )
    return Explanation(
        f"{subject} has requires_grad=False, as every tensor that is not made otherwise, and is not known to come from "
        "one that requires grad, so that nothing is recorded for it.",
        "Make it with requires_grad=True, or call t.requires_grad_() before the loss is computed.",
    )


def is_general(cut: Cut) -> bool:
    """Whether a cut says nothing of the operation that it happened to."""
    return cut[0] in DETACHING or cut[0].startswith("inside")


def cut_off(cut: Cut, subject: str, more: str) -> Explanation:
    """How a tensor came to lose its history."""
    where = label.cut_off(cut)
    if cut[0].startswith("inside"):
        return Explanation(
            f"{subject} was computed {where}, where nothing is recorded.",
            "Compute it outside of that, or inside enable_grad().",
        )
    if cut[0] in DETACHING:
        return Explanation(
            f"{subject}, or what it was computed from, was cut off from the graph {where}.",
            "Use the tensor from before that; or, if it is to be a leaf of its own, call t.requires_grad_().",
        )
    return Explanation(
        f"{subject}, or what it was computed from, was computed {where}, which has no gradient.{more}",
        "Take an operation that has one in its place, such as softmax for argmax, or sigmoid for a comparison.",
    )


def not_a_leaf(t: Tensor, node: Node) -> Explanation:
    """Of a tensor that was computed, and whose gradient is dropped once it was used."""
    kept = "" if node.kept is not None else " A backward pass has run through it and has dropped its gradient."
    remedy = "Call t.retain_grad() before backward(), or take autograd.grad(loss, t)."
    if any(isinstance(edge, Tensor) and edge._requires_grad for edge in node.inputs):
        example = "w = w.to(dtype)" if label.title(node) == "cast" else "w = w * 2"
        remedy += (
            f" If its name stood for a leaf before, as in {example}, it now stands for the result: make that a leaf, "
            "w = w.detach().requires_grad_(), or change the leaf in place inside no_grad()."
        )
    return Explanation(
        f"This tensor was {computed(t)}, so that it is not a leaf, and only leaves keep their gradient.{kept}", remedy
    )


def computed(t: Tensor, nodes: Iterable[Node] = ()) -> str:
    """``"computed by mul (recorded at file:line)"``."""
    node = t.grad_fn
    return f"computed by {label.title(node)}{label.at(node, nodes)}"


def not_reached(t: Tensor) -> Explanation:
    """Of a tensor that is to have a gradient, where nothing else is known."""
    if t.grad_fn is not None and t.grad_fn.kept is None:
        return Explanation(
            "retain_grad() was called on this tensor after the backward pass had run through it.",
            "Call it before backward(), on a loss that is computed anew.",
        )
    if was_cleared(t):
        reason = "The gradient of this tensor was set to None, by zero_grad() or t.grad = None, and no backward pass "
        reason += "has reached the tensor since."
    else:
        reason = "No backward pass has reached this tensor yet."
    return Explanation(
        reason,
        "Call loss.backward(); if that was done, the loss does not depend on this tensor, and why_no_grad(t, loss) "
        "says where the way to it ends.",
    )


def was_cleared(t: Tensor) -> bool:
    """Whether the gradient was ever set to None: a new tensor has no entry of its own."""
    return "_grad" in vars(t)


def not_reached_from(loss: Tensor, t: Tensor) -> Explanation:
    """Of a tensor that is to have a gradient, and the loss that it is to come from."""
    if not loss.requires_grad:
        why = not_recorded(loss, "The loss")
        return Explanation(f"{why.reason} So no tensor gets a gradient from it.", why.remedy.replace("t.", "loss."))
    nodes = collect([loss.grad_fn])
    edge = t.grad_fn or t
    uses = [(node, position) for node in nodes for position, other in enumerate(node.inputs) if other is edge]
    if not uses and edge is not (loss.grad_fn or loss):
        return not_used(t, nodes)
    if uses and not any(node.op.differentiable >> position & 1 for node, position in uses):
        node, position = uses[-1]
        return Explanation(
            f"The loss depends on this tensor only as the argument {node.op.argument(position)!r} of "
            f"{label.title(node)}{label.at(node, nodes)}, which has no gradient for that argument.",
            "Use it in another way, or expect none.",
        )
    if (loss if loss.grad_fn is None else loss.grad_fn.kept) is None:
        return passed(t)
    reason = "The loss depends on this tensor, but backward() has not been called on the loss"
    if was_cleared(t):
        reason += ", or the gradient was set to None since, by zero_grad() or t.grad = None"
    return Explanation(f"{reason}.", "Call loss.backward().")


def passed(t: Tensor) -> Explanation:
    """Of a tensor in a graph that is freed."""
    if t.grad_fn is not None:
        return not_reached(t)
    limited = "the pass was limited by inputs=, or was autograd.grad(), which returns gradients and stores none"
    reason = "The loss depends on this tensor, and a backward pass has run through its graph, which is freed; but "
    if was_cleared(t):
        reason += f"the gradient was set to None, by zero_grad() or t.grad = None. If that was before, {limited}."
    else:
        reason += f"{limited}."
    return Explanation(reason, "Compute the loss anew, call backward() on it, and read t.grad before zero_grad().")


def not_used(t: Tensor, nodes: list[Node]) -> Explanation:
    """Of a tensor that the loss does not depend on: where the graph of the loss ends instead."""
    origin = "" if t.grad_fn is None else f", which was {computed(t, nodes)}"
    reason = f"The loss does not depend on this tensor{origin}."
    cuts: dict[Cut, str] = {}
    others: dict[int, Tensor] = {}
    for edge in (edge for node in nodes for edge in node.inputs):
        if isinstance(edge, Tensor) and edge._requires_grad:
            others[id(edge)] = edge
        elif isinstance(edge, Tensor | CutOff) and edge._cut is not None:
            cuts.setdefault(edge._cut, f"{label.describe(edge)} {label.cut_off(edge._cut)}")
    begins = listed([other.name or label.describe(other) for other in others.values()])
    reason += f" The graph of the loss begins at {begins}."
    if cuts:
        reason += f" On the way to the loss, values were cut off from the graph: {listed(list(cuts.values()))}."
        remedy = "If these were computed from this tensor, its gradient is lost there."
    elif any(other.shape == t.shape and other.dtype == t.dtype for other in others.values()):
        remedy = "One of these has the same shape: was this tensor put in its place after the loss was computed?"
    else:
        remedy = "Nothing on the way to the loss was cut off from the graph, so compute the loss from this tensor."
    return Explanation(reason, remedy)


def listed(items: list[str]) -> str:
    """Some items, and how many more there are."""
    more = f" and {len(items) - SHOWN} more" if len(items) > SHOWN else ""
    return ", ".join(items[:SHOWN]) + more
