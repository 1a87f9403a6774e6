"""Derivatives of functions as a whole: Jacobians, Hessians, and their products with vectors.

How they are computed is told in `microbp.autograd.derivative`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from microbp.autograd.derivative import along, gradient, jacobian_of, zeros_like
from microbp.errors import GraphError, ShapeError
from microbp.mode import enable_grad, is_grad_enabled, set_grad_enabled
from microbp.ops.shape import clone
from microbp.tensor import Tensor, apply, wrap

__all__ = ["hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"]

Tensors = Tensor | tuple[Tensor, ...]
Several = tuple[Tensor, ...]


def jacobian(
    func: Callable[..., Any],
    inputs: Tensors,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    strategy: str = "reverse-mode",
) -> Any:
    """The derivative of every element of the outputs by every element of the inputs.

    Parameters
    ----------
    func : callable
        Takes the inputs, returns a tensor or a tuple of tensors.
    inputs : Tensor or tuple of Tensor
        The point.
    create_graph : bool
        Whether the result can itself be differentiated.
    strict : bool
        Raise, rather than give zeros, where an output does not depend on an input.
    vectorize, strategy
        Not supported: there is no `vmap`.

    Returns
    -------
    Tensor, or tuples of Tensor
        For one input and one output a tensor of the output's shape followed by the input's; of several inputs a tuple
        for each output, of several outputs a tuple of these.

    Raises
    ------
    GraphError
        With `strict`, if the result is zero because nothing connects an output with an input.

    Examples
    --------
    >>> import microbp
    >>> jacobian(lambda x: x * x, microbp.tensor([1.0, 2.0]))
    tensor([[2., 0.], [0., 4.]])
    """
    refuse_vectorize(vectorize, strategy)
    with enable_grad():
        given = as_tuple(inputs, "inputs", "jacobian")
        points = prepare(given, create_graph)
        results = func(*points)
        outputs = as_tuple(results, "outputs of the function", "jacobian")
        check_connected(outputs, strict)
        found = []
        for number, output in enumerate(outputs):
            rows = jacobian_of(output, points, create_graph, strict, number)
            found.append(rows if isinstance(inputs, tuple) else rows[0])
    return tuple(found) if isinstance(results, tuple) else found[0]


def hessian(
    func: Callable[..., Any],
    inputs: Tensors,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    outer_jacobian_strategy: str = "reverse-mode",
) -> Any:
    """The second derivatives of a function with one number as its output.

    Parameters
    ----------
    func : callable
        Takes the inputs, returns a tensor of one element.
    inputs : Tensor or tuple of Tensor
        The point.
    create_graph, strict, vectorize, outer_jacobian_strategy
        As for `jacobian`.

    Returns
    -------
    Tensor, or tuple of tuples of Tensor
        For one input a tensor of its shape twice over; of several inputs a tuple of tuples, ``H[i][j]`` being the
        derivative by input i and input j.

    Raises
    ------
    ShapeError
        If the function returns more than one element.
    GraphError
        If `strict`, and an output or its derivative does not depend on the inputs, or was not recorded.

    Examples
    --------
    >>> import microbp
    >>> hessian(lambda x: (x**3).sum(), microbp.tensor([1.0, 2.0]))
    tensor([[ 6.,  0.], [ 0., 12.]])
    """
    refuse_vectorize(vectorize, outer_jacobian_strategy)
    as_tuple(inputs, "inputs", "hessian")

    def derivative(*points: Tensor) -> Several:
        results = func(*points)
        output = one_number(results, "hessian")
        check_connected((output,), strict)
        gradients = gradient([output], points, None, create_graph=True)
        return filled(gradients, points, strict, True, "the output of the function does not depend on input {}")

    found = jacobian(derivative, inputs, create_graph, strict)
    return found if isinstance(inputs, tuple) else found[0]


def vjp(
    func: Callable[..., Any],
    inputs: Tensors,
    v: Tensors | None = None,
    create_graph: bool = False,
    strict: bool = False,
) -> tuple[Any, Any]:
    """The product v^T J of a vector and the Jacobian, by one backward pass.

    Parameters
    ----------
    func : callable
        Takes the inputs, returns a tensor or a tuple of tensors.
    inputs : Tensor or tuple of Tensor
        The point.
    v : Tensor or tuple of Tensor, optional
        Of the shapes of the outputs; may be left out for an output of one element.
    create_graph, strict
        As for `jacobian`.

    Returns
    -------
    outputs : Tensor or tuple of Tensor
    product : Tensor or tuple of Tensor
        Of the shapes of the inputs.

    Raises
    ------
    ShapeError
        If `v` does not have the shapes of the outputs; without it, if these are more than one number.
    GraphError
        If `strict`, and an output or its derivative does not depend on the inputs, or was not recorded.

    Examples
    --------
    >>> import microbp
    >>> y, product = vjp(lambda x: x * x, microbp.tensor([1.0, 2.0]), microbp.ones(2))
    >>> product
    tensor([2., 4.])
    """
    with enable_grad():
        points = prepare(as_tuple(inputs, "inputs", "vjp"), create_graph)
        results = func(*points)
        outputs = as_tuple(results, "outputs of the function", "vjp")
        check_connected(outputs, strict)
        vectors = directions(v, outputs, create_graph, isinstance(results, tuple), "vjp", "output of the function")
    with set_grad_enabled(create_graph or is_grad_enabled()):
        gradients = gradient(outputs, points, vectors, create_graph)
        found = filled(
            gradients, points, strict, create_graph, "the output of the function does not depend on input {}"
        )
    return finish(outputs, results, create_graph), finish(found, inputs, create_graph)


def jvp(
    func: Callable[..., Any],
    inputs: Tensors,
    v: Tensors | None = None,
    create_graph: bool = False,
    strict: bool = False,
) -> tuple[Any, Any]:
    """The product J v of the Jacobian and a vector, by the double-backward trick.

    Parameters
    ----------
    func : callable
        Takes the inputs, returns a tensor or a tuple of tensors.
    inputs : Tensor or tuple of Tensor
        The point.
    v : Tensor or tuple of Tensor, optional
        Of the shapes of the inputs; may be left out for an input of one element.
    create_graph, strict
        As for `jacobian`.

    Returns
    -------
    outputs : Tensor or tuple of Tensor
    product : Tensor or tuple of Tensor
        Of the shapes of the outputs.

    Raises
    ------
    ShapeError
        If `v` does not have the shapes of the inputs; without it, if these are more than one number.
    GraphError
        If `strict`, and an output or its derivative does not depend on the inputs, or was not recorded.

    Examples
    --------
    >>> import microbp
    >>> y, product = jvp(lambda x: x * x, microbp.tensor([1.0, 2.0]), microbp.tensor([1.0, 0.0]))
    >>> product
    tensor([2., 0.])
    """
    with enable_grad():
        points = prepare(as_tuple(inputs, "inputs", "jvp"), create_graph)
        vectors = directions(v, points, create_graph, isinstance(inputs, tuple), "jvp", "input")
        results = func(*points)
        outputs = as_tuple(results, "outputs of the function", "jvp")
        check_connected(outputs, strict)
        products = along(outputs, points, create_graph, strict)(vectors)
        found = filled(
            products, outputs, strict, create_graph, "output {} of the function does not depend on the inputs"
        )
    return finish(outputs, results, create_graph), finish(found, results, create_graph)


def vhp(
    func: Callable[..., Any],
    inputs: Tensors,
    v: Tensors | None = None,
    create_graph: bool = False,
    strict: bool = False,
) -> tuple[Any, Any]:
    """The product v^T H of a vector and the Hessian.

    Parameters
    ----------
    func : callable
        Takes the inputs, returns a tensor of one element.
    inputs : Tensor or tuple of Tensor
        The point.
    v : Tensor or tuple of Tensor, optional
        Of the shapes of the inputs; may be left out for an input of one element.
    create_graph, strict
        As for `jacobian`.

    Returns
    -------
    output : Tensor
    product : Tensor or tuple of Tensor
        Of the shapes of the inputs.

    Raises
    ------
    ShapeError
        If the function returns more than one element, or `v` does not have the shapes of the inputs; without
        `v`, if these are more than one number.
    GraphError
        If `strict`, and an output or its derivative does not depend on the inputs, or was not recorded.

    Examples
    --------
    >>> import microbp
    >>> y, product = vhp(lambda x: (x**3).sum(), microbp.tensor([1.0, 2.0]), microbp.ones(2))
    >>> product
    tensor([ 6., 12.])
    """
    return hessian_product(func, inputs, v, create_graph, strict, "vhp")


def hvp(
    func: Callable[..., Any],
    inputs: Tensors,
    v: Tensors | None = None,
    create_graph: bool = False,
    strict: bool = False,
) -> tuple[Any, Any]:
    """The product H v of the Hessian and a vector.

    Where the second derivatives are continuous, H is symmetric, and this is the same as `vhp`. Here it is computed
    by the double-backward trick, which makes no use of the symmetry, and takes longer.

    Parameters
    ----------
    func, inputs, v, create_graph, strict
        As for `vhp`.

    Returns
    -------
    output : Tensor
    product : Tensor or tuple of Tensor
        Of the shapes of the inputs.

    Raises
    ------
    ShapeError
        If the function returns more than one element, or `v` does not have the shapes of the inputs; without
        `v`, if these are more than one number.
    GraphError
        If `strict`, and an output or its derivative does not depend on the inputs, or was not recorded.

    Examples
    --------
    >>> import microbp
    >>> y, product = hvp(lambda x: (x**3).sum(), microbp.tensor([1.0, 2.0]), microbp.ones(2))
    >>> product
    tensor([ 6., 12.])
    """
    return hessian_product(func, inputs, v, create_graph, strict, "hvp")


def hessian_product(
    func: Callable[..., Any], inputs: Tensors, v: Tensors | None, create_graph: bool, strict: bool, name: str
) -> tuple[Any, Any]:
    """What `vhp` and `hvp` share."""
    with enable_grad():
        points = prepare(as_tuple(inputs, "inputs", name), create_graph)
        vectors = directions(v, points, create_graph, isinstance(inputs, tuple), name, "input")
        output = one_number(func(*points), name)
        check_connected((output,), strict)
        gradients = gradient([output], points, None, create_graph=True)
        slopes = filled(gradients, points, strict, True, "the output of the function does not depend on input {}")
        if name == "vhp":
            second = gradient(slopes, points, vectors, create_graph)
        else:
            second = along(slopes, points, create_graph, strict)(vectors)
        found = filled(
            second, points, strict, create_graph, "the derivative of the function does not depend on input {}"
        )
    return finish((output,), output, create_graph), finish(found, inputs, create_graph)


# -- what they have in common --------------------------------------------------------------


def as_tuple(values: Any, what: str, name: str) -> Several:
    """One tensor, or a tuple of them, as a tuple."""
    found = values if isinstance(values, tuple) else (values,)
    for position, value in enumerate(found):
        if not isinstance(value, Tensor):
            raise TypeError(
                f"the {what} given to {name} must be a Tensor or a tuple of Tensors, but number {position} is "
                f"{type(value).__name__}"
            )
    return found


def prepare(inputs: Several, create_graph: bool, requires_grad: bool = True) -> Several:
    """Tensors of their own for the inputs, so that what the function uses otherwise is told apart from them."""
    return tuple(
        [
            apply(clone, value)
            if create_graph and value.requires_grad
            else value.detach().requires_grad_(requires_grad)
            for value in inputs
        ]
    )


def directions(
    v: Tensors | None, others: Several, create_graph: bool, are_tuple: bool, name: str, what: str
) -> Several:
    """The vectors, of the shapes that they should have; None stands for 1."""
    if v is None:
        if len(others) != 1 or others[0].numel() != 1:
            raise ShapeError(f"{name} can do without v only if the {what} is one tensor of one element")
        return (wrap(np.ones(others[0].shape, others[0].dtype)),)
    vectors = prepare(as_tuple(v, "vector v", name), create_graph, requires_grad=False)
    if len(vectors) != len(others):
        expected = f"a tuple of {len(others)} tensors" if are_tuple else "one tensor"
        raise ShapeError(f"v must be {expected}, as the {what} is, got {len(vectors)}")
    for position, (vector, other) in enumerate(zip(vectors, others, strict=True)):
        if vector.shape != other.shape:
            raise ShapeError(f"entry {position} of v has shape {vector.shape}, but the {what} has {other.shape}")
    return vectors


def one_number(results: Any, name: str) -> Tensor:
    """The output of a function that should return a tensor of one element."""
    if not isinstance(results, Tensor):
        raise TypeError(f"the function given to {name} must return one Tensor, got {type(results).__name__}")
    if results.numel() != 1:
        raise ShapeError(f"the function given to {name} must return one element, got shape {results.shape}")
    return results


def check_connected(outputs: Several, strict: bool) -> None:
    """With `strict`, refuse an output that was not computed from the inputs."""
    for position, output in enumerate(outputs):
        if strict and not output.requires_grad:
            raise GraphError(
                f"output {position} of the function was not computed from the inputs by recorded operations"
            )


def filled(
    found: Sequence[Tensor | None], like: Sequence[Tensor], strict: bool, create_graph: bool, reason: str
) -> Several:
    """Derivatives with zeros for None; with `strict`, an error, also for one that can not be differentiated further."""
    for position, g in enumerate(found):
        if strict and (g is None or (create_graph and not g.requires_grad)):
            further = "" if g is None else ", but for a factor that is constant; it cannot be differentiated further"
            raise GraphError(reason.format(position) + further)
    return tuple([zeros_like(other) if g is None else g for g, other in zip(found, like, strict=True)])


def finish(found: Several, like: Any, create_graph: bool) -> Any:
    """One tensor or a tuple, as the function had it; without a graph unless one was asked for."""
    kept = found if create_graph else tuple([t.detach() for t in found])
    return kept if isinstance(like, tuple) else kept[0]


def refuse_vectorize(vectorize: bool, strategy: str) -> None:
    """Say that there is no vmap."""
    if strategy not in {"reverse-mode", "forward-mode"}:
        raise ValueError(f"strategy must be 'reverse-mode' or 'forward-mode', got {strategy!r}")
    if vectorize:
        raise NotImplementedError("vectorize=True needs vmap, which microbp does not have; use vectorize=False")
    if strategy == "forward-mode":
        raise NotImplementedError("strategy='forward-mode' is not supported; use 'reverse-mode'")
