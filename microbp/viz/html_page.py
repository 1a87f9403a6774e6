"""A page in one file: a template with its style, its script and its numbers put in.

The files of a page stand in a folder ``page/`` beside the code that fills them in; what all pages
share, in ``shared.css`` and ``shared.js`` in the folder here. A page asks for no other file and no network.
"""

from __future__ import annotations

import html
import json
import os
import re
from pathlib import Path
from typing import Any

__all__ = ["filled_in", "save"]

SHARED = Path(__file__).parent / "page"


def filled_in(template: Path, *, title: str, data: Any, **markup: str) -> str:
    """A page, made of the template with its script and style.

    Parameters
    ----------
    template : Path
        ``page/film.html``, say. ``film.css`` and ``film.js`` are beside it. Each ``{{name}}`` in it is replaced:
        ``{{title}}``, ``{{style}}``, ``{{script}}``, ``{{data}}`` and those of `markup`.
    title : str
        Plain text.
    data : object
        What the script reads, as `json` writes it.
    **markup : str
        Pieces of HTML.

    Returns
    -------
    str
    """
    style, script = (
        "".join(path.read_text(encoding="utf-8") for path in (SHARED / f"shared{suffix}", template.with_suffix(suffix)))
        for suffix in (".css", ".js")
    )
    # No tag can begin inside the data, whatever a tensor or a layer is called.
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    parts = {"title": html.escape(title), "style": style, "script": script, "data": text, **markup}
    return re.sub(r"\{\{(\w+)\}\}", lambda place: parts[place[1]], template.read_text(encoding="utf-8"))


def save(page: str, path: str | os.PathLike[str]) -> str:
    """Write a page to a file; return the path. Folders that are missing are made."""
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(page.encode("utf-8", "replace"))
    return str(target)
