"""Nested tuples, lists and dicts of tensors, taken apart and put together again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from microbp.tensor import Tensor

__all__ = ["leaves_of", "map_leaves", "rebuilt", "tensors_of"]


def leaves_of(tree: Any) -> list[Any]:
    """All that is no tuple, list or dict, in order.

    Examples
    --------
    >>> leaves_of({"a": (1, 2), "b": [3]})
    [1, 2, 3]
    """
    if isinstance(tree, dict):
        return [leaf for part in tree.values() for leaf in leaves_of(part)]
    if isinstance(tree, tuple | list):
        return [leaf for part in tree for leaf in leaves_of(part)]
    return [tree]


def tensors_of(tree: Any) -> list[Tensor]:
    """All tensors, in order."""
    return [leaf for leaf in leaves_of(tree) if isinstance(leaf, Tensor)]


def map_leaves(function: Callable[[Any], Any], tree: Any) -> Any:
    """The same nesting, with a function applied to what is in it.

    Examples
    --------
    >>> map_leaves(lambda leaf: 10 * leaf, {"a": (1, 2), "b": [3]})
    {'a': (10, 20), 'b': [30]}
    """
    if isinstance(tree, dict):
        parts = {key: map_leaves(function, part) for key, part in tree.items()}
        return parts if type(tree) is dict else type(tree)(parts)
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return type(tree)(*(map_leaves(function, part) for part in tree))
    if isinstance(tree, tuple | list):
        return type(tree)(map_leaves(function, part) for part in tree)
    return function(tree)


def rebuilt(tree: Any, leaves: Iterable[Any]) -> Any:
    """The same nesting, with other things in it."""
    rest: Iterator[Any] = iter(leaves)
    return map_leaves(lambda leaf: next(rest), tree)
