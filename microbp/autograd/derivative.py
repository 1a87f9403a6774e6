"""Derivatives of outputs that were computed already: the parts that `functional` and `func` are made of.

For a function f from R^n to R^m with the Jacobian J (m x n), one backward pass computes the
product v^T J. J itself takes one pass for each of its m rows. The product J v comes from the
*double-backward trick*: the map u -> u^T J is linear in u, so that its own backward pass,
started with v, gives J v.

Sources: Griewank & Walther, *Evaluating Derivatives*, 2nd ed. (SIAM 2008), chapter 3;
J. Townsend, "A new trick for calculating Jacobian vector products" (2017).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from microbp.backward import grad
from microbp.errors import GraphError
from microbp.functions.joining import stack
from microbp.tensor import Tensor, wrap

__all__ = ["along", "gradient", "jacobian_of", "zeros_like"]

Several = tuple[Tensor, ...]


def gradient(
    outputs: Sequence[Tensor],
    points: Sequence[Tensor],
    starts: Sequence[Tensor] | None,
    create_graph: bool,
    retain_graph: bool | None = None,
) -> Sequence[Tensor | None]:
    """`grad` of those outputs that were computed from anything that requires grad; None where nothing connects them."""
    chosen = [k for k, output in enumerate(outputs) if output.requires_grad]
    if not chosen:
        return [None] * len(points)
    return grad(
        [outputs[k] for k in chosen],
        points,
        None if starts is None else [starts[k] for k in chosen],
        retain_graph=retain_graph,
        create_graph=create_graph,
        allow_unused=True,
    )


def jacobian_of(
    output: Tensor, points: Sequence[Tensor], create_graph: bool, strict: bool = False, number: int = 0
) -> Several:
    """The derivative of one output by each point: a backward pass for each element."""
    rows: list[list[Tensor]] = [[] for _ in points]
    for element in range(output.numel()):
        start = np.zeros(output.shape, output.dtype)
        start.flat[element] = 1
        gradients = gradient([output], points, [wrap(start)], create_graph, retain_graph=True)
        for position, (g, point) in enumerate(zip(gradients, points, strict=True)):
            if strict and g is None:
                raise GraphError(f"output {number} of the function does not depend on input {position}")
            if strict and create_graph and g is not None and not g.requires_grad:
                raise GraphError(
                    f"the Jacobian of output {number} of the function does not depend on input {position}, so that it "
                    "cannot be differentiated further"
                )
            rows[position].append(zeros_like(point) if g is None else g)
    return tuple(
        [
            stack(row).reshape(*output.shape, *point.shape)
            if row
            else wrap(np.zeros((*output.shape, *point.shape), point.dtype))
            for row, point in zip(rows, points, strict=True)
        ]
    )


def along(
    outputs: Sequence[Tensor], points: Sequence[Tensor], create_graph: bool, strict: bool = False
) -> Callable[[Sequence[Tensor]], list[Tensor | None]]:
    """A function that gives the derivatives of the outputs along vectors, None for an output that nothing connects."""
    chosen = [k for k, output in enumerate(outputs) if output.requires_grad]
    starts = [zeros_like(outputs[k]).requires_grad_() for k in chosen]
    slopes = gradient([outputs[k] for k in chosen], points, starts, create_graph=True)
    used = [k for k, slope in enumerate(slopes) if slope is not None and slope.requires_grad]
    if strict and len(used) < len(slopes):
        missing = next(k for k in range(len(slopes)) if k not in used)
        raise GraphError(f"the output of the function does not depend on input {missing}")

    def products(vectors: Sequence[Tensor]) -> list[Tensor | None]:
        found: list[Tensor | None] = [None] * len(outputs)
        ends = [slope for slope in slopes if slope is not None and slope.requires_grad]
        along_vectors = gradient(ends, starts, [vectors[k] for k in used], create_graph, retain_graph=True)
        for k, product in zip(chosen, along_vectors, strict=True):
            found[k] = product
        return found

    return products


def zeros_like(tensor: Tensor) -> Tensor:
    """Zeros of the shape and dtype of a tensor."""
    return wrap(np.zeros(tensor.shape, tensor.dtype))
