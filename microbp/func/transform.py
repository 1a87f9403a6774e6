"""Gradients, and products of Jacobians with vectors, as functions made of functions."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NoReturn

from microbp.autograd.derivative import along, gradient
from microbp.autograd.tree import rebuilt
from microbp.errors import ShapeError
from microbp.func.level import Argnums, Level, all_tensors, matching, replace, split_aux, zeros_for_none
from microbp.mode import enable_grad, is_grad_enabled
from microbp.tensor import Tensor

__all__ = ["grad", "grad_and_value", "jvp", "vjp", "vmap"]


def grad(func: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False) -> Callable[..., Any]:
    """The gradient of a function, as a function of the same arguments.

    Parameters
    ----------
    func : callable
        Returns a tensor without dimensions; with `has_aux`, a pair of that and anything else.
    argnums : int or tuple of int
        By which arguments to differentiate. These may be nested tuples, lists and dicts of tensors.
    has_aux : bool
        Whether the function returns something besides; the gradient then comes as ``(gradient, aux)``.

    Returns
    -------
    callable
        Returns the gradient, nested as the argument is; a tuple of gradients for several `argnums`.

    Examples
    --------
    >>> import microbp
    >>> from microbp.func import grad
    >>> f = lambda x: x**3
    >>> grad(f)(microbp.tensor(2.0)), grad(grad(f))(microbp.tensor(2.0))
    (tensor(12.), tensor(12.))
    """
    both = grad_and_value(func, argnums, has_aux)

    @functools.wraps(func)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        gradient, rest = both(*args, **kwargs)
        return (gradient, rest[1]) if has_aux else gradient

    return wrapper


def grad_and_value(func: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False) -> Callable[..., Any]:
    """The gradient of a function and its value, as a function of the same arguments.

    Parameters
    ----------
    func, argnums, has_aux
        As for `grad`.

    Returns
    -------
    callable
        Returns ``(gradient, value)``, or ``(gradient, (value, aux))``.

    Raises
    ------
    ShapeError
        If the function returns a tensor with dimensions.

    Examples
    --------
    >>> import microbp
    >>> microbp.func.grad_and_value(lambda x: x * x)(microbp.tensor(3.0))
    (tensor(6.), tensor(9.))
    """

    @functools.wraps(func)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        level = Level("grad")
        chosen, args = replace(level, args, argnums)
        with enable_grad():
            value, aux = split_aux(func(*args, **kwargs), has_aux, "grad")
            if not isinstance(value, Tensor):
                raise TypeError(f"grad needs a function that returns a Tensor, got {type(value).__name__}")
            if value.ndim:
                raise ShapeError(
                    f"grad needs a function that returns a tensor without dimensions, got shape {value.shape}; "
                    "reduce it first (y.sum() or y.mean()), or use jacrev"
                )
            outer = level.is_outer((value, aux))
            found = gradient([value], level.inner, None, create_graph=outer, retain_graph=outer)
            gradients = rebuilt(chosen, zeros_for_none(found, level.inner))
        return level.leave(gradients), level.leave((value, aux) if has_aux else value)

    return wrapper


def vjp(func: Callable[..., Any], *primals: Any, has_aux: bool = False) -> Any:
    """The value of a function, and the function that multiplies a vector by its Jacobian there.

    Parameters
    ----------
    func : callable
        Takes the primals, returns tensors, nested as it likes; with `has_aux`, a pair of that and anything else.
    *primals
        The point: tensors, or nested tuples, lists and dicts of them.
    has_aux : bool
        Whether the function returns something besides.

    Returns
    -------
    output
        What the function returns.
    vjp_fn : callable
        Given a vector v, nested as the output is, returns a tuple: v^T J for each primal.
    aux
        Only with `has_aux`.

    Examples
    --------
    >>> import microbp
    >>> y, product = microbp.func.vjp(lambda x: x * x, microbp.tensor([1.0, 2.0]))
    >>> product(microbp.ones(2))
    (tensor([2., 4.]),)
    """
    level = Level("vjp")
    points = level.enter(primals)
    with enable_grad():
        output, aux = split_aux(func(*points), has_aux, "vjp")
    outputs = all_tensors(output, "vjp")
    outer = level.is_outer(output)

    def vjp_fn(cotangents: Any, retain_graph: bool = True, create_graph: bool | None = None) -> Any:
        starts = matching(cotangents, outputs, "vjp_fn", "output")
        wanted = is_grad_enabled() and (outer or any(start.requires_grad for start in starts))
        recorded = wanted if create_graph is None else create_graph
        found = gradient(outputs, level.inner, starts, recorded, retain_graph=retain_graph or recorded)
        result = rebuilt(points, zeros_for_none(found, level.inner))
        return result if create_graph else level.leave(result)

    shown = level.leave(output)
    return (shown, vjp_fn, level.leave(aux)) if has_aux else (shown, vjp_fn)


def jvp(func: Callable[..., Any], primals: Any, tangents: Any, *, strict: bool = False, has_aux: bool = False) -> Any:
    """The value of a function and its derivative along a direction: J v, by the double-backward trick.

    Parameters
    ----------
    func : callable
        As for `vjp`.
    primals : tuple
        The point.
    tangents : tuple
        The direction v, nested as the primals are.
    strict : bool
        Not supported.
    has_aux : bool
        Whether the function returns something besides.

    Returns
    -------
    output
        What the function returns.
    tangent
        J v, nested as the output is.
    aux
        Only with `has_aux`.

    Examples
    --------
    >>> import microbp
    >>> x = microbp.tensor([1.0, 2.0])
    >>> microbp.func.jvp(lambda x: x * x, (x,), (microbp.tensor([1.0, 0.0]),))
    (tensor([1., 4.]), tensor([2., 0.]))
    """
    if strict:
        raise NotImplementedError("jvp has no strict=True; microbp.autograd.functional.jvp does")
    if not isinstance(primals, tuple) or not isinstance(tangents, tuple):
        raise TypeError("jvp takes a tuple of primals and a tuple of tangents: jvp(f, (x,), (v,))")
    level = Level("jvp")
    points = level.enter(primals)
    vectors = matching(tangents, level.inner, "jvp", "primal")
    with enable_grad():
        output, aux = split_aux(func(*points), has_aux, "jvp")
        outputs = all_tensors(output, "jvp")
        outer = level.is_outer((output, vectors))
        found = along(outputs, level.inner, create_graph=outer)(vectors)
        product = rebuilt(output, zeros_for_none(found, outputs))
    shown, along_v = level.leave(output), level.leave(product)
    return (shown, along_v, level.leave(aux)) if has_aux else (shown, along_v)


def vmap(*args: Any, **kwargs: Any) -> NoReturn:
    """Not supported."""
    raise NotImplementedError(
        "microbp has no vmap; write the function for batches (most operations broadcast), or use a loop and stack()"
    )
