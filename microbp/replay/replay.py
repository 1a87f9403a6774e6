"""One program, with the conditions under which it may stand for the function, and its node in the graph."""

from __future__ import annotations

import inspect
import weakref
from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter, is_
from typing import Any

import numpy as np

from microbp import label
from microbp.autograd.bundle import Call, CallPlan, CallRow
from microbp.backward import grad
from microbp.dtypes import get_default_dtype
from microbp.errors import MutationError
from microbp.mode import enable_grad
from microbp.nn.changes import changes
from microbp.nn.module import Module
from microbp.node import Node, held, make_node
from microbp.ops.quiet import IGNORE, error_state
from microbp.replay.course import Trace
from microbp.replay.program import Program
from microbp.replay.surroundings import Surroundings
from microbp.tensor import Tensor, place_of_call, wrap
from microbp.version import Onlooker, writes

__all__ = ["FAILED", "Replay", "hooks_of", "kind_of", "modules_behind"]

array_of, node_of, requires_grad_of = map(attrgetter, ("array", "node", "_requires_grad"))

FAILED: Any = object()
"""The output of a call that could not be replayed to its end, and has changed nothing."""


class Replay:
    """A program for calls of one kind.

    Parameters
    ----------
    function : callable
        The function.
    row : CallRow
        The row of its calls.
    trace : Trace
        What it does.
    values : sequence
        The arguments of the call that was traced.
    keywords : sequence of str
        The names under which the last of them were given.
    modules : iterable of Module
        The modules that it called, or could have called.
    surroundings : Surroundings
        What else it finds.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        row: CallRow,
        trace: Trace,
        values: Sequence[Any],
        keywords: tuple[str, ...],
        modules: Iterable[Module],
        surroundings: Surroundings,
    ) -> None:
        self.function = function
        self.row = row
        self.keywords = keywords
        self.kinds = list(map(kind_of, values))
        self.modules = [(module, state_of(module)) for module in modules]
        self.checked = changes.latest
        self.surroundings = surroundings
        self.told = surroundings.told_by(values)
        self.default_dtype = get_default_dtype()
        names: dict[Tensor, str] = {}
        for module, _ in self.modules:
            for name, tensor in (*module.named_parameters(), *module.named_buffers()):
                names[tensor] = max(names.get(tensor, ""), name, key=lambda text: text.count("."))
        requiring = [isinstance(value, Tensor) and value.requires_grad for value in values]
        arguments = argument_names(function, len(values), keywords)
        self.program = program = self.written(trace, arguments, requiring, names)
        self.used = [value for value in program.inputs if isinstance(value, int)]
        self.outside = [value for value in program.inputs if isinstance(value, Tensor)]
        self.arrays = [tensor.array for tensor in self.outside]
        self.needed = [tensor._requires_grad for tensor in self.outside]
        self.plan = CallPlan(program.needed)

    def written(
        self, trace: Trace, arguments: Sequence[str], requiring: Sequence[bool], names: dict[Tensor, str]
    ) -> Program:
        """The program for the operations of a trace."""
        return Program(trace.steps, trace.result, arguments, requiring, names)

    def fits(self, values: Sequence[Any], keywords: tuple[str, ...]) -> bool:
        """Whether arguments are of this program's kind; tensors only, and all distinct, as most are."""
        if len(values) != len(self.kinds) or keywords != self.keywords or len(set(map(id, values))) < len(values):
            return False
        for value, kind in zip(values, self.kinds, strict=True):
            if kind is None or not isinstance(value, Tensor):
                return False
            array = value.array
            if array.shape != kind[0] or array.dtype is not kind[1] or value.requires_grad is not kind[2]:
                return False
        return True

    def is_valid(self) -> bool:
        """Whether everything beside the arguments is as it was when the function was traced."""
        if changes.latest != self.checked:
            latest = changes.latest
            if not all(same(state, state_of(module)) for module, state in self.modules):
                return False
            self.checked = latest
        if get_default_dtype() is not self.default_dtype or not self.surroundings.hold():
            return False
        outside = self.outside
        if not all(map(is_, map(requires_grad_of, outside), self.needed)) or any(map(node_of, outside)):
            return False
        if not all(map(is_, map(array_of, outside), self.arrays)):
            arrays = list(map(array_of, outside))
            if any(a.shape != b.shape or a.dtype != b.dtype for a, b in zip(arrays, self.arrays, strict=True)):
                return False
            self.arrays = arrays
        return True

    def run(self, values: Sequence[Any], keywords: Sequence[str]) -> Any:
        """The output, with one node for all operations; `FAILED` if the program failed, as it does for bad values."""
        if self.told and self.surroundings.told_by(values) != self.told:
            return FAILED
        given = [values[k] for k in self.used]
        token = error_state.set(IGNORE)
        try:
            array, saved = self.program.forward(*[value.array for value in given], *self.arrays)
        except Exception:
            return FAILED
        finally:
            error_state.reset(token)
        output = wrap(array)
        if self.program.backward is not None:
            edges = tuple([value.grad_fn or value for value in given] + self.outside)
            call = ReplayedCall(self, saved, values, keywords)
            node = make_node(self.row, self.plan, *held(edges), {}, (call,), place_of_call())
            call.number, call._bundle = node.number, weakref.ref(node)
            output.node, output._requires_grad = node, True
        return output


