"""The sum behind one number of a gradient, as arithmetic that can be redone by hand.

Whatever a rule does, it is linear: each element of the contribution is a sum over elements of
the upstream gradient, each times one number. For element-by-element rules that is one product,
for matrix products a row times a column. For any other rule the numbers are found by giving it
gradients that are 1 in one place and 0 in all others.
"""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["MOST", "coefficients", "terms", "worked_example"]

MOST = 144
"""Of how many elements upstream gradient and contribution may be for coefficients to be looked for."""

DENSE = 8
"""How many coefficients there may be for each element of the larger of the two."""

Index = tuple[int, ...]
Coefficients = list[list[tuple[int, float]]]


def terms(step: Any, index: Index, known: Coefficients | None = None) -> list[tuple[float, float]] | None:
    """The pairs of numbers whose products add up to one element of a step's contribution.

    Parameters
    ----------
    step : Step
    index : tuple of int
        Which element.
    known : list, optional
        What `coefficients` found for the step.

    Returns
    -------
    list of (float, float) or None
        None where they are not known: for a function of the user's own, or too many of them.
    """
    if step.kind == "seed":
        return []
    if step.reduce_axes:
        return [(float(value), 1.0) for value in summed(step, index)]
    if step.local is not None:
        upstream = step.upstream.item() if step.upstream.size == 1 else np.broadcast_to(step.upstream, step.local.shape)
        return [(float(upstream if isinstance(upstream, float) else upstream[index]), float(step.local[index]))]
    if step.factors is not None:
        (_, left), (_, right) = step.factors
        batch = step.contribution.shape[:-2]
        left = np.broadcast_to(left, (*batch, *left.shape[-2:]))[index[:-2]]
        right = np.broadcast_to(right, (*batch, *right.shape[-2:]))[index[:-2]]
        return list(zip(left[index[-2]].tolist(), right[:, index[-1]].tolist(), strict=True))
    found = coefficients(step) if known is None else known
    if found is None:
        return None
    place = int(np.ravel_multi_index(index, step.contribution.shape)) if index else 0
    upstream = step.upstream.reshape(-1)
    return [(float(upstream[j]), value) for j, value in found[place]]


def summed(step: Any, index: Index) -> Any:
    """What is summed over axes for one element."""
    source, shape = step.upstream, step.contribution.shape
    kept = [size for axis, size in enumerate(source.shape) if axis not in step.reduce_axes]
    inner = np.unravel_index(np.ravel_multi_index(index, shape) if index else 0, kept) if kept else ()
    return np.moveaxis(source, step.reduce_axes, range(-len(step.reduce_axes), 0))[inner].reshape(-1).tolist()


def coefficients(step: Any) -> Coefficients | None:
    """For each element of a ``"rule"`` step's contribution: which elements of the upstream gradient, times what.

    Returns
    -------
    list of list of (int, float), or None
        None if there would be too many, or the rule is not one that can be asked often.
    """
    if step.kind != "rule" or max(step.upstream.size, step.contribution.size) > MOST:
        return None
    size = step.upstream.size
    found: Coefficients = [[] for _ in range(step.contribution.size)]
    count, limit = 0, DENSE * max(size, step.contribution.size)
    with np.errstate(all="ignore"):
        for j in range(size):
            unit = np.zeros(size, step.upstream.dtype)
            unit[j] = 1
            column = np.asarray(step.pull(unit.reshape(step.upstream.shape))).reshape(-1)
            places = np.flatnonzero(column)
            count += len(places)
            if count > limit:
                return None
            for i, value in zip(places.tolist(), column[places].tolist(), strict=True):
                found[i].append((j, value))
    return found


def worked_example(step: Any) -> tuple[Index, list[tuple[float, float]]] | None:
    """The largest element of a step's contribution and its terms; None where there is nothing to add up."""
    if step.kind == "seed" or not step.contribution.size:
        return None
    sizes = np.nan_to_num(np.abs(step.contribution))
    index = tuple(int(i) for i in np.unravel_index(np.argmax(sizes), sizes.shape))
    found = terms(step, index)
    return None if not found else (index, found)
