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

import ast
import inspect
import linecache
from collections.abc import Callable, Mapping
from functools import partial
from importlib import import_module
from inspect import CO_VARARGS
from operator import itemgetter
from types import CodeType, MappingProxyType, MethodType
from typing import Any

import numpy as np

from microbp.ops.docstring import Docstring

__all__ = ["Op", "Plan", "PlanStep", "Rule", "op", "registry", "sum_to", "vocabulary", "word"]

registry: dict[str, Op] = {}
"""Every row by its name, of the modules that are loaded."""

NOTHING: Mapping[str, Any] = MappingProxyType({})

PlanStep = tuple[int, Callable[..., Any], Callable[..., Any], tuple[str, ...], int | None]
"""How the gradient of one argument is computed: see `Plan.steps`."""

numpy_rows: dict[Any, Op] = {}
"""The row that stands for a NumPy function: ``np.exp`` for ``exp``."""

words: dict[str, Callable[..., Any]] = {}
"""Functions that formulas may name, beside rows and NumPy's own."""


class Rule:
    """The gradient of one argument: a formula, and the function that computes it.

    Parameters
    ----------
    owner : Op
        The row that the rule belongs to.
    argument : str
        The argument whose gradient the rule computes.
    formula : str
        A Python expression in the letters of the row.
    arrays_only : bool
        Whether the written function takes arrays only. Where the pass itself is recorded, the formula runs.
    shares : callable, optional
        A function of ``g`` and other letters, whose result the written function takes in the place of ``g``.
    """

    def __init__(
        self,
        owner: Op,
        argument: str,
        formula: str,
        arrays_only: bool = False,
        shares: Callable[..., Any] | None = None,
    ) -> None:
        self.owner = owner
        self.argument = argument
        self.formula = formula
        self.arrays_only = arrays_only
        self.shares = shares
        self.written: Callable[..., Any] | None = None
        self._function: Callable[..., Any] | None = None

    @property
    def function(self) -> Callable[..., Any]:
        """The function that the backward pass calls: the written one, else the formula itself."""
        if self._function is None:
            self._function = self.written or self.from_formula()
        return self._function

    def from_formula(self) -> Callable[..., Any]:
        """The formula as a function of the letters that it names, ``g`` first."""
        return compile_formula(self.formula, self.owner, f"{self.owner.name}.{self.argument}")

    def at(self, position: int) -> Callable[..., Any]:
        """The function for the argument at a position: told ``k``, where it asks for that.

        Parameters
        ----------
        position : int
            Counted from 0.

        Returns
        -------
        callable
        """
        if self.shares is not None:
            return self.after(Once(self.shares))
        if "k" in keyword_only(self.function.__code__) and self.owner.variadic:
            return partial(self.function, k=position)
        return self.function

    def after(self, once: Once) -> Callable[..., Any]:
        """The function of a rule that shares its first part: of the letters of that part, then of its own."""
        function, count = self.function, len(positional(once.function.__code__))

        def rule(*values: Any) -> Any:
            return function(once(*values[:count]), *values[count:])

        return rule

    @property
    def letters(self) -> tuple[str, ...]:
        """The names, after ``g``, that the function asks for by position."""
        own = positional(self.function.__code__)[1:]
        return own if self.shares is None else (*positional(self.shares.__code__)[1:], *own)

    @property
    def options(self) -> tuple[str, ...]:
        """The options of the row that the function asks for by keyword."""
        asked = keyword_only(self.function.__code__)
        return tuple(name for name in asked if name != "k") if self.owner.variadic else asked

    @property
    def is_elementwise(self) -> bool:
        """Whether each element of the gradient comes from the elements at the same place alone.

        Told from the formula, which then consists of operators and elementwise functions only.
        """
        return is_elementwise(
            self.formula, {"g", "y", *self.owner.arguments, *self.owner.handed_on, *self.owner.options}
        )

    def on_tensors(self) -> Rule:
        """The rule by which the backward pass is recorded."""
        return Rule(self.owner, self.argument, self.formula) if self.arrays_only else self


