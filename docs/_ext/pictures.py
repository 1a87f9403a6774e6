"""Says what the pictures are that code in a page makes, for those who cannot see them."""

from __future__ import annotations

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx


def describe(app: Sphinx, doctree: nodes.document) -> None:
    """Give the pictures of cells that have no words of their own some."""
    for picture in doctree.findall(nodes.image):
        if "jupyter_execute" in picture["uri"] and not picture.get("alt"):
            picture["alt"] = "what the code above draws"


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("doctree-read", describe)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
