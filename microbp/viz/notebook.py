"""Tensors and modules as HTML, for notebooks.

These need no Graphviz. Both classes have them as ``_repr_html_``.
"""

from __future__ import annotations

from html import escape
from typing import Any

from microbp.tensor import Tensor
from microbp.viz.style import FONT, GRADIENT, MUTED
from microbp.viz.text import fits, matrix, number, shape_text, summary

__all__ = ["module_html", "tensor_html"]

CELL = "padding:1px 8px;text-align:right"


def tensor_html(tensor: Tensor) -> str:
    """A tensor's name, shape, dtype, values and gradient.

    Parameters
    ----------
    tensor : Tensor

    Returns
    -------
    str
        HTML; values of up to 4 by 4 elements are written out, others as mean ± standard deviation.

    Examples
    --------
    >>> import microbp
    >>> "(2,) float32" in tensor_html(microbp.tensor([1.0, 2.0]))
    True
    """
    facts = [shape_text(tensor.shape), str(tensor.dtype)]
    if tensor.requires_grad:
        facts.append("requires grad" if tensor.node is None else f"made by {tensor.node.name()}")
    name = f"<b>{escape(tensor.name)}</b> " if tensor.name else ""
    parts = [f'{name}<span style="color:{MUTED}">{escape(" ".join(facts))}</span>', array_html(tensor.array)]
    if tensor.grad is not None:
        parts += [f'<span style="color:{GRADIENT}">grad</span>', array_html(tensor.grad.array)]
    return f'<div style="font-family:{FONT}">{"".join(parts)}</div>'


def module_html(module: Any) -> str:
    """A module as it prints, and its parameters in a table: name, shape, values and gradient.

    Parameters
    ----------
    module : Module

    Returns
    -------
    str
        HTML.
    """
    rows = []
    count = 0
    for name, parameter in module.named_parameters():
        count += parameter.array.size
        gradient = "not computed" if parameter.grad is None else summary(parameter.grad.array)
        kind = "" if parameter.requires_grad else " (frozen)"
        cells = [name + kind, shape_text(parameter.shape), str(parameter.dtype), summary(parameter.array), gradient]
        rows.append("".join(f'<td style="{CELL}">{escape(cell)}</td>' for cell in cells))
    head = "".join(f'<th style="{CELL}">{title}</th>' for title in ("parameter", "shape", "dtype", "values", "grad"))
    body = "".join(f"<tr>{row}</tr>" for row in [head, *rows])
    title = f"<b>{escape(type(module).__name__)}</b>: {count:,} parameters"
    structure = f'<pre style="margin:4px 0">{escape(repr(module))}</pre>'
    return f'<div style="font-family:{FONT}">{title}{structure}<table>{body}</table></div>'


def array_html(array: Any) -> str:
    """An array as a small table, or in one line."""
    if not fits(array) or array.size == 1:
        return f"<div>{escape(number(array.item()) if array.size == 1 else summary(array))}</div>"
    rows = ("".join(f'<td style="{CELL}">{text}</td>' for text in row) for row in matrix(array))
    return f"<table>{''.join(f'<tr>{row}</tr>' for row in rows)}</table>"
