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
import inspect
import weakref
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NoReturn

import numpy as np

from microbp import label
from microbp.autograd.bundle import Call, CallRow, borrow, record
from microbp.engine import Version
from microbp.errors import GraphError, MutationError, ShapeError
from microbp.mode import current, is_grad_enabled, no_grad
from microbp.ops.op import sum_to
from microbp.ops.shape import cast
from microbp.tensor import Tensor, apply, wrap

__all__ = ["Function", "FunctionCtx", "once_differentiable"]

SIMPLE = (int, float, bool, str)
"""Arguments that a node remembers for drawings; others may be large."""


class FunctionCtx:
    """What the forward of a `Function` hands to its backward. Any attribute may be set on it.

    Attributes
    ----------
    needs_input_grad : tuple of bool
        For each argument of the forward, whether it is a tensor that requires grad.
    """

    needs_input_grad: tuple[bool, ...]

    def __init__(self, name: str, needs_input_grad: tuple[bool, ...]) -> None:
        self.needs_input_grad = needs_input_grad
        self._name = name
        self._to_save: tuple[Tensor | None, ...] = ()
        self._dirty: tuple[Tensor, ...] = ()
        self._not_differentiable: tuple[Tensor, ...] = ()
        self._materialize = True
        self._call: weakref.ref[FunctionCall] | None = None

    def save_for_backward(self, *tensors: Tensor | None) -> None:
        """Keep tensors for the backward, which finds them in `saved_tensors`.

        What is kept is guarded: if it is overwritten before the backward runs, that raises `MutationError`.

        Parameters
        ----------
        *tensors : Tensor or None
            Arguments, outputs, or results in between; only the last call counts.
        """
        for position, tensor in enumerate(tensors):
            if not (tensor is None or isinstance(tensor, Tensor)):
                raise TypeError(
                    f"{self._name}: save_for_backward() takes tensors, but argument {position} is "
                    f"{type(tensor).__name__}; keep other values as attributes, ctx.name = value"
                )
        self._to_save = tensors

    def mark_dirty(self, *tensors: Tensor) -> None:
        """Say which arguments the forward changed in place; it must return them."""
        self._dirty = tensors

    def mark_non_differentiable(self, *tensors: Tensor) -> None:
        """Say which outputs have no gradient."""
        self._not_differentiable = tensors

    def set_materialize_grads(self, value: bool) -> None:
        """Whether the backward is given zeros, rather than None, for outputs that no gradient reaches."""
        self._materialize = value

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        """What `save_for_backward` kept.

        Raises
        ------
        MutationError
            If one of them was overwritten since.
        GraphError
            If they were freed by an earlier backward pass.
        """
        if self._call is None:
            return self._to_save
        call = self._call()
        if call is None:
            raise GraphError(
                f"the tensors that {self._name} saved were freed by an earlier backward pass. Pass retain_graph=True "
                "to the first backward(), or compute the loss anew"
            )
        recording = is_grad_enabled()
        return tuple([None if saved is None else saved.unpack(call, recording) for saved in call.saved])


class Saved:
    """One tensor that a call saved: its values, when they were last written to, and where in the graph it stands."""

    __slots__ = ("array", "edge", "number", "title", "version")

    def __init__(self, tensor: Tensor, title: str, edge: Any, number: int | None) -> None:
        self.array = tensor.array
        self.version: Version = tensor._versioned()
        self.title = title
        self.edge = edge
        self.number = number

    def unpack(self, call: FunctionCall, recording: bool) -> Tensor:
        """The tensor, standing where it stood in the graph."""
        if self.version.written > call.number:
            raise MutationError(
                f"{call.row.name}{label.at(call.bundle)} saved {self.title} for its backward, but that was changed in "
                "place since. Compute the loss anew after the change, or change a copy (t.clone())"
            )
        if isinstance(self.edge, Tensor):
            if self.edge.array is self.array:
                return self.edge
            if recording:
                raise MutationError(
                    f"{call.row.name}{label.at(call.bundle)} saved {self.title}, which was given other data since; "
                    "compute the loss anew"
                )
            return wrap(self.array).requires_grad_(self.edge.requires_grad)
        node = self.edge if self.number is None else call.node_of(self.number)
        tensor = wrap(self.array, node)
        tensor._version = self.version
        return tensor


