"""Operations in place: ``w -= lr * g``, ``x[i] = v``, ``p.zero_()``.

A tensor is a handle. An operation in place writes the result of an ordinary row into the
memory behind the handle, and, where the operation is recorded, moves the handle on to the
new node. A recorded write into a view moves the tensor on that it is a view of; the view, and
all others, are then taken again when they are next used.

Nodes that kept the old value find that it was written to, and refuse to compute a wrong
gradient from it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from microbp.dtypes import category
from microbp.engine import Node, writes
from microbp.errors import DtypeError, GraphError, MutationError, ShapeError
from microbp.mode import current
from microbp.ops.op import Op
from microbp.ops.shape import cast, clone
from microbp.ops.view import write_through
from microbp.tensor import Tensor, apply, wrap

__all__ = ["apply_in_place", "write"]


def apply_in_place(op: Op, target: Tensor, *others: Any, **options: Any) -> Tensor:
    """Replace a tensor's values by the result of a row whose first argument it is.

    Raises
    ------
    GraphError
        If the tensor is a leaf that requires grad and operations are being recorded.
    ShapeError, DtypeError
        If the result does not fit into the tensor.
    """
    recorded = current.get().recording and any(
        isinstance(value, Tensor) and value.requires_grad for value in (target, *others)
    )
    if not recorded:
        write(target, apply(op, target, *others, **options).array, op.name)
        return target
    base = target if target._base is None else target._base
    if base.requires_grad and base.node is None:
        what = "leaf" if base is target else "view of a leaf"
        raise GraphError(
            f"{op.name}_ in place on a {what} that requires grad would lose its gradient; "
            "wrap the update in no_grad(), or work on a copy (t.clone())"
        )
    if not target._records:
        raise GraphError(
            f"{op.name}_ in place would be recorded, on a view that was taken inside no_grad(); take the view outside, "
            "or work on a copy (t.clone())"
        )
    if target.is_left_behind:
        raise GraphError(
            f"{op.name}_ in place would be recorded, on a view whose base was given other data since; take the view "
            "anew, or work on a copy (t.clone())"
        )
    # Rules that ask for the old value see a copy of it; the others need none.
    before = apply(clone, target) if keeps_first(op, target, *others) else wrap(target.array, target.node)
    out = apply(op, before, *others, **options)
    if out.dtype != target.dtype:
        check_category(target, out.array, op.name)
        out = apply(cast, out, dtype=target.dtype, source=out.dtype)
    whole = out if base is target else apply(write_through, wrap(base.array, base.node), out, path=target._path)
    write(target, out.array, op.name)
    move(base, whole.node)
    return target


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
    return 0 in op.plans[needed & op.differentiable].guarded


def write(target: Tensor, values: Any, name: str) -> None:
    """Put values into a tensor's memory and count the write."""
    array = np.asarray(values)
    if array.shape != target.array.shape:
        raise ShapeError(f"{name}_ in place gives shape {array.shape}, which does not fit into shape {target.shape}")
    check_category(target, array, name)
    if not target.array.flags.writeable:
        raise MutationError(
            f"{name}_ in place on read-only memory, as that of an expanded tensor is, or of what goes into or out of "
            "a module with backward hooks; work on a copy (t.clone())"
        )
    np.copyto(target.array, array, casting="unsafe")
    target._versioned().write()


def check_category(target: Tensor, array: Any, name: str) -> None:
    """Refuse to store numbers in truth values, and floating-point numbers in integers."""
    if category[array.dtype.kind] > category[target.dtype.kind]:
        raise DtypeError(f"{name}_ in place gives {array.dtype}, which cannot be stored in {target.dtype}")
