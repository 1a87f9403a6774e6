"""Gradients, Jacobians and Hessians as functions made of functions.

Each transform runs the function on tensors of its own that stand for the arguments, and
differentiates with respect to these. What comes out keeps its graph if, and only if, it
depends on something else that requires grad: on the arguments of an outer transform, or on a
tensor of the user's. That is what makes transforms nest.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

import numpy as np

from microbp.autograd.functional import along, gradient, jacobian_of, zeros_like
from microbp.autograd.tree import leaves_of, map_leaves, rebuilt, tensors_of
from microbp.engine import collect
from microbp.errors import OptionError, ShapeError
from microbp.functions.joining import stack
from microbp.mode import enable_grad, is_grad_enabled
from microbp.ops.shape import clone
from microbp.tensor import Tensor, apply, wrap

__all__ = ["grad", "grad_and_value", "hessian", "jacfwd", "jacrev", "jvp", "vjp", "vmap"]

Argnums = int | tuple[int, ...]


class Level:
    """One application of a transform.

    Attributes
    ----------
    inner : list of Tensor
        The tensors that stand for those that the transform differentiates by.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.recording = is_grad_enabled()
        self.own: set[Tensor] = set()
        self.inner: list[Tensor] = []

    def enter(self, tree: Any) -> Any:
        """Tensors of the level's own, in place of those of a nested argument."""

        def own(leaf: Any) -> Any:
            if not isinstance(leaf, Tensor):
                raise TypeError(f"{self.name} differentiates by tensors, got {type(leaf).__name__}: {leaf!r}")
            outer = self.recording and leaf.requires_grad
            inside = apply(clone, leaf) if outer else self.claim(leaf.detach())
            self.inner.append(inside)
            return inside

        with enable_grad():
            return map_leaves(own, tree)

    def claim(self, tensor: Tensor) -> Tensor:
        """Let a tensor require grad as one that only this level knows."""
        self.own.add(tensor.requires_grad_())
        return tensor

    def is_outer(self, tree: Any) -> bool:
        """Whether something depends on a tensor that requires grad and is not of this level."""
        return self.recording and depends_on_others(tensors_of(tree), self.own)

    def leave(self, tree: Any) -> Any:
        """A result, without its graph unless that leads to something outside this level."""
        if self.is_outer(tree):
            return tree
        return map_leaves(lambda leaf: leaf.detach() if isinstance(leaf, Tensor) else leaf, tree)


def depends_on_others(tensors: Iterable[Tensor], own: set[Tensor]) -> bool:
    """Whether tensors were computed from a leaf that requires grad and is not among these."""
    roots = [tensor.grad_fn or tensor for tensor in tensors if tensor.requires_grad]
    leaves = [root for root in roots if isinstance(root, Tensor)]
    for node in collect(roots):
        leaves += [edge for edge in node.inputs if isinstance(edge, Tensor) and edge._requires_grad]
    return any(leaf not in own for leaf in leaves)


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
        found = along(outputs, level.inner, vectors, create_graph=outer)
        product = rebuilt(output, zeros_for_none(found, outputs))
    shown, along_v = level.leave(output), level.leave(product)
    return (shown, along_v, level.leave(aux)) if has_aux else (shown, along_v)


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
            columns: list[list[list[Tensor]]] = [[[] for _ in level.inner] for _ in outputs]
            for position, element in [(k, e) for k, t in enumerate(level.inner) for e in range(t.numel())]:
                vectors = [zeros_like(point) for point in level.inner]
                vectors[position].array.flat[element] = 1
                products = zeros_for_none(along(outputs, level.inner, vectors, create_graph=outer), outputs)
                for column, product in zip(columns, products, strict=True):
                    column[position].append(product)
            blocks = iter(
                [
                    rebuilt(chosen, [joined(*pair, out) for pair in zip(column, level.inner, strict=True)])
                    for column, out in zip(columns, outputs, strict=True)
                ]
            )
            jacobian = map_leaves(lambda leaf: next(blocks), output)
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


def vmap(*args: Any, **kwargs: Any) -> NoReturn:
    """Not supported."""
    raise NotImplementedError(
        "microbp has no vmap; write the function for batches (most operations broadcast), or use a loop and stack()"
    )


# -- what they have in common --------------------------------------------------------------


def replace(level: Level, args: tuple[Any, ...], argnums: Argnums) -> tuple[Any, tuple[Any, ...]]:
    """The chosen arguments as tensors of the level, and all arguments with these in their places."""
    positions = (argnums,) if isinstance(argnums, int) else tuple(argnums)
    if not positions:
        raise OptionError(f"{level.name} needs at least one argument to differentiate by, got argnums=()")
    for position in positions:
        if not -len(args) <= position < len(args):
            raise OptionError(
                f"{level.name} got argnums={argnums}, but the function was called with {len(args)} arguments"
            )
    replaced = list(args)
    places = [position % len(args) for position in positions]
    if len(set(places)) < len(places):
        raise OptionError(f"{level.name} got argnums={argnums}, which names an argument twice")
    for place in places:
        replaced[place] = level.enter(args[place])
    chosen = tuple(replaced[place] for place in places)
    return (chosen[0] if isinstance(argnums, int) else chosen), tuple(replaced)


def split_aux(result: Any, has_aux: bool, name: str) -> tuple[Any, Any]:
    """What is differentiated, and what comes besides."""
    if not has_aux:
        return result, None
    if not (isinstance(result, tuple) and len(result) == 2):
        raise TypeError(f"{name} with has_aux=True needs a function that returns a pair (output, aux)")
    return result


def all_tensors(tree: Any, name: str) -> tuple[Tensor, ...]:
    """The tensors of an output; there must be nothing else."""
    for leaf in leaves_of(tree):
        if not isinstance(leaf, Tensor):
            raise TypeError(f"{name} needs a function that returns tensors, got {type(leaf).__name__}: {leaf!r}")
    return tuple(leaves_of(tree))


def matching(tree: Any, others: Iterable[Tensor], name: str, what: str) -> tuple[Tensor, ...]:
    """The tensors of a vector; they must have the shapes of the others."""
    vectors, others = all_tensors(tree, name), tuple(others)
    if len(vectors) != len(others):
        raise ShapeError(f"{name} needs {len(others)} tensors, one for each {what}, got {len(vectors)}")
    for position, (vector, other) in enumerate(zip(vectors, others, strict=True)):
        if vector.shape != other.shape:
            raise ShapeError(f"{name} got shape {vector.shape} for {what} {position}, which has shape {other.shape}")
    return vectors


def zeros_for_none(found: Iterable[Tensor | None], like: Iterable[Tensor]) -> list[Tensor]:
    """Derivatives, zero where nothing connects an output with an argument."""
    return [zeros_like(other) if g is None else g for g, other in zip(found, like, strict=True)]
