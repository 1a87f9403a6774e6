"""Modules as functions of their parameters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from microbp.errors import StateError
from microbp.nn.changes import note_change
from microbp.nn.module import Module
from microbp.tensor import Tensor

__all__ = ["functional_call"]

Tensors = Mapping[str, Tensor]


def functional_call(
    module: Module,
    parameter_and_buffer_dicts: Tensors | Sequence[Tensors],
    args: Any = None,
    kwargs: dict[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """Call a module with other tensors in place of its parameters and buffers.

    Parameters
    ----------
    module : Module
        What to call.
    parameter_and_buffer_dicts : mapping of str to Tensor, or sequence of them
        The tensors by their dotted names; the module's own are used for what is not named. Buffers that the call
        replaces are replaced here.
    args : tuple or anything, optional
        The arguments of the module; one argument need not be in a tuple.
    kwargs : dict, optional
        The keyword arguments of the module.
    tie_weights : bool
        Whether a tensor given for one name of a shared parameter is used for its other names too.
    strict : bool
        Whether all parameters and buffers must be named.

    Returns
    -------
    What the module returns.

    Raises
    ------
    StateError
        If the module has no parameter or buffer of a name; with `strict`, if one is not given.

    Examples
    --------
    >>> import microbp
    >>> layer = microbp.nn.Linear(2, 1, bias=False)
    >>> def loss(weights, x):
    ...     return microbp.func.functional_call(layer, weights, (x,)).sum()
    >>> weights = {"weight": microbp.tensor([[2.0, 3.0]])}
    >>> microbp.func.grad(loss)(weights, microbp.tensor([[1.0, 10.0]]))
    {'weight': tensor([[ 1., 10.]])}
    """
    if isinstance(parameter_and_buffer_dicts, Mapping):
        given = parameter_and_buffer_dicts
    else:
        given = merged(parameter_and_buffer_dicts)
    if args is None:
        args = ()
    elif not isinstance(args, tuple):
        args = (args,)
    with replaced(module, given, tie_weights, strict):
        return module(*args, **(kwargs or {}))


def merged(dicts: Sequence[Tensors]) -> dict[str, Tensor]:
    """Several dicts as one; no name may be in two of them."""
    found: dict[str, Tensor] = {}
    for part in dicts:
        twice = sorted(found.keys() & part.keys())
        if twice:
            raise ValueError(f"functional_call() got {', '.join(map(repr, twice))} in more than one dict")
        found.update(part)
    return found


@contextmanager
def replaced(module: Module, given: Tensors, tie_weights: bool, strict: bool) -> Iterator[None]:
    """Put tensors into the places of a module's own for the time of a ``with`` block."""
    places = places_of(module)
    unexpected = [name for name in given if name not in places]
    missing = [name for name in places if name not in given] if strict else []
    if unexpected or missing:
        parts = [("has no", unexpected), ("needs also", missing)]
        text = "; ".join(f"{title} {', '.join(map(repr, names))}" for title, names in parts if names)
        raise StateError(f"functional_call() on {type(module).__name__}, which {text}")
    for name, tensor in given.items():
        if not isinstance(tensor, Tensor):
            raise TypeError(f"functional_call() got {type(tensor).__name__} for {name!r}; it must be a Tensor")
    new = tied(places, given) if tie_weights else dict(given)
    before = {name: places[name][0][places[name][1]] for name in new}
    try:
        for name, tensor in new.items():
            registry, key = places[name]
            registry[key] = tensor
        note_change()
        yield
    finally:
        for name, tensor in before.items():
            registry, key = places[name]
            if name in given and registry[key] is not given[name] and isinstance(given, dict):
                given[name] = registry[key]
            registry[key] = tensor
        note_change()


def places_of(module: Module) -> dict[str, tuple[dict[str, Any], str]]:
    """Where each parameter and buffer of a module is kept: the registry and the key in it, by dotted names."""
    places = {}
    for path, part in module.named_modules(remove_duplicate=False):
        for registry in (part._parameters, part._buffers):
            for key, value in registry.items():
                if value is not None:
                    places[f"{path}.{key}" if path else key] = (registry, key)
    return places


def tied(places: dict[str, tuple[dict[str, Any], str]], given: Tensors) -> dict[str, Tensor]:
    """The given tensors, also under the other names of the tensors that they replace."""
    names: dict[Tensor, list[str]] = {}
    for name, (registry, key) in places.items():
        names.setdefault(registry[key], []).append(name)
    new: dict[str, Tensor] = {}
    for group in names.values():
        values = [given[name] for name in group if name in given]
        if any(value is not values[0] for value in values):
            raise ValueError(f"functional_call() got different tensors for {', '.join(group)}, which share one tensor")
        if values:
            new.update(dict.fromkeys(group, values[0]))
    return new
