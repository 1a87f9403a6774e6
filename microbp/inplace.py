"""Operations in place: ``w -= lr * g``, ``x[i] = v``, ``p.zero_()``.

A tensor is a handle. An operation in place writes the result of an ordinary row into the
memory behind the handle, and, where the operation is recorded, moves the handle on to the
new node. A recorded write into a view moves the tensor on that it is a view of; the view, and
all others, are then taken again when they are next used.

Nodes that kept the old value find that it was written to, and refuse to compute a wrong
gradient from it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from microbp.dtypes import category
from microbp.errors import DtypeError, GraphError, MutationError, ShapeError
from microbp.mode import current
from microbp.node import Node
from microbp.ops import assignment
from microbp.ops.op import Op
from microbp.ops.shape import cast, clone
from microbp.ops.view import write_through
from microbp.tensor import Tensor, apply, path_of, wrap
from microbp.version import writes

__all__ = ["apply_in_place", "compute_in_place", "refuse_read_only", "write"]


def apply_in_place(op: Op, target: Tensor, *others: Any, **options: Any) -> Tensor:
    """Replace a tensor's values by the result of a row whose first argument it is.

    Raises
    ------
    GraphError
        If the tensor is a leaf that requires grad and operations are being recorded.
    ShapeError, DtypeError
        If the result does not fit into the tensor.
    """
    if not is_recorded(target, *others):
        out = apply(op, target, *others, **options)
        write(target, out.array, op.name)
        if out._cut is not None:
            target._cut = out._cut
        return target
    base = recordable(op.name, target)
    # Rules that ask for the old value see a copy of it; the others need none.
    before = apply(clone, target) if keeps_first(op, target, *others) else wrap(target.array, target.node)
    out = apply(op, before, *others, **options)
    if out.dtype != target.dtype:
        check_category(target, out.array, op.name)
        out = apply(cast, out, dtype=target.dtype, source=out.dtype)
    whole = out if base is target else apply(write_through, wrap(base.array, base.node), out, path=path_of(target))
    write(target, out.array, op.name)
    move(base, whole.node)
    return target


def compute_in_place(
    name: str, function: Callable[..., Tensor], target: Tensor, *others: Any, **options: Any
) -> Tensor:
    """Replace a tensor's values by what a function of it gives that is no single row.

    Parameters
    ----------
    name : str
        What the function is called, for errors.
    function : callable
        ``function(target, *others, **options)``.

    Raises
    ------
    GraphError, ShapeError, DtypeError
        As for `apply_in_place`.
    """
    before = target
    if is_recorded(target, *others):
        recordable(name, target)
        before = apply(clone, target)  # what the function keeps of it is not overwritten then
    out = function(before, *others, **options)
    require_fit(target, out.array, name)
    if out.dtype != target.dtype:
        out = apply(cast, out, dtype=target.dtype, source=out.dtype)
    return apply_in_place(assignment.copy, target, out)


def is_recorded(target: Tensor, *others: Any) -> bool:
    """Whether a change in place has a gradient, and operations are being recorded."""
    return (
        target.array.dtype.kind == "f"  # other numbers have no gradient
        and current.get().recording
        and any(isinstance(value, Tensor) and value.requires_grad for value in (target, *others))
    )


def recordable(name: str, target: Tensor) -> Tensor:
    """The tensor that a recorded change is a new value of: the target, or what it is a view of."""
    base = target if target._base is None else target._base
    if base.requires_grad and base.node is None:
        what = "leaf" if base is target else "view of a leaf"
        raise GraphError(
            f"{name}_ in place on a {what} that requires grad would lose its gradient; "
            "wrap the update in no_grad(), or work on a copy (t.clone())"
        )
    if not target._records:
        raise GraphError(
            f"{name}_ in place would be recorded, on a view that was taken inside no_grad(); take the view outside, "
            "or work on a copy (t.clone())"
        )
    if target.is_left_behind:
        raise GraphError(
            f"{name}_ in place would be recorded, on a view whose base was given other data since; take the view "
            "anew, or work on a copy (t.clone())"
        )
    return base


def move(tensor: Tensor, node: Node | None) -> None:
    """Move a handle on to the node that computed its new values."""
    retained, retaining = tensor.retains_grad, tensor.node
    tensor.node, tensor._requires_grad = node, node is not None
    if node is not None:
        node.in_place = True
        node._version = version = tensor._versioned()
        version.written = version.moved = writes.moved = node.number  # this write is the node's own, and no later one
    if retained and retaining is not None:
        retaining.retain = None  # the gradient that is wanted is that of the new value
        tensor.retain_grad()


def keeps_first(op: Op, *inputs: Any) -> bool:
    """Whether recording a row with these inputs keeps the first of them."""
    needed = sum(1 << k for k, value in enumerate(inputs) if isinstance(value, Tensor) and value.requires_grad)
    return 0 in op.plans[needed & op.differentiable].guarded_on_tensors


def write(target: Tensor, values: Any, name: str) -> None:
    """Put values into a tensor's memory and count the write."""
    array = np.asarray(values)
    require_fit(target, array, name)
    refuse_read_only(f"{name}_ in place", target)
    np.copyto(target.array, array, casting="unsafe")
    target._versioned().write()


def refuse_read_only(name: str, target: Tensor) -> None:
    """Refuse to write to memory that is not to be written to."""
    if not target.array.flags.writeable:
        raise MutationError(
            f"{name} on read-only memory, as that of an expanded tensor is, or of what goes into or out of a module "
            "with backward hooks; work on a copy (t.clone())"
        )


def require_fit(target: Tensor, array: Any, name: str) -> None:
    """Refuse values of another shape than that of the tensor, or of a kind that it cannot store."""
    if array.shape != target.array.shape:
        raise ShapeError(f"{name}_ in place gives shape {array.shape}, which does not fit into shape {target.shape}")
    check_category(target, array, name)


def check_category(target: Tensor, array: Any, name: str) -> None:
    """Refuse to store numbers in truth values, and floating-point numbers in integers."""
    if category[array.dtype.kind] > category[target.dtype.kind]:
        raise DtypeError(f"{name}_ in place gives {array.dtype}, which cannot be stored in {target.dtype}")
