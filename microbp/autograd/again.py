"""One operation of a graph, run again in float64: at the values of its inputs, and beside them.

A row is run by its forward, with rules as the node of the graph has them, so that what is checked
is what a backward pass through that node would compute. A `Function` is called again, on new leaves.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from microbp.backward import grad
from microbp.errors import MicrobpError
from microbp.functions.generator import get_rng_state, set_rng_state
from microbp.mode import enable_grad
from microbp.node import Node
from microbp.ops.formula import sum_to
from microbp.ops.shape import clone
from microbp.tensor import Tensor, apply, wrap

__all__ = ["Again", "Unavailable", "Unusable", "again_by_call", "again_by_row", "widened"]

Array = np.ndarray[Any, Any]


class Unavailable(Exception):  # noqa: N818 - it is no error of anybody's
    """An operation cannot be checked; the text says why."""


class Unusable(Exception):  # noqa: N818 - it is a finding
    """A rule gives no gradient of the shape of its argument; the text says what it does instead."""


class Again:
    """One operation, run again.

    Attributes
    ----------
    inputs : list
        Its inputs, in float64.
    value : array or dict
        What it gives; of several outputs, by their numbers.
    upstream : array
        A gradient of the output, or of all outputs one after the other.
    positions : tuple of int
        The arguments that have a gradient.
    """

    def __init__(
        self,
        inputs: list[Any],
        value: Any,
        upstream: Array,
        positions: Sequence[int],
        forward: Callable[[int, Array], Array],
        gradient: Callable[[int, Array], Array],
    ) -> None:
        self.inputs = inputs
        self.value = value
        self.upstream = upstream
        self.positions = positions
        self.forward = forward
        self.gradient = gradient


def again_by_row(node: Node, inputs: list[Any]) -> Again:
    """A row, run again."""
    op, plan = node.op, node.plan
    options = {name: widened_option(value) for name, value in node.options.items()}
    options.update(op.plain)
    steps = {position: (rule, pick, names) for position, rule, pick, names, _ in plan.steps}

    def run(position: int, x: Any) -> tuple[list[Any], tuple[Array, ...]]:
        arguments = [*inputs[:position], x, *inputs[position + 1 :]]
        results = op.forward(*arguments, **options)
        return arguments, tuple(map(np.asarray, results)) if op.handed_on else (np.asarray(results),)

    def forward(position: int, x: Array) -> Array:
        try:
            return run(position, x)[1][0]
        except MicrobpError:
            return np.full(value.shape, np.nan)  # out of its domain, as a matrix that is not positive-definite any more

    try:
        value = run(0, inputs[0])[1][0]
    except Exception as error:
        raise Unavailable(f"its forward raised {type(error).__name__}: {error}") from error
    upstream = random_gradient(value)

    def gradient(position: int, x: Array) -> Array:
        arguments, (y, *handed_on) = run(position, x)
        kept = plan.keep((y, *arguments, *handed_on)) if plan.letters else ()
        kept += tuple([np.shape(arguments[place]) for place in plan.shapes])
        rule, pick, names = steps[position]
        try:
            g = rule(upstream, *pick(kept), **{name: options[name] for name in names})
            if node.shapes is not None and np.shape(g) != x.shape:
                g = sum_to(g, x.shape)
        except Exception as error:
            raise Unusable(f"it raised {type(error).__name__}: {error}") from error
        if np.shape(g) != x.shape:
            raise Unusable(f"it gives a gradient of shape {np.shape(g)} for an argument of shape {x.shape}")
        if op.symmetric:
            g = np.tril(g) + np.triu(g, 1).mT  # what both triangles have, the lower one is moved for
        return np.asarray(g)

    return Again(inputs, value, upstream, tuple(steps), forward, gradient)


def again_by_call(node: Node, inputs: list[Any]) -> Again:
    """A `Function`, run again on tensors, for its values as for its gradients."""
    if not isinstance(node.kept, tuple):
        raise Unavailable("it is part of a checkpoint, which does not keep what was called")
    (call,) = node.kept
    function = call.row.function
    tensors = [k for k, value in enumerate(inputs) if isinstance(value, np.ndarray)]
    random_numbers = get_rng_state()

    def run(position: int, x: Any) -> tuple[Tensor, list[Any]]:
        set_rng_state(random_numbers)
        leaf = wrap(x).requires_grad_()
        given = [wrap(value.copy()) if k in tensors else value for k, value in enumerate(inputs)]
        with enable_grad():
            given[position] = apply(clone, leaf)  # which may be changed in place, as a leaf may not
            results = function.apply(*given)
        results = results if isinstance(results, tuple) else (results,)
        return leaf, [results[number] for number in call.differentiable]

    def forward(position: int, x: Array) -> Array:
        return flattened(run(position, x)[1])

    def gradient(position: int, x: Array) -> Array:
        leaf, outputs = run(position, x)
        cuts = np.cumsum([t.numel() for t in outputs])[:-1]
        starts = [wrap(part.reshape(t.shape)) for part, t in zip(np.split(upstream, cuts), outputs, strict=True)]
        try:
            (g,) = grad(outputs, leaf, starts, allow_unused=True)
        except Exception as error:
            raise Unusable(f"it raised {type(error).__name__}: {error}") from error
        if g is None:
            raise Unavailable(f"its backward gives no gradient for {node.op.argument(position)!r}")
        return g.array

    positions = [position for position, *_ in node.plan.steps]
    try:
        outputs = run(positions[0], inputs[positions[0]])[1]
        upstream = random_gradient(flattened(outputs))
    except Exception as error:
        raise Unavailable(f"run again on tensors of float64, it raised {type(error).__name__}: {error}") from error
    arrays = [t.array for t in outputs]
    value: Any = arrays[0] if len(arrays) == 1 else dict(zip(call.differentiable, arrays, strict=True))
    return Again(inputs, value, upstream, positions, forward, gradient)


def flattened(outputs: list[Tensor]) -> Array:
    """All outputs, one after the other."""
    return np.concatenate([t.array.reshape(-1) for t in outputs])


def random_gradient(y: Array) -> Array:
    """Values of either sign, none near 0, the same in every run; 0 where a result is infinite and never changes."""
    numbers = np.random.default_rng(2)
    return np.where(np.isfinite(y), numbers.uniform(0.5, 1.5, y.shape) * numbers.choice([-1.0, 1.0], y.shape), 0.0)


def widened(array: Array) -> Array:
    """Floating-point values in float64, others as they are."""
    return array.astype(np.float64) if array.dtype.kind == "f" else array


def widened_option(value: Any) -> Any:
    """A floating-point dtype as float64, other options as they are."""
    return np.dtype(np.float64) if isinstance(value, np.dtype) and value.kind == "f" else value
