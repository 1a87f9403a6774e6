"""The state of a module: taking a snapshot, and loading one, all or nothing."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from microbp.errors import StateError
from microbp.handle import Handle
from microbp.nn.call import Called
from microbp.tensor import Tensor, wrap

__all__ = ["IncompatibleKeys", "Stateful"]


class IncompatibleKeys(NamedTuple):
    """What `Module.load_state_dict` found to be missing, or more than it can use."""

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return f"_IncompatibleKeys(missing_keys={self.missing_keys}, unexpected_keys={self.unexpected_keys})"


class Stateful(Called):
    """What of a module has to do with its state: taking a snapshot of it, and loading one."""

    _parameters: dict[str, Any]
    _buffers: dict[str, Any]
    _non_persistent_buffers_set: set[str]

    def _own_state(self) -> Iterator[tuple[str, Tensor]]:
        """The parameters and persistent buffers of this module alone."""
        for name, parameter in self._parameters.items():
            if parameter is not None:
                yield name, parameter
        for name, buffer in self._buffers.items():
            if buffer is not None and name not in self._non_persistent_buffers_set:
                yield name, buffer

    def _named_state(self, prefix: str = "") -> Iterator[tuple[str, Tensor]]:
        """What a state dict is loaded into, in its order; a shared tensor once for each of its names."""
        for name, value in self._own_state():
            yield prefix + name, value
        for name, module in self._modules.items():
            if module is not None:
                yield from module._named_state(f"{prefix}{name}.")

    def state_dict(
        self, *, destination: Any = None, prefix: str = "", keep_vars: bool = False
    ) -> OrderedDict[str, Tensor]:
        """A snapshot of all parameters and persistent buffers, by their dotted names.

        In PyTorch the tensors of a state dict share the module's memory, so that a "best
        state so far" changes with further training. Here they are copies. They are
        read-only, so that a write that is meant for the module cannot be lost in a copy:
        write to the parameters, or to ``{key: value.clone() ...}``.

        Parameters
        ----------
        destination : dict, optional
            Where to put the entries; a new one by default.
        prefix : str
            Put before every name.
        keep_vars : bool
            Give the parameters and buffers themselves.

        Returns
        -------
        OrderedDict of str to Tensor

        Examples
        --------
        >>> from microbp import nn
        >>> {name: value.shape for name, value in nn.Linear(2, 3).state_dict().items()}
        {'weight': (3, 2), 'bias': (3,)}
        """
        state = OrderedDict() if destination is None else destination
        hooks = self._hooks
        for hook in () if hooks is None else tuple(hooks.before_saving):
            hook(self, prefix, keep_vars)
        for name, value in self._own_state():
            state[prefix + name] = value if keep_vars else snapshot(value)
        for name, module in self._modules.items():
            if module is not None:
                module.state_dict(destination=state, prefix=f"{prefix}{name}.", keep_vars=keep_vars)
        for hook in () if hooks is None else tuple(hooks.after_saving):
            if hook(self, state, prefix, {}) is not None:
                raise RuntimeError("state_dict post-hook must return None")
        return state

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
    ) -> IncompatibleKeys:
        """Copy the values of a state dict into the parameters and buffers; all of them, or none.

        Parameters
        ----------
        state_dict : mapping of str to Tensor or array
            As `state_dict` returns it.
        strict : bool
            Whether missing and unexpected keys are an error.
        assign : bool
            Not supported.

        Returns
        -------
        named tuple
            ``missing_keys`` and ``unexpected_keys``.

        Raises
        ------
        StateError
            If keys are missing or unexpected and `strict`, or if a shape or a dtype does not
            fit. The module is as it was before.
        """
        if assign:
            raise NotImplementedError("load_state_dict() has no assign=True; it copies into the module's own tensors")
        return load_into(self, state_dict, strict)

    def register_state_dict_pre_hook(self, hook: Callable[..., Any]) -> Handle:
        """Call ``hook(module, prefix, keep_vars)`` before `state_dict` takes the module's entries.

        Returns
        -------
        Handle
            Its ``remove()`` takes the hook away.
        """
        return self._register("before_saving", hook)

    def register_state_dict_post_hook(self, hook: Callable[..., Any]) -> Handle:
        """Call ``hook(module, state_dict, prefix, local_metadata)`` after `state_dict` has taken the module's entries.

        The hook may change `state_dict`, and returns None; `local_metadata` is empty.

        Returns
        -------
        Handle
            Its ``remove()`` takes the hook away.
        """
        return self._register("after_saving", hook)

    def register_load_state_dict_pre_hook(self, hook: Callable[..., Any]) -> Handle:
        """Call a hook before `load_state_dict` looks at the entries of this module, as to rename old keys.

        Parameters
        ----------
        hook : callable
            ``hook(module, state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs)``.
            `state_dict` has the entries that begin with `prefix` and may be changed; the lists may be added to, and an
            entry of `error_msgs` makes the loading fail. `local_metadata` is empty; `strict` is True, as in PyTorch.

        Returns
        -------
        Handle
            Its ``remove()`` takes the hook away.

        Examples
        --------
        >>> from microbp import nn
        >>> layer = nn.Linear(2, 3, bias=False)
        >>> def rename(module, state_dict, prefix, *rest):
        ...     state_dict[prefix + "weight"] = state_dict.pop(prefix + "w")
        >>> handle = layer.register_load_state_dict_pre_hook(rename)
        >>> layer.load_state_dict({"w": nn.Linear(2, 3).weight})
        <All keys matched successfully>
        """
        return self._register("before_loading", hook)

    def register_load_state_dict_post_hook(self, hook: Callable[..., Any]) -> Handle:
        """Call ``hook(module, incompatible_keys)`` after `load_state_dict` has filled the module.

        The keys are those of the whole of what is loaded. The hook may take some out of ``missing_keys`` and
        ``unexpected_keys``, which are then no error, and returns None. If it raises, or keys that are an error are
        left, the module is as it was before.

        Returns
        -------
        Handle
            Its ``remove()`` takes the hook away.
        """
        return self._register("after_loading", hook)


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
