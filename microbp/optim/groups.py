"""Groups from layer names: a global learning rate, and overrides for some layers."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any, Protocol

from microbp.errors import OptionError
from microbp.tensor import Tensor

__all__ = ["layer_groups"]

Pair = tuple[str, Tensor]


class HasParameters(Protocol):
    """A module, or what else can list its parameters by name."""

    def named_parameters(self) -> Iterable[Pair]:
        """The parameters with their names, as ``"layer.weight"``."""


def layer_groups(model: HasParameters, overrides: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Make parameter groups from options given by layer name.

    Parameters
    ----------
    model : Module
        Anything with ``named_parameters()``.
    overrides : dict
        For each name what is special about it: a learning rate, or a dict of options. A name is that of a
        parameter (``"fc1.weight"``), of a module, meaning all parameters below it (``"fc1"``), or a pattern
        of either (``"*.bias"``). Where several fit, one without wildcards wins over patterns, then the
        longest; the options of the others do not apply.

    Returns
    -------
    list of dict
        One group for each name, called so, with (name, tensor) pairs; and a last one, called ``"the rest"``,
        of what no name fits, if anything. What a group leaves out comes from the optimizer's constructor.

    Raises
    ------
    OptionError
        If a name fits nothing, or nothing that a more specific one does not take.
    TypeError
        If a name is no string, or an override is neither a number nor a dict.

    Examples
    --------
    >>> import microbp
    >>> model = microbp.nn.Sequential(microbp.nn.Linear(2, 3), microbp.nn.ReLU(), microbp.nn.Linear(3, 1))
    >>> groups = layer_groups(model, {"0": 0.5, "*.bias": {"momentum": 0.9}})
    >>> for group in groups:
    ...     print(group["name"], [name for name, _ in group["params"]])
    0 ['0.weight', '0.bias']
    *.bias ['2.bias']
    the rest ['2.weight']
    >>> optimizer = microbp.optim.SGD(groups, lr=0.1)
    >>> [group["lr"] for group in optimizer.param_groups]
    [0.5, 0.1, 0.1]
    """
    for key in overrides:
        if not isinstance(key, str):
            raise TypeError(f'an override goes by the name of a layer, in quotes: instead of {key!r} use "{key}"')
    named = list(model.named_parameters())
    options = {key: as_options(key, value) for key, value in overrides.items()}
    members: dict[str, list[Pair]] = {key: [] for key in overrides}
    rest: list[Pair] = []
    for name, p in named:
        fitting = [key for key in overrides if fits(key, name)]
        (members[max(fitting, key=specificity)] if fitting else rest).append((name, p))
    for key, pairs in members.items():
        if not pairs:
            raise OptionError(nothing_left(key, [name for name, _ in named], model))
    groups: list[dict[str, Any]] = [{"name": key, "params": pairs, **options[key]} for key, pairs in members.items()]
    return [*groups, {"name": "the rest", "params": rest}] if rest else groups


def prefixes(name: str) -> list[str]:
    """The name of a parameter and those of the modules around it: ``a.b.w``, ``a.b``, ``a``."""
    parts = name.split(".")
    return [".".join(parts[:k]) for k in range(len(parts), 0, -1)]


def fits(key: str, name: str) -> bool:
    """Whether a key means a parameter, or a module around it."""
    return any(key == prefix or fnmatchcase(prefix, key) for prefix in prefixes(name))


def specificity(key: str) -> tuple[bool, int]:
    """By what a key is preferred to others."""
    return not any(sign in key for sign in "*?["), len(key)


def as_options(key: str, value: Any) -> dict[str, Any]:
    """An override as options: a number is a learning rate."""
    if isinstance(value, Mapping):
        reserved = [name for name in ("params", "param_names", "name") if name in value]
        if reserved:
            raise OptionError(f"the override {key!r} cannot set {reserved[0]!r}")
        return dict(value)
    if isinstance(value, bool | str) or not hasattr(value, "__float__"):
        raise TypeError(f"the override {key!r} must be a learning rate or a dict of options, got {value!r}")
    return {"lr": value}


def nothing_left(key: str, names: list[str], model: Any) -> str:
    """Why a key has no parameters."""
    modules = dict(model.named_modules()) if hasattr(model, "named_modules") else {}
    if key and key in modules and not any(True for _ in modules[key].parameters()):
        return f"the layer {key!r}, a {type(modules[key]).__name__}, has no parameters to learn"
    if any(fits(key, name) for name in names):
        return f"the override {key!r} applies to nothing: more specific ones take all of its parameters"
    known = list(dict.fromkeys(prefix for name in names for prefix in reversed(prefixes(name))))
    close = difflib.get_close_matches(key, known, n=3, cutoff=0.5)
    if close:
        return f"no layer or parameter is called {key!r}; did you mean {' or '.join(map(repr, close))}?"
    return f"no layer or parameter is called {key!r}; there are {', '.join(map(repr, known)) or 'none'}"
