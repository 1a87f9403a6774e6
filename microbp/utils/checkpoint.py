"""Checkpoints: a part of a model that keeps nothing for the backward pass, and is run again instead.

A deep network keeps the activations of all its layers until the backward pass has used them.
In n layers cut into sqrt(n) checkpointed segments, only the inputs of the segments are kept,
and the activations of one segment at a time, for the price of a second forward.

How a function is run again is told in `microbp.utils.recompute`.

Sources: Griewank & Walther, *Evaluating Derivatives*, 2nd ed. (SIAM 2008), chapter 12;
Chen, Xu, Zhang & Guestrin, "Training Deep Nets with Sublinear Memory Cost" (2016).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any

from microbp.errors import CheckpointError, OptionError, warn
from microbp.mode import is_grad_enabled, no_grad
from microbp.nn.container import Sequential
from microbp.tensor import Tensor
from microbp.utils.recompute import Context, Segment

__all__ = ["CheckpointError", "checkpoint", "checkpoint_sequential", "noop_context_fn"]


def noop_context_fn() -> tuple[Context, Context]:
    """Two contexts that do nothing.

    Returns
    -------
    tuple of two context managers
    """
    return nullcontext(), nullcontext()


def checkpoint(
    function: Callable[..., Any],
    *args: Any,
    use_reentrant: bool | None = None,
    context_fn: Callable[[], tuple[Context, Context]] = noop_context_fn,
    determinism_check: str = "default",
    debug: bool = False,
    early_stop: bool = True,
    preserve_rng_state: bool = True,
    **kwargs: Any,
) -> Any:
    """Call a function and keep none of its intermediate results: it is run again in the backward pass.

    Gradients are those that they are without it: of the arguments, and of whatever else the function uses, such as
    the parameters of a module.

    Parameters
    ----------
    function : callable
        What to call, such as a module. It must do the same when it is run again, and not change its arguments.
    *args, **kwargs
        Its arguments; kept until the backward pass.
    use_reentrant : bool, optional
        PyTorch's two ways of doing this. There is only one here, which can do what either can. With True, keyword
        arguments, `context_fn` and `debug` are refused, and nothing is recorded if none of the arguments is a tensor
        that requires grad, as in PyTorch. None warns, and stands for True.
    context_fn : callable
        Gives two context managers, for the first run and for the second.
    determinism_check : {"default", "none"}
        What to compare between the two runs: operations, shapes and dtypes, and some values of the outputs; with
        "none" only what the operations are.
    debug : bool
        Whether the error about runs that differ lists all operations of both.
    early_stop : bool
        Without effect: the function always runs to its end.
    preserve_rng_state : bool
        Whether random numbers from the default generator, as for dropout, are the same in the second run. No other
        thread must draw from it meanwhile.

    Returns
    -------
    What the function returns. Tensors are found in nested tuples, lists and dicts; the operations behind others keep
    what they always do.

    Raises
    ------
    CheckpointError
        In the backward pass, if the function did something else when it was run again.
    MutationError
        In the backward pass, if an argument, or another tensor that the function uses, was changed since.
    OptionError
        If options contradict each other, or `determinism_check` is something else.

    Notes
    -----
    What else the function does, it does twice: batch normalisation moves its running moments twice.

    Examples
    --------
    >>> import microbp
    >>> from microbp.utils.checkpoint import checkpoint
    >>> layer = microbp.nn.Sequential(microbp.nn.Linear(4, 4), microbp.nn.Tanh(), microbp.nn.Linear(4, 1))
    >>> y = checkpoint(layer, microbp.ones(2, 4), use_reentrant=False)
    >>> y.sum().backward()
    >>> layer[2].bias.grad
    tensor([2.])
    """
    if use_reentrant is None:
        warn("checkpoint(): pass use_reentrant explicitly, preferably as False; True is what is used without it")
        use_reentrant = True
    if determinism_check not in {"default", "none"}:
        raise OptionError(f"determinism_check must be 'default' or 'none', got {determinism_check!r}")
    if use_reentrant:
        if kwargs:
            raise OptionError(f"checkpoint() takes {', '.join(kwargs)} only with use_reentrant=False")
        if context_fn is not noop_context_fn or debug:
            raise OptionError("checkpoint() takes context_fn and debug only with use_reentrant=False")
        if is_grad_enabled() and not any(isinstance(arg, Tensor) and arg.requires_grad for arg in args):
            warn("checkpoint(): none of the arguments requires grad, so that nothing gets a gradient")
            with no_grad():
                return function(*args)
    if not is_grad_enabled():
        return function(*args, **kwargs)
    first, second = context_fn()
    segment = Segment(function, args, kwargs, second, preserve_rng_state, determinism_check == "default", debug)
    output = segment.run(first)
    segment.release(output)
    return output


def checkpoint_sequential(
    functions: Any, segments: int, input: Any, use_reentrant: bool | None = None, *, preserve_rng_state: bool = True
) -> Any:
    """Call functions in a chain, in segments of about the same length that are checkpointed, but for the last.

    Parameters
    ----------
    functions : Sequential or sequence of callable
        Each is called with the output of the one before.
    segments : int
        How many segments; with n functions, sqrt(n) of them need the least memory.
    input : Tensor
        What the first function is called with.
    use_reentrant, preserve_rng_state
        As for `checkpoint`.

    Returns
    -------
    What the last function returns.

    Raises
    ------
    OptionError
        If there are more segments than functions, or none.

    Examples
    --------
    >>> import microbp
    >>> from microbp.utils.checkpoint import checkpoint_sequential
    >>> net = microbp.nn.Sequential(*(microbp.nn.Linear(3, 3) for _ in range(4)))
    >>> x = microbp.ones(2, 3)
    >>> bool((checkpoint_sequential(net, 2, x, use_reentrant=False) == net(x)).all())
    True
    """
    if use_reentrant is None:
        warn(
            "checkpoint_sequential(): pass use_reentrant explicitly, preferably as False; True is what is used "
            "without it"
        )
        use_reentrant = True
    chain = list(functions.children()) if isinstance(functions, Sequential) else list(functions)
    if not 1 <= segments <= max(1, len(chain)):
        raise OptionError(f"checkpoint_sequential() cannot cut {len(chain)} functions into {segments} segments")
    length = len(chain) // segments
    last = length * (segments - 1)
    for start in range(0, last, length):
        input = checkpoint(
            Chain(chain[start : start + length]),
            input,
            use_reentrant=use_reentrant,
            preserve_rng_state=preserve_rng_state,
        )
    return Chain(chain[last:])(input)


class Chain:
    """Functions, called one after the other."""

    def __init__(self, functions: Sequence[Callable[[Any], Any]]) -> None:
        self.functions = functions

    def __call__(self, value: Any) -> Any:
        for function in self.functions:
            value = function(value)
        return value