class FunctionCall(Call):
    """One call of a `Function`.

    Attributes
    ----------
    inputs : tuple of (shape, dtype) or None
        What each argument is; None for one that is no tensor.
    edges : tuple
        The edges of the arguments.
    saved : tuple of Saved or None
    arguments : tuple or None
        The arguments themselves, where an observer may want to run the forward again.
    """

    row: FunctionRow
    arguments: tuple[Any, ...] | None = None

    def __init__(self, row: FunctionRow, ctx: FunctionCtx, arguments: tuple[Any, ...], edges: tuple[Any, ...]) -> None:
        super().__init__(row)
        self.ctx = ctx
        self.inputs = tuple([(t.shape, t.dtype) if isinstance(t, Tensor) else None for t in arguments])
        self.edges = edges
        self.saved: tuple[Saved | None, ...] = ()

    def backward(self, parts: dict[int, Any], recording: bool) -> list[Any]:
        """Run the user's backward and check what it returns."""
        gradients = [self.given(number, parts.get(number)) for number in range(len(self.outputs))]
        if recording:
            results = self.row.function.backward(self.ctx, *gradients)
        else:
            with no_grad():
                results = self.row.function.backward(self.ctx, *gradients)
        if not isinstance(results, tuple | list):
            results = (results,)
        count = len(self.inputs)
        if len(results) < count or any(result is not None for result in results[count:]):
            names = ", ".join(self.row.argument(position) for position in range(count))
            raise GraphError(
                f"{self.row.name}.backward returned {len(results)} gradients{label.at(self.bundle)}, but forward has "
                f"{count} arguments ({names}); return one for each, None where there is none"
            )
        return [self.taken(position, results[position], recording) for position in range(count)]

    def given(self, number: int, g: Any) -> Tensor | None:
        """The gradient of an output, as the user's backward is to get it."""
        if g is not None:
            return borrow(g)
        kind = self.outputs[number]
        return wrap(np.zeros(*kind)) if kind is not None and self.ctx._materialize else None

    def taken(self, position: int, result: Any, recording: bool) -> Any:
        """The gradient of an argument, as the engine is to get it."""
        kind = self.inputs[position]
        what = f"{self.row.name}.backward, as the gradient of {self.row.argument(position)!r}, returned"
        if result is None or (kind is not None and not self.ctx.needs_input_grad[position]):
            return None
        if kind is None:
            raise GraphError(f"{what} {describe(result)}, but that argument is no tensor; return None for it")
        if not isinstance(result, Tensor):
            raise TypeError(f"{what} {describe(result)}; return a Tensor or None")
        shape, dtype = kind
        if not is_expandable(shape, result.shape):
            raise ShapeError(
                f"{what} a tensor of shape {result.shape}{label.at(self.bundle)}, but the argument has shape {shape}"
            )
        if result.dtype != dtype:
            result = apply(cast, result, dtype=dtype, source=result.dtype)
        # A view, since the array may be one that others hold too; the engine copies it where it becomes a leaf's own.
        return sum_to(result if recording else result.array.view(), shape)

    def handles(self) -> list[Tensor]:
        """Tensors that stand for the arguments that require grad, without their values."""
        edges = [edge for edge, need in zip(self.edges, self.ctx.needs_input_grad, strict=True) if need]
        return [edge if isinstance(edge, Tensor) else wrap(np.zeros(0), edge) for edge in edges]


