"""The rule of a row at one place of a graph: as text with names or shapes, and what kind of map it is.

A rule is a Python expression in the letters of its row. Here such an expression is read and
evaluated, part by part, at the values that one operation of a graph had. That tells, for any
row and without knowing it by name,

- whether it works element by element, so that there is a local derivative to multiply with:
  `g` is only multiplied, added and chosen from;
- whether it is a product of two matrices, and which two;
- what of it does nothing here and can be left out, as ``reshape`` to the shape that is there,
  or a case that the numbers in it rule out.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from microbp.node import Node
from microbp.ops.formula import names_in, value_of
from microbp.ops.op import registry
from microbp.viz.values import LETTER_Y, Values, kept_by

__all__ = [
    "evaluate",
    "factors_of",
    "is_elementwise",
    "is_same",
    "letters_at",
    "parse",
    "settled",
    "simplified",
    "summed_axes",
    "written",
]

ELEMENT_BY_ELEMENT = {"cast", "clone", "where", "zero_where", "zeros_like"}
"""Functions in formulas, beside NumPy's elementwise ones, that treat each element of `g` alone."""

SIGNS = {" @ ": " · ", " ** 2": "²", " ** 3": "³", " * ": " × ", " - ": " − ", ".mT": "ᵀ", ".T": "ᵀ"}


@lru_cache(maxsize=1024)
def parse(formula: str) -> ast.expr:
    """A formula as a tree; not to be changed."""
    return ast.parse(formula, mode="eval").body


def names_g(tree: ast.AST) -> bool:
    """Whether the gradient of the output occurs in a part of a formula."""
    return any(isinstance(part, ast.Name) and part.id == "g" for part in ast.walk(tree))


def is_elementwise(tree: ast.expr) -> bool:
    """Whether each element of the result is one element of `g` times something.

    Examples
    --------
    >>> is_elementwise(parse("g * (1 - y * y)")), is_elementwise(parse("g @ b.mT"))
    (True, False)
    """
    if not names_g(tree) or isinstance(tree, ast.Name):
        return True
    if isinstance(tree, ast.BinOp):
        return not isinstance(tree.op, ast.MatMult) and is_elementwise(tree.left) and is_elementwise(tree.right)
    if isinstance(tree, ast.UnaryOp):
        return is_elementwise(tree.operand)
    if isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name):
        name = tree.func.id
        known = name in ELEMENT_BY_ELEMENT or isinstance(getattr(np, name, None), np.ufunc)
        return known and all(map(is_elementwise, tree.args))
    return False


def factors_of(tree: ast.expr, letters: Mapping[str, Any]) -> list[tuple[ast.expr, Any]] | None:
    """The two matrices that a formula multiplies, as parts of it and as arrays; None if it is no such product."""
    if not isinstance(tree, ast.BinOp) or not isinstance(tree.op, ast.MatMult):
        return None
    try:
        factors = [(part, evaluate(part, letters)) for part in (tree.left, tree.right)]
    except NameError:  # a value is lost
        return None
    return factors if all(array.ndim >= 2 for _, array in factors) else None


def summed_axes(tree: ast.expr, ndim: int) -> tuple[int, ...] | None:
    """The axes over which a formula sums `g`, of this many dimensions; None if it does anything else.

    Examples
    --------
    >>> summed_axes(parse("g.sum(axis=-1)"), 2)
    (1,)
    """
    if not isinstance(tree, ast.Call) or not isinstance(tree.func, ast.Attribute) or tree.func.attr != "sum":
        return None
    asked = {keyword.arg: keyword.value for keyword in tree.keywords}
    of_g = isinstance(tree.func.value, ast.Name) and tree.func.value.id == "g"
    if not of_g or asked.keys() != {"axis"} or not isinstance(asked["axis"], ast.Constant | ast.UnaryOp | ast.Tuple):
        return None
    axes = ast.literal_eval(asked["axis"])
    return tuple(sorted(axis % ndim for axis in (axes if isinstance(axes, tuple) else (axes,))))


def letters_at(node: Node, position: int, values: Values, g: Any) -> dict[str, Any]:
    """What the names in the rule of an argument stand for; those whose values are lost are left out."""
    found: dict[str, Any] = {"g": g}
    if registry.get(node.op.name) is not node.op:
        return found
    op = node.op
    kept = kept_by(node)
    for name in names_in(op.rule(position).formula):
        of_shape = name.removesuffix("_shape")
        if name == "k" and op.variadic:
            found[name] = position
        elif name in node.options:
            found[name] = node.options[name]
        elif name == LETTER_Y:
            if node in values.known and values.known[node].exact:
                found[name] = values.known[node].array
        elif name in op.handed_on:
            if kept is not None and name in node.plan.letters:
                found[name] = kept[node.plan.letters.index(name)]
            elif node in values.handed_on:
                found[name] = values.handed_on[node][op.handed_on.index(name)]
        elif of_shape in op.arguments and not op.variadic:
            value = values.argument(node, op.arguments.index(of_shape))
            if value is not None and name != of_shape:
                found[name] = np.shape(value.array)
            elif value is not None and value.exact:
                found[name] = value.array
    return found


