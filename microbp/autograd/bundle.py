"""Operations whose backward is one function for all their arguments, and that may have several outputs.

A row has a rule per argument and one output. A `microbp.autograd.Function` is not of that
kind: one call gives the gradients of all arguments at once, from those of all outputs. The
engine walks it all the same:

- the whole call is one node, the *bundle*, whose rules share one run of the backward
  (`Once`): the first rule that the engine asks runs it, the others are answered from it;
- where several outputs can be differentiated, each is the output of a *pick*, a node whose
  input is the bundle and whose rule labels the gradient with the number of the output
  (`Parts`), so that the bundle receives what all the picks have to say.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import Any

import numpy as np

from microbp.errors import GraphError
from microbp.inplace import move
from microbp.mode import current
from microbp.node import ONE, Node, held, make_node
from microbp.ops.op import Op
from microbp.ops.plan import Plan, PlanStep
from microbp.ops.rule import Rule
from microbp.tensor import Tensor, place_of_call, wrap

__all__ = ["Call", "CallRow", "Parts", "PickRow", "borrow", "record"]


class Parts:
    """The gradients of some of the outputs of a call, by the number of the output."""

    def __init__(self, parts: dict[int, Any]) -> None:
        self.parts = parts

    def __add__(self, other: Parts) -> Parts:
        parts = dict(self.parts)
        for number, g in other.parts.items():
            parts[number] = parts[number] + g if number in parts else g
        return Parts(parts)

    def __repr__(self) -> str:
        return f"Parts({self.parts!r})"


class Call:
    """One call of an operation; a subclass says how its backward runs.

    Attributes
    ----------
    row : CallRow
    outputs : tuple of (shape, dtype) or None
        What each output is; None for one that is no tensor.
    differentiable : tuple of int
        The numbers of the outputs that can be differentiated.
    number : int
        The number of the youngest node of the call: what was written later, was written after the call.
    """

    def __init__(self, row: CallRow) -> None:
        self.row = row
        self.outputs: tuple[tuple[tuple[int, ...], np.dtype[Any]] | None, ...] = ()
        self.differentiable: tuple[int, ...] = ()
        self.number = -1
        self._bundle: weakref.ref[Node] | None = None
        self._nodes: dict[int, weakref.ref[Node]] = {}

    def backward(self, parts: dict[int, Any], recording: bool) -> Sequence[Any]:
        """The gradients of all arguments, None where there is none.

        Parameters
        ----------
        parts : dict of int to array or Tensor
            The gradients of the outputs that have one.
        recording : bool
            Whether the pass is itself recorded; all gradients are tensors then, else arrays.
        """
        raise NotImplementedError

    @property
    def kept(self) -> Sequence[np.ndarray[Any, Any]]:
        """The arrays that the backward will read."""
        return ()

    def overwritten(self, number: int, written: int | None) -> str:
        """That one of these was written to since the call: through the Tensor API at a version, or past it."""
        raise NotImplementedError

    @property
    def bundle(self) -> Node:
        """The node of the call."""
        node = None if self._bundle is None else self._bundle()
        if node is None:
            raise GraphError(f"the graph that {self.row.name} was part of is gone")
        return node

    def node_of(self, number: int) -> Node:
        """The node of an output, made anew if nothing else has held on to it."""
        node = self._nodes[number]()
        return self.pick(number) if node is None else node

    def pick(self, number: int) -> Node:
        """A node for one output of several."""
        bundle = self.bundle
        node = make_node(self.row.pick(number), self.row.pick(number).plan, bundle, ONE, {}, (), bundle.place)
        self._nodes[number] = weakref.ref(node)
        return node


class Once:
    """The gradients of all arguments of a call, computed when the first is asked for.

    It lives as long as one visit of the engine to the node, so that no pass sees the results of another.
    """

    def __init__(self, recording: bool) -> None:
        self.recording = recording
        self.found: Sequence[Any] | None = None

    def __call__(self, position: int, g: Any, call: Call) -> Any:
        if self.found is None:
            parts = g.parts if isinstance(g, Parts) else {call.differentiable[0]: g}
            self.found = call.backward(parts, self.recording)
        return self.found[position]


class CallPlan(Plan):
    """The plan of a bundle: what its node keeps is the call, and all rules share one run of its backward."""

    def __init__(self, needed: Sequence[bool]) -> None:
        self.letters = ("ctx",)
        self.shapes = ()
        self.letters_on_tensors = {"ctx"}
        self.needed = tuple(k for k, need in enumerate(needed) if need)
        self.constants = tuple(k for k, need in enumerate(needed) if not need)
        self.has_constants = bool(self.constants)
        self.guarded = self.guarded_on_tensors = ()
        self.keeps_output = False

    @property
    def steps(self) -> tuple[PlanStep, ...]:  # type: ignore[override]
        """The rules for one visit."""
        return self.visit(Once(recording=False))

    @property
    def steps_on_tensors(self) -> tuple[PlanStep, ...]:  # type: ignore[override]
        """The rules for one visit of a pass that is itself recorded."""
        return self.visit(Once(recording=True))

    def visit(self, once: Once) -> tuple[PlanStep, ...]:
        """A rule for each argument that needs a gradient."""
        return tuple([(position, partial(once, position), tuple, (), 0) for position in self.needed])


class PickPlan(Plan):
    """The plan of a pick."""

    def __init__(self, rule: Callable[[Any], Parts]) -> None:
        self.letters = ()
        self.shapes = ()
        self.letters_on_tensors = set()
        self.steps = self.steps_on_tensors = ((0, rule, tuple, (), None),)
        self.constants = ()
        self.has_constants = False
        self.guarded = self.guarded_on_tensors = ()
        self.keeps_output = False


class CallRow(Op):
    """The row of a bundle: like any row it has a name, formulas and names of arguments, for drawings and errors.

    Parameters
    ----------
    name : str
    formula : str
        The forward, in words.
    names : sequence of str
        The names of the arguments.
    others : str
        The name for arguments beyond these.
    backward : str
        The backward, in words: an expression for the gradients of all arguments.
    """

    def __init__(self, name: str, formula: str, names: Sequence[str], others: str, backward: str) -> None:
        self.name = self.__name__ = name
        self.formula = formula
        self.names = tuple(names)
        self.others = others
        self.backward = backward
        self.picks: dict[int, PickRow] = {}
        self.forward = refuse
        self.arguments = ()  # none that the letters of a rule could name
        self.variadic = False
        self.options = ()
        self.rules: dict[str, Rule] = {}
        self.letters: dict[str, Rule] = {}
        self.handed_on = ()
        self.numpy = None
        self.floating = self.promotes = self.broadcasts = self.view = self.surrogate = False
        self.differentiable = -1

    def argument(self, position: int) -> str:
        """The name of the argument at a position."""
        beyond = position - len(self.names)
        return self.names[position] if beyond < 0 else f"{self.others}[{beyond}]"

    def rule(self, position: int) -> Rule:
        """The rule of the argument at a position, in words."""
        return Rule(self, self.argument(position), f"{self.backward}[{position}]")

    def pick(self, number: int) -> PickRow:
        """The row of the pick of one output."""
        if number not in self.picks:
            self.picks[number] = PickRow(self, number)
        return self.picks[number]


class PickRow(CallRow):
    """The row of one output of several."""

    def __init__(self, owner: CallRow, number: int) -> None:
        super().__init__(f"{owner.name}[{number}]", f"{owner.formula}[{number}]", ("outputs",), "", "")
        self.number = number
        self.plan = PickPlan(lambda g: Parts({number: g}))

    def rule(self, position: int) -> Rule:
        """The gradient, on its way to the call."""
        return Rule(self, "outputs", "g")


def refuse(*inputs: Any) -> Any:
    """The forward of a row that only its call can run."""
    raise GraphError("this operation cannot be run again from its row")


def record(
    call: Call, edges: tuple[Any, ...], needed: Sequence[bool], outputs: Sequence[Any], changed: Collection[int] = ()
) -> None:
    """Make the nodes of a call, and put them behind those of its outputs that can be differentiated.

    Parameters
    ----------
    call : Call
        With `differentiable` set.
    edges : tuple
        What a node knows of each argument.
    needed : sequence of bool
        Which arguments need a gradient.
    outputs : sequence
        All outputs, tensors or not.
    changed : collection of int
        The numbers of the outputs that are arguments, changed in place.
    """
    observer = current.get().observer
    bundle = make_node(call.row, CallPlan(needed), *held(edges), {}, (call,), place_of_call())
    call._bundle = weakref.ref(bundle)
    call.number = bundle.number
    call.outputs = tuple([(t.shape, t.dtype) if isinstance(t, Tensor) else None for t in outputs])
    for number in call.differentiable:
        out: Tensor = outputs[number]
        if len(call.differentiable) == 1:
            node = bundle
            call._nodes[number] = weakref.ref(bundle)
        else:
            node = call.pick(number)
            call.number = node.number
        if number in changed:
            move(out, node)
        else:
            out.node, out._requires_grad = node, True
            node._version = out._version
        if observer is not None:
            observer.forward(node, out)


def borrow(g: Any) -> Tensor:
    """A gradient as a tensor that cannot be written to, since the memory belongs to the backward pass."""
    array = (g.array if isinstance(g, Tensor) else np.asarray(g)).view()
    array.flags.writeable = False
    if not isinstance(g, Tensor):
        return wrap(array)
    if g.node is None and g._requires_grad:
        return g  # a leaf: nothing can be recorded in place of it
    lent = wrap(array, g.node)
    lent._version = g._version
    return lent
