"""One application of a transform: tensors of its own for the arguments, and results that leave it.

A transform runs the function on tensors that stand for the arguments, and differentiates with
respect to these. What comes out keeps its graph if, and only if, it depends on something else
that requires grad: on the arguments of an outer transform, or on a tensor of the user's. That
is what makes transforms nest.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from microbp.autograd.derivative import zeros_like
from microbp.autograd.tree import leaves_of, map_leaves, tensors_of
from microbp.engine import collect
from microbp.errors import OptionError, ShapeError
from microbp.mode import enable_grad, is_grad_enabled
from microbp.ops.shape import clone
from microbp.tensor import Tensor, apply

__all__ = ["Argnums", "Level", "all_tensors", "matching", "replace", "split_aux", "zeros_for_none"]

Argnums = int | tuple[int, ...]


class Level:
    """One application of a transform.

    Attributes
    ----------
    inner : list of Tensor
        The tensors that stand for those that the transform differentiates by.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.recording = is_grad_enabled()
        self.own: set[Tensor] = set()
        self.inner: list[Tensor] = []

    def enter(self, tree: Any) -> Any:
        """Tensors of the level's own, in place of those of a nested argument."""

        def own(leaf: Any) -> Any:
            if not isinstance(leaf, Tensor):
                raise TypeError(f"{self.name} differentiates by tensors, got {type(leaf).__name__}: {leaf!r}")
            outer = self.recording and leaf.requires_grad
            inside = apply(clone, leaf) if outer else self.claim(leaf.detach())
            self.inner.append(inside)
            return inside

        with enable_grad():
            return map_leaves(own, tree)

    def claim(self, tensor: Tensor) -> Tensor:
        """Let a tensor require grad as one that only this level knows."""
        self.own.add(tensor.requires_grad_())
        return tensor

    def is_outer(self, tree: Any) -> bool:
        """Whether something depends on a tensor that requires grad and is not of this level."""
        return self.recording and depends_on_others(tensors_of(tree), self.own)

    def leave(self, tree: Any) -> Any:
        """A result, without its graph unless that leads to something outside this level."""
        if self.is_outer(tree):
            return tree
        return map_leaves(lambda leaf: leaf.detach() if isinstance(leaf, Tensor) else leaf, tree)


def depends_on_others(tensors: Iterable[Tensor], own: set[Tensor]) -> bool:
    """Whether tensors were computed from a leaf that requires grad and is not among these."""
    roots = [tensor.grad_fn or tensor for tensor in tensors if tensor.requires_grad]
    leaves = [root for root in roots if isinstance(root, Tensor)]
    for node in collect(roots):
        leaves += [edge for edge in node.inputs if isinstance(edge, Tensor) and edge._requires_grad]
    return any(leaf not in own for leaf in leaves)


def replace(level: Level, args: tuple[Any, ...], argnums: Argnums) -> tuple[Any, tuple[Any, ...]]:
    """The chosen arguments as tensors of the level, and all arguments with these in their places."""
    positions = (argnums,) if isinstance(argnums, int) else tuple(argnums)
    if not positions:
        raise OptionError(f"{level.name} needs at least one argument to differentiate by, got argnums=()")
    for position in positions:
        if not -len(args) <= position < len(args):
            raise OptionError(
                f"{level.name} got argnums={argnums}, but the function was called with {len(args)} arguments"
            )
    replaced = list(args)
    places = [position % len(args) for position in positions]
    if len(set(places)) < len(places):
        raise OptionError(f"{level.name} got argnums={argnums}, which names an argument twice")
    for place in places:
        replaced[place] = level.enter(args[place])
    chosen = tuple(replaced[place] for place in places)
    return (chosen[0] if isinstance(argnums, int) else chosen), tuple(replaced)


def split_aux(result: Any, has_aux: bool, name: str) -> tuple[Any, Any]:
    """What is differentiated, and what comes besides."""
    if not has_aux:
        return result, None
    if not (isinstance(result, tuple) and len(result) == 2):
        raise TypeError(f"{name} with has_aux=True needs a function that returns a pair (output, aux)")
    return result


def all_tensors(tree: Any, name: str) -> tuple[Tensor, ...]:
    """The tensors of an output; there must be nothing else."""
    for leaf in leaves_of(tree):
        if not isinstance(leaf, Tensor):
            raise TypeError(f"{name} needs a function that returns tensors, got {type(leaf).__name__}: {leaf!r}")
    return tuple(leaves_of(tree))


def matching(tree: Any, others: Iterable[Tensor], name: str, what: str) -> tuple[Tensor, ...]:
    """The tensors of a vector; they must have the shapes of the others."""
    vectors, others = all_tensors(tree, name), tuple(others)
    if len(vectors) != len(others):
        raise ShapeError(f"{name} needs {len(others)} tensors, one for each {what}, got {len(vectors)}")
    for position, (vector, other) in enumerate(zip(vectors, others, strict=True)):
        if vector.shape != other.shape:
            raise ShapeError(f"{name} got shape {vector.shape} for {what} {position}, which has shape {other.shape}")
    return vectors


def zeros_for_none(found: Iterable[Tensor | None], like: Iterable[Tensor]) -> list[Tensor]:
    """Derivatives, zero where nothing connects an output with an argument."""
    return [zeros_like(other) if g is None else g for g, other in zip(found, like, strict=True)]
