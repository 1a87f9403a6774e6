"""A node in words: its title, its formula, its place in the user's program, and what went wrong with it.

The drawing, the error messages and the reports all speak of an operation through this file,
and it knows an operation only through its row. Everything is duck-typed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from operator import itemgetter
from types import CodeType
from typing import Any

__all__ = [
    "changed",
    "cut_off",
    "describe",
    "during",
    "failed",
    "formula",
    "freed",
    "kept",
    "name_of",
    "numpy_name",
    "overwritten",
    "place",
    "replaced",
    "title",
]


def title(node: Any) -> str:
    """The name of the node's operation."""
    name: str = node.op.name
    return name


def formula(node: Any, position: int) -> str:
    """The rule of the argument at a position, as in ``dL/da = g * b``."""
    return f"dL/d{node.op.argument(position)} = {node.op.rule(position).formula}"


class Ours(dict[str, bool]):
    """Whether a source file belongs to this package; remembers the answers."""

    def __missing__(self, filename: str) -> bool:
        answer = self[filename] = filename.startswith(__file__.removesuffix("label.py"))
        return answer


is_ours = Ours()


def place(node: Any, nodes: Iterable[Any] = ()) -> tuple[str, int] | None:
    """File and line where the user's program called the operation, if that is known.

    Parameters
    ----------
    node : Node
        An operation.
    nodes : iterable of Node
        The graph that it belongs to. An operation inside a module of this package has its
        place from the module's call, which is noted on the last node of that call.
    """
    if not is_ours[node.place[0].co_filename]:
        return line_of(*node.place)
    around: list[tuple[int, tuple[CodeType, int]]] = []
    for last in (node, *nodes):
        note = last.calls if last.number >= node.number else None
        while note is not None:
            _, start, note, _, caller = note
            if start < node.number and not is_ours[caller[0].co_filename]:
                around.append((start, caller))
    return line_of(*max(around, key=itemgetter(0))[1]) if around else None


def line_of(code: CodeType, instruction: int) -> tuple[str, int]:
    """File and line of an instruction, given by its byte offset in the code object."""
    for start, end, line in code.co_lines():
        if start <= instruction < end and line is not None:
            return code.co_filename, line
    return code.co_filename, code.co_firstlineno


def at(node: Any, nodes: Iterable[Any] = ()) -> str:
    """``" (recorded at file:line)"``, or nothing."""
    where = place(node, nodes)
    return "" if where is None else f" (recorded at {where[0]}:{where[1]})"


def cut_off(cut: tuple[str, tuple[CodeType, int] | None]) -> str:
    """What cut a tensor off from the graph: ``"by detach() at file:line"``."""
    how, where = cut
    if where is None or is_ours[where[0].co_filename]:
        return how
    filename, line = line_of(*where)
    return f"{how} at {filename}:{line}"


def describe(value: Any) -> str:
    """An argument by its shape and dtype, or by itself if it is a Python number."""
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        return f"{tuple(value.shape)} {value.dtype}"
    return repr(value)


def numpy_name(function: Any) -> str:
    """What a NumPy function, or a method of a ufunc, is called: ``np.linalg.qr``, ``np.add.at``."""
    if isinstance(function, tuple):
        return ".".join(["np", function[0].__name__, *function[1:]])
    home = (getattr(function, "__module__", None) or "numpy").split(".")
    return ".".join(["np", *(part for part in home[1:] if not part.startswith("_")), function.__name__])


def failed(op: Any, values: tuple[Any, ...], reason: object) -> str:
    """A forward that NumPy refused: the row, its arguments with their shapes, and NumPy's reason."""
    arguments = ", ".join(f"{op.argument(position)}: {describe(value)}" for position, value in enumerate(values))
    return f"{op.name}({arguments}): {reason}"


def freed(node: Any, nodes: Iterable[Any] = ()) -> str:
    """The graph was walked before."""
    return (
        f"backward through the graph a second time: the values that {title(node)}{at(node, nodes)} kept were freed by "
        "an earlier backward pass, perhaps an interrupted one. Pass retain_graph=True to the first backward(), or "
        "compute the loss anew"
    )


