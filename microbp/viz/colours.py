"""What the colours of a drawing say: what a tensor is, how large its gradient is, how much memory is kept.

The drawing asks a `Colouring` how each box looks, which lines to add to its label, and what
the legend has to explain.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from microbp.viz import style
from microbp.viz.fold import Closed, Link, Picture
from microbp.viz.text import bytes_text
from microbp.viz.view import Operation, TensorBox

__all__ = ["ByGradient", "ByMemory", "Chip", "Colouring", "Look", "gradient_of"]

STRIPED = "striped"


class Look(NamedTuple):
    """How a box is drawn; `ink` is the colour of all its text, if that has one colour."""

    fill: str
    line: str
    style: str = "rounded,filled"
    width: float = 1.0
    ink: str | None = None


class Chip(NamedTuple):
    """An entry of the legend: a small box, and what it stands for."""

    fill: str
    line: str
    text: str
    style: str = ""


class Colouring:
    """Colours by what things are; the others change some of it."""

    def __init__(self, picture: Picture) -> None:
        self.picture = picture

    def tensor(self, box: TensorBox) -> Look:
        """How a tensor is drawn."""
        _, fill, line, shape, width = style.KINDS[box.kind]
        return Look(fill, line, shape, width)

    def operation(self, op: Operation) -> Look:
        """How an operation is drawn."""
        _, fill, line = style.OPERATION
        return Look(fill, line, "rounded,filled,dashed" if "checkpoint" in op.traits else "rounded,filled")

    def closed(self, closed: Closed) -> Look:
        """How a closed module is drawn."""
        _, fill, line = style.MODULE
        return Look(fill, line)

    def link(self, link: Link) -> dict[str, str]:
        """Attributes of an arrow."""
        return {}

    def lines(self, thing: TensorBox | Operation | Closed) -> list[str]:
        """What is added to the label of a box."""
        return []

    def sign(self, thing: TensorBox | Operation) -> str:
        """What is put before the name of a box."""
        return ""

    def chips(self) -> list[Chip]:
        """The entries of the legend for tensors."""
        kinds = {box.kind for box in self.picture.tensors}
        return [
            Chip(fill, line, text, "dashed" if "dashed" in shape else "")
            for kind, (text, fill, line, shape, _) in style.KINDS.items()
            if kind in kinds
        ]

    def chips_of_operations(self) -> list[Chip]:
        """The entries of the legend for operations and modules."""
        chips = []
        if self.picture.operations:
            chips.append(Chip(style.OPERATION[1], style.OPERATION[2], style.OPERATION[0]))
        if any("checkpoint" in op.traits for op in self.picture.operations):
            chips.append(Chip(style.OPERATION[1], style.OPERATION[2], "operation in a checkpoint", "dashed"))
        if self.picture.closed:
            chips.append(Chip(style.MODULE[1], style.MODULE[2], style.MODULE[0]))
        return chips

    def notes(self) -> Iterable[str]:
        """Sentences of the legend."""
        return ()


class ByGradient(Colouring):
    """Colours tensors by the root mean square of their gradient; a closed module by that of all its parameters."""

    def __init__(self, picture: Picture) -> None:
        super().__init__(picture)
        self.sizes: dict[Any, float | None] = {}
        for box in picture.tensors:
            gradient = gradient_of(box)
            self.sizes[box] = None if gradient is None else rms([gradient])
        for closed in picture.closed:
            gradients = [gradient for gradient in map(gradient_of, closed.parameters) if gradient is not None]
            self.sizes[closed] = rms(gradients) if gradients else None
        self.scale = style.Scale(size for size in self.sizes.values() if size is not None)

    def tensor(self, box: TensorBox) -> Look:
        return self.heated(super().tensor(box), self.sizes[box])

    def closed(self, closed: Closed) -> Look:
        look = super().closed(closed)
        return look if self.sizes[closed] is None else self.heated(look, self.sizes[closed])

    def heated(self, look: Look, size: float | None) -> Look:
        """A look in the colour of a size."""
        if size is None:
            return look._replace(fill=style.UNKNOWN, ink=style.INK)
        if size == 0:
            return look._replace(fill=style.ZERO, style=STRIPED, ink=style.INK)
        fill, ink = self.scale.colours(size)
        return look._replace(fill=fill, ink=ink)

    def lines(self, thing: TensorBox | Operation | Closed) -> list[str]:
        size = self.sizes.get(thing)
        return [f"rms of grad {size:.2g}"] if isinstance(thing, Closed) and size is not None else []

    def chips(self) -> list[Chip]:
        sizes = set(self.sizes.values())
        chips = []
        if any(size for size in sizes):
            chips = [Chip(fill, style.LINE, f"≥ {bound:g}") for fill, bound in self.scale.steps()]
            chips[0] = chips[0]._replace(text=f"rms of grad {chips[0].text}")
        if any(size is not None and not math.isfinite(size) for size in sizes):
            chips.append(Chip("#000000", style.LINE, "not finite"))
        return [
            *chips,
            Chip(style.UNKNOWN, style.LINE, "no gradient"),
            Chip(style.ZERO, style.LINE, "striped: exactly 0"),
        ]


class ByMemory(Colouring):
    """Colours operations by the memory that they keep for the backward pass, beside parameters and inputs."""

    def __init__(self, picture: Picture) -> None:
        super().__init__(picture)
        self.sizes: dict[Any, int] = {op: new_bytes([op]) for op in picture.operations}
        self.sizes.update((closed, new_bytes(closed.operations)) for closed in picture.closed)
        self.scale = style.Scale(self.sizes.values())

    def tensor(self, box: TensorBox) -> Look:
        return super().tensor(box)._replace(fill="#FFFFFF")

    def operation(self, op: Operation) -> Look:
        return self.heated(super().operation(op), self.sizes[op])

    def closed(self, closed: Closed) -> Look:
        return self.heated(super().closed(closed), self.sizes[closed])

    def heated(self, look: Look, size: int) -> Look:
        """A look in the colour of a size."""
        if not size:
            return look._replace(fill="#FFFFFF", ink=style.INK)
        fill, ink = self.scale.colours(size)
        return look._replace(fill=fill, ink=ink)

    def lines(self, thing: TensorBox | Operation | Closed) -> list[str]:
        if isinstance(thing, TensorBox):
            return []
        operations = thing.operations if isinstance(thing, Closed) else (thing,)
        if any(op.kept is None for op in operations):
            return ["kept values freed"]
        size = self.sizes[thing]
        shared = {held.memory for op in operations for held in op.held if held.kind == "computed"}
        parts = [bytes_text(size)] if size else []
        if len(shared) > len(fresh(operations)):
            parts.append("what others keep")
        return [f"keeps {' + '.join(parts) or 'nothing more'}"]

    def chips(self) -> list[Chip]:
        chips = []
        if any(self.sizes.values()):
            chips = [Chip(fill, style.LINE, f"≥ {bytes_text(bound)}") for fill, bound in self.scale.steps()]
            chips[0] = chips[0]._replace(text=f"keeps {chips[0].text}")
        return [*chips, Chip("#FFFFFF", style.OPERATION[2], "keeps nothing more")]

    def chips_of_operations(self) -> list[Chip]:
        return []

    def notes(self) -> Iterable[str]:
        total = bytes_text(sum(self.sizes.values()))
        yield (
            f"{total} computed by the forward pass are kept for backward(), each piece of memory counted once, where "
            "it is first kept; parameters and inputs are not counted"
        )


def fresh(operations: Iterable[Operation]) -> dict[int, int]:
    """The bytes of what was computed and is kept first by one of the operations, by the number of the memory."""
    return {held.memory: held.nbytes for op in operations for held in op.held if held.first and held.kind == "computed"}


def new_bytes(operations: Iterable[Operation]) -> int:
    """How much memory the operations keep that was computed and that no older operation keeps."""
    return sum(fresh(operations).values())


def gradient_of(box: TensorBox) -> Any:
    """The gradient of a tensor: what it holds, else what was worked out."""
    return box.derivative if box.grad is None else box.grad


def rms(arrays: Iterable[Any]) -> float:
    """The root mean square of the elements of some arrays."""
    arrays = [array for array in arrays if array.size]
    largest = max((float(np.abs(array).max()) for array in arrays), default=0.0)
    if largest == 0 or not math.isfinite(largest):
        return largest
    squares = sum(float(np.sum((array / largest) ** 2, dtype=np.float64)) for array in arrays)
    return largest * math.sqrt(squares / sum(array.size for array in arrays))
