"""The state of a module: taking a snapshot, and loading one, all or nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from microbp.errors import StateError
from microbp.tensor import Tensor, wrap

__all__ = ["IncompatibleKeys", "load_into", "snapshot"]


class IncompatibleKeys(NamedTuple):
    """What `Module.load_state_dict` found to be missing, or more than it can use."""

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return f"IncompatibleKeys(missing_keys={self.missing_keys}, unexpected_keys={self.unexpected_keys})"


def snapshot(value: Tensor) -> Tensor:
    """A read-only copy outside the graph."""
    array = value.array.copy()
    array.flags.writeable = False
    return wrap(array)


def load_into(module: Any, given: Mapping[str, Any], strict: bool) -> IncompatibleKeys:
    """Copy values into the tensors of a module by name, after all of them were found to fit.

    Parameters
    ----------
    module : Module
        Whose tensors to fill.
    given : mapping of str to Tensor or array
        The values.
    strict : bool
        Whether missing and unexpected keys are an error.

    Raises
    ------
    StateError
        If something does not fit; nothing was changed then.
    """
    if not isinstance(given, Mapping):
        raise TypeError(f"expected state_dict to be dict-like, got {type(given).__name__}")
    own = dict(module._named_state())
    keys = IncompatibleKeys([], [])
    faults: list[str] = []
    state = prepared(module, given, keys, faults)
    keys.missing_keys.extend(key for key in own if key not in state)
    keys.unexpected_keys.extend(key for key in state if key not in own)
    ready = []
    for key, target in own.items():
        if key in state:
            array, fault = converted(key, state[key], target)
            ready.append((target, array))
            faults += [fault] if fault else []
    hooks = after_loading(module)
    if faults or not hooks:
        refuse(module, keys, strict, faults)
    before = [(target, target.array.copy()) for target, _ in ready] if hooks else []
    fill(ready)
    try:
        for owner, hook in hooks:
            if hook(owner, keys) is not None:
                raise RuntimeError(
                    "Hooks registered with register_load_state_dict_post_hook are expected to return None"
                )
        refuse(module, keys, strict, faults)
    except BaseException:
        fill(before)
        raise
    return keys


def prepared(module: Any, given: Mapping[str, Any], keys: IncompatibleKeys, faults: list[str]) -> Mapping[str, Any]:
    """The values as the hooks before loading leave them; each is shown the entries of its own module."""
    state = dict(given)
    for path, owner in module.named_modules(remove_duplicate=False):
        if owner._hooks is not None and owner._hooks.before_loading:
            prefix = f"{path}." if path else ""
            part = {key: state.pop(key) for key in list(state) if key.startswith(prefix)}
            for hook in tuple(owner._hooks.before_loading):
                hook(owner, part, prefix, {}, True, *keys, faults)
            state.update(part)
    return state


def after_loading(module: Any) -> list[tuple[Any, Any]]:
    """The hooks after loading, each with its module; those of inner modules come first."""
    inner = [found for child in module._modules.values() if child is not None for found in after_loading(child)]
    return inner if module._hooks is None else [*inner, *((module, hook) for hook in module._hooks.after_loading)]


def refuse(module: Any, keys: IncompatibleKeys, strict: bool, faults: list[str]) -> None:
    """Raise an error that names all that does not fit, if there is anything."""
    named = []
    if strict and keys.missing_keys:
        named.append(f"Missing key(s) in state_dict: {quoted(keys.missing_keys)}. ")
    if strict and keys.unexpected_keys:
        named.append(f"Unexpected key(s) in state_dict: {quoted(keys.unexpected_keys)}. ")
    if named or faults:
        text = "\n\t".join(named + faults)
        raise StateError(f"Error(s) in loading state_dict for {type(module).__name__}:\n\t{text}")


def fill(ready: list[tuple[Tensor, Any]]) -> None:
    """Copy arrays into tensors."""
    for target, array in ready:
        target.array[...] = array
        target._versioned().write()


def converted(key: str, value: Any, target: Tensor) -> tuple[Any, str]:
    """A value as a new array of its target's dtype, and what is wrong with it, if anything is."""
    array = value.array if isinstance(value, Tensor) else value
    if not isinstance(array, np.ndarray | np.generic):
        return (
            None,
            f'While copying the parameter named "{key}", expected a Tensor or an array, got {type(value).__name__}.',
        )
    if array.shape != target.shape:
        return None, (
            f"size mismatch for {key}: copying a param with shape {array.shape} from checkpoint, "
            f"the shape in current model is {target.shape}."
        )
    if array.dtype.kind not in "bifu":
        return None, f'While copying the parameter named "{key}", found dtype {array.dtype}, expected numbers.'
    return np.array(array, dtype=target.dtype), ""


def quoted(keys: list[str]) -> str:
    """Names in quotes, with commas."""
    return ", ".join(f'"{key}"' for key in keys)
