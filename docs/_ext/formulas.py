"""Formulas of rows, which are Python expressions, as LaTeX.

A row is found, read and written out without its being known by name: whatever Python can parse is typeset.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence

from microbp.ops.op import Op
from microbp.ops.rule import Rule

__all__ = ["forward_of", "gradient_of", "latex", "letters_of"]

LONGEST = 130
"""Formulas of more characters stand on the page as they stand in the source."""

GREEK = {"alpha": r"\alpha", "beta": r"\beta", "delta": r"\delta", "eps": r"\varepsilon", "lambd": r"\lambda"}
WORDS = {"nan": r"\mathrm{NaN}", "True": r"\text{true}", "False": r"\text{false}"}
NAMES = {**GREEK, **WORDS, "pi": r"\pi", "inf": r"\infty"}
KNOWN = {"log", "sin", "cos", "tan", "sinh", "cosh", "tanh", "arcsin", "arccos", "arctan", "det"}
OTHERWISE = {"maximum": r"\max", "minimum": r"\min"}

OR, AND, COMPARED, SUM, PRODUCT, SIGN, POWER, ATOM = range(8)
"""How tightly a part holds together."""

BINARY = {
    ast.Add: ("{} + {}", SUM),
    ast.Sub: ("{} - {}", SUM),
    ast.Mult: (r"{} \cdot {}", PRODUCT),
    ast.MatMult: (r"{} \, {}", PRODUCT),
    ast.Mod: (r"{} \bmod {}", PRODUCT),
    ast.BitOr: (r"{} \mid {}", OR),
    ast.BitXor: (r"{} \oplus {}", OR),
    ast.BitAnd: (r"{} \, \& \, {}", AND),
}
COMPARISONS = {
    ast.Eq: "=",
    ast.NotEq: r"\ne",
    ast.Lt: "<",
    ast.LtE: r"\le",
    ast.Gt: ">",
    ast.GtE: r"\ge",
}


def latex(formula: str) -> str | None:
    """A formula as LaTeX; None if it is no expression of Python, or too long to be read that way.

    Examples
    --------
    >>> latex("g * (1 - y * y)")
    'g \\\\cdot \\\\left(1 - y \\\\cdot y\\\\right)'
    >>> latex("the sum of all") is None
    True
    """
    if len(formula) > LONGEST:
        return None
    try:
        tree = ast.parse(formula, mode="eval").body
    except SyntaxError:
        return None
    return write(tree)[0]


def forward_of(row: Op) -> str | None:
    """``y = ...``, for the forward of a row."""
    typeset = latex(row.formula)
    return None if typeset is None else f"y = {typeset}"


def gradient_of(rule: Rule) -> str | None:
    """``∂L/∂a = ...``, for the rule of an argument; None if its formula is shown as it stands."""
    typeset = latex(rule.formula)
    return None if typeset is None else rf"\frac{{\partial L}}{{\partial {name(rule.argument)}}} = {typeset}"


def letters_of(row: Op) -> list[tuple[str, str | None]]:
    """What the letters stand for that the forward hands on: ``p = ...``, beside the formula that it is from."""
    typeset = ((letter.argument, letter.formula, latex(letter.formula)) for letter in row.letters.values())
    return [(formula, None if text is None else f"{name(letter)} = {text}") for letter, formula, text in typeset]


def name(text: str) -> str:
    """A name: a letter, a Greek letter, or a word."""
    if text.endswith("_shape"):
        return rf"\operatorname{{shape}}({name(text.removesuffix('_shape'))})"
    return NAMES.get(text) or (text if len(text) == 1 else rf"\text{{{text}}}")


def number(value: object) -> str:
    """A constant; of one with many digits, the first."""
    if isinstance(value, float) and len(repr(value)) > 8 and "e" not in repr(value):
        return rf"{value:.4f}\ldots"
    if isinstance(value, float) and "e" in repr(value):
        mantissa, exponent = repr(value).split("e")
        factor = "" if mantissa == "1" else rf"{mantissa} \cdot "
        return rf"{factor}10^{{{int(exponent)}}}"
    return r"\ldots" if value is Ellipsis else name(str(value)) if isinstance(value, bool | None) else str(value)


def enclosed(text: str) -> str:
    """Something in brackets."""
    return rf"\left({text}\right)"


def at_least(tree: ast.AST, level: int) -> str:
    """A part of a formula, in brackets if it would else fall apart."""
    text, own = write(tree)
    return text if own >= level else enclosed(text)


def listed(trees: Sequence[ast.AST]) -> str:
    """Several parts, with commas."""
    return ", ".join(write(tree)[0] for tree in trees)


def write(tree: ast.AST) -> tuple[str, int]:
    """A part of a formula, and how tightly it holds together."""
    match tree:
        case ast.Name(id=text):
            return name(text), ATOM
        case ast.Constant(value=value):
            return number(value), ATOM
        case ast.BinOp(left=left, op=ast.Div(), right=right):
            return rf"\frac{{{write(left)[0]}}}{{{write(right)[0]}}}", POWER
        case ast.BinOp(left=left, op=ast.FloorDiv(), right=right):
            return rf"\left\lfloor\frac{{{write(left)[0]}}}{{{write(right)[0]}}}\right\rfloor", ATOM
        case ast.BinOp(left=base, op=ast.Pow(), right=ast.Constant(value=0.5)):
            return rf"\sqrt{{{write(base)[0]}}}", ATOM
        case ast.BinOp(left=base, op=ast.Pow(), right=exponent):
            return rf"{{{at_least(base, ATOM)}}}^{{{write(exponent)[0]}}}", POWER
        case ast.BinOp(left=left, op=ast.BitOr() | ast.BitAnd() as operator, right=right) if is_condition(left):
            sign, level = (r"\lor", OR) if isinstance(operator, ast.BitOr) else (r"\land", AND)
            return f"{at_least(left, level)} {sign} {at_least(right, level)}", level
        case ast.BinOp(left=left, op=operator, right=right):
            pattern, level = BINARY[type(operator)]
            return pattern.format(at_least(left, level), at_least(right, level + 1)), level
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return f"-{at_least(operand, PRODUCT)}", PRODUCT
        case ast.UnaryOp(op=ast.Not() | ast.Invert(), operand=operand):
            return rf"\lnot {at_least(operand, SIGN)}", SIGN
        case ast.Compare(left=left, ops=operators, comparators=others):
            parts = [at_least(left, SUM)]
            for operator, other in zip(operators, others, strict=True):
                parts += [COMPARISONS[type(operator)], at_least(other, SUM)]
            return " ".join(parts), COMPARED
        case ast.Attribute(value=value, attr="mT" | "T"):
            return rf"{{{at_least(value, ATOM)}}}^{{\top}}", POWER
        case ast.Attribute(value=value, attr=attribute):
            return rf"{at_least(value, ATOM)}.\text{{{attribute}}}", ATOM
        case ast.Subscript(value=value, slice=index):
            return rf"{at_least(value, ATOM)}\left[{write(index)[0]}\right]", ATOM
        case ast.Slice(lower=lower, upper=upper):
            return ":".join("" if end is None else write(end)[0] for end in (lower, upper)), ATOM
        case ast.Tuple(elts=[one]):
            return write(one)
        case ast.Tuple(elts=parts) | ast.List(elts=parts):
            return listed(parts), ATOM
        case ast.Starred(value=value):
            return rf"{write(value)[0]}\ldots", ATOM
        case ast.Call():
            return call(tree)
        case _:
            raise NotImplementedError(f"no way to typeset {ast.unparse(tree)!r}")


def is_condition(tree: ast.AST) -> bool:
    """Whether a part is true or false."""
    match tree:
        case ast.Compare():
            return True
        case ast.BinOp(left=left, op=ast.BitOr() | ast.BitAnd()):
            return is_condition(left)
        case ast.UnaryOp(op=ast.Invert(), operand=operand):
            return is_condition(operand)
        case ast.Call(func=ast.Name(id=text)):
            return text.startswith("is")
    return False


def call(tree: ast.Call) -> tuple[str, int]:
    """A function of something; of a method, that is what it belongs to."""
    match tree:
        case ast.Call(func=ast.Name(id="where"), args=[_, _, _]):
            return cases(tree), SUM
        case ast.Call(func=ast.Name(id="exp"), args=[exponent], keywords=[]):
            return f"e^{{{write(exponent)[0]}}}", POWER
        case ast.Call(func=ast.Name(id="sqrt"), args=[value], keywords=[]):
            return rf"\sqrt{{{write(value)[0]}}}", ATOM
        case ast.Call(func=ast.Name(id="abs"), args=[value], keywords=[]):
            return rf"\left|{write(value)[0]}\right|", ATOM
        case ast.Call(func=ast.Name(id=text), args=arguments, keywords=keywords):
            parts = arguments
        case ast.Call(func=ast.Attribute(value=owner, attr=text), args=arguments, keywords=keywords):
            parts = [owner, *arguments]
        case _:
            raise NotImplementedError(f"no way to typeset {ast.unparse(tree)!r}")
    options = [rf"\text{{{option.arg}}}={write(option.value)[0]}" for option in keywords]
    inside = ", ".join([*(write(part)[0] for part in parts), *options])
    function = rf"\{text}" if text in KNOWN else OTHERWISE.get(text, rf"\operatorname{{{text}}}")
    return function + enclosed(inside), ATOM


def cases(tree: ast.AST) -> str:
    """A choice, and the choices inside its last part."""
    rows = []
    while True:
        match tree:
            case ast.Call(func=ast.Name(id="where"), args=[condition, chosen, tree]):
                rows.append(rf"{write(chosen)[0]} & {write(condition)[0]}")
            case _:
                rows.append(rf"{write(tree)[0]} & \text{{otherwise}}")
                return r"\begin{cases} " + r" \\ ".join(rows) + r" \end{cases}"
