"""One call of a `Function`: what it saved, how its backward runs, and what that may return."""

from __future__ import annotations

import inspect
import weakref
from collections.abc import Sequence
from typing import Any, NoReturn

import numpy as np

from microbp import label
from microbp.autograd.bundle import Call, CallRow, borrow
from microbp.errors import GraphError, MutationError, ShapeError
from microbp.mode import is_grad_enabled, no_grad
from microbp.ops.formula import sum_to
from microbp.ops.shape import cast
from microbp.tensor import Tensor, apply, wrap
from microbp.version import Version

__all__ = ["FunctionCall", "FunctionCtx", "FunctionRow", "Saved"]


class FunctionCtx:
    """What the forward of a `Function` hands to its backward. Any attribute may be set on it.

    Attributes
    ----------
    needs_input_grad : tuple of bool
        For each argument of the forward, whether it is a tensor that requires grad.
    """

    def __init__(self, name: str, needs_input_grad: tuple[bool, ...]) -> None:
        self.needs_input_grad = needs_input_grad
        self._name = name
        self._to_save: tuple[Tensor | None, ...] = ()
        self._dirty: tuple[Tensor, ...] = ()
        self._not_differentiable: tuple[Tensor, ...] = ()
        self._materialize = True
        self._call: weakref.ref[FunctionCall] | None = None  # weak, since the call has the context

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
    """One tensor that a call saved: its values, when they were last written to, and where in the graph it stands.

    Parameters
    ----------
    tensor : Tensor
    title : str
        What it is, in words.
    edge : Node or Tensor or None
        Where it stands in the graph.
    number : int, optional
        The number of the output that it is, which has no node yet.
    """

    __slots__ = ("array", "edge", "number", "title", "version")

    def __init__(self, tensor: Tensor, title: str, edge: Any, number: int | None = None) -> None:
        self.array = tensor.array
        self.version: Version = tensor._versioned()
        self.title = title
        self.edge = edge
        self.number = number

    def unpack(self, call: FunctionCall, recording: bool) -> Tensor:
        """The tensor, standing where it stood in the graph."""
        if self.version.written > call.number:
            raise MutationError(call.overwritten(call.saved.index(self), self.version.written))
        if isinstance(self.edge, Tensor):
            if self.edge.array is self.array:
                return self.edge
            if recording:
                raise MutationError(
                    f"{call.row.name}{label.at(call.bundle)} saved {self.title}, which was given other data since; "
                    "compute the loss anew"
                )
            return wrap(self.array).requires_grad_(self.edge.requires_grad)
        tensor = wrap(self.array, self.edge if self.number is None else call.node_of(self.number))
        tensor._version = self.version
        return tensor


class FunctionCall(Call):
    """One call of a `Function`.

    Attributes
    ----------
    ctx : FunctionCtx
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
        self.inputs = tuple([(t.array.shape, t.array.dtype) if isinstance(t, Tensor) else None for t in arguments])
        self.edges = edges
        self.saved: tuple[Saved | None, ...] = ()

    @property
    def kept(self) -> tuple[np.ndarray[Any, Any], ...]:
        """What was saved for the backward."""
        return tuple([np.empty(0) if saved is None else saved.array for saved in self.saved])

    def overwritten(self, number: int, written: int | None) -> str:
        """That a saved tensor was written to since."""
        saved = self.saved[number]
        assert saved is not None
        what = f"{saved.title}{label.identity(saved.edge, (), saved.array)}"
        return f"{self.row.name}{label.at(self.bundle)} saved {what} and needs it{label.changed(self.number, written)}"

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
        if result is None or (kind is not None and not self.ctx.needs_input_grad[position]):
            return None
        if kind is None or not isinstance(result, Tensor) or not is_expandable(kind[0], result.array.shape):
            self.refuse(position, result)
        shape, dtype = kind
        if result.array.dtype != dtype:
            result = apply(cast, result, dtype=dtype, source=result.array.dtype)
        # A view, since the array may be one that others hold too; the engine copies it where it becomes a leaf's own.
        return sum_to(result if recording else result.array.view(), shape)

    def refuse(self, position: int, result: Any) -> NoReturn:
        """Say why a gradient cannot be taken."""
        kind = self.inputs[position]
        is_tensor = isinstance(result, Tensor)
        got = f"a tensor of shape {result.shape}" if is_tensor else f"{type(result).__name__}: {result!r}"
        what = (
            f"{self.row.name}.backward{label.at(self.bundle)}, as the gradient of {self.row.argument(position)!r}, "
            f"returned {got}"
        )
        if kind is None:
            raise GraphError(f"{what}, but that argument is no tensor; return None for it")
        if not is_tensor:
            raise TypeError(f"{what}; return a Tensor or None")
        raise ShapeError(f"{what}, but the argument has shape {kind[0]}")

    def handles(self) -> list[Tensor]:
        """Tensors that stand for the arguments that require grad, without their values."""
        edges = [edge for edge, need in zip(self.edges, self.ctx.needs_input_grad, strict=True) if need]
        return [edge if isinstance(edge, Tensor) else wrap(np.zeros(0), edge) for edge in edges]


class FunctionRow(CallRow):
    """The row of a `Function`.

    Parameters
    ----------
    function : type
        The class.
    is_split : bool
        Whether its forward is not given the context, as `setup_context` does the keeping.
    """

    def __init__(self, function: Any, is_split: bool) -> None:
        self.function = function
        self.is_split = is_split
        self.signature = inspect.signature(function.forward)
        parameters = list(self.signature.parameters.values())[0 if is_split else 1 :]
        names = [p.name for p in parameters if p.kind in {p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD}]
        others = next((p.name for p in parameters if p.kind == p.VAR_POSITIONAL), "args")
        name = function.__name__
        shown = ", ".join([*names, f"*{others}"] if len(names) < len(parameters) else names)
        super().__init__(name, f"{name}.forward({shown})", names, others, f"{name}.backward(ctx, g)")

    def complete(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
        """The arguments in their positions, in the split form with the defaults for those that are missing."""
        if not self.is_split:
            if kwargs:
                raise TypeError(
                    f"{self.name}.apply() takes no keyword arguments, got {', '.join(kwargs)}; a forward without ctx, "
                    "beside a setup_context, can be given them"
                )
            return args
        if kwargs or len(args) < len(self.names):
            try:
                bound = self.signature.bind(*args, **kwargs)
            except TypeError as error:
                raise TypeError(f"{self.name}.apply(): {error}") from None
            bound.apply_defaults()
            if not bound.kwargs.keys().isdisjoint(kwargs):
                raise TypeError(f"{self.name}.apply() cannot pass on keyword-only arguments: {', '.join(bound.kwargs)}")
            return bound.args
        return args

    def run(self, ctx: FunctionCtx, args: Sequence[Any]) -> Any:
        """Run the user's forward, unrecorded."""
        with no_grad():
            if not self.is_split:
                return self.function.forward(ctx, *args)
            output = self.function.forward(*args)
            self.function.setup_context(ctx, tuple(args), output)
            return output


def is_expandable(shape: tuple[int, ...], to: tuple[int, ...]) -> bool:
    """Whether a tensor of one shape can be broadcast to the other."""
    if shape == to:
        return True
    if len(shape) > len(to):
        return False
    return all(size in {1, there} for size, there in zip(shape[::-1], to[::-1], strict=False))
