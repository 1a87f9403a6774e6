"""A differentiable operation is one row of data: a name, a forward, and a rule per argument.

A row knows NumPy and nothing else: no tensors, no graph. Its forward maps arrays to an
array. For each argument that can have a gradient there is a *rule*: the vector-Jacobian
product, which turns the gradient of the output into the gradient of that argument.

A rule is written in letters:

=========== ==========================================================
``g``       the gradient of the loss with respect to the output
``y``       the output
``a`` ...   the arguments, by the names that the forward gives them
``a_shape`` the shape of argument ``a`` (so that ``a`` itself need not be kept)
``k``       the position of the argument, in a row with any number of them
others      the row's options, and values that the forward hands on (see `Op.letter`)
=========== ==========================================================

What a graph has to remember follows from the letters that its rules name, and nothing else
is kept. Most rules are no more than their formula, and then the formula *is* the rule::

    @op("a * b", numpy=np.multiply)
    def mul(a, b):
        "Elementwise product."
        return np.multiply(a, b)

    mul.grad("a", "g * b")
    mul.grad("b", "g * a")

Where there is a steadier or faster way to compute it, a function stands beside the formula,
and a test holds the two together::

    @softplus.grad("a", "g / (1 + exp(-a))")
    def _(g, y, a):
        return g * np.exp(a - y)

Where the rules of several arguments have most of their work in common, as those of a row that
goes through a whole sequence, that work is a function of its own, and they *share* it::

    @lstm.grad("h", "lstm_flow(g, s, u, c)[0][0] @ u", shares=lstm_flow)
    def _(flow, u):
        return flow[0][0] @ u

A visit of the engine runs it once, for all of them. Formulas name it as a `word`.

Rules use NumPy's own vocabulary (operators, ``np.exp``, other rows) and never write in
place. On arrays they run at full speed. Handed tensors, the same text records itself, since
tensors speak NumPy's protocols; that is all that second derivatives need.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from importlib import import_module
from inspect import CO_VARARGS
from types import MappingProxyType, MethodType
from typing import Any

import numpy as np

from microbp.ops.docstring import Docstring
from microbp.ops.formula import is_elementwise, rows
from microbp.ops.plan import Plans
from microbp.ops.rule import Rule, keyword_only, positional, variadic

__all__ = ["Op", "op", "registry"]

NOTHING: Mapping[str, Any] = MappingProxyType({})


class Op:
    """A row: one differentiable operation.

    Calling a row with arrays runs its forward; calling it with a tensor among the arguments
    records it.

    Attributes
    ----------
    name : str
        The name under which the row is found, drawn and reported.
    formula : str
        The forward in words that a reader can check, in the letters of the row.
    arguments : tuple of str
        The names of the array arguments.
    variadic : bool
        Whether there may be any number of arguments, all with one name and one rule: ``def cat(*a, dim)``. Such a rule
        may name `k`, the position of the argument that it is for, but no argument's value or shape.
    options : tuple of str
        The names of the keyword-only options, which never have a gradient.
    rules : dict of str to Rule
        The rule of each argument that can have a gradient.
    differentiable : int
        Bit k is set if argument k has a rule.
    letters : dict of str to Rule
        The definition of each value that the forward hands on.
    adds : callable or None
        Adds the gradient of the only argument to what that has received already (see `adding`).
    """

    __doc__ = Docstring(__doc__)
    adds: Callable[..., Any] | None = None

    def __init__(
        self,
        forward: Callable[..., Any],
        formula: str,
        *,
        numpy: Any = None,
        floating: bool = False,
        promotes: bool = True,
        broadcasts: bool | None = None,
        view: bool = False,
        hands_on: tuple[str, ...] = (),
        plain: Mapping[str, Any] = NOTHING,
        symmetric: bool = False,
        surrogate: bool = False,
    ) -> None:
        self.name = forward.__name__.rstrip("_")
        self.formula = formula
        self.forward = forward
        self.variadic = bool(forward.__code__.co_flags & CO_VARARGS)
        self.arguments = (variadic(forward.__code__),) if self.variadic else positional(forward.__code__)
        self.options = keyword_only(forward.__code__)
        self.count = len(self.arguments)
        self.named = frozenset(self.options)
        self.rules: dict[str, Rule] = {}
        self.letters: dict[str, Rule] = {}
        self.numpy = numpy
        self.floating = floating
        self.promotes = promotes
        self.broadcasts = len(self.arguments) > 1 if broadcasts is None else broadcasts
        self.view = view
        self.differentiable = 0
        self.handed_on = hands_on
        self.plain = plain
        self.symmetric = symmetric
        self.surrogate = surrogate
        self.plans = Plans(self)
        self.__name__ = self.name
        self.__module__ = forward.__module__

    def grad(
        self, argument: str, formula: str, *, arrays_only: bool = False, shares: Callable[..., Any] | None = None
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Give the rule of an argument; use as a decorator where the formula is not the best way to compute it.

        A function that takes `arrays_only` may use all of NumPy; where the pass is recorded, the formula replaces it.
        One that `shares` a function of ``g`` and other letters takes the result of that in the place of ``g``.

        Parameters
        ----------
        argument : str
            The argument.
        formula : str
            Its gradient, in the letters of the row.
        arrays_only, shares
            As for `Rule`.

        Returns
        -------
        callable
            Takes the function that computes the gradient, and returns it.

        Raises
        ------
        ValueError
            If there is no such argument.
        """
        if argument not in self.arguments:
            raise ValueError(f"{self.name} has no argument {argument!r}, only {self.arguments}")
        rule = self.rules[argument] = Rule(self, argument, formula, arrays_only, shares)
        self.differentiable |= -1 if self.variadic else 1 << self.arguments.index(argument)

        def write(function: Callable[..., Any]) -> Callable[..., Any]:
            rule.written = function
            return function

        return write

    def adding(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Say how to add the gradient of the only argument to what that has received already; use as a decorator.

        For rows that take a part of their argument. Their rule makes an array of the size of the whole each time, which
        for all the parts of a sequence is quadratic in its length; adding to one array is linear.

        Parameters
        ----------
        function : callable
            ``function(total, g, **options)`` may write to `total`, an array that the first of these rules made, or a
            sum with that. It returns ``total + rule(g, **options)``, but that a zero may have another sign.

        Returns
        -------
        callable
            The function.
        """
        self.adds = function
        return function

    def argument(self, position: int) -> str:
        """The name of the argument at a position; ``a[2]`` in a row with any number of them.

        Parameters
        ----------
        position : int
            Counted from 0.

        Returns
        -------
        str
        """
        return f"{self.arguments[0]}[{position}]" if self.variadic else self.arguments[position]

    def rule(self, position: int) -> Rule:
        """The rule of the argument at a position.

        Parameters
        ----------
        position : int
            Counted from 0.

        Returns
        -------
        Rule
        """
        return self.rules[self.arguments[0 if self.variadic else position]]

    def letter(self, name: str, formula: str) -> None:
        """Say what a value is that the forward hands on to the rules beside its output.

        Such a row returns ``(y, value, ...)``. For second derivatives the value is computed
        anew by its formula, so that it depends on the arguments.

        Parameters
        ----------
        name : str
            The letter.
        formula : str
            What it stands for, in the letters of the row.
        """
        self.letters[name] = Rule(self, name, formula)

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        count = len(inputs)
        if options and (count != self.count or not self.named.issuperset(options)):
            inputs, options = self.bind(inputs, options)
            count = len(inputs)
        if count != self.count and not self.variadic:
            raise TypeError(f"{self.name}() takes {', '.join(self.arguments)}, got {len(inputs)} arguments")
        arrays = False
        for value in inputs:
            if hasattr(value, "apply_op"):
                return value.apply_op(self, *inputs, **options) if options else value.apply_op(self, *inputs)
            if type(value) is np.ndarray:
                arrays = True
        arrays = arrays or any(isinstance(value, np.generic) for value in inputs)
        if not arrays:
            raise TypeError(f"{self.name}() takes tensors, got {', '.join(type(value).__name__ for value in inputs)}")
        result = self.forward(*inputs, **options)
        return result[0] if self.handed_on else result

    def bind(self, inputs: tuple[Any, ...], options: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Move arguments given by name to their positions; PyTorch calls the first two ``input`` and ``other``.

        Parameters
        ----------
        inputs : tuple
            The arguments that were given by position.
        options : dict
            What was given by name.

        Returns
        -------
        tuple, dict
            The arguments in order, and the options.

        Raises
        ------
        TypeError
            If a name is unknown, or an argument missing.
        """
        names = dict(zip(("input", "other"), self.arguments, strict=False))
        given = {names.get(name, name): value for name, value in options.items()}
        rest = self.arguments[len(inputs) :]
        unknown = [name for name in given if name not in rest and name not in self.options]
        if unknown:
            raise TypeError(f"{self.name}() got an unexpected keyword argument {unknown[0]!r}")
        missing = [name for name in rest if name not in given]
        if missing:
            raise TypeError(f"{self.name}() misses its argument {missing[0]!r}")
        return (*inputs, *(given.pop(name) for name in rest)), given

    @property
    def is_elementwise(self) -> bool:
        """Whether each element of the output comes from the elements at the same place alone.

        Told from its formula; where that calls rows whose own formulas say no more than a name, from the rules too.
        """
        letters = {*self.arguments, *self.options}
        if isinstance(self.numpy, np.ufunc) or is_elementwise(self.formula, letters):
            return True
        rules = self.rules.values()
        return (
            bool(rules)
            and all(r.is_elementwise for r in rules)
            and is_elementwise(self.formula, letters.union(registry))
        )

    @property
    def __signature__(self) -> inspect.Signature:
        return inspect.signature(self.forward)

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        """A row that is an attribute of a class is one of its methods."""
        return self if instance is None else MethodType(self, instance)

    def __reduce__(self) -> tuple[Any, ...]:
        """There is one of each row: a copied or unpickled one is found by its name."""
        return row_named, (self.name, self.forward.__module__)

    def __repr__(self) -> str:
        return f"<op {self.name}({', '.join(self.arguments)}) = {self.formula}>"


registry: dict[str, Op] = rows  # type: ignore[assignment]
"""Every row by its name, of the modules that are loaded."""

numpy_rows: dict[Any, Op] = {}
"""The row that stands for a NumPy function: ``np.exp`` for ``exp``."""


def op(formula: str, **traits: Any) -> Callable[[Callable[..., Any]], Op]:
    """Make a row of a forward function and enter it in the registry.

    Parameters
    ----------
    formula : str
        What the forward computes, as a Python expression in the argument names and options.
    numpy : callable, optional
        The NumPy function that the row stands for when that is called with tensors.
    floating : bool
        Integer arguments become floating-point ones first, as for ``exp``.
    promotes : bool
        Whether arguments of different dtypes are brought to a common one.
    broadcasts : bool
        Whether the arguments are broadcast against each other, so that the engine must sum
        gradients back to the shapes of the arguments; by default, if there are several.
    view : bool
        Whether the output may share memory with the first argument.
    hands_on : tuple of str
        Letters that the forward returns after its output, to spare the rules work.
    plain : dict
        Options that change no result, and what they are where the rules are the derivatives of the forward: one that
        spares work, as it holds what was computed from the arguments before, or one that keeps a gradient back.
    symmetric : bool
        Whether the argument is taken to be a symmetric matrix: its lower triangle is read, and the gradient is shared
        between both.
    surrogate : bool
        Whether the rules are not the derivatives of the forward, on purpose.

    Returns
    -------
    callable
        Takes the forward, and returns the row.
    """

    def enter(forward: Callable[..., Any]) -> Op:
        row = Op(forward, formula, **traits)
        if row.name in registry:
            raise ValueError(f"there is a row named {row.name!r} already")
        registry[row.name] = row
        if row.numpy is not None:
            numpy_rows[row.numpy] = row
        return row

    return enter


def row_named(name: str, module: str) -> Op:
    """The row of a name, which its module enters in the registry when it is loaded."""
    if name not in registry:
        import_module(module)
    if name not in registry:
        raise LookupError(f"there is no row named {name!r}; import the module that defines it first")
    return registry[name]
