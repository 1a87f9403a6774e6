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


def load_into(own: Mapping[str, Tensor], given: Mapping[str, Any], strict: bool, owner: str) -> IncompatibleKeys:
    """Copy values into tensors by name, after all of them were found to fit.

    Parameters
    ----------
    own : mapping of str to Tensor
        The tensors to fill.
    given : mapping of str to Tensor or array
        The values.
    strict : bool
        Whether missing and unexpected keys are an error.
    owner : str
        Whose state it is, for the error.

    Raises
    ------
    StateError
        If something does not fit; nothing was changed then.
    """
    if not isinstance(given, Mapping):
        raise TypeError(f"expected state_dict to be dict-like, got {type(given).__name__}")
    missing = [key for key in own if key not in given]
    unexpected = [key for key in given if key not in own]
    faults = []
    if strict and missing:
        faults.append(f"Missing key(s) in state_dict: {quoted(missing)}. ")
    if strict and unexpected:
        faults.append(f"Unexpected key(s) in state_dict: {quoted(unexpected)}. ")
    ready = []
    for key, target in own.items():
        if key in given:
            array, fault = converted(key, given[key], target)
            ready.append((target, array))
            faults += [fault] if fault else []
    if faults:
        raise StateError(f"Error(s) in loading state_dict for {owner}:\n\t" + "\n\t".join(faults))
    for target, array in ready:
        target.array[...] = array
        target._versioned().write()
    return IncompatibleKeys(missing, unexpected)


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
