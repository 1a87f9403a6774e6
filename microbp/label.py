"""A node in words: its title, its formula, its place in the user's program, and what went wrong with it.

The drawing, the error messages and the reports all speak of an operation through this file,
and it knows an operation only through its row. Everything is duck-typed.
"""

from __future__ import annotations

from collections.abc import Iterable
from operator import itemgetter
from types import CodeType
from typing import Any

__all__ = ["describe", "failed", "formula", "freed", "numpy_name", "overwritten", "place", "title"]


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


def overwritten(node: Any, nodes: Iterable[Any], position: int | None) -> str:
    """A kept value was written to after the forward pass."""
    what = "its output" if position is None else f"its argument {node.op.argument(position)!r}"
    return (
        f"{title(node)}{at(node, nodes)} needs {what} as it was in the forward, but it was changed in place since. "
        "Compute the loss anew after the change, or change a copy (t.clone())"
    )