def during(node: Any, position: int, nodes: Iterable[Any] = ()) -> str:
    """Where the backward pass was when a rule failed."""
    return f"in the backward pass of {title(node)}{at(node, nodes)}, for {formula(node, position)}"


def name_of(edge: Any, nodes: Iterable[Any] = ()) -> str | None:
    """What a tensor is called: by the user, else as a parameter or buffer of the modules that the graph went through.

    Parameters
    ----------
    edge : Tensor, Node or anything
        An input of a node.
    nodes : iterable of Node
        The graph, whose notes of module calls are searched; the name in the outermost module is the longest.
    """
    given = getattr(edge, "name", None)
    if isinstance(given, str):
        return given
    found = [
        name
        for module in {module for node in nodes for module in modules_of(node)}
        for name, tensor in (*module.named_parameters(), *module.named_buffers())
        if tensor is edge
    ]
    return max(found, key=lambda name: (name.count("."), name)) if found else None


def modules_of(node: Any) -> Iterator[Any]:
    """The modules whose calls ended with a node, as far as they are still there."""
    note = node.calls
    while note is not None:
        reference, _, note, _, _ = note
        module = reference()
        if module is not None:
            yield module


def kept(node: Any, nodes: Iterable[Any], letter: str) -> str:
    """What a node kept under a letter or as an option: what that is, whose, and what it looks like."""
    if letter in node.options:
        return f"its option {letter!r}"
    at_hand = isinstance(node.kept, tuple)  # else it would have to be computed anew
    value = dict(zip(node.plan.letters, node.kept, strict=True))[letter] if at_hand else None
    if letter == "y":
        return f"its output{identity(node, nodes, value, own=True)}"
    if letter in node.op.arguments:
        edge = node.inputs[node.op.arguments.index(letter)]
        return f"its argument {letter!r}{identity(edge, nodes, value)}"
    return f"its {letter!r}{identity(None, nodes, value)}, which the forward computed,"


def identity(edge: Any, nodes: Iterable[Any], value: Any, own: bool = False) -> str:
    """A tensor by its name or origin, and by its shape and dtype, in brackets; nothing if nothing is known."""
    name = name_of(edge, nodes)
    if name is None and hasattr(edge, "op") and not own:
        name = f"the output of {title(edge)}{at(edge, nodes)}"
    known = ", ".join([*([name] if name else []), *([describe(value)] if hasattr(value, "shape") else [])])
    return f" ({known})" if known else ""


def changed(when: int, written: int | None) -> str:
    """When a value was kept, and when it was overwritten: both numbers count nodes and writes as they come."""
    if written is None:
        return (
            f" as it was at version {when}, but its memory was written to since, past the Tensor API: through t.array, "
            "or an array, a view or a buffer that shares it. Call backward() before such a write; or keep a copy, "
            "t.clone() or array.copy(); or write through the tensor, t[...] = values, which is always noticed"
        )
    return (
        f" as it was at version {when}, but it was changed in place since, at version {written}. Call backward() "
        "before the change, such as an optimizer's step; or compute the loss anew after it, or change a copy, t.clone()"
    )


def overwritten(node: Any, nodes: Iterable[Any], letter: str, written: int | None) -> str:
    """A kept value was written to after the forward pass: through the Tensor API at a version, or past it."""
    nodes = tuple(nodes)
    return f"{title(node)}{at(node, nodes)} needs {kept(node, nodes, letter)}{changed(node.number, written)}"


def replaced(node: Any, letter: str) -> str:
    """A leaf was given other data after the forward pass, so that second derivatives cannot refer to it."""
    return (
        f"{title(node)}{at(node)} needs {kept(node, (node,), letter)} as it was at version {node.number}, but the "
        "tensor was given other data since (t.data = ..., as also module.to(dtype) does), so that nothing can be "
        "recorded for the values it had. Compute the loss anew after the change"
    )
