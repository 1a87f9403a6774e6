"""Jacobians and Hessians as functions made of functions."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from microbp.autograd.derivative import along, jacobian_of, zeros_like
from microbp.autograd.tree import map_leaves, rebuilt
from microbp.func.level import Argnums, Level, all_tensors, replace, split_aux, zeros_for_none
from microbp.functions.joining import stack
from microbp.mode import enable_grad
from microbp.tensor import Tensor, wrap

__all__ = ["hessian", "jacfwd", "jacrev"]


def jacrev(
    func: Callable[..., Any],
    argnums: Argnums = 0,
    *,
    has_aux: bool = False,
    chunk_size: int | None = None,
    _preallocate_and_copy: bool = False,
) -> Callable[..., Any]:
    """The Jacobian of a function, as a function of the same arguments: a backward pass for each element of the output.

    Parameters
    ----------
    func : callable
        Returns tensors, nested as it likes; with `has_aux`, a pair of that and anything else.
    argnums : int or tuple of int
        By which arguments to differentiate.
    has_aux : bool
        Whether the function returns something besides; the Jacobian then comes as ``(jacobian, aux)``.
    chunk_size
        Without effect: rows are always computed one by one.

    Returns
    -------
    callable
        Returns, nested as the output, and in it as the argument is, tensors of the output's shape followed by the
        argument's.

    Examples
    --------
    >>> import microbp
    >>> microbp.func.jacrev(lambda x: x * x)(microbp.tensor([1.0, 2.0]))
    tensor([[2., 0.], [0., 4.]])
    """

    @functools.wraps(func)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        level = Level("jacrev")
        chosen, args = replace(level, args, argnums)
        with enable_grad():
            output, aux = split_aux(func(*args, **kwargs), has_aux, "jacrev")
            all_tensors(output, "jacrev")
            outer = level.is_outer(output)
            jacobian = map_leaves(
                lambda leaf: rebuilt(chosen, jacobian_of(leaf, level.inner, create_graph=outer)), output
            )
        shown = level.leave(jacobian)
        return (shown, level.leave(aux)) if has_aux else shown

    return wrapper


def jacfwd(
    func: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False, *, randomness: str = "error"
) -> Callable[..., Any]:
    """The Jacobian of a function, column by column: a product J v for each element of the arguments.

    It saves time where there are fewer arguments than outputs; else `jacrev` does.

    Parameters
    ----------
    func, argnums, has_aux
        As for `jacrev`.
    randomness
        Without effect: the function runs once.

    Returns
    -------
    callable
        As for `jacrev`.

    Examples
    --------
    >>> import microbp
    >>> microbp.func.jacfwd(lambda x: x * x)(microbp.tensor([1.0, 2.0]))
    tensor([[2., 0.], [0., 4.]])
    """

    @functools.wraps(func)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        level = Level("jacfwd")
        chosen, args = replace(level, args, argnums)
        with enable_grad():
            output, aux = split_aux(func(*args, **kwargs), has_aux, "jacfwd")
            outputs = all_tensors(output, "jacfwd")
            outer = level.is_outer(output)
            products = along(outputs, level.inner, create_graph=outer)
            columns: list[list[list[Tensor]]] = [[[] for _ in level.inner] for _ in outputs]
            for position, element in [(k, e) for k, t in enumerate(level.inner) for e in range(t.numel())]:
                vectors = [zeros_like(point) for point in level.inner]
                vectors[position].array.flat[element] = 1
                for column, product in zip(columns, zeros_for_none(products(vectors), outputs), strict=True):
                    column[position].append(product)
            blocks = [
                rebuilt(chosen, [joined(*pair, out) for pair in zip(column, level.inner, strict=True)])
                for column, out in zip(columns, outputs, strict=True)
            ]
            jacobian = rebuilt(output, blocks)
        shown = level.leave(jacobian)
        return (shown, level.leave(aux)) if has_aux else shown

    return wrapper


def joined(columns: list[Tensor], point: Tensor, output: Tensor) -> Tensor:
    """Columns of a Jacobian as one tensor."""
    shape = (*output.shape, *point.shape)
    return stack(columns, dim=-1).reshape(shape) if columns else wrap(np.zeros(shape, output.dtype))


def hessian(func: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """The second derivatives of a function, as a function of the same arguments.

    Parameters
    ----------
    func, argnums
        As for `jacrev`.

    Returns
    -------
    callable
        Returns tensors of the output's shape followed by the argument's twice over.

    Examples
    --------
    >>> import microbp
    >>> microbp.func.hessian(lambda x: (x**3).sum())(microbp.tensor([1.0, 2.0]))
    tensor([[ 6.,  0.], [ 0., 12.]])
    """
    return jacrev(jacrev(func, argnums), argnums)
