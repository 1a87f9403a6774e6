"""What the nodes of a graph keep alive for the backward pass, in bytes.

A value that several operations keep is one piece of memory, and so are an array and its views.
A `Ledger` counts each piece once, at the oldest operation that holds it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from microbp.autograd.mutation import arrays_in, arrays_of
from microbp.autograd.tree import tensors_of
from microbp.node import Node
from microbp.tensor import Tensor
from microbp.utils.recompute import Recomputed
from microbp.viz.values import kept_by

__all__ = ["Held", "Ledger", "memory_of"]


@dataclass(frozen=True, slots=True)
class Held:
    """An array that an operation holds.

    Attributes
    ----------
    letter : str
        Under which letter or option the operation holds it.
    name : str
        Of the tensor whose values these are; empty if they are none's.
    shape, dtype : tuple of int, str
    kind : {"computed", "parameter", "input"}
        Whether the memory was allocated by the forward pass, belongs to a leaf that requires grad or to a module, or
        is that of another tensor that was there before.
    nbytes : int
        Of the memory that is thereby kept alive; of a view, that is all of its base.
    memory : int
        The number of the memory, the same for all arrays in it.
    first : bool
        Whether no older operation holds this memory.
    """

    letter: str
    name: str
    shape: tuple[int, ...]
    dtype: str
    kind: str
    nbytes: int
    memory: int
    first: bool


def memory_of(array: Any) -> Any:
    """The array that owns the memory of this one.

    Examples
    --------
    >>> a = np.zeros((4, 4))
    >>> memory_of(a[1:].T) is a
    True
    """
    owner = array
    while array is not None:
        if isinstance(array, np.ndarray):
            owner = array
        array = getattr(array, "base", None)
    return owner


class Ledger:
    """Counts memory that is held, each piece once.

    Parameters
    ----------
    leaves : iterable of (Tensor, bool)
        The leaves of the graph, and whether each is a parameter: one that learns, or belongs to a module.
    """

    def __init__(self, leaves: Iterable[tuple[Tensor, bool]]) -> None:
        self.owners: dict[int, Any] = {}  # so that no identity is used again meanwhile
        self.kinds: dict[int, str] = {}
        self.numbers: dict[int, int] = {}
        for leaf, is_parameter in leaves:
            owner = memory_of(leaf.array)
            self.owners[id(owner)] = owner
            if self.kinds.get(id(owner)) != "parameter":
                self.kinds[id(owner)] = "parameter" if is_parameter else "input"

    def held(self, node: Node, name_of: Callable[[str], str]) -> tuple[Held, ...]:
        """What a node holds; call it for the oldest node first.

        Parameters
        ----------
        node : Node
        name_of : callable
            Gives the name of the tensor whose values are held under a letter.
        """
        return tuple([self.enter(letter, name_of(letter), array) for letter, array in arrays_held(node)])

    def enter(self, letter: str, name: str, array: Any) -> Held:
        """Note that an array is held."""
        owner = memory_of(array)
        first = id(owner) not in self.numbers
        number = self.numbers.setdefault(id(owner), len(self.numbers))
        self.owners[id(owner)] = owner
        kind = self.kinds.get(id(owner), "computed")
        return Held(letter, name, array.shape, str(array.dtype), kind, owner.nbytes, number, first)


def arrays_held(node: Node) -> Iterator[tuple[str, Any]]:
    """The arrays that a node keeps alive, each under its letter, the name of its option or argument, or a number."""
    if node.kept is None:
        return
    letters = set()
    if kept_by(node) is not None:
        for key, array in arrays_of(node):
            letters.add(str(key))
            yield str(key), array
    else:
        for value in node.options.values():
            yield from (("option", array) for array in arrays_in(value))
    if isinstance(node.kept, Recomputed):
        for tensor in tensors_of([node.kept.segment.args, node.kept.segment.kwargs]):
            yield "to run again", tensor.array
    for position, edge in enumerate(node.inputs):
        name = node.op.argument(position)
        if isinstance(edge, Tensor) and not edge._requires_grad and name not in letters:
            yield name, edge.array
