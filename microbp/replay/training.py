"""A training step as one program: the loss and all gradients, and what stands around them.

The gradients go to the leaves as those of ``loss.backward()`` do, so that hooks and gradients that are
there already count. Everything else that the function does to gradients and parameters is done
by the very methods that it calls: a learning rate that was changed, a parameter group that was
added, are those of now.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from microbp.autograd.tree import leaves_of, map_leaves
from microbp.backward import deliver
from microbp.node import held, make_node
from microbp.ops.quiet import IGNORE, error_state
from microbp.release import weakly
from microbp.replay.course import Course, Returned, Trace
from microbp.replay.program import Program, forgetting, tupled
from microbp.replay.replay import FAILED, Replay
from microbp.tensor import Tensor, place_of_call, wrap
from microbp.version import numbers, writes

__all__ = ["TrainingProgram", "TrainingReplay"]


class TrainingProgram(Program):
    """The loss and its gradients as one Python function.

    Parameters
    ----------
    trace : Trace
        What the training step does.
    arguments, requiring, named
        As for `Program`.

    Attributes
    ----------
    step : callable
        From the arrays of the inputs to a tuple of the gradients of what `reached` names, and of the results to return.
    returned : tuple of int
        The numbers of the operations that give these results.
    """

    def __init__(
        self, trace: Trace, arguments: Sequence[str], requiring: Sequence[bool], named: dict[Tensor, str]
    ) -> None:
        assert trace.course is not None
        self.course: Course = trace.course
        self.one = np.ones(trace.steps[trace.result].shape, trace.dtype)
        leaves = [leaf for leaf in leaves_of(trace.course.output) if isinstance(leaf, Returned)]
        self.returned = tuple(dict.fromkeys(leaf.number for leaf in leaves))
        super().__init__(trace.steps, trace.result, arguments, requiring, named)

    def text(self) -> str:
        """The one function."""
        backward = self.backward_lines()
        gradients = [self.gradient(value) for value in self.reached]
        results = [self.results[number] for number in self.returned]
        lines = [*self.forward_lines(), f"    d_{self.result} = {self.name_of('one', self.one)}", *backward]
        return "\n".join(
            [
                f"def training_step({', '.join(self.words.values())}):",
                *forgetting(lines, {*self.words.values(), *gradients, *results}),
                f"    return {tupled(gradients)}, {tupled(results)}",
                "",
                str(self.course),
            ]
        )

    def take_functions(self) -> None:
        self.step: Callable[..., Any] = self.meanings.pop("training_step")


class TrainingReplay(Replay):
    """A program for training steps of one kind; see `Replay`."""

    program: TrainingProgram

    def __init__(self, *parts: Any) -> None:
        super().__init__(*parts)
        pairs = zip(self.outside, self.needed, strict=True)
        self.edges = [tensor if need else weakly(tensor) for tensor, need in pairs]

    def written(
        self, trace: Trace, arguments: Sequence[str], requiring: Sequence[bool], names: dict[Tensor, str]
    ) -> TrainingProgram:
        """The program for the operations of a trace, and their gradients."""
        return TrainingProgram(trace, arguments, requiring, names)

    def run(self, values: Sequence[Any], keywords: Sequence[str]) -> Any:
        """Take a training step, and return what the function returns; `FAILED` if the loss cannot be computed."""
        program, course = self.program, self.program.course
        if self.told and self.surroundings.told_by(values) != self.told:
            return FAILED
        if course.late and self.could_change(course.late, values):
            return FAILED
        for call in course.before:
            call()
        begun = next(numbers)
        token = error_state.set(IGNORE)
        try:
            gradients, results = program.step(*[values[k].array for k in self.used], *self.arrays)
        except Exception:
            return FAILED
        finally:
            error_state.reset(token)
        if writes.latest > begun and self.was_written_to(begun, values):
            return FAILED
        output = self.output(values, results)
        for call in course.between:
            call()
        deliver(dict(zip(program.reached, gradients, strict=True)))
        for call in course.after:
            call()
        return output

    def could_change(self, places: Iterable[int], values: Sequence[Any]) -> bool:
        """Whether arguments share memory with what an optimizer may change, as ``w.detach()`` does."""
        versions = {tensor._version for tensor in self.outside} - {None}
        return any(values[k]._version in versions for k in places)

    def was_written_to(self, begun: int, values: Sequence[Any]) -> bool:
        """Whether another thread has written to what the gradients depend on while they were computed."""
        edges = [*[values[k] for k in self.used], *self.outside]
        versions = [edges[k].version_at(begun) for k in self.program.guarded]
        return any(version is not None and version.written > begun for version in versions)

    def output(self, values: Sequence[Any], results: Sequence[np.ndarray[Any, Any]]) -> Any:
        """What the function returns: results with a graph that backward has been through, or cut off from it."""
        tree = self.program.course.output
        if tree is None:
            return None
        edges = (*[weakly(values[k]) for k in self.used], *self.edges)
        found = {}
        for number, array in zip(self.program.returned, results, strict=True):
            node = None
            if self.program.plans[number] is not None:
                node = make_node(self.row, self.plan, *held(edges), {}, (), place_of_call())
                node.kept = None
            found[number] = wrap(array, node)
        if isinstance(tree, Returned):
            return returned(tree, found)
        return map_leaves(lambda leaf: returned(leaf, found), tree)


def returned(leaf: Any, found: Mapping[int, Tensor]) -> Any:
    """A part of what is returned: a result, perhaps without its history; a number as it is."""
    if not isinstance(leaf, Returned):
        return leaf
    return found[leaf.number].detach() if leaf.detached else found[leaf.number]
