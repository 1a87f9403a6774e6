"""An optimizer as text: its groups, their parameters, and which options are their own."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from typing import Any

from microbp.tensor import Tensor

__all__ = ["summary"]

# Entries of a group that have no line of their own, and options that leave the numbers alone while they are off.
unlisted = {"params", "param_names", "name"}
switches = {"foreach", "fused", "differentiable", "capturable"}

# A group with more parameters than this is shown by its first and last ones.
most = 8


def summary(title: str, groups: Sequence[Mapping[str, Any]], defaults: Mapping[str, Any]) -> str:
    """The text that ``print(optimizer)`` shows: the global options once, then of each group what differs."""
    lines = [f"{title} ("]
    if shared := listed(defaults):
        lines += ["Global options", "    " + ", ".join(f"{name}: {value}" for name, value in shared.items())]
    for k, group in enumerate(groups):
        tensors: list[Tensor] = group["params"]
        count = f"{counted(len(tensors), 'tensor')}, {counted(sum(p.numel() for p in tensors), 'number')}"
        name = f": {group['name']}" if "name" in group else ""
        lines.append(f"Parameter Group {k}{name} ({count})")
        for option, value in listed(group, shared).items():
            if option not in shared or not same(value, shared[option]):
                lines.append(f"    {option}: {value}")
        lines += [f"        {line}" for line in parameters(group)]
    return "\n".join([*lines, ")"])


def listed(options: Mapping[str, Any], shared: Container[str] = ()) -> dict[str, Any]:
    """The options that are worth a word; a switch that is off is, if it is among those that all share."""
    silent = {name for name in switches if name not in shared and not options.get(name)} | unlisted
    return {name: value for name, value in options.items() if name not in silent}


def parameters(group: Mapping[str, Any]) -> Iterator[str]:
    """The parameters of a group, a line for each."""
    tensors: list[Tensor] = group["params"]
    names = [name or "" for name in group.get("param_names", [p.name for p in tensors])]
    width = max(map(len, names), default=0)
    rows = [f"{name:{width}} {p.shape}" if width else f"{p.shape}" for name, p in zip(names, tensors, strict=True)]
    if len(rows) > most:
        rows[most // 2 : -most // 2] = [f"... {len(rows) - most} more ..."]
    yield from rows


def counted(count: int, noun: str) -> str:
    """A number of things, in words."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def same(first: Any, second: Any) -> bool:
    """Whether two option values are equal."""
    return first is second or bool(first == second)
