"""Operations of the user's own: a forward, and a backward written by hand.

    class Cube(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x**3

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return g * 3 * x**2

    y = Cube.apply(x)

The forward runs without being recorded; in the graph, the call is one node with the name of
the class. The backward is written in tensor operations, so that it can itself be recorded and
differentiated.
"""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

import numpy as np

from microbp.autograd.bundle import record
from microbp.autograd.call import FunctionCall, FunctionCtx, FunctionRow, Saved
from microbp.errors import GraphError, MutationError
from microbp.mode import current, is_grad_enabled, no_grad
from microbp.tensor import Tensor, wrap

__all__ = ["Function", "FunctionCtx", "once_differentiable"]

SIMPLE = (int, float, bool, str)
"""Arguments that a node remembers for drawings; others may be large."""


class Function:
    """Base class of operations with a backward of their own.

    Subclass it, write ``forward`` and ``backward`` as static methods, and call ``apply``.

    - ``forward(ctx, *args)`` computes the output, a tensor or a tuple of them, from arguments that may be tensors or
      anything else. It keeps what the backward needs with ``ctx.save_for_backward(...)``, or as attributes of `ctx`.
      In the split form, it is ``forward(*args)``, and ``setup_context(ctx, inputs, output)`` does the keeping.
    - ``backward(ctx, *grads)`` is given the gradient of the loss with respect to each output, and returns one for each
      argument of the forward, None for those that have none. It must not write to what it is given.

    Outputs never share memory with arguments, but for those that are marked by ``ctx.mark_dirty``: an argument, or a
    view of one, that the forward returns is copied.

    Raises
    ------
    GraphError
        If it is instantiated.

    Examples
    --------
    >>> import microbp
    >>> from microbp.autograd import Function
    >>> class Exp(Function):
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         y = x.exp()
    ...         ctx.save_for_backward(y)
    ...         return y
    ...
    ...     @staticmethod
    ...     def backward(ctx, g):
    ...         (y,) = ctx.saved_tensors
    ...         return g * y
    >>> x = microbp.tensor([0.0, 1.0], requires_grad=True)
    >>> y = Exp.apply(x)
    >>> y
    tensor([1.0000, 2.7183], grad_fn=<Exp>)
    >>> y.sum().backward()
    >>> x.grad
    tensor([1.0000, 2.7183])
    """

    def __init__(self) -> None:
        name = type(self).__name__
        raise GraphError(f"{name} is not to be instantiated: its methods are static, and it is called by {name}.apply")

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        """Compute the output; every subclass defines its own.

        Parameters
        ----------
        *args, **kwargs
            What ``apply`` is given, after a `ctx` unless there is a `setup_context`.

        Returns
        -------
        Tensor or tuple of Tensor
        """
        raise NotImplementedError("a Function needs a static method forward(ctx, *args), or forward(*args)")

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        """Keep what the backward needs, where the forward is not given `ctx`.

        Parameters
        ----------
        inputs : tuple
            The arguments of the forward.
        output : Tensor or tuple of Tensor
            What it returned.
        """
        raise NotImplementedError("a Function whose forward is not given ctx needs setup_context(ctx, inputs, output)")

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        """Compute the gradients of the arguments from those of the outputs; every subclass defines its own.

        Parameters
        ----------
        *grads : Tensor
            The gradient of the loss with respect to each output.

        Returns
        -------
        Tensor, None, or tuple of them
            One for each argument of the forward.
        """
        raise NotImplementedError("a Function needs a static method backward(ctx, *grads) to be differentiated")

    @classmethod
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        """Run the forward and record it.

        Parameters
        ----------
        *args, **kwargs
            The arguments of the forward, without `ctx`; by keyword in the split form only.

        Returns
        -------
        Tensor, or tuple
            What the forward returns.

        Raises
        ------
        GraphError, MutationError
            If the forward changed an argument in place that requires grad, and did not say so.
        """
        row = row_of(cls)
        args = row.complete(args, kwargs)
        needs = tuple([isinstance(value, Tensor) and value.requires_grad for value in args])
        edges = tuple([edge_of(value) for value in args])
        versions = [value.version if need else -1 for value, need in zip(args, needs, strict=True)]
        ctx = FunctionCtx(row.name, needs)
        results = row.run(ctx, args)
        raw = results if isinstance(results, tuple) else (results,)
        check_returned(row, ctx, args, results)
        outputs = own(raw, args, ctx._dirty)
        if any(needs) and current.get().recording:
            check_changed(row, ctx, args, edges, versions)
            record_call(row, ctx, args, edges, raw, outputs)
        ctx._to_save = ctx._dirty = ctx._not_differentiable = ()
        return outputs if isinstance(results, tuple) else outputs[0]