class Once:
    """What several rules share, computed when the first of them asks, and anew only for other values."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.given: tuple[Any, ...] = ()
        self.result: Any = None

    def __call__(self, *values: Any) -> Any:
        if not self.given or any(value is not given for value, given in zip(values, self.given, strict=True)):
            self.result, self.given = self.function(*values), values
        return self.result


class Plan:
    """What to keep in the forward and which rules to run, for one set of arguments that need a gradient.

    Parameters
    ----------
    owner : Op
        The row.
    needed : int
        Bit k is set if argument k needs a gradient.

    Attributes
    ----------
    letters : tuple of str
        The letters of which values are kept, in the order of `keep`, then those of `shapes`.
    keep : callable
        Picks the kept values out of ``(y, *arguments, *handed_on)``.
    shapes : tuple of int
        The arguments of which only the shape is kept.
    steps : tuple
        For each argument that needs a gradient ``(position, function, pick, options, only)``: `pick` picks the values
        for the function out of the kept ones. Most functions take one value, or none, and no option, and are called
        without picking: `only` is then the place of the value, or -1; else None.
    steps_on_tensors : tuple
        The same for a backward pass that is itself recorded.
    letters_on_tensors : set of str
        The letters that such a pass uses.
    constants : tuple of int
        The arguments that need no gradient; of rows with any number of arguments, none are named.
    has_constants : bool
        Whether there are any, or may be.
    guarded : tuple of int
        The arguments that are kept and must not be changed before the backward pass; not labels, say, that only second
        derivatives use.
    guarded_on_tensors : tuple of int
        All arguments that are kept, none of which may be changed before a pass that is itself recorded.
    keeps_output : bool
        Whether the output itself is kept.
    """

    def __init__(self, owner: Op, needed: int) -> None:
        needed &= owner.differentiable
        rules = [(position, owner.rule(position)) for position in range(needed.bit_length()) if needed >> position & 1]
        on_tensors = [(position, rule.on_tensors()) for position, rule in rules]
        self.letters_on_tensors = {letter for _, rule in on_tensors for letter in rule.letters}
        named = {letter for _, rule in rules for letter in rule.letters} | self.letters_on_tensors
        for letter in self.letters_on_tensors.intersection(owner.handed_on):
            named |= names_in(owner.letters[letter].formula)  # to compute it anew for second derivatives
        order = ("y", *owner.arguments, *owner.handed_on)
        values = [letter for letter in order if letter in named]
        shaped = [name for name in owner.arguments if f"{name}_shape" in named]
        self.letters = (*values, *(f"{name}_shape" for name in shaped))
        self.keep = picker([order.index(letter) for letter in values])
        self.shapes = tuple(owner.arguments.index(name) for name in shaped)
        self.make_steps(rules, on_tensors)
        self.constants = () if owner.variadic else tuple(k for k in range(len(owner.arguments)) if not needed >> k & 1)
        self.has_constants = owner.variadic or bool(self.constants)
        used = {letter for _, rule in rules for letter in rule.letters}.union(owner.rules)
        kept = [letter for letter in values if letter in owner.arguments]
        self.guarded = tuple(owner.arguments.index(letter) for letter in kept if letter in used)
        self.guarded_on_tensors = tuple(owner.arguments.index(letter) for letter in kept)
        self.keeps_output = "y" in values

    def make_steps(self, rules: list[tuple[int, Rule]], on_tensors: list[tuple[int, Rule]]) -> None:
        """Set the steps once and for all."""
        self.steps = tuple(self.step(*pair) for pair in rules)
        self.steps_on_tensors = tuple(self.step(*pair) for pair in on_tensors)

    def step(self, position: int, rule: Rule) -> PlanStep:
        """How the backward pass computes the gradient of one argument."""
        places = [self.letters.index(letter) for letter in rule.letters]
        only = None if len(places) > 1 or rule.options else places[0] if places else -1
        return position, rule.at(position), picker(places), rule.options, only


class SharingPlan(Plan):
    """The plan of a row whose rules share work: steps anew for each visit, so that none sees another's results."""

    def make_steps(self, rules: list[tuple[int, Rule]], on_tensors: list[tuple[int, Rule]]) -> None:
        """Keep the rules."""
        self.rules, self.rules_on_tensors = rules, on_tensors

    @property
    def steps(self) -> tuple[PlanStep, ...]:  # type: ignore[override]
        """The rules for one visit."""
        return self.visit(self.rules)

    @property
    def steps_on_tensors(self) -> tuple[PlanStep, ...]:  # type: ignore[override]
        """The rules for one visit of a pass that is itself recorded."""
        return self.visit(self.rules_on_tensors)

    def visit(self, rules: list[tuple[int, Rule]]) -> tuple[PlanStep, ...]:
        """The steps of these rules, with one run of what they share."""
        once = {rule.shares: Once(rule.shares) for _, rule in rules if rule.shares is not None}
        steps = []
        for position, rule in rules:
            _, function, pick, options, only = self.step(position, rule)
            if rule.shares is not None:
                function = rule.after(once[rule.shares])
            steps.append((position, function, pick, options, only))
        return tuple(steps)


class Plans(dict[int, Plan]):
    """The plans of a row, made when first asked for; the key has bit k set if argument k needs a gradient."""

    def __init__(self, owner: Op) -> None:
        super().__init__()
        self.owner = owner

    def __missing__(self, needed: int) -> Plan:
        sharing = any(rule.shares is not None for rule in self.owner.rules.values())
        plan = (SharingPlan if sharing else Plan)(self.owner, needed)
        if needed < 1 << 16:  # rows with any number of arguments would fill the table without end
            self[needed] = plan
        return plan


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


def row_named(name: str, module: str) -> Op:
    """The row of a name, which its module enters in the registry when it is loaded."""
    if name not in registry:
        import_module(module)
    if name not in registry:
        raise LookupError(f"there is no row named {name!r}; import the module that defines it first")
    return registry[name]


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


