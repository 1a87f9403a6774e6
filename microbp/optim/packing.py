"""The state of an optimizer as a dict that can be saved, in PyTorch's form, and back.

Tensors cannot be keys in a file, so numbers stand for the parameters: their positions, counted
through all groups.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from microbp.errors import OptionError, ShapeError, warn
from microbp.tensor import Tensor, wrap

__all__ = ["pack", "unpack"]

Group = dict[str, Any]


def pack(groups: Sequence[Group], state: Mapping[Tensor, dict[str, Any]]) -> dict[str, Any]:
    """A copy of groups and state, with numbers for the parameters."""
    number = {p: k for k, p in enumerate(p for group in groups for p in group["params"])}
    return {
        "state": {number[p]: copied(entries) for p, entries in state.items()},
        "param_groups": [
            {
                **{name: copied(value) for name, value in group.items() if name != "params"},
                "params": [number[p] for p in group["params"]],
            }
            for group in groups
        ],
    }


def unpack(
    packed: Mapping[str, Any], groups: Sequence[Group], defaults: Mapping[str, Any], moments: Sequence[str]
) -> tuple[list[Group], dict[Tensor, dict[str, Any]]]:
    """Groups and state with the parameters of `groups`; nothing is changed.

    Raises
    ------
    OptionError, ShapeError, TypeError
        If what is packed does not fit the groups.
    """
    check_form(packed)
    loaded = packed["param_groups"]
    if len(loaded) != len(groups):
        raise OptionError(f"loaded state dict has {len(loaded)} parameter groups, the optimizer has {len(groups)}")
    merged = []
    parameters: dict[Any, Tensor] = {}
    for k, (group, theirs) in enumerate(zip(groups, loaded, strict=True)):
        if len(theirs["params"]) != len(group["params"]):
            raise OptionError(
                f"loaded state dict has {len(theirs['params'])} parameters in group {k}, "
                f"the optimizer has {len(group['params'])}"
            )
        merged.append(merge(k, group, theirs, defaults))
        parameters.update(zip(theirs["params"], group["params"], strict=True))
    state = {}
    for number, entries in packed["state"].items():
        if number not in parameters:
            raise OptionError(f"loaded state dict has state for parameter {number!r}, which is in none of its groups")
        p = parameters[number]
        state[p] = {name: loaded_value(value, p.dtype if name in moments else None) for name, value in entries.items()}
        for name in moments:
            value = state[p].get(name)
            if value is not None and getattr(value, "shape", None) != p.shape:
                raise ShapeError(
                    f"loaded state dict: {name} of parameter {number} has shape {getattr(value, 'shape', None)}, "
                    f"the parameter {p.shape}"
                )
    return merged, state


def check_form(packed: Any) -> None:
    """Refuse what is no state dict of an optimizer."""
    if not isinstance(packed, Mapping) or not {"state", "param_groups"} <= packed.keys():
        raise OptionError('a state dict of an optimizer is a dict with "state" and "param_groups"')
    if not all(isinstance(group, Mapping) and "params" in group for group in packed["param_groups"]):
        raise OptionError('a parameter group of a state dict is a dict with "params"')
    if not all(isinstance(entries, Mapping) for entries in packed["state"].values()):
        raise OptionError("the state of a parameter is a dict")


def merge(k: int, group: Group, theirs: Mapping[str, Any], defaults: Mapping[str, Any]) -> Group:
    """The loaded options with the parameters of a group."""
    merged = {name: copied(value) for name, value in theirs.items()}
    merged["params"] = group["params"]
    for name, default in defaults.items():
        if name not in merged:
            # Switches may be younger than the file; a number that is missing was another optimizer's.
            if not (default is None or isinstance(default, bool)):
                raise OptionError(f"loaded state dict has no {name!r} in group {k}; was it saved by another optimizer?")
            merged[name] = default
    if "param_names" in group:
        if list(theirs.get("param_names", group["param_names"])) != group["param_names"]:
            warn(
                f"loaded state dict names the parameters of group {k} {theirs['param_names']}, "
                f"the optimizer {group['param_names']}; they are matched by their order"
            )
        merged["param_names"] = group["param_names"]
    else:
        merged.pop("param_names", None)
    return merged


def copied(value: Any) -> Any:
    """A copy that shares no memory."""
    if isinstance(value, Tensor):
        return wrap(value.array.copy())
    if isinstance(value, Mapping):
        return {name: copied(entry) for name, entry in value.items()}
    if isinstance(value, list):
        return [copied(entry) for entry in value]
    return copy.deepcopy(value)


def loaded_value(value: Any, dtype: Any) -> Any:
    """A copy of a loaded value: arrays as tensors, in a dtype if one is given."""
    if isinstance(value, list):
        return [loaded_value(entry, dtype) for entry in value]
    if isinstance(value, Tensor) or hasattr(value, "__array__"):
        array = np.asarray(value.array if isinstance(value, Tensor) else value).copy()
        return wrap(array if dtype is None else array.astype(dtype, copy=False))
    return copied(value)
