"""A view with parts of it folded away: modules closed below a depth, repeated calls drawn once.

A large graph is legible only if most of it is not drawn. `fold` decides which boxes remain
and joins their arrows; every box that stands for several things says so.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from microbp.viz.calls import Call
from microbp.viz.view import Argument, Operation, TensorBox, View

__all__ = ["Closed", "Earlier", "Link", "Picture", "fold"]


@dataclass(frozen=True, slots=True, eq=False)
class Closed:
    """A module call drawn as one box."""

    call: Call
    operations: tuple[Operation, ...]
    parameters: tuple[TensorBox, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Earlier:
    """The oldest operations of a graph that is too large, drawn as one box."""

    operations: int
    parameters: int


@dataclass(frozen=True, slots=True, eq=False)
class Link:
    """An arrow.

    Attributes
    ----------
    source, target : str
        Ids of boxes.
    tensor : TensorBox
        What flows along it.
    argument : Argument or None
        Which argument of the target it is; None from an operation to its output, or into a closed box.
    times : int
        How many arrows were joined into this one by rolling.
    uses : tuple of Argument
        All the uses that it stands for; none from an operation to its output.
    """

    source: str
    target: str
    tensor: TensorBox
    argument: Argument | None
    times: int
    uses: tuple[Argument, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """What is drawn.

    Attributes
    ----------
    operations, tensors, closed, clusters
        The boxes and frames that remain.
    links : tuple of Link
    times : dict of str to int
        For rolled calls, by the id of each box or frame: how many it stands for.
    earlier : Earlier or None
    depth : int
        Calls at this depth are closed.
    deepest : int
        The depth at which nothing is closed.
    """

    operations: tuple[Operation, ...]
    tensors: tuple[TensorBox, ...]
    closed: tuple[Closed, ...]
    clusters: tuple[Call, ...]
    links: tuple[Link, ...]
    times: dict[str, int]
    earlier: Earlier | None
    depth: int
    deepest: int

    @property
    def boxes(self) -> int:
        """The number of boxes."""
        return len(self.operations) + len(self.tensors) + len(self.closed) + (self.earlier is not None)


def fold(
    view: View,
    *,
    depth: int | None = None,
    roll: bool = False,
    max_nodes: int | None = None,
    closed: Collection[Call] = (),
) -> Picture:
    """Fold a view.

    Parameters
    ----------
    view : View
    depth : int, optional
        Draw the calls inside this many others as closed boxes: 0 closes the outermost ones.
    roll : bool
        Draw repeated calls of one module, if they did the same, once.
    max_nodes : int, optional
        Close more, down to the largest depth at which there are no more boxes than this; if
        even closing everything is not enough, join the oldest operations in one box.
    closed : collection of Call
        Calls to close at whatever depth they are.
    """
    deepest = max((call.depth + 1 for call in view.calls), default=0)
    folding = Folding(view, rolled(view) if roll else {}, closed)
    start = deepest if depth is None else min(depth, deepest)
    for level in range(start, -1, -1):
        picture = folding.at(level, deepest)
        if max_nodes is None or picture.boxes <= max_nodes:
            return picture
    assert max_nodes is not None
    return folding.at(0, deepest, folding.oldest(max_nodes))


class Folding:
    """Folds one view at any depth.

    Parameters
    ----------
    view : View
    same : dict of object to object
        Operations, tensors and calls that are drawn as another one.
    shut : collection of Call
        Calls that are closed at any depth.
    """

    def __init__(self, view: View, same: dict[Any, Any], shut: Collection[Call]) -> None:
        self.view = view
        self.same = same
        self.shut = shut
        self.roots = set(view.roots)
        self.operations = [op for op in view.operations if op not in same]
        self.made_by = {op.output: op for op in self.operations}
        self.users: dict[TensorBox, list[Operation]] = {}
        for op in view.operations:
            for argument in op.arguments:
                if argument.tensor is not None:
                    self.users.setdefault(self.shown(argument.tensor), []).append(self.shown(op))

    def shown(self, thing: Any) -> Any:
        """What is drawn for this, if calls are rolled."""
        return self.same.get(thing, thing)

    def closed_call(self, op: Operation, depth: int) -> Call | None:
        """The closed call that an operation is inside of."""
        path = op.call.path() if op.call else ()
        return next((call for call in path if call.depth == depth or call in self.shut), None)

    def unit(self, op: Operation, depth: int) -> str:
        """The id of the box in which an operation is drawn."""
        call = self.closed_call(op, depth)
        return op.id if call is None else call.id

    def oldest(self, max_nodes: int) -> set[str]:
        """The oldest units: as few as have to be joined so that no more than so many boxes remain."""
        units = list(dict.fromkeys(self.unit(op, 0) for op in self.operations))
        enough, too_few = len(units), 0
        while enough - too_few > 1:
            middle = (enough + too_few) // 2
            if self.at(0, 0, set(units[:middle])).boxes <= max_nodes:
                enough = middle
            else:
                too_few = middle
        return set(units[:enough])

    def at(self, depth: int, deepest: int, joined: Iterable[str] = ()) -> Picture:
        """The picture with the calls at this depth closed, and the joined units in one box."""
        home: dict[Operation, str] = {}
        closed: dict[Call, list[Operation]] = {}
        hidden = 0
        for op in self.operations:
            home[op] = unit = self.unit(op, depth)
            call = self.closed_call(op, depth)
            if unit in joined:
                home[op] = "earlier"
                hidden += 1
            elif call is not None:
                closed.setdefault(call, []).append(op)
        open_operations = [op for op in self.operations if home[op] == op.id]
        tensors = [tensor for tensor in self.view.tensors if tensor not in self.same and self.is_drawn(tensor, home)]
        drawn = set(tensors)
        inside: dict[str, list[TensorBox]] = {}
        for tensor in self.view.tensors:
            if tensor.requires_grad and tensor not in drawn and tensor not in self.made_by and tensor not in self.same:
                inside.setdefault(home[self.users[tensor][0]], []).append(tensor)
        calls = [call for call in self.view.calls if call not in self.same]
        frames = {call for op in open_operations if op.call for call in op.call.path()}
        frames |= {outer for call in closed for outer in call.path()[:-1]}
        return Picture(
            operations=tuple(open_operations),
            tensors=tuple(tensors),
            closed=tuple(Closed(c, tuple(ops), tuple(inside.get(c.id, ()))) for c, ops in closed.items()),
            clusters=tuple(call for call in calls if call in frames),
            links=tuple(self.links(home, drawn)),
            times=self.times(),
            earlier=Earlier(hidden, len(inside.get("earlier", ()))) if hidden else None,
            depth=depth,
            deepest=deepest,
        )

    def is_drawn(self, tensor: TensorBox, home: dict[Operation, str]) -> bool:
        """Whether a tensor has a box of its own."""
        if tensor in self.roots:
            return True
        maker = self.made_by.get(tensor)
        if maker is not None:
            return home[maker] == maker.id
        homes = {home[op] for op in self.users[tensor]}
        only = homes.pop()
        return bool(homes) or not (only == "earlier" or (tensor.owned and only.startswith("m")))

    def source(self, tensor: TensorBox, home: dict[Operation, str], drawn: set[TensorBox]) -> str | None:
        """The box that a tensor comes from: its own, or the closed one it was made in; None for a hidden parameter."""
        if tensor in drawn:
            return tensor.id
        maker = self.made_by.get(tensor)
        return None if maker is None else home[maker]

    def links(self, home: dict[Operation, str], drawn: set[TensorBox]) -> Iterable[Link]:
        """The arrows, those that became the same joined."""
        found: dict[tuple[Any, ...], tuple[TensorBox, Argument | None]] = {}
        uses: dict[tuple[Any, ...], list[Argument]] = {}

        def add(
            source: str,
            target: str,
            tensor: TensorBox,
            argument: Argument | None,
            position: Any,
            use: Argument | None = None,
        ) -> None:
            key = (source, target, position)
            if source != target:
                uses.setdefault(key, []).extend([] if use is None else [use])
                found.setdefault(key, (tensor, argument))

        for original in self.view.operations:
            op = self.shown(original)
            is_open = home[op] == op.id
            for argument in original.arguments:
                if argument.tensor is None:
                    continue
                tensor = self.shown(argument.tensor)
                source = self.source(tensor, home, drawn)
                if source is None:
                    continue
                if is_open:
                    add(source, op.id, tensor, argument, argument.position, argument)
                else:
                    add(source, home[op], tensor, None, tensor, argument)
            if op is original and op.output in drawn:
                add(home[op], op.output.id, op.output, None, "output")
        rolling = bool(self.same)
        for (source, target, position), (tensor, use) in found.items():
            joined = uses[source, target, position]
            times = len(joined) if rolling and use is not None else 1
            yield Link(source, target, tensor, use, times, tuple(joined))

    def times(self) -> dict[str, int]:
        """How many calls, operations and tensors each drawn one stands for, where that is more than one."""
        times: dict[str, int] = {}
        for shown in self.same.values():
            times[shown.id] = times.get(shown.id, 1) + 1
        return times


def rolled(view: View) -> dict[Any, Any]:
    """For repeated calls of one module that did the same: what each part is drawn as.

    Calls are compared among their siblings, the outer ones first.
    """
    made_in: dict[Call, list[Operation]] = {}
    for op in view.operations:
        for call in op.call.path() if op.call else ():
            made_in.setdefault(call, []).append(op)
    children: dict[Call | None, list[Call]] = {}
    for call in view.calls:
        children.setdefault(call.parent, []).append(call)
    roots = set(view.roots)
    same: dict[Any, Any] = {}
    parents: list[Call | None] = [None]
    for parent in parents:
        first: dict[Any, Call] = {}
        for call in children.get(parent, ()):
            operations = made_in[call]
            alone = call.module is None or any(op.output in roots for op in operations)
            key = (id(call.module), len(within(call, children)), signature(operations))
            shown = call if alone else first.setdefault(key, call)
            if shown is call:
                parents.append(call)
                continue
            pairs = zip(operations, made_in[shown], strict=True)
            same.update(pair for ours, theirs in pairs for pair in ((ours, theirs), (ours.output, theirs.output)))
            same.update(zip(within(call, children), within(shown, children), strict=True))
    return same


def within(call: Call, children: dict[Call | None, list[Call]]) -> list[Call]:
    """A call and all calls inside it."""
    found = [call]
    for inner in found:
        found.extend(children.get(inner, ()))
    return found


def signature(operations: list[Operation]) -> Any:
    """What a call did: its rows, where their arguments came from, the shapes of their outputs, and the inner calls."""
    position = {op.output: k for k, op in enumerate(operations)}
    start = operations[0].call.path() if operations[0].call else []
    order: dict[Call, int] = {call: k for k, call in enumerate(start)}
    return tuple(
        (
            op.name,
            op.output.shape,
            order.setdefault(op.call, len(order)) if op.call else None,
            len(op.call.path()) if op.call else 0,
            tuple(
                position.get(a.tensor, a.tensor.id if a.tensor.owned else "outside") if a.tensor else repr(a.number)
                for a in op.arguments
            ),
        )
        for op in operations
    )
