"""`compile`: a function, or a model, that is recorded twice and then replayed.

The first two calls run as always, and are traced. If the traces agree, the third call runs the program
that was made of them: straight-line NumPy, without the cost of recording each operation. Its result
stands in the graph as one operation, so that everything around it (the loss, hooks, optimizers,
``autograd.grad``) is as before. A function may also be a whole training step, see `microbp.replay.training`.
Where a call does not fit the program, the function itself runs.

Sources: the replay of traces is as old as Wengert, "A simple automatic derivative evaluation program"
(1964); to trust it after the second recording, and the guards, are what just-in-time compilers do, as in
Ansel et al., "PyTorch 2" (ASPLOS 2024).
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable
from functools import partial
from typing import Any

from microbp.autograd.bundle import CallRow
from microbp.errors import CompileError
from microbp.mode import current, observe
from microbp.nn.module import Module
from microbp.replay.course import Trace, trace_of, unlike
from microbp.replay.replay import FAILED, Replay, hooks_of, kind_of, modules_behind
from microbp.replay.surroundings import Surroundings, require_apart
from microbp.replay.trace import Impossible, Tracer
from microbp.replay.training import TrainingReplay
from microbp.tensor import Tensor

__all__ = ["Compiled", "CompiledModule", "compile"]

KINDS = 64
"""So many kinds of arguments are told apart; a number that counts up is a new kind at each call."""

MANY = 16
"""So many different programs for arguments of one kind are worth keeping; then the function varies too much."""


def compile(
    model: Any = None,
    *,
    fullgraph: bool = False,
    dynamic: bool | None = None,
    backend: Any = None,
    mode: str | None = None,
    options: Any = None,
    disable: bool = False,
) -> Any:
    """Make a function, or a model, faster: record what it does, and replay that without recording it again.

    The first two calls with arguments of the same shapes and dtypes run as always. If both did the same
    operations, the following calls run those as straight-line NumPy (see `Compiled.source`), with the same results
    and gradients, bit by bit. Shapes, dtypes, ``requires_grad``, the parameters, and the settings of the modules that
    are called (``train()``, ``eval()``, any attribute), and everything else that the function finds by the names in
    its code are compared at each call: variables around it, globals, attributes of objects, what lists and dicts hold.
    Where one has changed, the function itself runs, and is recorded anew. It also runs inside `no_grad`, under
    observers such as anomaly mode, for second derivatives, and where a call cannot be replayed: `Compiled.reason` says
    why, such as for dropout, which draws random numbers, or for an ``if`` on the value of a tensor.

    The function may be a whole training step: forget the gradients, compute a loss, call its ``backward()``, clip the
    gradients, call the ``step()`` of an optimizer and of a scheduler. The operations and their gradients are replayed,
    and all the rest is called as ever. That is the fastest way to train. To compile a method, compile that of one
    object, ``microbp.compile(trainer.train)``; in the body of a class the object would be an argument, which cannot be
    compared.

    Two things are left to the user. What a function does besides, such as to print, to warn or to append to a list, it
    does in the calls that are recorded, and not in those that are replayed. And what it finds in other ways than by
    name (a file, the time, an attribute whose name is computed) is taken to stay as it is: give that as an argument.

    Parameters
    ----------
    model : callable or Module
        What to compile; left out, `compile` is a decorator with options.
    fullgraph : bool
        Raise `CompileError` where a call cannot be replayed.
    dynamic, backend, mode, options : optional
        Accepted for PyTorch's sake; they change nothing.
    disable : bool
        Return the function or model as it is.

    Returns
    -------
    Compiled or CompiledModule
        To be called like what was given.

    Examples
    --------
    >>> import microbp
    >>> w = microbp.tensor([1.0, 2.0], requires_grad=True)
    >>> @microbp.compile
    ... def loss(x):
    ...     return ((w * x) ** 2).sum()
    >>> for _ in range(3):
    ...     w.grad = None
    ...     loss(microbp.tensor([3.0, 4.0])).backward()
    >>> w.grad
    tensor([18., 64.])
    >>> print(loss.source)
    def forward(x, leaf):
        mul_1 = mul(leaf, x)
        pow_2 = pow(mul_1, 2)
        sum_3 = sum(pow_2, dim=None, keepdim=False)
        del pow_2
        sum_3 = asarray(sum_3)
        return sum_3, (mul_1, x)
    <BLANKLINE>
    <BLANKLINE>
    def backward(d_sum_3, saved):
        (mul_1, x) = saved
        d_pow_2 = sum_da(d_sum_3, (2,), dim=None)  # da = spread(g, shape=a_shape, dim=dim)
        d_mul_1 = pow_da(d_pow_2, mul_1, 2)  # da = where(b == 0, 0, g * b * a ** (b - 1))
        d_leaf = own(mul_da(d_mul_1, x), d_mul_1)  # da = g * b
        return (None, d_leaf)
    <BLANKLINE>

    A whole training step:

    >>> optimizer = microbp.optim.SGD([w], lr=0.01)
    >>> @microbp.compile
    ... def training_step(x):
    ...     optimizer.zero_grad()
    ...     loss = ((w * x) ** 2).sum()
    ...     loss.backward()
    ...     optimizer.step()
    ...     return loss
    >>> for _ in range(3):
    ...     print(training_step(microbp.tensor([3.0, 4.0])).item())
    73.0
    35.64520263671875
    17.753177642822266
    >>> training_step
    <compiled training_step: 1 calls replayed>
    """
    if model is None:
        return partial(compile, fullgraph=fullgraph, disable=disable)
    if not callable(model):
        raise TypeError(f"compile() takes a function or a module, got {type(model).__name__}")
    if disable:
        return model
    compiled = Compiled(model, fullgraph)
    return CompiledModule(model, compiled) if isinstance(model, Module) else compiled


class Compiled:
    """A function that is replayed once it has been recorded twice; made by `compile`.

    Attributes
    ----------
    function : callable
        The function itself.
    fullgraph : bool
        Whether it is an error if a call cannot be replayed.
    reason : str or None
        Why the latest call that was recorded cannot be replayed.
    replayed : int
        How many calls were replayed.
    """

    def __init__(self, function: Callable[..., Any], fullgraph: bool = False) -> None:
        functools.update_wrapper(self, function, updated=())
        self.function = function
        self.fullgraph = fullgraph
        self.reason: str | None = None
        self.replayed = 0
        self._latest: Replay | None = None
        self._programs: dict[Any, list[Replay]] = {}
        self._first: dict[Any, Trace] = {}
        self._tries: dict[Any, int] = {}
        self._row = CallRow(name_of(function), f"{name_of(function)}(...)", (), "inputs", "backward(g, saved)")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        mode = current.get()
        if not mode.recording or mode.observer is not None:
            return self.function(*args, **kwargs)
        values, keywords = ((*args, *kwargs.values()), tuple(kwargs)) if kwargs else (args, ())
        replay = self._latest
        if replay is None or not (replay.fits(values, keywords) and replay.is_valid()):
            key = kind_of_call(values, keywords)
            replay = next((known for known in self._programs.get(key, ()) if known.is_valid()), None)
            if replay is None:
                return self._record(key, args, kwargs) if self._is_worth_it(key) else self.function(*args, **kwargs)
            self._latest = replay
        output = replay.run(values, keywords)
        if output is FAILED:
            return self.function(*args, **kwargs)
        self.replayed += 1
        return output

    @property
    def source(self) -> str:
        """The text of the programs that were made so far."""
        return "\n\n".join(replay.program.source for programs in self._programs.values() for replay in programs)

    def __repr__(self) -> str:
        return f"<compiled {name_of(self.function)}: {self.replayed} calls replayed>"

    def __deepcopy__(self, memo: dict[int, Any]) -> Compiled:
        return Compiled(copy.deepcopy(self.function, memo), self.fullgraph)

    def __reduce__(self) -> tuple[Any, ...]:
        return Compiled, (self.function, self.fullgraph)

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        """A compiled function that is an attribute of a class is one of its methods."""
        return self if instance is None else partial(self, instance)

    def _is_worth_it(self, key: Any) -> bool:
        """Whether to record a call of this kind."""
        tries = self._tries.get(key, 0)
        if key is None:
            self._refuse(key, "an argument is neither a tensor nor a plain number or text, or is given twice")
        elif not tries and len(self._tries) >= KINDS:
            self._refuse(key, f"its arguments are of more than {KINDS} kinds")
        elif tries < MANY:
            return True
        elif self.reason is None:
            self._refuse(key, "what it finds elsewhere, in variables or modules, changes too often")
        return False

    def _record(self, key: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run the function and trace it; with the second trace, make a program."""
        self._tries[key] = self._tries.get(key, 0) + 1
        values = (*args, *kwargs.values())
        surroundings = Surroundings(self.function)
        tracer = Tracer()
        with observe(tracer):
            output = self.function(*args, **kwargs)
        try:
            if kind_of_call(values, tuple(kwargs)) != key:
                raise Impossible("it changes its arguments")
            if not surroundings.are_left_alone():
                raise Impossible("it changes what it finds elsewhere, in variables or objects", lasting=False)
            trace = trace_of(output, values, tracer)
            modules = modules_behind(surroundings, tracer.shapes)
            require_apart(values, trace.steps, modules, surroundings)
            first = self._first.pop(key, None)
            text = None if first is None else unlike(first, trace)
            if text is not None:
                self.reason = text
                if self._tries[key] > 2:
                    raise Impossible(text)
            if first is None or text is not None:
                self._first[key] = trace
            else:
                if any(map(hooks_of, modules)):
                    raise Impossible("a module that it calls has hooks")
                kind = Replay if trace.course is None else TrainingReplay
                replay = kind(self.function, self._row, trace, values, tuple(kwargs), modules, surroundings)
                self._programs.setdefault(key, []).append(replay)
                self.reason = None
        except Impossible as problem:
            self._refuse(key, str(problem), problem.lasting)
        return output

    def _refuse(self, key: Any, reason: str, lasting: bool = True) -> None:
        """Say why a call cannot be replayed, and if that will last, record calls of its kind no more."""
        if lasting and key in self._tries:
            self._tries[key] = MANY
            self._first.pop(key, None)
        self.reason = reason
        if self.fullgraph:
            raise CompileError(
                f"{name_of(self.function)} cannot be replayed: {reason}. Without fullgraph=True it runs as it is"
            )


class CompiledModule(Module):
    """A module whose calls are replayed; parameters and everything else are those of the module itself.

    Parameters
    ----------
    module : Module
        The module, which is found under ``_orig_mod``, as in PyTorch.
    compiled : Compiled
        How it is called.
    """

    def __init__(self, module: Module, compiled: Compiled) -> None:
        super().__init__()
        self._orig_mod = module
        self.compiled = compiled

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.compiled(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        try:
            return super().__getattr__(name)
        except AttributeError:
            return getattr(super().__getattr__("_orig_mod"), name)


def name_of(function: Callable[..., Any]) -> str:
    """What a function, or a module, is called."""
    return getattr(function, "__name__", None) or type(function).__name__


def kind_of_call(values: tuple[Any, ...], keywords: tuple[str, ...]) -> Any:
    """What programs are kept by: the kinds of the arguments; None if there can be no program."""
    kinds: list[Any] = [keywords]
    seen = set()
    for value in values:
        if isinstance(value, Tensor):
            if value in seen:
                return None  # a program could not tell one argument from the other
            seen.add(value)
            kinds.append(kind_of(value))
        elif value is None or isinstance(value, bool | int | float | str):
            kinds.append((type(value), repr(value)))
        else:
            return None
    return tuple(kinds)
