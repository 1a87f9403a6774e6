"""Calling a module: ``forward``, the hooks around it, and the note of the call that drawings read."""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable
from types import FrameType
from typing import Any, NoReturn

from microbp.engine import numbers
from microbp.handle import Handle
from microbp.tensor import Tensor

__all__ = ["Called"]


class Called:
    """What of a module has to do with its being called."""

    _forward_pre_hooks: list[tuple[Callable[..., Any], bool]]
    _forward_hooks: list[tuple[Callable[..., Any], bool]]

    def __init__(self) -> None:
        self.__dict__["_forward_pre_hooks"] = []
        self.__dict__["_forward_hooks"] = []

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the output; every subclass defines its own."""
        raise NotImplementedError(f'Module [{type(self).__name__}] is missing the required "forward" function')

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run ``forward`` and the hooks, and note the call on the nodes of the output.

        A node knows the module calls that ended with it by ``node.calls``: a linked list of
        ``(weak reference to the module, start, earlier, class of the module, caller)``. The operations of the call are
        those with ``start < number <= node.number``; `earlier` is the list of the calls that
        ended with the node before, which are those inside this one. Drawings make clusters of it.
        """
        if self._forward_pre_hooks or self._forward_hooks:
            return self._call_with_hooks(args, kwargs)
        start = next(numbers)
        output = self.forward(*args, **kwargs)
        if isinstance(output, Tensor):
            node = output.node
            if node is not None and node.number > start:
                caller = sys._getframe(1)
                node.calls = (weakref.ref(self), start, node.calls, type(self), (caller.f_code, caller.f_lasti))
        else:
            self._note_call(output, start, sys._getframe(1))
        return output

    def _note_call(self, output: Any, start: int, caller: FrameType) -> None:
        """Note a call on the nodes of an output that may hold several tensors."""
        if isinstance(output, Tensor):
            node = output.node
            noted = node is not None and node.calls is not None and node.calls[1] == start
            if node is not None and node.number > start and not noted:  # the same tensor may be given twice
                node.calls = (weakref.ref(self), start, node.calls, type(self), (caller.f_code, caller.f_lasti))
        elif isinstance(output, dict):
            for part in output.values():
                self._note_call(part, start, caller)
        elif isinstance(output, list | tuple):
            for part in output:
                self._note_call(part, start, caller)

    def _call_with_hooks(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        for hook, with_kwargs in list(self._forward_pre_hooks):
            changed = hook(self, args, kwargs) if with_kwargs else hook(self, args)
            if changed is None:
                continue
            if with_kwargs:
                if not (isinstance(changed, tuple) and len(changed) == 2):
                    raise RuntimeError(
                        f"a forward pre-hook with kwargs must return None or (args, kwargs), got {changed!r}"
                    )
                args, kwargs = changed
            else:
                args = changed if isinstance(changed, tuple) else (changed,)
        start = next(numbers)
        output = self.forward(*args, **kwargs)
        for hook, with_kwargs in list(self._forward_hooks):
            changed = hook(self, args, kwargs, output) if with_kwargs else hook(self, args, output)
            if changed is not None:
                output = changed
        self._note_call(output, start, sys._getframe(2))
        return output

    def register_forward_pre_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> Handle:
        """Call ``hook(module, args)`` before ``forward``; what it returns, if anything, takes the arguments' place.

        Parameters
        ----------
        hook : callable
            ``hook(module, args)``, or ``hook(module, args, kwargs)`` if `with_kwargs`.
        prepend : bool
            Call it before the hooks that are there already.
        with_kwargs : bool
            Pass keyword arguments too; a replacement is then a pair ``(args, kwargs)``.

        Returns
        -------
        Handle
            Its ``remove()`` takes the hook away.
        """
        return add_hook(self._forward_pre_hooks, (hook, with_kwargs), prepend)

    def register_forward_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False, always_call: bool = False
    ) -> Handle:
        """Call ``hook(module, args, output)`` after ``forward``; what it returns, if anything, is the output.

        Parameters
        ----------
        hook : callable
            ``hook(module, args, output)``, or ``hook(module, args, kwargs, output)`` if `with_kwargs`.
        prepend : bool
            Call it before the hooks that are there already.
        with_kwargs : bool
            Pass keyword arguments too.
        always_call : bool
            Not supported.

        Returns
        -------
        Handle
            Its ``remove()`` takes the hook away.

        Examples
        --------
        >>> import microbp
        >>> layer = microbp.nn.Linear(2, 3)
        >>> handle = layer.register_forward_hook(lambda module, args, output: print(output.shape))
        >>> y = layer(microbp.ones(5, 2))
        (5, 3)
        >>> handle.remove()
        """
        if always_call:
            raise NotImplementedError("register_forward_hook() has no always_call; wrap the call in try/finally")
        return add_hook(self._forward_hooks, (hook, with_kwargs), prepend)

    def register_full_backward_hook(self, hook: Callable[..., Any], prepend: bool = False) -> NoReturn:
        """Not supported: see gradients with ``tensor.register_hook`` in a forward hook."""
        raise NotImplementedError(
            "modules have no backward hooks; register a forward hook that calls output.register_hook(...), "
            "which sees the gradient of the module's output"
        )


def add_hook(hooks: list[Any], entry: tuple[Callable[..., Any], bool], prepend: bool) -> Handle:
    """Put a hook first or last."""
    hooks.insert(0 if prepend else len(hooks), entry)
    return Handle(hooks, entry)
