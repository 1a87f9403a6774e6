"""A call that is run again for the backward pass, instead of keeping what that needs.

The function runs once and is recorded as usual. Then each operation gives up what it kept. In
the backward pass, the first that is asked for it has the function run again, which records
the same operations a second time: each operation of the first run then uses what its *twin*
of the second has kept. The graph itself is the one of the first run. Gradients flow to all
that the function used, hooks are called once, and second derivatives are those without it.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from itertools import zip_longest
from operator import attrgetter
from typing import Any

import numpy as np

from microbp import label
from microbp.autograd.bundle import Call
from microbp.autograd.tree import tensors_of
from microbp.errors import CheckpointError, MutationError
from microbp.functions.generator import get_rng_state, set_rng_state
from microbp.mode import enable_grad
from microbp.node import Node
from microbp.tensor import Tensor
from microbp.version import numbers, overwritten_value

__all__ = ["Context", "Recomputed", "Segment"]

Context = AbstractContextManager[Any]

SAMPLES = 32
"""How many elements of each output, at the least, are compared between the two runs."""


class Segment:
    """One checkpointed call: what to run again, and what must not have changed until then.

    It knows the operations of the first run only by their positions, so that they can have it without a cycle.

    Attributes
    ----------
    start : int
        All operations of the call have larger numbers.
    used : list of (edge, int)
        What the operations use from outside, and the number of the first that does.
    trace : list of Step
        What the operations were.
    samples : list of array
        Some values of the outputs.
    twins : list of Node
        The operations of the second run that are still wanted, the oldest first.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        context: Context,
        preserve_rng_state: bool,
        compares: bool,
        debug: bool,
    ) -> None:
        self.function = function
        self.args = args
        self.kwargs = kwargs
        self.context = context
        self.random = get_rng_state() if preserve_rng_state else None
        self.compares = compares
        self.debug = debug
        self.start = next(numbers)
        self.used: list[tuple[Any, int]] = [(tensor, self.start) for tensor in tensors_of([args, kwargs])]
        self.trace: list[Step] = []
        self.samples: list[Any] = []
        self.twins: list[Node] = []

    def run(self, context: Context) -> Any:
        """Call the function inside a context."""
        results = []
        with context:
            results.append(self.function(*self.args, **self.kwargs))
        if not results:
            raise CheckpointError("a context manager of context_fn suppressed an error of the checkpointed function")
        return results[0]

    def release(self, output: Any) -> None:
        """Let the operations behind an output give up what they kept."""
        nodes = operations(output, self.start)
        self.trace = [Step(node) for node in nodes]
        self.samples = [sample(tensor.array) for tensor in tensors_of(output)] if self.compares else []
        seen = set()
        for position, node in enumerate(nodes):
            for edge in map(target_of, node.inputs):
                outside = isinstance(edge, Tensor) or (isinstance(edge, Node) and edge.number < self.start)
                if outside and edge not in seen:
                    seen.add(edge)
                    self.used.append((edge if edge._requires_grad else weakref.ref(edge), node.number))
            if keeps_arrays(node):
                node.kept = Recomputed(self, position)
            node.forget_constants()

    def twin(self, position: int) -> Node:
        """The operation of the second run at a position; younger ones are let go."""
        found = self.twins[position : position + 1]
        if not found or found[0].kept is None:
            self.twins = twins = self.run_again()
            found = twins[position : position + 1]
        del self.twins[position + 1 :]  # the backward pass walks from the youngest to the oldest
        if overwritten := overwritten_value(found[0], on_tensors=True):
            raise MutationError(label.overwritten(found[0], found, *overwritten))
        return found[0]

    def run_again(self) -> list[Node]:
        """The operations of a second run."""
        self.check_unchanged()
        start = next(numbers)
        with enable_grad(), nullcontext() if self.random is None else random_state(self.random):
            output = self.run(self.context)
        nodes = operations(output, start)
        self.check_same([Step(node) for node in nodes], output)
        return nodes

    def check_unchanged(self) -> None:
        """Refuse to run again on values that are not those of the first run."""
        for held, number in self.used:
            edge = target_of(held)
            version = getattr(edge, "_version", None)
            if (version is not None and version.written > number) or getattr(edge, "_given", -1) > number:
                what = f"the result of {label.title(edge)}" if isinstance(edge, Node) else label.describe(edge)
                raise MutationError(
                    f"a checkpointed function uses a tensor ({what}) that was changed since its call, so that it "
                    "cannot be run again for the backward pass. Change it afterwards, or change a copy (t.clone())"
                )

    def check_same(self, trace: list[Step], output: Any) -> None:
        """Refuse a second run that differs from the first."""
        for position, (before, now) in enumerate(zip_longest(self.trace, trace)):
            if before is None or now is None or not before.is_like(now, self.compares):
                self.differs(f"operation {position} was {before or 'none'}, and now is {now or 'none'}", trace)
        if self.compares:
            again = [sample(tensor.array) for tensor in tensors_of(output)]
            for position, (was, now) in enumerate(zip_longest(self.samples, again)):
                if was is None or now is None or not alike(was, now):
                    self.differs(f"output {position} has other values", trace)

    def differs(self, what: str, trace: list[Step]) -> None:
        """Say how the second run differs from the first."""
        lists = ""
        if self.debug:
            lists = "".join(
                f"\n{title}:\n" + "\n".join(f"  {position}: {step}" for position, step in enumerate(steps))
                for title, steps in (("The first run", self.trace), ("The second run", trace))
            )
        raise CheckpointError(
            "a checkpointed function did something else when it was run again for the backward pass: "
            f"{what}. Random numbers that are not from the default generator, and state that it changes or that was "
            "changed since, can be the cause; debug=True lists all operations, and determinism_check='none' accepts "
            f"other values{lists}"
        )