def evaluate(tree: ast.expr, letters: Mapping[str, Any]) -> Any:
    """The value of a part of a formula, without NumPy's warnings."""
    with np.errstate(all="ignore"):
        return value_of(tree, letters)


def simplified(tree: ast.expr, letters: Mapping[str, Any]) -> ast.expr:
    """A formula without what does nothing here, such as ``as_matrix(g)`` where `g` is a matrix."""

    class LeaveOut(ast.NodeTransformer):
        def visit_Call(self, node: ast.Call) -> ast.AST:
            self.generic_visit(node)
            inner = node.func.value if isinstance(node.func, ast.Attribute) else node.args[0] if node.args else None
            if inner is None or not isinstance(inner, ast.expr):
                return node
            before, after = evaluate(inner, letters), evaluate(node, letters)
            return inner if is_same(before, after) else node

    numbers = {name: value for name, value in letters.items() if isinstance(value, int | float)}
    try:
        result = LeaveOut().visit(settled(tree, numbers))
    except NameError:  # a value is lost
        return tree
    assert isinstance(result, ast.expr)
    return result


def settled(tree: ast.expr, numbers: Mapping[str, Any]) -> ast.expr:
    """A formula without the cases and exponents that Python numbers settle: a new tree.

    Examples
    --------
    >>> ast.unparse(settled(parse("where(b == 0, 0, g * b * a ** (b - 1))"), {"b": 2}))
    'g * b * a'
    >>> ast.unparse(settled(parse("where(b == 0, 0, g * b * a ** (b - 1))"), {"b": 3.0}))
    'g * b * a ** 2'
    """

    def number(part: ast.expr) -> Any:
        """The value of a part that is made of numbers; None of any other."""
        known = all(name.id in numbers for name in ast.walk(part) if isinstance(name, ast.Name))
        plain = not any(isinstance(inner, ast.Call | ast.Attribute | ast.Subscript) for inner in ast.walk(part))
        return value_of(part, numbers) if known and plain else None

    class Settle(ast.NodeTransformer):
        def visit_Call(self, node: ast.Call) -> ast.AST:
            self.generic_visit(node)
            if isinstance(node.func, ast.Name) and node.func.id == "where" and isinstance(node.args[0], ast.Compare):
                holds = number(node.args[0])
                if holds is not None:
                    return node.args[1 if holds else 2]
            return node

        def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
            self.generic_visit(node)
            exponent = number(node.right) if isinstance(node.op, ast.Pow) else None
            if exponent is None or not np.isfinite(exponent):
                return node
            if exponent == 1:
                return node.left
            settled = ast.Constant(int(exponent) if exponent == int(exponent) else exponent)
            return ast.fix_missing_locations(ast.copy_location(ast.BinOp(node.left, node.op, settled), node))

    result = Settle().visit(ast.parse(ast.unparse(tree), mode="eval").body)
    assert isinstance(result, ast.expr)
    return result


def is_same(a: Any, b: Any) -> bool:
    """Whether two arrays are one and the same memory, looked at in the same way."""
    if not isinstance(a, np.ndarray) or not isinstance(b, np.ndarray):
        return False
    start = a.__array_interface__["data"][0] == b.__array_interface__["data"][0]
    return start and a.shape == b.shape and a.strides == b.strides and a.dtype == b.dtype


def written(tree: ast.expr, names: Mapping[str, str]) -> str:
    """A formula in mathematical signs, with other names in the place of its letters.

    Examples
    --------
    >>> written(parse("g @ b.mT"), {"g": "∂L/∂y", "b": "W"})
    '∂L/∂y · Wᵀ'
    >>> written(parse("g * (1 - y * y)"), {"g": "(4, 3)", "y": "(4, 3)"})
    '(4, 3) × (1 − (4, 3) × (4, 3))'
    """
    marks: dict[str, str] = {}

    class Mark(ast.NodeTransformer):
        def visit_Name(self, node: ast.Name) -> ast.AST:
            if node.id not in names:
                return node
            mark = (
                f"\ue000{node.id}\ue001"  # signs of no meaning, so that no name is mistaken for a part of the formula
            )
            marks[mark] = names[node.id]
            return ast.Name(mark)

    copy = Mark().visit(ast.parse(ast.unparse(tree), mode="eval").body)
    text = ast.unparse(copy)
    for sign, better in SIGNS.items():
        text = text.replace(sign, better)
    if text.startswith("-"):
        text = f"−{text[1:]}"
    for mark, name in marks.items():
        if name.startswith("∂"):
            text = re.sub(rf"{mark}(?=[ᵀ²³.])", f"({name})", text)
        text = text.replace(mark, f"({name})" if name.startswith("-") else name)
    return text
