"""Comparison with PyTorch, the referee of names, semantics, defaults and gradients.

``compare(function, x, w)`` runs ``function(lib, x, w)`` twice, with ``lib`` microbp and
PyTorch, on the same values, and compares results, dtypes and the gradients of all
floating-point inputs. Without PyTorch the test is skipped, and says so.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import microbp

REASON = "PyTorch, the referee, is not installed: pip install -e '.[referee]'"


def torch() -> Any:
    """PyTorch, or a skip."""
    return pytest.importorskip("torch", reason=REASON)


def compare(
    function: Callable[..., Any], *inputs: Any, rtol: float = 1e-10, atol: float = 1e-10, second_order: bool = False
) -> None:
    """Require that a function computes the same with microbp as with PyTorch.

    Parameters
    ----------
    function : callable
        ``function(lib, *inputs)``, returning a tensor, or a tuple of tensors or Python values.
    *inputs : array or anything
        Arrays become tensors, those of floating point with ``requires_grad``; the rest is passed on.
    rtol, atol : float
        Tolerances of all comparisons.
    second_order : bool
        Compare also the gradients of a weighted sum of the squared gradients.
    """
    ours = evaluate(microbp, function, inputs, second_order)
    theirs = evaluate(torch(), function, inputs, second_order)
    assert len(ours) == len(theirs), f"{len(ours)} results, PyTorch has {len(theirs)}"
    for (name, mine), (_, yours) in zip(ours, theirs, strict=True):
        assert_same(mine, yours, name, rtol, atol)


def assert_same(mine: Any, yours: Any, name: str, rtol: float = 1e-10, atol: float = 1e-10) -> None:
    """Require equal shape, dtype and values, NaN for NaN."""
    if mine is None or yours is None:
        assert mine is yours, f"{name}: {mine} against {yours}"
        return
    if not isinstance(mine, np.ndarray):
        assert (type(mine), mine) == (type(yours), yours), name
        return
    assert mine.dtype == yours.dtype, f"{name}: dtype {mine.dtype} against {yours.dtype}"
    assert mine.shape == yours.shape, f"{name}: shape {mine.shape} against {yours.shape}"
    np.testing.assert_allclose(mine, yours, rtol=rtol, atol=atol, err_msg=name)


def evaluate(lib: Any, function: Callable[..., Any], inputs: tuple[Any, ...], second_order: bool) -> list[Any]:
    """The results and gradients of a function under one library, as named NumPy arrays."""
    tensors = [to_tensor(lib, value) for value in inputs]
    results = function(lib, *tensors)
    results = results if isinstance(results, tuple | list) else (results,)
    found = [(f"result {k}", to_array(value)) for k, value in enumerate(results)]
    leaves = [t for t in tensors if isinstance(t, lib.Tensor) and t.requires_grad]
    differentiable = [r for r in results if isinstance(r, lib.Tensor) and r.requires_grad]
    if not differentiable or not leaves:
        return found
    loss = weighted_sum(lib, differentiable)
    gradients = lib.autograd.grad(loss, leaves, create_graph=second_order, allow_unused=True)
    found += [(f"gradient of input {k}", to_array(g)) for k, g in enumerate(gradients)]
    if second_order:
        again = [g for g in gradients if g is not None and g.requires_grad]
        if again:
            seconds = lib.autograd.grad(weighted_sum(lib, again), leaves, allow_unused=True)
            found += [
                (f"second gradient of input {k}", or_zeros(g, t))
                for k, (g, t) in enumerate(zip(seconds, leaves, strict=True))
            ]
        else:
            found += [(f"second gradient of input {k}", or_zeros(None, t)) for k, t in enumerate(leaves)]
    return found


def weighted_sum(lib: Any, tensors: list[Any]) -> Any:
    """A scalar that depends on every element in its own way."""
    total = 0.0
    for t in tensors:
        weights = np.cos(np.arange(t.numel(), dtype=np.float64)).reshape(tuple(t.shape)) + 1.5
        total = total + (t * to_tensor(lib, weights.astype(to_array(t).dtype), requires_grad=False)).sum()
    return total


def or_zeros(g: Any, like: Any) -> Any:
    """A gradient, where None means zeros."""
    return np.zeros_like(to_array(like)) if g is None else to_array(g)


def to_tensor(lib: Any, value: Any, requires_grad: bool = True) -> Any:
    """An array as a tensor of the library; anything else as it is."""
    if not isinstance(value, np.ndarray):
        return value
    t = lib.tensor(np.ascontiguousarray(value) if value.ndim else value)
    return t.requires_grad_() if requires_grad and value.dtype.kind == "f" else t


def to_array(value: Any) -> Any:
    """A tensor as an array; anything else as it is."""
    if not hasattr(value, "detach"):
        return value
    if isinstance(value, microbp.Tensor):
        return value.detach().numpy()
    return value.detach().numpy(force=True)  # PyTorch has zeros without memory, as abs'' gives
