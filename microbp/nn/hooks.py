"""The hooks of a module, and a call of a module that has some."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from microbp.errors import warn
from microbp.nn.backward_hooks import BackwardHooks
from microbp.version import numbers

__all__ = ["ForwardHook", "HookedCall", "Hooks"]


class ForwardHook(NamedTuple):
    """A function to be called before or after a forward, and how."""

    function: Callable[..., Any]
    with_kwargs: bool
    always_call: bool = False


class Hooks:
    """All hooks of one module, by what they wait for; each list is in the order of the calls."""

    def __init__(self) -> None:
        self.before_forward: list[ForwardHook] = []
        self.after_forward: list[ForwardHook] = []
        self.before_backward: list[Callable[..., Any]] = []
        self.after_backward: list[Callable[..., Any]] = []
        self.before_saving: list[Callable[..., Any]] = []
        self.after_saving: list[Callable[..., Any]] = []
        self.before_loading: list[Callable[..., Any]] = []
        self.after_loading: list[Callable[..., Any]] = []


class HookedCall:
    """One call of a module that has hooks.

    Attributes
    ----------
    args, kwargs
        The arguments, as the hooks before the forward have left them.
    output
        The output, as the hooks after the forward have left it; None before there is one.
    start : int
        All nodes of the call have larger numbers.
    """

    def __init__(self, module: Any, hooks: Hooks, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.module = module
        self.hooks = hooks
        self.args = args
        self.kwargs = kwargs
        self.output: Any = None
        self.start = -1
        self.waiting = list(hooks.after_forward)

    def run(self) -> Any:
        """Run the forward and all hooks, and return the output."""
        try:
            return self.steps()
        except Exception:
            self.run_always_called()
            raise

    def steps(self) -> Any:
        """What is done as long as nothing fails."""
        for hook in tuple(self.hooks.before_forward):
            self.run_before(hook)
        self.start = next(numbers)
        backward_hooks = None
        if self.hooks.before_backward or self.hooks.after_backward:
            backward_hooks = BackwardHooks(self.module, self.hooks.before_backward, self.hooks.after_backward)
            self.args = backward_hooks.enter(self.args)
        try:
            self.output = self.module.forward(*self.args, **self.kwargs)
        except Exception as error:
            self.module._blame(error)
            raise
        while self.waiting:
            self.run_after(self.waiting.pop(0))
        if backward_hooks is not None:
            self.output = backward_hooks.leave(self.output)
        return self.output

    def run_before(self, hook: ForwardHook) -> None:
        """Let a hook see, and perhaps replace, the arguments."""
        if not hook.with_kwargs:
            changed = hook.function(self.module, self.args)
            if changed is not None:
                self.args = changed if isinstance(changed, tuple) else (changed,)
            return
        changed = hook.function(self.module, self.args, self.kwargs)
        if changed is None:
            return
        if not (isinstance(changed, tuple) and len(changed) == 2):
            raise RuntimeError(f"a forward pre-hook with kwargs must return None or (args, kwargs), got {changed!r}")
        self.args, self.kwargs = changed

    def run_after(self, hook: ForwardHook) -> None:
        """Let a hook see, and perhaps replace, the output."""
        arguments = (self.args, self.kwargs) if hook.with_kwargs else (self.args,)
        changed = hook.function(self.module, *arguments, self.output)
        if changed is not None:
            self.output = changed

    def run_always_called(self) -> None:
        """After an error, run the hooks that are to be called all the same and were not."""
        for hook in self.waiting:
            if hook.always_call:
                try:
                    self.run_after(hook)
                except Exception as error:
                    warn(
                        "a forward hook with always_call=True raised an exception, which was silenced as another error "
                        f"was raised before: {error}"
                    )
