"""Comparison of gradients with central differences.

The derivative of a function f along one element x_j of its input is

    df/dx_j = (f(x + h e_j) - f(x - h e_j)) / 2h + O(h^2),

which needs no backward pass, and so can tell whether the backward pass is right. Use
float64: with h = 1e-6 the difference of two float32 numbers is mostly rounding.

Source: Griewank & Walther, *Evaluating Derivatives*, 2nd ed. (SIAM 2008), section 1.1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from microbp.backward import as_tuple, grad
from microbp.errors import GradcheckError, warn
from microbp.mode import no_grad
from microbp.tensor import Tensor, wrap

__all__ = ["gradcheck", "gradgradcheck"]

Function = Callable[..., Any]
Inputs = Tensor | Sequence[Any]
Array = np.ndarray[Any, Any]


def gradcheck(
    func: Function,
    inputs: Inputs,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_batched_forward_grad: bool = False,
    check_forward_ad: bool = False,
    check_backward_ad: bool = True,
    fast_mode: bool = False,
    masked: bool | None = None,
) -> bool:
    """Compare the backward pass through a function with central differences.

    Every element of every output is differentiated with respect to every element of every
    floating-point input that requires grad.

    Parameters
    ----------
    func : callable
        Takes the inputs, returns a tensor or a tuple of tensors; must give the same each time.
    inputs : Tensor or sequence
        The point at which to compare; float64. A function that is not smooth there, as relu is not at 0, fails.
    eps : float
        The step h of the differences.
    atol, rtol : float
        A gradient may differ from the difference d by ``atol + rtol * abs(d)``.
    raise_exception : bool
        Raise on a difference; else return False.
    nondet_tol : float
        By how much results may differ between two runs with the same inputs.
    check_undefined_grad : bool
        Also run the backward pass from each of several outputs alone: functions find no gradient for the others.
    check_grad_dtypes
        Without effect: a gradient always has the dtype of its input.
    check_backward_ad, check_batched_grad, check_batched_forward_grad, check_forward_ad, fast_mode, masked
        Only the defaults are supported.

    Returns
    -------
    bool
        Whether all gradients agree.

    Raises
    ------
    GradcheckError
        Names the output, the input and the element that differ most, with both values.

    Examples
    --------
    >>> import microbp
    >>> x = microbp.tensor([0.5, 2.0], dtype=microbp.float64, requires_grad=True)
    >>> gradcheck(microbp.exp, x)
    True
    """
    refuse(
        check_batched_grad=check_batched_grad,
        check_batched_forward_grad=check_batched_forward_grad,
        check_forward_ad=check_forward_ad,
        fast_mode=fast_mode,
        masked=masked,
        no_backward_ad=not check_backward_ad,
    )
    values = as_tuple(inputs)
    outputs = floating(func(*values))
    if any(output.requires_grad for output in outputs):
        outputs = [output if output.requires_grad else None for output in outputs]
    names = Names("gradcheck", numbered("input", values), numbered("output", outputs))
    return report(
        faults(func, values, outputs, names, eps, atol, rtol, nondet_tol, check_undefined_grad), raise_exception
    )


def gradgradcheck(
    func: Function,
    inputs: Inputs,
    grad_outputs: Tensor | Sequence[Tensor] | None = None,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    gen_non_contig_grad_outputs: bool = False,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_fwd_over_rev: bool = False,
    check_rev_over_rev: bool = True,
    fast_mode: bool = False,
    masked: bool = False,
) -> bool:
    """Compare second derivatives with central differences of the first.

    Only the derivatives of the backward pass are checked; whether that itself is right is for `gradcheck` to tell.

    Parameters
    ----------
    func, inputs, eps, atol, rtol, raise_exception, nondet_tol, check_undefined_grad
        As for `gradcheck`.
    grad_outputs : Tensor or sequence of Tensor, optional
        The gradients to start with at the outputs; by default some that are all different.
    gen_non_contig_grad_outputs : bool
        Whether these are not contiguous in memory.
    check_grad_dtypes
        Without effect.
    check_rev_over_rev, check_batched_grad, check_fwd_over_rev, fast_mode, masked
        Only the defaults are supported.

    Returns
    -------
    bool
        Whether all second derivatives agree.

    Raises
    ------
    GradcheckError
        Names the first derivative, the input (or starting gradient) that it was differentiated with respect to, and
        the element that differs most, with both values.

    Examples
    --------
    >>> import microbp
    >>> x = microbp.tensor([0.5, 2.0], dtype=microbp.float64, requires_grad=True)
    >>> gradgradcheck(microbp.exp, x)
    True
    """
    refuse(
        check_batched_grad=check_batched_grad,
        check_fwd_over_rev=check_fwd_over_rev,
        fast_mode=fast_mode,
        masked=masked,
        no_rev_over_rev=not check_rev_over_rev,
    )
    values = as_tuple(inputs)
    count = len(values)
    starts: Sequence[Tensor]
    if grad_outputs is None:
        starts = [uneven(output, gen_non_contig_grad_outputs) for output in differentiable(func(*values))]
    else:
        starts = [start.detach().requires_grad_() for start in as_tuple(grad_outputs)]

    found: list[int] = []

    def gradient(*arguments: Any) -> tuple[Tensor, ...]:
        given = [k for k, value in enumerate(arguments[:count]) if isinstance(value, Tensor) and value.requires_grad]
        outputs = differentiable(func(*arguments[:count]))
        gradients = grad(
            outputs, [arguments[k] for k in given], arguments[count:], create_graph=True, allow_unused=True
        )
        found[:] = [k for k, g in zip(given, gradients, strict=True) if g is not None]
        return tuple([g for g in gradients if g is not None])

    arguments = (*values, *starts)
    outputs = gradient(*arguments)
    inputs_of = numbered("input", values)
    names = Names(
        "gradgradcheck",
        [*inputs_of, *numbered("the starting gradient of output", starts)],
        [f"the gradient of {inputs_of[k]}" for k in found],
    )
    return report(
        faults(gradient, arguments, outputs, names, eps, atol, rtol, nondet_tol, check_undefined_grad), raise_exception
    )


class Names(NamedTuple):
    """What the texts call the checker, the inputs and the outputs."""

    checker: str
    inputs: Sequence[str]
    outputs: Sequence[str]


def numbered(name: str, values: Sequence[Any]) -> list[str]:
    """A name for each of several values."""
    return [f"{name} {position}" for position in range(len(values))]


def faults(
    func: Function,
    values: Sequence[Any],
    outputs: Sequence[Tensor | None],
    names: Names,
    eps: float,
    atol: float,
    rtol: float,
    nondet_tol: float,
    check_undefined_grad: bool,
) -> Iterator[str]:
    """What is wrong with the gradients of the outputs, the first first; None stands for one that is not checked."""
    checked = [k for k, value in enumerate(values) if isinstance(value, Tensor) and value.requires_grad]
    if not checked:
        raise ValueError(f"{names.checker}() needs at least one input that requires grad")
    for k in checked:
        if values[k].dtype != np.float64:
            warn(
                f"{names.checker}() is only accurate in float64, and {names.inputs[k]} is {values[k].dtype}",
                UserWarning,
            )
    for position, (output, again) in enumerate(zip(outputs, floating(func(*values)), strict=True)):
        if output is not None and not close(output.array, again.array, nondet_tol):
            yield (
                f"{names.outputs[position]} differs between two runs with the same inputs, by up to "
                f"{largest(output.array - again.array):.3g}; gradients can only be checked of a function that always "
                "gives the same (seed its random numbers inside), or up to nondet_tol"
            )
    wanted = [values[k] for k in checked]
    for position, (output, title) in enumerate(zip(outputs, names.outputs, strict=True)):
        if output is None:
            continue
        analytical = jacobians(outputs, position, wanted)
        for k, found in zip(checked, analytical, strict=True):
            expected = differences(func, values, k, position, eps).reshape(found.shape)
            error = np.abs(found - expected) - rtol * np.abs(expected)
            error = np.where(np.isnan(found) & np.isnan(expected), 0.0, error)
            if not np.all(error <= atol):
                pair = (title, output), (names.inputs[k], values[k])
                yield disagreement(error - atol, found, expected, *pair)
        for k, found, again in zip(checked, analytical, jacobians(outputs, position, wanted), strict=True):
            if not close(found, again, nondet_tol):
                yield (
                    f"the backward pass from {title} gives {names.inputs[k]} another gradient when it runs again on "
                    f"the same graph, by up to {largest(found - again):.3g} (nondet_tol is {nondet_tol:g})"
                )
    if check_undefined_grad:
        yield from undefined(outputs, checked, wanted, names)


def undefined(
    outputs: Sequence[Tensor | None], checked: Sequence[int], wanted: list[Tensor], names: Names
) -> Iterator[str]:
    """Whether the gradients from one output are the same if the others have none at all, rather than zeros."""
    positions = [k for k, output in enumerate(outputs) if output is not None and output.requires_grad]
    for position in positions if len(positions) > 1 else []:
        title = names.outputs[position]
        try:
            alone = jacobians(outputs, position, wanted, others=False)
        except (AttributeError, TypeError) as error:
            yield (
                f"the backward pass from {title} alone, where functions find None for the gradients of the others, "
                f"raised {type(error).__name__}: {error}"
            )
            continue
        for k, found, expected in zip(checked, alone, jacobians(outputs, position, wanted), strict=True):
            if not np.array_equal(found, expected, equal_nan=True):
                yield (
                    f"the gradient of {title} with respect to {names.inputs[k]} is another one if the other outputs "
                    f"have no gradient than if theirs are zeros, by up to {largest(found - expected):.3g}"
                )


def report(found: Iterator[str], raise_exception: bool) -> bool:
    """True if nothing was found; else an error, or False."""
    first = next(found, None)
    if first is not None and raise_exception:
        raise GradcheckError(first)
    return first is None


def refuse(**options: Any) -> None:
    """Refuse what is not supported."""
    for name, value in options.items():
        if value:
            option = name.replace("no_", "check_") if name.startswith("no_") else name
            raise NotImplementedError(f"{option}={not value if name.startswith('no_') else value!r} is not supported")


def floating(results: Any) -> list[Any]:
    """The outputs that are floating-point tensors."""
    return [out for out in as_tuple(results) if isinstance(out, Tensor) and out.array.dtype.kind == "f"]


def differentiable(results: Any) -> list[Tensor]:
    """The outputs that can be differentiated."""
    return [out for out in as_tuple(results) if isinstance(out, Tensor) and out.requires_grad]


def jacobians(
    outputs: Sequence[Tensor | None], position: int, inputs: list[Tensor], others: bool = True
) -> list[Array]:
    """The derivative of each element of one output (rows) by each element of each input (columns).

    The backward pass starts with zeros at the other outputs; or, without `others`, at this output alone.
    """
    output = outputs[position]
    assert output is not None
    found = [np.zeros((output.numel(), value.numel()), value.dtype) for value in inputs]
    if not output.requires_grad:
        return found
    roots = [
        out for k, out in enumerate(outputs) if out is not None and out.requires_grad and (others or k == position)
    ]
    place = next(k for k, root in enumerate(roots) if root is output)
    starts = [np.zeros(root.shape, root.dtype) for root in roots]
    for row in range(output.numel()):
        starts[place] = np.zeros(output.shape, output.dtype)
        starts[place].flat[row] = 1.0
        gradients = grad(roots, inputs, [wrap(start) for start in starts], retain_graph=True, allow_unused=True)
        for jacobian, g in zip(found, gradients, strict=True):
            if g is not None:
                jacobian[row] = g.array.ravel()
    return found


def differences(func: Function, values: Sequence[Any], k: int, position: int, eps: float) -> Array:
    """The Jacobian of one output by input k, by central differences."""
    columns = []
    for element in range(values[k].numel()):
        either_side = []
        for step in (eps, -eps):
            moved = np.array(values[k].array)
            moved.flat[element] += step
            leaf = wrap(moved).requires_grad_()
            output = floating(func(*values[:k], leaf, *values[k + 1 :]))[position]
            either_side.append(output.array.ravel().copy())
        columns.append((either_side[0] - either_side[1]) / (2 * eps))
    if not columns:
        return np.zeros((floating(func(*values))[position].numel(), 0))
    return np.stack(columns, axis=1)


def uneven(output: Tensor, scattered: bool = False) -> Tensor:
    """A starting gradient with a different value for each element."""
    with no_grad():
        values = 0.5 + np.cos(np.arange(output.numel(), dtype=np.float64)).reshape(output.shape)
        values = values.astype(output.dtype)
        if scattered and values.ndim:
            values = np.stack([values, values], axis=-1)[..., 0]
        return wrap(values).requires_grad_()


def close(found: Array, expected: Array, tolerance: float) -> bool:
    """Whether two arrays are equal up to a tolerance, NaN being equal to NaN."""
    return found.shape == expected.shape and np.allclose(found, expected, rtol=0, atol=tolerance, equal_nan=True)


def largest(difference: Array) -> float:
    """The largest absolute value of all; 0 of none."""
    return float(np.max(np.abs(difference), initial=0.0))


def disagreement(
    excess: Array, found: Array, expected: Array, output: tuple[str, Tensor], value: tuple[str, Tensor]
) -> str:
    """Where the two Jacobians of an output by an input, given with their names, differ most."""
    worst = np.where(np.isnan(excess), np.inf, excess)
    row, column = np.unravel_index(int(np.argmax(worst)), worst.shape)
    of, by = (f"{name} (element {place_of(k, t.shape)})" for k, (name, t) in ((row, output), (column, value)))
    node = output[1].grad_fn
    by_whom = f"was computed by {node!r}" if node else "is not connected with the inputs"
    return (
        f"the gradient of {of} with respect to {by} is {found[row, column]:.8g} by the backward pass (analytical), but "
        f"{expected[row, column]:.8g} by central differences (numerical); {int(np.count_nonzero(worst > 0))} of "
        f"{found.size} derivatives differ{pattern(found, expected)}. The output {by_whom}"
    )


def place_of(number: Any, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The index of an element, given its number in row-major order."""
    return tuple(map(int, np.unravel_index(int(number), shape))) if shape else ()


def pattern(found: Array, expected: Array) -> str:
    """What the analytical gradients have in common, if it is a factor."""
    used = np.abs(expected) > 1e-3 * np.max(np.abs(expected), initial=0.0)
    if not used.any():
        return ""
    ratios = found[used] / expected[used]
    ratio = float(np.median(ratios))
    if not np.allclose(ratios, ratio, rtol=1e-3, atol=1e-6):
        return ""
    if abs(ratio + 1) < 1e-3:
        return ", the analytical having the wrong sign throughout"
    return "" if abs(ratio - 1) < 1e-3 else f", the analytical being {ratio:.4g} times the numerical throughout"