def row_of(function: type[Function]) -> FunctionRow:
    """The row of a class, made when it is first called."""
    row = function.__dict__.get("_row")
    if row is None:
        row = FunctionRow(function, function.setup_context is not Function.setup_context)
        function._row = row  # type: ignore[attr-defined]
    found: FunctionRow = row
    return found


def edge_of(value: Any) -> Any:
    """What a node knows of an argument."""
    if isinstance(value, Tensor):
        return value.grad_fn or value
    return value if type(value) in SIMPLE else None


def is_among(value: Any, tensors: Iterable[Any]) -> bool:
    """Whether a value is one of these tensors."""
    return id(value) in map(id, tensors)


def check_returned(row: FunctionRow, ctx: FunctionCtx, args: tuple[Any, ...], results: Any) -> None:
    """Refuse tensors in a list, which would be overlooked, and changed arguments that are not returned."""
    if isinstance(results, list) and any(isinstance(out, Tensor) for out in results):
        raise TypeError(f"{row.name}.forward returned a list of tensors; return a tuple of them")
    for tensor in ctx._dirty:
        if not is_among(tensor, args) or not is_among(tensor, results if isinstance(results, tuple) else (results,)):
            raise GraphError(
                f"{row.name}.forward marked a tensor as dirty that is not an argument which it also returns; "
                "an argument that is changed in place must be an output"
            )


def check_changed(
    row: FunctionRow, ctx: FunctionCtx, args: tuple[Any, ...], edges: tuple[Any, ...], versions: list[int]
) -> None:
    """Refuse changes of arguments in place that were not declared, or that the graph cannot hold."""
    for position, (value, edge) in enumerate(zip(args, edges, strict=True)):
        what = f"{row.name}.forward changed its argument {row.argument(position)!r} in place"
        if not is_among(value, ctx._dirty):
            if ctx.needs_input_grad[position] and value.version != versions[position]:
                raise MutationError(
                    f"{what}; say so with ctx.mark_dirty() and return it, or work on a copy (t.clone())"
                )
        elif edge is value and value.requires_grad:
            raise GraphError(
                f"{what}, which is a leaf that requires grad, and would lose its gradient; work on a copy (t.clone())"
            )
        elif value._base is not None:
            raise NotImplementedError(f"{what}, which is a view of another tensor; work on a copy (t.clone())")


def own(raw: tuple[Any, ...], args: tuple[Any, ...], dirty: tuple[Tensor, ...]) -> tuple[Any, ...]:
    """The outputs as tensors that can be given a history: copies of those that belong to something else already."""
    outputs = []
    arrays = [value.array for value in args if isinstance(value, Tensor)]
    for number, out in enumerate(raw):
        if isinstance(out, Tensor) and not is_among(out, dirty):
            taken = out.node is not None or out._requires_grad or out._base is not None or is_among(out, raw[:number])
            if taken or any(np.may_share_memory(out.array, array) for array in arrays):
                out = wrap(out.array.copy())
        outputs.append(out)
    return tuple(outputs)