def word(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let formulas name a function, which takes arrays and tensors alike; use as a decorator.

    Parameters
    ----------
    function : callable
        The function, which formulas find under its own name.

    Returns
    -------
    callable
        The function itself.

    Examples
    --------
    >>> word(sum_to) is sum_to is vocabulary("sum_to")
    True
    """
    words[function.__name__] = function
    return function


@word
def sum_to(g: Any, shape: tuple[int, ...]) -> Any:
    """Undo a broadcast: sum a gradient over the axes along which its argument was repeated.

    Parameters
    ----------
    g : array or tensor
        A gradient of the shape that the argument was broadcast to.
    shape : tuple of int
        The shape of the argument.

    Returns
    -------
    array or tensor
        Of that shape.

    Examples
    --------
    >>> sum_to(np.ones((5, 4)), (4,))
    array([5., 5., 5., 5.])
    """
    if g.shape == shape:
        return g
    added = g.ndim - len(shape)
    stretched = (k for k, size in enumerate(shape, added) if size == 1 and g.shape[k] != 1)
    return g.sum(axis=(*range(added), *stretched), keepdims=True).reshape(shape)


def vocabulary(name: str) -> Any:
    """What a name in a formula means: a `word`, NumPy's elementwise function, a row, or else what NumPy has.

    All of them take arrays and tensors alike.

    Parameters
    ----------
    name : str
        The name.

    Returns
    -------
    callable, or a constant

    Raises
    ------
    NameError
        If nothing has that name.
    """
    if name in words:
        return words[name]
    found = getattr(np, name, None)
    if not isinstance(found, np.ufunc):
        found = registry.get(name, found)
    if found is None:
        raise NameError(f"a formula names {name!r}, which neither NumPy nor a row of that name explains")
    return found


def names_in(formula: str) -> set[str]:
    """The free names of a formula."""
    return {node.id for node in ast.walk(ast.parse(formula, mode="eval")) if isinstance(node, ast.Name)}


def is_elementwise(formula: str, letters: set[str]) -> bool:
    """Whether a formula consists of letters, numbers, operators and elementwise functions only.

    Examples
    --------
    >>> is_elementwise("g * where(a > 0, 1, exp(a))", {"g", "a"})
    True
    >>> is_elementwise("g @ b.mT", {"g", "b"})
    False
    """
    try:
        parts = list(ast.walk(ast.parse(formula, mode="eval")))
    except SyntaxError:
        return False  # in words
    if any(isinstance(part, ast.Attribute | ast.Subscript | ast.MatMult) for part in parts):
        return False
    for name in names_in(formula) - letters - {"where", "pi", "inf", "nan"}:
        if isinstance(getattr(np, name, None), np.ufunc):
            continue
        row = registry.get(name)
        if row is None or name in row.formula or not is_elementwise(row.formula, {*row.arguments, *row.options}):
            return False
    return True


def compile_formula(formula: str, owner: Op, title: str) -> Callable[..., Any]:
    """Turn a formula into a function of ``g`` and of the letters and options that it names."""
    names = names_in(formula)
    order = ("y", *owner.arguments, *owner.handed_on, *(f"{name}_shape" for name in owner.arguments))
    letters = [name for name in order if name in names]
    options = [name for name in (*owner.options, *(["k"] if owner.variadic else [])) if name in names]
    source = f"lambda {', '.join(['g', *letters, *(['*'] if options else []), *options])}: {formula}"
    filename = f"<rule {title}>"
    linecache.cache[filename] = (len(source), None, [source], filename)
    meanings = {name: vocabulary(name) for name in names.difference("g", letters, options)}
    function: Callable[..., Any] = eval(compile(source, filename, "eval"), meanings)
    return function


def value_of(formula: ast.expr, letters: Mapping[str, Any]) -> Any:
    """The value of a formula, or of a part of one, where its letters have these values."""
    names = {part.id for part in ast.walk(formula) if isinstance(part, ast.Name)}
    meanings = {name: letters[name] if name in letters else vocabulary(name) for name in names}
    return eval(compile(ast.Expression(formula), "<formula>", "eval"), meanings)


def positional(code: CodeType) -> tuple[str, ...]:
    """The names of the positional parameters of a function."""
    return code.co_varnames[: code.co_argcount]


def variadic(code: CodeType) -> str:
    """The name of the parameter that takes any number of values."""
    return code.co_varnames[code.co_argcount + code.co_kwonlyargcount]


def keyword_only(code: CodeType) -> tuple[str, ...]:
    """The names of the keyword-only parameters of a function."""
    return code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]


def picker(places: list[int]) -> Callable[[tuple[Any, ...]], tuple[Any, ...]]:
    """A fast function from a tuple to the tuple of its items at these places."""
    if len(places) > 1:
        return itemgetter(*places)
    first = places[0] if places else 0
    return itemgetter(slice(first, first + len(places)))
