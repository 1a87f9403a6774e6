"""An optimizer as text: its groups, their parameters, and which options are their own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from microbp.tensor import Tensor

__all__ = ["summary"]

# Entries of a group that have no line of their own, and options that leave the numbers alone while they are off.
unlisted = {"params", "param_names", "name"}
switches = {"foreach", "fused", "differentiable", "capturable"}

# A group with more parameters than this is shown by its first and last ones.
most = 8


def summary(title: str, groups: Sequence[Mapping[str, Any]], defaults: Mapping[str, Any]) -> str:
    """The text that ``print(optimizer)`` shows; options with the global value are marked so."""
    lines = [f"{title} ("]
    for k, group in enumerate(groups):
        lines.append(f"Parameter Group {k}" + (f": {group['name']}" if "name" in group else ""))
        lines += [f"    {line}" for line in parameters(group)]
        for name in sorted(group.keys() - unlisted):
            value = group[name]
            if name in switches and not value:
                continue
            shared = len(groups) > 1 and name in defaults and same(value, defaults[name])
            lines.append(f"    {name}: {value}" + ("  (global)" if shared else ""))
    return "\n".join([*lines, ")"])


def parameters(group: Mapping[str, Any]) -> Iterator[str]:
    """The parameters of a group: how many, then a line for each."""
    tensors: list[Tensor] = group["params"]
    names = [name or "" for name in group.get("param_names", [p.name for p in tensors])]
    width = max(map(len, names))
    numbers = sum(p.numel() for p in tensors)
    yield f"params: {counted(len(tensors), 'tensor')}, {counted(numbers, 'number')}"
    rows = [
        f"    {name:{width}} {p.shape}" if width else f"    {p.shape}" for name, p in zip(names, tensors, strict=True)
    ]
    if len(rows) > most:
        rows[most // 2 : -most // 2] = [f"    ... {len(rows) - most} more ..."]
    yield from rows


def counted(count: int, noun: str) -> str:
    """A number of things, in words."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def same(first: Any, second: Any) -> bool:
    """Whether two option values are equal."""
    return first is second or bool(first == second)
