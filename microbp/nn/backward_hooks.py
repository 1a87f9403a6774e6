"""Hooks of a module that see the gradients of its inputs and outputs.

A call of a module with such hooks is put between two gates, functions that compute nothing:

    arguments -> gate -> forward -> gate -> output

The backward pass meets the gate behind the output first: it has the gradients of all outputs,
which the hooks before the backward of the module may replace. When it reaches the gate before the
forward, all gradients of the arguments are there, and the hooks after the backward see both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from microbp.autograd.function import Function
from microbp.errors import ShapeError, warn
from microbp.mode import is_grad_enabled
from microbp.tensor import Tensor, wrap

__all__ = ["BackwardHooks"]


class Gate(Function):
    """Passes tensors on, and their gradients through a function."""

    @staticmethod
    def forward(ctx: Any, see: Callable[..., Sequence[Tensor | None]], *tensors: Tensor) -> tuple[Tensor, ...]:
        """Pass the tensors on."""
        ctx.see = see
        ctx.set_materialize_grads(False)
        return tensors

    @staticmethod
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Tensor | None, ...]:
        """Let the function see the gradients, and pass on what it returns."""
        return None, *ctx.see(grads)


class BackwardHooks:
    """The hooks of one call of a module.

    Parameters
    ----------
    module : Module
        The module.
    before, after : iterable of callable
        The hooks before and after its backward.
    """

    def __init__(self, module: Any, before: Iterable[Callable[..., Any]], after: Iterable[Callable[..., Any]]) -> None:
        self.module = module
        self.before = tuple(before)
        self.after = tuple(after)
        self.inputs: Values | None = None  # of the arguments, if there is one with a gradient
        self.outputs = Values(())
        self.arguments = 0
        self.grad_output: tuple[Tensor | None, ...] | None = None

    def enter(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """The arguments, after their gate."""
        values = Values(args)
        self.arguments = len(args)
        if not values.places:
            return args
        self.inputs = values
        return values.behind(self.see_inputs)

    def leave(self, output: Any) -> Any:
        """The output, after its gate."""
        several = isinstance(output, tuple)
        if not several and not isinstance(output, Tensor):
            warn(
                "For backward hooks to be called, module output should be a Tensor or a tuple of Tensors but received "
                f"{type(output)}"
            )
            return output
        self.outputs = values = Values(output if several else (output,))
        if not values.places:
            return output
        passed = values.behind(self.see_outputs)
        if not several:
            return passed[0]
        return passed if type(output) is tuple else type(output)(*passed)  # a named tuple stays one

    def see_outputs(self, grads: Sequence[Tensor | None]) -> list[Tensor | None]:
        """Call the hooks before the backward, and, where no argument has a gradient, those after it."""
        grad_output = self.outputs.spread(grads)
        for hook in self.before:
            grad_output = self.answer(hook(self.module, grad_output), grad_output, self.outputs, "a backward pre-hook")
        if self.inputs is not None:
            self.grad_output = grad_output
        elif self.after:
            warn(
                "Full backward hook is firing when gradients are computed with respect to module outputs since no "
                "inputs require gradients."
            )
            nothing = (None,) * self.arguments
            for hook in self.after:
                answer = hook(self.module, nothing, grad_output)
                if answer is not None and any(g is not None for g in answer):
                    raise RuntimeError(
                        f"a backward hook of {self.module._get_name()} returned gradients for inputs of which none "
                        "requires grad; return None"
                    )
        return self.outputs.pick(grad_output)

    def see_inputs(self, grads: Sequence[Tensor | None]) -> list[Tensor | None]:
        """Call the hooks after the backward."""
        grad_output, self.grad_output = self.grad_output, None
        if self.inputs is None or grad_output is None:
            return list(grads)  # they came past the output, as in a second backward pass through the first
        grad_input = self.inputs.zeros_for_missing(grads)
        for hook in self.after:
            answer = hook(self.module, grad_input, grad_output)
            grad_input = self.answer(answer, grad_input, self.inputs, "a backward hook")
        return self.inputs.pick(grad_input)

    def answer(self, answer: Any, grads: tuple[Any, ...], values: Values, kind: str) -> tuple[Any, ...]:
        """What a hook has put in place of gradients, checked; these themselves, if it has not."""
        if answer is None:
            return grads
        what = f"{kind} of {self.module._get_name()} returned"
        if not isinstance(answer, tuple | list):
            raise TypeError(f"{what} {type(answer).__name__}; it must return None or a tuple of {len(grads)} gradients")
        if len(answer) != len(grads):
            raise ShapeError(f"{what} an invalid number of gradients, got {len(answer)}, but expected {len(grads)}")
        for place in values.places:
            g, shape = answer[place], values.kinds[place][0]
            if g is not None and not isinstance(g, Tensor):
                raise TypeError(f"{what} {type(g).__name__} as gradient {place}; return a Tensor or None")
            if g is not None and g.shape != shape:
                raise ShapeError(f"{what} gradient {place} of shape {g.shape}, but expected {shape}")
        return tuple(answer)


class Values:
    """The arguments of a call, or its outputs: which of them are tensors, and which have a gradient."""

    def __init__(self, values: tuple[Any, ...]) -> None:
        self.values = values if is_grad_enabled() else ()
        self.kinds = {k: (v.shape, v.dtype) for k, v in enumerate(values) if isinstance(v, Tensor)}
        self.places = [k for k, v in enumerate(self.values) if isinstance(v, Tensor) and v.requires_grad]
        self.count = len(values)

    def behind(self, see: Callable[..., Any]) -> tuple[Any, ...]:
        """The values, those that have a gradient behind a gate; they cannot be written to."""
        passed = list(self.values)
        for place, tensor in zip(
            self.places, Gate.apply(see, *[self.values[place] for place in self.places]), strict=True
        ):
            tensor.array.flags.writeable = False
            passed[place] = tensor
        self.values = ()
        return tuple(passed)

    def spread(self, grads: Sequence[Tensor | None]) -> tuple[Tensor | None, ...]:
        """A gradient for each value, None for those that have none."""
        spread: list[Tensor | None] = [None] * self.count
        for place, g in zip(self.places, grads, strict=True):
            spread[place] = g
        return tuple(spread)

    def zeros_for_missing(self, grads: Sequence[Tensor | None]) -> tuple[Tensor | None, ...]:
        """A gradient for each value, zeros for tensors that have none."""
        spread = self.spread(grads)
        return tuple(
            [wrap(np.zeros(*self.kinds[k])) if g is None and k in self.kinds else g for k, g in enumerate(spread)]
        )

    def pick(self, grads: tuple[Any, ...]) -> list[Any]:
        """The gradients of the values that have one."""
        return [grads[place] for place in self.places]
