"""What the modules of a model put out between two steps of a training, kept by hooks."""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from microbp.handle import Handle
from microbp.lab.arena import Arena
from microbp.mode import is_grad_enabled
from microbp.nn.module import Module
from microbp.tensor import Tensor

__all__ = ["Outputs", "is_silent"]

Array = np.ndarray[Any, Any]

CALLS = 64  # of one module between two steps; further ones are not recorded


class Outputs:
    """Copies of what the modules of a model have put out since the last step.

    Parameters
    ----------
    modules : dict of str to Module
        What to listen to, by path.
    arena : Arena
        Where the copies are put.

    Attributes
    ----------
    found : dict of str to array
        The outputs by track: ``acts/<module>``, ``acts/<module>#2`` of the second call, and so on.
    wanted : bool
        Whether the next step is to be recorded; if not, nothing is kept.
    """

    def __init__(self, modules: Mapping[str, Module], arena: Arena) -> None:
        self.found: dict[str, Array] = {}
        self.wanted = True
        self._arena = arena
        self._tracks = {module: f"acts/{path or type(module).__name__}" for path, module in modules.items()}
        self._owners: dict[int, tuple[weakref.ref[Tensor], int]] = {}  # tensors and versions that they were in, by id
        self._handles: list[Handle] = [module.register_forward_hook(Reporter(self)) for module in self._tracks]

    def next_step(self, wanted: bool) -> None:
        """Begin anew, with a step that is to be recorded or not."""
        self.found, self._owners = {}, {}
        self.wanted = wanted

    def close(self) -> None:
        """Take the hooks off the modules, and forget what is not recorded yet."""
        for handle in self._handles:
            handle.remove()
        self._handles = []
        self.next_step(wanted=False)

    def see(self, module: Module, output: Any) -> None:
        """Keep what a module put out, if it is one of those that are listened to and its operations are recorded."""
        track = self._tracks.get(module)  # a shallow copy of a module has the same hooks
        if track is None or not is_grad_enabled():
            return
        for path, tensor in (("", output),) if isinstance(output, Tensor) else parts_of(output):
            # A container may put out what a module in it has put out already.
            if tensor.array.dtype.kind == "f" and not (module._modules and self._is_kept(tensor)):
                self._keep(track, path, tensor)

    def _is_kept(self, tensor: Tensor) -> bool:
        """Whether a module has put out this tensor, no other that was where it is now, and with these values."""
        owner, version = self._owners.get(id(tensor), (None, -1))
        return owner is not None and owner() is tensor and version == tensor.version

    def _keep(self, track: str, path: str, tensor: Tensor) -> None:
        """Keep one tensor, as the first of its track or with the number of the call."""
        name, call = track + path, 1
        while name in self.found:
            call += 1
            name = f"{track}#{call}{path}"
        if call <= CALLS:
            kept = self._arena.copy(tensor.array)  # a copy: the next module may write in place
            if self.found.setdefault(name, kept) is kept:
                self._owners[id(tensor)] = weakref.ref(tensor), tensor.version
            else:  # another thread has taken the name meanwhile
                self._keep(track, path, tensor)


class Reporter:
    """A hook that hands on each output, to one who is not kept alive for it; a copy of it reports to nobody."""

    def __init__(self, listener: Outputs | None) -> None:
        self._listener = nobody if listener is None else weakref.ref(listener)

    def __call__(self, module: Module, args: Any, output: Any) -> None:
        listener = self._listener()
        if listener is not None and listener.wanted:
            listener.see(module, output)

    def __reduce__(self) -> tuple[type[Reporter], tuple[None]]:
        return Reporter, (None,)


def nobody() -> None:
    """What a weak reference is that never was one."""


def parts_of(output: Any) -> Iterable[tuple[str, Tensor]]:
    """The tensors in an output that may be nested, each with where it is: ``[1][0]``."""
    if isinstance(output, Tensor):
        return (("", output),)
    pairs = (
        output.items() if isinstance(output, dict) else enumerate(output) if isinstance(output, list | tuple) else ()
    )
    return [(f"[{key}]{path}", tensor) for key, part in pairs for path, tensor in parts_of(part)]


def is_silent(output: Array) -> Array:
    """Which units put out nothing but zeros."""
    axis = 1 if output.ndim >= 4 else output.ndim - 1
    return np.asarray(np.all(np.moveaxis(np.atleast_1d(output), axis, -1) == 0, axis=tuple(range(output.ndim - 1))))
