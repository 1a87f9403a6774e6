"""Two graphs laid over each other: which operations are in both, and what is different about them.

Operations are compared in creation order, by name and by the module call that they belong to,
and matched so that few are left over. Tensors are then matched by the operations that make
them; leaves by what they are, by the name of the parameter, or by where they are first used.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from difflib import SequenceMatcher
from typing import Any

from microbp.viz.boxes import plain
from microbp.viz.calls import Call
from microbp.viz.text import shape_text
from microbp.viz.view import Argument, Operation, TensorBox, View

__all__ = ["AFTER", "BEFORE", "CHANGED", "Alignment"]

BEFORE, AFTER, CHANGED = "before", "after", "changed"

Pair = tuple[Operation | None, Operation | None]


class Alignment:
    """Two graphs as one.

    Parameters
    ----------
    before, after : View
    names : (str, str)
        What they are called; what is in the first graph only has that added to its name, where another one has the
        same.

    Attributes
    ----------
    view : View
        What is in either graph.
    state : dict of object to str
        For operations, tensors and arguments of the view: whether they are only in the graph ``before``, only in the
        one ``after``, or ``changed``. What is not in it is the same in both.
    details : dict of object to list of str
        What has changed about operations and tensors.
    rewired : dict of Operation to list of str
        Which other arguments an operation has that is itself the same.
    """

    def __init__(self, before: View, after: View, names: tuple[str, str]) -> None:
        self.names = names
        self.state: dict[Any, str] = {}
        self.details: dict[Any, list[str]] = {}
        self.rewired: dict[Operation, list[str]] = {}
        self.calls: dict[tuple[str, ...], Call] = {}
        self.boxes: dict[TensorBox, TensorBox] = {}
        self.count = 0
        self.twins: dict[TensorBox, TensorBox] = {}  # from either graph to the other
        self.of_after = set(after.tensors)
        self.taken = {box.name for box in after.tensors}
        pairs = list(matched(before.operations, after.operations))
        self.match_tensors(before, after, pairs)
        operations = tuple([self.operation(f"op{k}", *pair) for k, pair in enumerate(pairs)])
        roots = tuple(dict.fromkeys(self.box(box) for box in (*before.roots, *after.roots)))
        self.view = View(operations, tuple(dict.fromkeys(self.boxes.values())), tuple(self.calls.values()), roots)

    def match_tensors(self, before: View, after: View, pairs: list[Pair]) -> None:
        """Find the twins."""
        made = {op.output for view in (before, after) for op in view.operations}
        leaves = {box.leaf: box for box in after.tensors if box.leaf is not None}
        owned = {box.name: box for box in after.tensors if box.owned and box not in made}
        for box in before.tensors:
            if box.leaf is not None and box.leaf in leaves:
                self.pair_up(box, leaves[box.leaf])
        for box in before.tensors:
            if box.owned and box.name in owned:
                self.pair_up(box, owned[box.name])
        for one, other in pairs:
            if one is None or other is None:
                continue
            self.pair_up(one.output, other.output)
            uses = {argument.position: argument.tensor for argument in other.arguments}
            for argument in one.arguments:
                was, now = argument.tensor, uses.get(argument.position)
                if was is None or now is None or was.owned or now.owned or was in made or now in made:
                    continue
                self.pair_up(was, now)
        for was, now in zip(before.roots, after.roots, strict=False):
            if was not in made and now not in made:
                self.pair_up(was, now)

    def pair_up(self, was: TensorBox, now: TensorBox) -> None:
        """Make two tensors twins, if they have none."""
        if was not in self.twins and now not in self.twins:
            self.twins[was], self.twins[now] = now, was

    def call(self, call: Call | None) -> Call | None:
        """The call of the view that stands for one of either graph: the one that has the same names around it."""
        if call is None:
            return None
        key = tuple(outer.name for outer in call.path())
        if key not in self.calls:
            parent = self.call(call.parent)
            self.calls[key] = replace(call, id=f"m{len(self.calls)}", module=None, parent=parent)
        return self.calls[key]

    def box(self, box: TensorBox) -> TensorBox:
        """The tensor of the view that stands for one of either graph."""
        if box in self.boxes:
            return self.boxes[box]
        twin = self.twins.get(box)
        is_after = box in self.of_after
        was, now = (twin, box) if is_after else (box, twin)
        shown = box if twin is None or is_after else twin
        name = shown.name
        if now is None and name in self.taken:
            name = f"{name} ({self.names[0]})"
        merged = replace(shown, id=f"t{self.count}", name=name, call=self.call(shown.call))
        self.count += 1
        self.boxes[box] = merged
        if was is None or now is None:
            self.state[merged] = AFTER if was is None else BEFORE
            return merged
        self.boxes[was] = self.boxes[now] = merged
        details = [f"{describe(was)} → {describe(now)}"] if describe(was) != describe(now) else []
        if was.requires_grad != now.requires_grad:
            details.append(f"requires grad: {self.names[now.requires_grad]} only")
        self.note(merged, details)
        return merged

    def operation(self, id: str, was: Operation | None, now: Operation | None) -> Operation:
        """The operation of the view that stands for one of either graph, or for two that match."""
        shown = now or was
        assert shown is not None
        arguments, details, wiring = self.arguments(was, now)
        if was is not None and now is not None:
            details += [
                f"{name}: {changed}"
                for name in dict.fromkeys((*was.options, *now.options))
                if (changed := difference(was.options.get(name), now.options.get(name)))
            ]
        merged = replace(
            shown, id=id, arguments=tuple(arguments), output=self.box(shown.output), call=self.call(shown.call)
        )
        if was is None or now is None:
            self.state[merged] = AFTER if was is None else BEFORE
        else:
            self.note(merged, details)
            if wiring:
                self.rewired[merged] = wiring
        return merged

    def arguments(self, was: Operation | None, now: Operation | None) -> tuple[list[Argument], list[str], list[str]]:
        """The arguments of an operation in either graph, what is different about them, and which are others."""
        arguments: list[Argument] = []
        details: list[str] = []
        wiring: list[str] = []
        old = {} if was is None else {argument.position: argument for argument in was.arguments}
        new = {} if now is None else {argument.position: argument for argument in now.arguments}
        for position in sorted({*old, *new}):
            pair = old.get(position), new.get(position)
            merged = [None if use is None else self.argument(use) for use in pair]
            one, other = merged
            if one is not None and other is not None and one.tensor is other.tensor:
                arguments.append(other)
                details += self.compared(one, other)
                continue
            for use, state in ((one, BEFORE), (other, AFTER)):
                if use is not None:
                    arguments.append(use)
                    self.state[use] = state
            if was is not None and now is not None:
                name = next(use.name for use in merged if use is not None)
                wiring.append(f"{name}: {value_of(one)} → {value_of(other)}")
        return arguments, details, wiring

    def argument(self, use: Argument) -> Argument:
        """An argument, with the tensor of the view."""
        return replace(use, tensor=None if use.tensor is None else self.box(use.tensor), contribution=None)

    def compared(self, was: Argument, now: Argument) -> Iterator[str]:
        """What is different about two uses of one tensor, or of two numbers."""
        changed = difference(was.number, now.number)
        if changed:
            yield f"{now.name}: {changed}"
        if (was.formula is None) != (now.formula is None):
            yield f"gradient for {now.name}: {self.names[was.formula is None]} only"
        if was.broadcast != now.broadcast:
            wide = [use.broadcast[1] if use.broadcast else None for use in (was, now)]
            texts = ["not" if shape is None else f"to {shape_text(shape)}" for shape in wide]
            yield f"{now.name} is broadcast: {' → '.join(texts)}"

    def note(self, merged: Any, details: list[str]) -> None:
        """Note what has changed, if anything has."""
        if details:
            self.state[merged] = CHANGED
            self.details[merged] = details

    def unchanged_calls(self) -> set[Call]:
        """The calls in which everything is the same, but perhaps where their inputs come from."""
        changed: set[Call] = set()
        for op in self.view.operations:
            around = op.call.path() if op.call else []
            if op in self.state or op.output in self.state:
                changed.update(around)
            for argument in op.arguments:
                source = argument.tensor
                if argument in self.state or source in self.state:
                    inside = around if source is None else source.call.path() if source.call else []
                    changed.update(call for call in around if call in inside)
        return set(self.view.calls) - changed


def matched(before: tuple[Operation, ...], after: tuple[Operation, ...]) -> Iterator[Pair]:
    """The operations of two graphs in one order, side by side where they match."""
    old, new = [key_of(op) for op in before], [key_of(op) for op in after]
    shorter = min(len(old), len(new))
    start = next((k for k in range(shorter) if old[k] != new[k]), shorter)
    rest = shorter - start
    end = next((k for k in range(rest) if old[-1 - k] != new[-1 - k]), rest)
    yield from zip(before[:start], after[:start], strict=True)
    middle = slice(start, len(old) - end), slice(start, len(new) - end)
    matcher = SequenceMatcher(None, old[middle[0]], new[middle[1]], autojunk=False)
    for tag, a, b, c, d in matcher.get_opcodes():
        ours, theirs = before[start + a : start + b], after[start + c : start + d]
        if tag == "equal":
            yield from zip(ours, theirs, strict=True)
        else:
            yield from ((op, None) for op in ours)
            yield from ((None, op) for op in theirs)
    yield from zip(before[len(old) - end :], after[len(new) - end :], strict=True)


def key_of(op: Operation) -> tuple[Any, ...]:
    """By what operations are matched."""
    return (op.name, *(call.name for call in (op.call.path() if op.call else ())))


def describe(box: TensorBox) -> str:
    """Shape and dtype of a tensor."""
    return f"{shape_text(box.shape)} {box.dtype}".strip()


def difference(was: Any, now: Any) -> str:
    """How a number or an option differs, in words; nothing if it does not. The values in arrays are not compared."""
    one, other = plain(was), plain(now)
    return "" if one == other else f"{one} → {other}"


def value_of(use: Argument | None) -> str:
    """What an argument is."""
    if use is None:
        return "none"
    return plain(use.number) if use.tensor is None else use.tensor.name
