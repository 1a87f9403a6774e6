"""The hooks of a module, and a call of a module that has some."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from microbp.errors import warn
from microbp.nn.backward_hooks import BackwardHooks
from microbp.version import numbers

__all__ = ["ForwardHook", "Hooks", "call_with_hooks"]


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


def call_with_hooks(module: Any, hooks: Hooks, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, int]:
    """Run the forward of a module and all hooks.

    Parameters
    ----------
    module : Module
        What is called.
    hooks : Hooks
        Its hooks.
    args, kwargs
        The arguments. The forward takes what the hooks before it make of them.

    Returns
    -------
    output : object
        The output, as the hooks after the forward leave it.
    start : int
        All nodes of the call have larger numbers.
    """
    output = None
    waiting = iter(tuple(hooks.after_forward))  # those that are still to be called
    try:
        for hook in tuple(hooks.before_forward):
            args, kwargs = run_before(hook, module, args, kwargs)
        start = next(numbers)
        backward_hooks = None
        if hooks.before_backward or hooks.after_backward:
            backward_hooks = BackwardHooks(module, hooks.before_backward, hooks.after_backward)
            args = backward_hooks.enter(args)
        try:
            output = module.forward(*args, **kwargs)
        except Exception as error:
            module._blame(error)
            raise
        for hook in waiting:
            output = run_after(hook, module, args, kwargs, output)
        return output if backward_hooks is None else backward_hooks.leave(output), start
    except Exception:
        for hook in waiting:
            if hook.always_call:
                try:
                    output = run_after(hook, module, args, kwargs, output)
                except Exception as error:
                    warn(
                        "a forward hook with always_call=True raised an exception, which was silenced as another error "
                        f"was raised before: {error}"
                    )
        raise


def run_before(
    hook: ForwardHook, module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Let a hook see the arguments; they, or what it puts in their place."""
    if not hook.with_kwargs:
        changed = hook.function(module, args)
        return args if changed is None else changed if isinstance(changed, tuple) else (changed,), kwargs
    changed = hook.function(module, args, kwargs)
    if changed is None:
        return args, kwargs
    if not (isinstance(changed, tuple) and len(changed) == 2):
        raise RuntimeError(f"a forward pre-hook with kwargs must return None or (args, kwargs), got {changed!r}")
    return changed


def run_after(hook: ForwardHook, module: Any, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> Any:
    """Let a hook see the output; it, or what the hook puts in its place."""
    function, with_kwargs, _ = hook
    changed = function(module, args, kwargs, output) if with_kwargs else function(module, args, output)
    return output if changed is None else changed
