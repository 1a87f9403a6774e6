"""Formulas as MathML, which browsers draw themselves: nothing is loaded from another site.

LaTeX is turned into MathML while the pages are built; what cannot be turned is a warning.
"""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from docutils.utils.math import MathError, latex2mathml
from sphinx.application import Sphinx
from sphinx.util import logging

logger = logging.getLogger(__name__)


def mathml(latex: str, display: bool, place: nodes.Node | None = None) -> str:
    """A formula in LaTeX as a ``<math>`` element.

    Parameters
    ----------
    latex : str
    display : bool
        Whether it stands in a line of its own.
    place : Node, optional
        Where to report what cannot be read.

    Returns
    -------
    str
    """
    braced = re.sub(r"\\frac(\d)(\d)", r"\\frac{\1}{\2}", latex)  # \frac14, which docutils does not read
    try:
        return str(latex2mathml.tex2mathml(braced, as_block=display))
    except MathError as error:
        logger.warning("this formula cannot be typeset: %s: %s", latex, error, location=place)
        return ""


def visit_math(self: Any, node: nodes.math) -> None:
    self.body.append(mathml(node.astext(), display=False, place=node))
    raise nodes.SkipNode


def visit_displaymath(self: Any, node: nodes.math_block) -> None:
    self.body.append(f'<div class="math">{mathml(node.astext(), display=True, place=node)}</div>')
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_html_math_renderer("mathml", (visit_math, None), (visit_displaymath, None))
    app.config.html_math_renderer = "mathml"
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
