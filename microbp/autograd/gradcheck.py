"""Comparison of gradients with central differences.

The derivative of a function f along one element x_j of its input is

    df/dx_j = (f(x + h e_j) - f(x - h e_j)) / 2h + O(h^2),

which needs no backward pass, and so can tell whether the backward pass is right. Use
float64: with h = 1e-6 the difference of two float32 numbers is mostly rounding.

Source: Griewank & Walther, *Evaluating Derivatives*, 2nd ed. (SIAM 2008), section 1.1.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from microbp.autograd.backward import as_tuple, grad
from microbp.errors import GradcheckError
from microbp.mode import no_grad
from microbp.tensor import Tensor, wrap

__all__ = ["gradcheck", "gradgradcheck"]

Function = Callable[..., Any]
Inputs = Tensor | Sequence[Any]


def gradcheck(
    func: Function,
    inputs: Inputs,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
) -> bool:
    """Compare the backward pass through a function with central differences.

    Every element of every output is differentiated with respect to every element of every
    floating-point input that requires grad.

    Parameters
    ----------
    func : callable
        Takes the inputs, returns a tensor or a tuple of tensors; must give the same each time.
    inputs : Tensor or sequence
        The point at which to compare; float64.
    eps : float
        The step h of the differences.
    atol, rtol : float
        A gradient may differ from the difference d by ``atol + rtol * abs(d)``.
    raise_exception : bool
        Raise on a difference; else return False.

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
    values = as_tuple(inputs)
    checked = [k for k, value in enumerate(values) if isinstance(value, Tensor) and value.requires_grad]
    if not checked:
        raise ValueError("gradcheck() needs at least one input that requires grad")
    for k in checked:
        if values[k].dtype != np.float64:
            warnings.warn(
                f"gradcheck() is only accurate in float64, and input {k} is {values[k].dtype}",
                UserWarning,
                stacklevel=2,
            )
    for position, output in enumerate(outputs_of(func, values)):
        analytical = jacobians(output, [values[k] for k in checked])
        for k, found in zip(checked, analytical, strict=True):
            expected = differences(func, values, k, position, eps).reshape(found.shape)
            error = np.abs(found - expected) - rtol * np.abs(expected)
            error = np.where(np.isnan(found) & np.isnan(expected), 0.0, error)
            if not np.all(error <= atol):
                if not raise_exception:
                    return False
                raise GradcheckError(disagreement(error, found, expected, position, k, output, values[k]))
    return True


def gradgradcheck(
    func: Function,
    inputs: Inputs,
    grad_outputs: Sequence[Tensor] | None = None,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
) -> bool:
    """Compare second derivatives with central differences of the first.

    Parameters
    ----------
    func, inputs, eps, atol, rtol, raise_exception
        As for `gradcheck`.
    grad_outputs : sequence of Tensor, optional
        The gradients to start with at the outputs; by default some that are all different.

    Returns
    -------
    bool
        Whether all second derivatives agree.

    Examples
    --------
    >>> import microbp
    >>> x = microbp.tensor([0.5, 2.0], dtype=microbp.float64, requires_grad=True)
    >>> gradgradcheck(microbp.exp, x)
    True
    """
    values = as_tuple(inputs)
    count = len(values)
    if grad_outputs is None:
        grad_outputs = [uneven(output) for output in outputs_of(func, values)]

    def gradient(*arguments: Any) -> tuple[Tensor, ...]:
        given, starts = arguments[:count], arguments[count:]
        wanted = [value for value in given if isinstance(value, Tensor) and value.requires_grad]
        found = grad(outputs_of(func, given), wanted, starts, create_graph=True, allow_unused=True)
        return tuple(g for g in found if g is not None and g.requires_grad)

    arguments = (*values, *grad_outputs)
    if not gradient(*arguments):
        return True  # a function that is linear in each element: nothing left to differentiate
    return gradcheck(gradient, arguments, eps=eps, atol=atol, rtol=rtol, raise_exception=raise_exception)


def outputs_of(func: Function, values: Sequence[Any]) -> tuple[Tensor, ...]:
    """The outputs that can be differentiated."""
    return tuple(output for output in as_tuple(func(*values)) if isinstance(output, Tensor) and output.requires_grad)


def jacobians(output: Tensor, inputs: list[Tensor]) -> list[np.ndarray[Any, Any]]:
    """The derivative of each element of the output (rows) by each element of each input (columns)."""
    found = [np.zeros((output.numel(), value.numel()), value.dtype) for value in inputs]
    for row in range(output.numel()):
        start = np.zeros(output.shape, output.dtype)
        start.flat[row] = 1.0
        gradients = grad(output, inputs, wrap(start), retain_graph=True, allow_unused=True)
        for jacobian, g in zip(found, gradients, strict=True):
            if g is not None:
                jacobian[row] = g.array.ravel()
    return found


def differences(func: Function, values: Sequence[Any], k: int, position: int, eps: float) -> np.ndarray[Any, Any]:
    """The Jacobian of one output by input k, by central differences."""
    columns = []
    for element in range(values[k].numel()):
        either_side = []
        for step in (eps, -eps):
            moved = np.array(values[k].array)
            moved.flat[element] += step
            leaf = wrap(moved).requires_grad_()
            output = outputs_of(func, [*values[:k], leaf, *values[k + 1 :]])[position]
            either_side.append(output.array.ravel().copy())
        columns.append((either_side[0] - either_side[1]) / (2 * eps))
    if not columns:
        return np.zeros((outputs_of(func, values)[position].numel(), 0))
    return np.stack(columns, axis=1)


def uneven(output: Tensor) -> Tensor:
    """A starting gradient with a different value for each element."""
    with no_grad():
        values = 0.5 + np.cos(np.arange(output.numel(), dtype=np.float64)).reshape(output.shape)
        return wrap(values.astype(output.dtype)).requires_grad_()


def disagreement(error: Any, found: Any, expected: Any, position: int, k: int, output: Tensor, value: Tensor) -> str:
    """Where the two Jacobians differ most."""
    worst = np.where(np.isnan(error), np.inf, error)
    row, column = np.unravel_index(int(np.argmax(worst)), worst.shape)
    of = tuple(map(int, np.unravel_index(row, output.shape))) if output.ndim else ()
    by = tuple(map(int, np.unravel_index(column, value.shape))) if value.ndim else ()
    return (
        f"the gradient of output {position} (element {of}) with respect to input {k} (element {by}) is "
        f"{found[row, column]:.8g} by the backward pass, but {expected[row, column]:.8g} by central differences; "
        f"{int(np.count_nonzero(worst > 0))} of {found.size} derivatives differ. "
        f"The output was computed by {output.grad_fn!r}"
    )
