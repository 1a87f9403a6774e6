"""Calling a module: ``forward``, the hooks around it, and the note of the call that drawings read."""

from __future__ import annotations

from collections.abc import Callable
from types import FrameType
from typing import Any, NoReturn
from weakref import ref

from microbp.handle import Handle
from microbp.nn.changes import note_change
from microbp.nn.hooks import ForwardHook, Hooks, call_with_hooks
from microbp.tensor import Tensor, frame_at
from microbp.version import numbers

__all__ = ["Called"]


class Called:
    """What of a module has to do with its being called."""

    _hooks: Hooks | None  # made when the first one is registered
    _modules: dict[str, Any]

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the output; every subclass defines its own."""
        raise NotImplementedError(f'Module [{type(self).__name__}] is missing the required "forward" function')

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run ``forward`` and the hooks, and note the call on the nodes of the output.

        A node knows the module calls that ended with it by ``node.calls``: a linked list of
        ``(weak reference to the module, start, earlier, class of the module, caller)``. The operations of the call are
        those with ``start < number <= node.number``; `earlier` is the list of the calls that
        ended with the node before, which are those inside this one. Drawings make clusters of it.

        An error that a layer of this package raises begins with the layer, as it is printed.
        """
        if self._hooks is not None:
            output, start = call_with_hooks(self, self._hooks, args, kwargs)
        else:
            start = next(numbers)
            try:
                # One argument is by far the most frequent case, and a plain call is quicker than an unpacking one.
                output = self.forward(*args, **kwargs) if kwargs or len(args) != 1 else self.forward(args[0])
            except Exception as error:
                self._blame(error)
                raise
        if isinstance(output, Tensor):
            node = output.node
            if node is not None and node.number > start:
                caller = frame_at(1)
                node.calls = (ref(self), start, node.calls, type(self), (caller.f_code, caller.f_lasti))
        else:
            self._note_call(output, start, frame_at(1))
        return output

    def _blame(self, error: Exception) -> None:
        """Let the text of an error begin with the layer that raised it, if that is one of ours without layers in it."""
        if not type(self).__module__.startswith("microbp.") or self._modules:
            return
        if error.args and isinstance(error.args[0], str) and not error.args[0].startswith(str(self)):
            error.args = (f"{self}: {error.args[0]}", *error.args[1:])

    def _note_call(self, output: Any, start: int, caller: FrameType) -> None:
        """Note a call on the nodes of an output that may hold several tensors."""
        if isinstance(output, Tensor):
            node = output.node
            noted = node is not None and node.calls is not None and node.calls[1] == start
            if node is not None and node.number > start and not noted:  # the same tensor may be given twice
                node.calls = (ref(self), start, node.calls, type(self), (caller.f_code, caller.f_lasti))
        elif isinstance(output, dict):
            for part in output.values():
                self._note_call(part, start, caller)
        elif isinstance(output, list | tuple):
            for part in output:
                self._note_call(part, start, caller)

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
        return self._register("before_forward", ForwardHook(hook, with_kwargs), prepend)

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
            Call it also after an error, with None for an output that there is not.

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
        return self._register("after_forward", ForwardHook(hook, with_kwargs, always_call), prepend)

    def register_full_backward_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> Handle:
        """Call ``hook(module, grad_output)`` in a backward pass, when the gradients of the outputs are there.

        Parameters
        ----------
        hook : callable
            ``hook(module, grad_output)``; `grad_output` is a tuple with an entry for each output, None for one that is
            no tensor or gets no gradient. What it returns, if anything, is a tuple that takes its place.
        prepend : bool
            Call it before the hooks that are there already.

        Returns
        -------
        Handle
            Its ``remove()`` takes the hook away.
        """
        return self._register("before_backward", hook, prepend)

    def register_full_backward_hook(self, hook: Callable[..., Any], prepend: bool = False) -> Handle:
        """Call ``hook(module, grad_input, grad_output)`` in a backward pass, when all these gradients are there.

        It is not called where no output requires grad, or where the pass does not go as far as the inputs. If
        no input requires grad, it is called when the gradients of the outputs are there, and warns.

        Parameters
        ----------
        hook : callable
            ``hook(module, grad_input, grad_output)``; both are tuples, with an entry for each positional argument and
            for each output, None for what is no tensor, or an output that gets no gradient. What it returns, if
            anything, is a tuple that takes the place of `grad_input`.
        prepend : bool
            Call it before the hooks that are there already.

        Returns
        -------
        Handle
            Its ``remove()`` takes the hook away.

        Notes
        -----
        Inputs and outputs of a module with such a hook cannot be changed in place, by ``inplace=True`` for one.

        Examples
        --------
        >>> import microbp
        >>> layer = microbp.nn.Tanh()
        >>> handle = layer.register_full_backward_hook(lambda module, grad_input, grad_output: print(grad_input))
        >>> x = microbp.tensor([0.0, 1.0], requires_grad=True)
        >>> layer(x).sum().backward()
        (tensor([1.0000, 0.4200]),)
        """
        return self._register("after_backward", hook, prepend)

    def register_backward_hook(self, hook: Callable[..., Any]) -> NoReturn:
        """Not supported, and deprecated in PyTorch: use `register_full_backward_hook`."""
        raise NotImplementedError("register_backward_hook() is deprecated; use register_full_backward_hook()")

    def _register(self, kind: str, hook: Any, prepend: bool = False) -> Handle:
        """Put a hook first or last."""
        if self._hooks is None:
            self.__dict__["_hooks"] = Hooks()
        listed = getattr(self._hooks, kind)
        listed.insert(0 if prepend else len(listed), hook)
        note_change()
        return Handle(listed, hook)
