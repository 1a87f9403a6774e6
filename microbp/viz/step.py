"""One step of a backward pass with everything that explains it, and the list of all steps."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from microbp.viz.lesson import print_step, print_trace
from microbp.viz.view import View

__all__ = ["Step", "Trace"]


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One step of a backward pass: where it starts, what one rule gives one input, or the sum that undoes a broadcast.

    All arrays are those of the pass, and cannot be written to.

    Attributes
    ----------
    index : int
        Its place in the trace.
    kind : str
        ``"seed"``: the gradient of the loss with respect to itself.
        ``"local"``: upstream gradient times local derivative, element by element.
        ``"product"``: a product of two matrices, one of which is made of the upstream gradient.
        ``"sum"``: the upstream gradient, summed over axes.
        ``"rule"``: any other linear map of the upstream gradient.
        ``"function"``: what the backward of a function of the user's own returned; ``"output"``: the gradient of one of
        its several outputs, on the way there.
        ``"broadcast"``: a contribution, summed over the axes along which the input was repeated in the forward.
    op : str
        The name of the row; empty for the seed.
    module : str
        The innermost module call that the operation belongs to, or nothing.
    output, input : str
        The names of the operation's output, from which the gradient comes, and of the input that it goes to.
    input_index : int or None
        The position of that input among the operation's arguments; None for the seed.
    formula : str
        The rule in the letters of the row: ``dL/da = g * b``.
    named, shaped : str
        The rule in the names of this graph, and with shapes in the place of names.
    upstream : array or None
        dL/d(output), for a function of several outputs one after the other; in a ``"broadcast"`` the contribution that
        is to be summed. None for the seed.
    local : array or None
        d(output)/d(input), of the shape of the contribution, where one number for each element tells it.
    factors : tuple of (str, array), or None
        Of a ``"product"``, what is multiplied.
    operands : dict of str to array
        The values that the rule asks for, by their names.
    reduce_axes : tuple of int
        The axes that are summed over, in a ``"broadcast"`` or ``"sum"``.
    contribution : array
        What comes out.
    earlier, accumulated : array or None
        dL/d(input) as far as it was known before, and is now. Both None where a broadcast is still to be undone.
    received, expected : int
        How many contributions the input has got by then, of how many.
    hooked : bool
        Whether the input has hooks, which ``backward()`` calls and a trace does not.
    file, line : str or None, int or None
        Where the user's program calls the operation.
    nodes : tuple of str
        The ids of operation, input and output in the drawing.
    pull : callable or None
        The rule as a function of the upstream gradient, before any broadcast is undone.
    """

    index: int
    kind: str
    op: str
    module: str
    output: str
    input: str
    input_index: int | None
    formula: str
    named: str
    shaped: str
    upstream: Any
    local: Any
    factors: tuple[tuple[str, Any], tuple[str, Any]] | None
    operands: dict[str, Any]
    reduce_axes: tuple[int, ...]
    contribution: Any
    earlier: Any
    accumulated: Any
    received: int
    expected: int
    hooked: bool
    file: str | None
    line: int | None
    nodes: tuple[str, ...]
    pull: Callable[[Any], Any] | None

    def __str__(self) -> str:
        return print_step(self)


class Trace(list[Step]):
    """The steps of a backward pass; printed, a lesson.

    Attributes
    ----------
    view : View
        The graph, with the values of the forward.
    """

    def __init__(self, steps: Iterable[Step], view: View) -> None:
        super().__init__(steps)
        self.view = view

    def __str__(self) -> str:
        return print_trace(self)