def record_call(
    row: FunctionRow,
    ctx: FunctionCtx,
    args: tuple[Any, ...],
    edges: tuple[Any, ...],
    raw: tuple[Any, ...],
    outputs: tuple[Any, ...],
) -> None:
    """Put a node behind the outputs, and what was saved into it."""
    if ctx._dirty:  # an argument that becomes an output must not be its own input
        edges = tuple(
            [
                value.detach() if edge is value and is_among(value, ctx._dirty) else edge
                for value, edge in zip(args, edges, strict=True)
            ]
        )
    call = FunctionCall(row, ctx, args, edges)
    call.differentiable = tuple(
        [
            number
            for number, (out, before) in enumerate(zip(outputs, raw, strict=True))
            if isinstance(out, Tensor) and out.array.dtype.kind == "f" and not is_among(before, ctx._not_differentiable)
        ]
    )
    if not call.differentiable:
        return
    call.saved = tuple([None if tensor is None else saved(tensor, call, args, raw) for tensor in ctx._to_save])
    mode = current.get()
    if mode.observer is not None:
        call.arguments = args
    changed = [number for number, out in enumerate(raw) if is_among(out, ctx._dirty)]
    record(call, edges, ctx.needs_input_grad, outputs, changed)
    ctx._call = weakref.ref(call)


def saved(tensor: Tensor, call: FunctionCall, args: tuple[Any, ...], raw: tuple[Any, ...]) -> Saved:
    """What a call keeps of a tensor that it was asked to save."""
    for position, value in enumerate(args):
        if value is tensor and not is_among(tensor, call.ctx._dirty):
            return Saved(tensor, f"its argument {call.row.argument(position)!r}", call.edges[position])
    for number, value in enumerate(raw):
        if value is tensor:
            title = "its output" if len(raw) == 1 else f"its output {number}"
            if number in call.differentiable:
                return Saved(tensor, title, None, number)
            return Saved(tensor, title, tensor.detach())
    return Saved(tensor, "a tensor that is neither argument nor output", edge_of(tensor))


class DifferentiatedTwice(Function):
    """Stands behind the gradients of a backward that cannot itself be differentiated."""

    @staticmethod
    def forward(ctx: Any, name: str, g: Tensor, *sources: Tensor) -> Tensor:
        """The gradient as it is."""
        ctx.name = name
        return g.clone()

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> NoReturn:
        """Say what is wrong."""
        raise GraphError(
            f"{ctx.name}.backward is marked as once_differentiable, and was to be differentiated again; "
            "write it in tensor operations, without that mark, for second derivatives"
        )


def once_differentiable(function: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a backward that cannot itself be differentiated, as when it computes with NumPy.

    Its results can be used in a recorded backward pass, but to differentiate them raises `GraphError`.

    Parameters
    ----------
    function : callable
        The ``backward(ctx, *grads)`` of a `Function`.

    Examples
    --------
    >>> import numpy as np
    >>> import microbp
    >>> from microbp.autograd.function import Function, once_differentiable
    >>> class Sinc(Function):
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         ctx.save_for_backward(x)
    ...         return microbp.from_numpy(np.sinc(x.numpy()))
    ...
    ...     @staticmethod
    ...     @once_differentiable
    ...     def backward(ctx, g):
    ...         x = ctx.saved_tensors[0].numpy()
    ...         return g * microbp.from_numpy((np.cos(np.pi * x) - np.sinc(x)) / x)
    >>> x = microbp.tensor([0.5, 1.0], requires_grad=True)
    >>> Sinc.apply(x).sum().backward()
    >>> x.grad
    tensor([-1.2732, -1.0000])
    """

    @functools.wraps(function)
    def wrapper(ctx: FunctionCtx, *grads: Any) -> Any:
        with no_grad():
            results = function(ctx, *grads)
        call = None if ctx._call is None else ctx._call()
        if call is None or not is_grad_enabled():
            return results
        sources = [*call.handles(), *(g for g in grads if g is not None)]

        def guard(result: Any) -> Any:
            return DifferentiatedTwice.apply(ctx._name, result, *sources) if isinstance(result, Tensor) else result

        return tuple([guard(result) for result in results]) if isinstance(results, tuple | list) else guard(results)

    return wrapper