class ReplayedCall(Call):
    """One replayed call: what its backward uses."""

    def __init__(self, replay: Replay, saved: tuple[Any, ...], values: Sequence[Any], keywords: Sequence[str]) -> None:
        super().__init__(replay.row)
        self.differentiable = (0,)
        self.replay = replay
        self.saved = saved
        self.values = values
        self.keywords = keywords

    def backward(self, parts: dict[int, Any], recording: bool) -> Sequence[Any]:
        """The gradients of the inputs; where they are to be differentiated, by way of the function itself."""
        replay = self.replay
        if recording:
            self.check_all()
        elif writes.latest > self.number:
            self.check(replay.program.guarded)
        if not recording:
            assert replay.program.backward is not None
            found: Sequence[Any] = replay.program.backward(parts[0], self.saved)
            return found
        count = len(self.values) - len(self.keywords)
        inputs = [*(self.values[k] for k in replay.used), *replay.outside]
        wanted = [tensor for tensor, need in zip(inputs, replay.program.needed, strict=True) if need]
        with enable_grad():
            output = replay.function(*self.values[:count], **dict(zip(self.keywords, self.values[count:], strict=True)))
            gradients = iter(grad(output, wanted, parts[0], create_graph=True, allow_unused=True))
        return [next(gradients) if need else None for need in replay.program.needed]

    def check_all(self) -> None:
        """Refuse to run the function again if it would not do the same.

        Raises
        ------
        MutationError
            If its inputs or something that it finds elsewhere changed since the call.
        """
        inputs = self.bundle.inputs
        self.check(range(len(inputs)))
        if not self.replay.is_valid() or any(getattr(edge, "_given", -1) > self.number for edge in inputs):
            raise MutationError(
                f"second derivatives of {self.row.name}{label.at(self.bundle)} need the function once more, and "
                "something that it uses was changed since: a module, a variable, the data of a tensor. Call it anew "
                "after the change, or call backward() before"
            )

    def check(self, places: Iterable[int]) -> None:
        """Refuse to go on if an input at one of these places, or a result in use, was written to since the call.

        Raises
        ------
        MutationError
            If it was; the text names it.
        """
        program, bundle = self.replay.program, self.bundle
        used = [(program.words[program.inputs[k]], bundle.inputs[k]) for k in places]
        if program.keeps_output:
            used.append(("its output", bundle))
        for word, edge in used:
            version = edge.version_at(self.number) if isinstance(edge, Onlooker) else None
            if version is not None and version.written > self.number:
                raise MutationError(
                    f"{self.row.name}{label.at(bundle)} needs {word}{label.changed(self.number, version.written)}"
                )


def kind_of(value: Any) -> tuple[tuple[int, ...], np.dtype[Any], bool] | None:
    """Shape, dtype and whether a gradient is needed, of a tensor."""
    return (value.array.shape, value.array.dtype, value.requires_grad) if isinstance(value, Tensor) else None


def argument_names(function: Callable[..., Any], count: int, keywords: Sequence[str]) -> list[str]:
    """What a function calls its arguments."""
    called = function.forward if isinstance(function, Module) else function
    try:
        parameters = list(inspect.signature(called).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    names = [parameter.name for parameter in parameters if parameter.kind in kinds][: count - len(keywords)]
    names += [f"argument_{k}" for k in range(len(names), count - len(keywords))]
    return [*names, *keywords]


def modules_behind(surroundings: Surroundings, nodes: Iterable[Node]) -> list[Module]:
    """All modules that a function can reach or whose calls ended with one of the nodes, and those inside them."""
    called = [*surroundings.modules, *(module for node in nodes for module in label.modules_of(node))]
    return list(dict.fromkeys(inner for module in called for inner in module.modules()))


def hooks_of(module: Module) -> list[Any]:
    """The hooks around the calls of a module."""
    registered = [] if module._hooks is None else vars(module._hooks).values()
    return [hook for hooks in registered for hook in hooks]


def state_of(module: Module) -> list[Any]:
    """Everything that a module holds, itself and in its registries."""
    fields = module.__dict__
    return [
        *hooks_of(module),
        *fields.values(),
        *fields["_parameters"].values(),
        *fields["_buffers"].values(),
        *fields["_modules"].values(),
    ]


def same(one: list[Any], two: list[Any]) -> bool:
    """Whether two lists hold the same objects."""
    return len(one) == len(two) and all(map(is_, one, two))
