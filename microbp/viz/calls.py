"""Which module call made which operation, and what modules and parameters are called.

`Module.__call__` notes on the node of its output that the operations since a certain number
belong to that call. From these notes the nesting of the calls is rebuilt here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import CodeType
from typing import Any

from microbp.label import is_ours, line_of
from microbp.node import Node

__all__ = ["Call", "Names", "calls_of", "names_of", "place_of"]


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """One call of a module.

    Attributes
    ----------
    id : str
        ``m0``, ``m1``, ... in the order in which the calls began, an outer one before its inner ones.
    name : str
        The module's name, with ``#2`` for its second call.
    kind : str
        The module's class.
    module : object or None
        The module, if it is still alive.
    parent : Call or None
        The call during which this one was made.
    depth : int
        The number of calls around this one.
    span : (int, int)
        Nodes with numbers above the first and up to the second were made during the call.
    caller : (code object, int) or None
        Where the program calls it.
    """

    id: str
    name: str
    kind: str
    module: Any
    parent: Call | None
    depth: int
    span: tuple[int, int]
    caller: tuple[CodeType, int] | None = None

    def path(self) -> list[Call]:
        """The calls around this one, the outermost first, and itself."""
        path = [self]
        while path[-1].parent is not None:
            path.append(path[-1].parent)
        return path[::-1]


@dataclass(frozen=True, slots=True)
class Names:
    """Names of tensors and modules, by identity."""

    tensors: dict[Any, str]
    modules: dict[Any, str]
    owned: dict[Any, str]
    """What belongs to a module, and its name there."""


def spans(nodes: Sequence[Node]) -> list[tuple[int, int, Any]]:
    """Start, end, and (module, class, caller) of each call that made one of the nodes (oldest first), outer first."""
    found: dict[int, tuple[int, int, Any]] = {}
    for node in nodes:
        note = node.calls
        while note is not None:
            reference, start, note, kind, caller = note
            found[start] = (start, node.number, (reference(), kind.__name__, caller))  # a temporary module is dead
    return [found[start] for start in sorted(found)]


def nested(spans: Sequence[tuple[int, int, Any]]) -> list[tuple[int | None, tuple[int, int], Any]]:
    """Parent (by position), span and module of each call; one that another thread interleaved has no place."""
    placed: list[tuple[int | None, tuple[int, int], Any]] = []
    around: list[int] = []
    for start, end, module in spans:
        while around and placed[around[-1]][1][1] <= start:
            around.pop()
        if around and end > placed[around[-1]][1][1]:
            continue
        placed.append((around[-1] if around else None, (start, end), module))
        around.append(len(placed) - 1)
    return placed


def names_of(modules: Iterable[Any], model: Any, params: Mapping[str, Any] | Iterable[tuple[str, Any]] | None) -> Names:
    """What tensors and modules are called.

    Parameters
    ----------
    modules : iterable of Module
        The modules of the outermost calls, which give names if there is no model.
    model : Module or None
        Gives the names.
    params : mapping of str to Tensor, or iterable of pairs, or None
        Names that take precedence.
    """
    sources = list(dict.fromkeys(module for module in modules if module is not None)) if model is None else [model]
    owners = [source for source in sources if next(iter(source.named_parameters()), None) is not None]
    names = Names({}, {}, {})
    counts: dict[str, int] = {}
    for source in sources:
        kind = type(source).__name__
        counts[kind] = counts.get(kind, 0) + 1
        title = kind if len(owners) < 2 else f"{kind.lower()}_{counts[kind]}"
        prefix = f"{title}." if source in owners and len(owners) > 1 else ""
        for name, module in source.named_modules():
            names.modules.setdefault(module, prefix + name if name else title)
        for name, tensor in [*source.named_parameters(), *getattr(source, "named_buffers", list)()]:
            names.owned.setdefault(tensor, prefix + name)
    names.tensors.update(names.owned)
    given = params.items() if isinstance(params, Mapping) else params or ()
    names.tensors.update((tensor, name) for name, tensor in given)
    return names


def calls_of(nodes: Sequence[Node], model: Any, params: Any) -> tuple[list[Call], dict[Node, Call], Names]:
    """The module calls that made the nodes (oldest first), the innermost call of each node, and the names."""
    placed = nested(spans(nodes))
    names = names_of([module for parent, _, (module, _, _) in placed if parent is None], model, params)
    calls: list[Call] = []
    counts: dict[str, int] = {}
    for parent, span, (module, kind, caller) in placed:
        name = names.modules.get(module, kind)
        counts[name] = counts.get(name, 0) + 1
        outer = None if parent is None else calls[parent]
        depth = 0 if outer is None else outer.depth + 1
        title = name if counts[name] == 1 or module is None else f"{name}#{counts[name]}"
        calls.append(Call(f"m{len(calls)}", title, kind, module, outer, depth, span, caller))
    innermost: dict[Node, Call] = {}
    around: list[Call] = []
    upcoming = iter([*calls, None])
    call = next(upcoming)
    for node in nodes:
        while call is not None and call.span[0] < node.number:
            around.append(call)
            call = next(upcoming)
        while around and around[-1].span[1] < node.number:
            around.pop()
        if around:
            innermost[node] = around[-1]
    return calls, innermost, names


def place_of(node: Node, call: Call | None) -> tuple[str, int] | None:
    """File and line where the program calls an operation, or the module of this package that it is inside of.

    Parameters
    ----------
    node : Node
    call : Call or None
        The innermost call that the node belongs to.
    """
    place: tuple[CodeType, int] | None = node.place
    while place is None or is_ours[place[0].co_filename]:
        if call is None:
            return None
        place, call = call.caller, call.parent
    return line_of(*place)
