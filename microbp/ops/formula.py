"""What the formulas of rows may name, and how they become functions."""

from __future__ import annotations

import ast
import linecache
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np

__all__ = ["sum_to", "vocabulary", "word"]

words: dict[str, Callable[..., Any]] = {}
"""Functions that formulas may name, beside rows and NumPy's own."""


class Row(Protocol):
    """What formulas know of a row: see `microbp.ops.op.Op`, which is one."""

    name: str
    formula: str
    arguments: tuple[str, ...]
    options: tuple[str, ...]
    handed_on: tuple[str, ...]
    variadic: bool


rows: dict[str, Row] = {}
"""Every row by its name, of the modules that are loaded; `microbp.ops.op.registry` is the same."""


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
        found = rows.get(name, found)
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
        row = rows.get(name)
        if row is None or name in row.formula or not is_elementwise(row.formula, {*row.arguments, *row.options}):
            return False
    return True


def compile_formula(formula: str, owner: Row, title: str) -> Callable[..., Any]:
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