class FunctionRow(CallRow):
    """The row of a `Function`."""

    def __init__(self, function: type[Function]) -> None:
        self.function = function
        self.is_split = function.setup_context is not Function.setup_context
        parameters = list(inspect.signature(function.forward).parameters.values())[0 if self.is_split else 1 :]
        names = [p.name for p in parameters if p.kind in {p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD}]
        others = next((p.name for p in parameters if p.kind == p.VAR_POSITIONAL), "args")
        self.defaults = [p.default for p in parameters if p.default is not p.empty and p.name in names]
        name = function.__name__
        shown = ", ".join([*names, f"*{others}"] if len(names) < len(parameters) else names)
        super().__init__(name, f"{name}.forward({shown})", names, others, f"{name}.backward(ctx, g)")

    def run(self, ctx: FunctionCtx, args: tuple[Any, ...]) -> Any:
        """Run the user's forward."""
        with no_grad():
            if not self.is_split:
                return self.function.forward(ctx, *args)
            output = self.function.forward(*args)
            self.function.setup_context(ctx, args, output)
            return output

    def complete(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """The arguments, with the defaults for those that are missing, which `setup_context` is to see."""
        missing = len(self.names) - len(args)
        if self.is_split and 0 < missing <= len(self.defaults):
            args = (*args, *self.defaults[-missing:])
        return args


class Function:
    """Base class of operations with a backward of their own.

    Subclass it, write ``forward`` and ``backward`` as static methods, and call ``apply``.

    - ``forward(ctx, *args)`` computes the output, a tensor or a tuple of them, from arguments that may be tensors or
      anything else. It keeps what the backward needs with ``ctx.save_for_backward(...)``, or as attributes of `ctx`.
      In the split form, it is ``forward(*args)``, and ``setup_context(ctx, inputs, output)`` does the keeping.
    - ``backward(ctx, *grads)`` is given the gradient of the loss with respect to each output, and returns one for each
      argument of the forward, None for those that have none.

    Outputs never share memory with arguments, but for those that are marked by ``ctx.mark_dirty``.

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
        """Compute the output; every subclass defines its own."""
        raise NotImplementedError("a Function needs a static method forward(ctx, *args), or forward(*args)")

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        """Keep what the backward needs, where the forward is not given `ctx`."""
        raise NotImplementedError("a Function whose forward is not given ctx needs setup_context(ctx, inputs, output)")

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        """Compute the gradients of the arguments from those of the outputs; every subclass defines its own."""
        raise NotImplementedError("a Function needs a static method backward(ctx, *grads) to be differentiated")

    @classmethod
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        """Run the forward and record it.

        Parameters
        ----------
        *args
            The arguments of the forward, without `ctx`.

        Returns
        -------
        Tensor, or tuple
            What the forward returns.

        Raises
        ------
        GraphError, MutationError
            If the forward changed an argument in place that requires grad, and did not say so.
        """
        if kwargs:
            raise TypeError(f"{cls.__name__}.apply() takes no keyword arguments, got {', '.join(kwargs)}")
        row = row_of(cls)
        args = row.complete(args)
        needs = tuple([isinstance(value, Tensor) and value.requires_grad for value in args])
        edges = tuple([edge_of(value) for value in args])
        versions = [value.version if need else -1 for value, need in zip(args, needs, strict=True)]
        ctx = FunctionCtx(row.name, needs)
        recording = current.get().recording and any(needs)
        results = row.run(ctx, args)
        several = isinstance(results, tuple)
        raw: tuple[Any, ...] = results if several else (results,)

        dirty = [position for position, value in enumerate(args) if is_among(value, ctx._dirty)]
        check_dirty(row, ctx, args, raw)
        if recording:
            for position, (value, need) in enumerate(zip(args, needs, strict=True)):
                if need and position not in dirty and value.version != versions[position]:
                    raise MutationError(
                        f"{row.name}.forward changed its argument {row.argument(position)!r} in place; "
                        "say so with ctx.mark_dirty() and return it, or work on a copy (t.clone())"
                    )
        outputs = own(raw, args, ctx._dirty)
        if recording:
            for position in dirty:
                check_changeable(row, position, args[position], edges[position])
            edges = tuple(
                [
                    value.detach() if position in dirty and not needs[position] else edges[position]
                    for position, value in enumerate(args)
                ]
            )
            call = FunctionCall(row, ctx, args, edges)
            call.differentiable = tuple(
                [
                    number
                    for number, (out, before) in enumerate(zip(outputs, raw, strict=True))
                    if isinstance(out, Tensor)
                    and out.array.dtype.kind == "f"
                    and not is_among(before, ctx._not_differentiable)
                ]
            )
            if call.differentiable:
                call.saved = tuple([save(t, row, args, edges, raw, call, ctx._dirty) for t in ctx._to_save])
                if current.get().observer is not None:
                    call.arguments = args
                changed = [number for number, out in enumerate(raw) if is_among(out, ctx._dirty)]
                record(call, edges, needs, outputs, changed)
                ctx._call = weakref.ref(call)
        ctx._to_save = ctx._dirty = ctx._not_differentiable = ()
        return outputs if several else outputs[0]


def row_of(function: type[Function]) -> FunctionRow:
    """The row of a class, made when it is first called."""
    row = function.__dict__.get("_row")
    if row is None:
        row = FunctionRow(function)
        function._row = row  # type: ignore[attr-defined]
    found: FunctionRow = row
    return found


def edge_of(value: Any) -> Any:
    """What a node knows of an argument."""
    if isinstance(value, Tensor):
        return value.grad_fn or value
    return value if type(value) in SIMPLE else None


def is_among(value: Any, tensors: Iterable[Any]) -> bool:
    """Whether a value is a tensor that is one of these."""
    return isinstance(value, Tensor) and any(value is tensor for tensor in tensors)


def check_dirty(row: FunctionRow, ctx: FunctionCtx, args: tuple[Any, ...], raw: tuple[Any, ...]) -> None:
    """Refuse to mark as changed what is no argument, or was not returned."""
    for tensor in ctx._dirty:
        if not is_among(tensor, args) or not is_among(tensor, raw):
            raise GraphError(
                f"{row.name}.forward marked a tensor as dirty that is not an argument which it also returns; "
                "an argument that is changed in place must be an output"
            )


def check_changeable(row: FunctionRow, position: int, value: Tensor, edge: Any) -> None:
    """Refuse a recorded change in place that the graph cannot hold."""
    what = f"{row.name}.forward changed its argument {row.argument(position)!r} in place, which is"
    if edge is value and value.requires_grad:
        raise GraphError(f"{what} a leaf that requires grad, and would lose its gradient; work on a copy (t.clone())")
    if value._base is not None:
        raise NotImplementedError(f"{what} a view of another tensor; work on a copy (t.clone())")


def own(raw: tuple[Any, ...], args: tuple[Any, ...], dirty: Sequence[Tensor]) -> tuple[Any, ...]:
    """The outputs as tensors that can be given a history: copies of those that belong to something else already."""
    outputs: list[Any] = []
    arrays = [value.array for value in args if isinstance(value, Tensor)]
    for number, out in enumerate(raw):
        if isinstance(out, Tensor) and not is_among(out, dirty):
            taken = is_among(out, raw[:number]) or out.node is not None or out._requires_grad or out._base is not None
            if taken or any(np.may_share_memory(out.array, array) for array in arrays):
                out = wrap(out.array.copy())
        outputs.append(out)
    return tuple(outputs)


def save(
    tensor: Tensor | None,
    row: FunctionRow,
    args: tuple[Any, ...],
    edges: tuple[Any, ...],
    raw: tuple[Any, ...],
    call: FunctionCall,
    dirty: Sequence[Tensor],
) -> Saved | None:
    """What a call keeps of a tensor that it was asked to save."""
    if tensor is None:
        return None
    if not is_among(tensor, dirty):
        for position, value in enumerate(args):
            if value is tensor:
                return Saved(tensor, f"its argument {row.argument(position)!r}", edges[position], None)
    for number, value in enumerate(raw):
        if value is tensor:
            what = "its output" if len(raw) == 1 else f"its output {number}"
            if number in call.differentiable:
                return Saved(tensor, what, None, number)
            return Saved(tensor, what, tensor.detach(), None)
    return Saved(tensor, "a tensor", tensor.detach(), None)


def is_expandable(shape: tuple[int, ...], to: tuple[int, ...]) -> bool:
    """Whether a tensor of one shape can be broadcast to the other."""
    if len(shape) > len(to):
        return False
    return all(size in {1, there} for size, there in zip(shape[::-1], to[::-1], strict=False))


def describe(value: Any) -> str:
    """A value that was not expected."""
    return f"a tensor of shape {value.shape}" if isinstance(value, Tensor) else f"{type(value).__name__}: {value!r}"


class DifferentiatedTwice(Function):
    """Stands behind the gradients of a backward that cannot itself be differentiated."""

    @staticmethod
    def forward(ctx: FunctionCtx, name: str, g: Tensor, *sources: Tensor) -> Tensor:
        """The gradient as it is."""
        ctx.name = name  # type: ignore[attr-defined]
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
    ...         x = ctx.saved_tensors[0].detach().numpy()
    ...         return g * microbp.from_numpy((np.cos(np.pi * x) - np.sinc(x)) / x)
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
