"""A node in words: its title, its formula, its place in the user's program, and what went wrong with it.

The drawing, the error messages and the reports all speak of an operation through this file,
and it knows an operation only through its row. Everything is duck-typed.
"""

from __future__ import annotations

from types import CodeType
from typing import Any

__all__ = ["describe", "failed", "formula", "freed", "overwritten", "place", "title"]


def title(node: Any) -> str:
    """The name of the node's operation."""
    name: str = node.op.name
    return name


def formula(node: Any, position: int) -> str:
    """The rule of the argument at a position, as in ``dL/da = g * b``."""
    return f"dL/d{node.op.argument(position)} = {node.op.rule(position).formula}"


def place(node: Any) -> tuple[str, int] | None:
    """File and line where the user's program called the operation, if that is known."""
    return None if node.place is None else line_of(*node.place)


def line_of(code: CodeType, instruction: int) -> tuple[str, int]:
    """File and line of an instruction, given by its byte offset in the code object."""
    for start, end, line in code.co_lines():
        if start <= instruction < end and line is not None:
            return code.co_filename, line
    return code.co_filename, code.co_firstlineno


def at(node: Any) -> str:
    """``" (recorded at file:line)"``, or nothing."""
    where = place(node)
    return "" if where is None else f" (recorded at {where[0]}:{where[1]})"


def describe(value: Any) -> str:
    """An argument by its shape and dtype, or by itself if it is a Python number."""
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        return f"{tuple(value.shape)} {value.dtype}"
    return repr(value)


def failed(op: Any, values: tuple[Any, ...], reason: object) -> str:
    """A forward that NumPy refused: the row, its arguments with their shapes, and NumPy's reason."""
    arguments = ", ".join(f"{op.argument(position)}: {describe(value)}" for position, value in enumerate(values))
    return f"{op.name}({arguments}): {reason}"


def freed(node: Any) -> str:
    """The graph was walked before."""
    return (
        f"backward through the graph a second time: the values that {title(node)}{at(node)} kept were freed by an "
        "earlier backward pass, perhaps one that was interrupted. Pass retain_graph=True to the first backward(), or compute the loss anew"
    )


def stale_view(user: str) -> str:
    """A view is used that was taken before an operation in place changed what it is a view of."""
    return (
        f"{user} got a view of a tensor that was changed in place after the view was taken, by an operation that was "
        "recorded: the view has the new values, but not their history. Take the view again"
    )


def overwritten(node: Any, position: int | None, seen: int, found: int) -> str:
    """A kept value was written to after the forward pass."""
    what = "its output" if position is None else f"its argument {node.op.argument(position)!r}"
    return (
        f"{title(node)}{at(node)} needs {what} as it was in the forward pass (version {seen}), but it was changed in "
        f"place since (version {found}). Compute the loss anew after the change, or change a copy (t.clone())"
    )