class Recomputed(Sequence[Any]):
    """What an operation of a checkpointed call kept: there only when it is asked for, by running the call again."""

    __slots__ = ("position", "segment")

    def __init__(self, segment: Segment, position: int) -> None:
        self.segment = segment
        self.position = position

    def values(self) -> Sequence[Any]:
        """What the twin of the operation has kept."""
        kept = self.segment.twin(self.position).kept
        assert kept is not None
        return kept

    def __getitem__(self, place: Any) -> Any:
        return self.values()[place]

    def __iter__(self) -> Iterator[Any]:
        return iter(self.values())

    def __len__(self) -> int:
        return len(self.values())


class Step:
    """What an operation was, to be compared with what it is in the second run."""

    __slots__ = ("kinds", "letters", "name", "place")

    def __init__(self, node: Node) -> None:
        kept = node.kept if isinstance(node.kept, tuple) else ()  # a checkpoint inside this one has none at hand
        self.name = node.op.name
        self.letters = node.plan.letters
        self.kinds = tuple([(value.shape, value.dtype) if isinstance(value, np.ndarray) else None for value in kept])
        self.place = node.place

    def is_like(self, other: Step, compares: bool) -> bool:
        """Whether it is the same operation, and keeps values of the same shapes and dtypes."""
        same = self.name == other.name and self.letters == other.letters
        return same and (not compares or self.kinds == other.kinds)

    def __str__(self) -> str:
        kept = ", ".join(
            letter if kind is None else f"{letter}: {kind[0]} {kind[1]}"
            for letter, kind in zip_longest(self.letters, self.kinds)
        )
        where = "" if self.place is None else " at {}:{}".format(*label.line_of(*self.place))
        return f"{self.name} (keeps {kept or 'nothing'}){where}"


@contextmanager
def random_state(state: Tensor) -> Iterator[None]:
    """Let the default generator be at another place in its stream for the time of a ``with`` block."""
    before = get_rng_state()
    set_rng_state(state)
    try:
        yield
    finally:
        set_rng_state(before)


def target_of(edge: Any) -> Any:
    """What an edge points to, which is None for a constant that is gone."""
    return edge() if isinstance(edge, weakref.ref) else edge


def keeps_arrays(node: Node) -> bool:
    """Whether a node keeps something that is worth giving up."""
    if isinstance(node.kept, Recomputed):
        return True
    return node.kept is not None and any(isinstance(value, np.ndarray | Call) for value in node.kept)


def operations(output: Any, start: int) -> list[Node]:
    """The operations behind the tensors of an output that were recorded since a number, the oldest first."""
    found: set[Node] = set()
    stack: list[Any] = [tensor.grad_fn for tensor in tensors_of(output)]
    while stack:
        node = stack.pop()
        if isinstance(node, Node) and node.number > start and node not in found:
            found.add(node)
            stack += node.inputs
    return sorted(found, key=attrgetter("number"))


def sample(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Some elements of an array, evenly spread: a copy."""
    picked: np.ndarray[Any, Any] = array.flat[:: max(1, array.size // SAMPLES)]
    return picked


def alike(was: np.ndarray[Any, Any], now: np.ndarray[Any, Any]) -> bool:
    """Whether two samples are the same up to rounding."""
    if was.dtype != now.dtype or was.shape != now.shape:
        return False
    if was.dtype.kind != "f":
        return np.array_equal(was, now)
    tolerance = float(np.sqrt(np.finfo(was.dtype).eps))
    scale = float(np.abs(was[np.isfinite(was)]).max(initial=0.0))
    return np.allclose(was, now, rtol=tolerance, atol=tolerance * scale, equal_nan=True)
